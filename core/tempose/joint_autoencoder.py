"""An image of one-hot rows (3 × 512 × T) ↔ a latent of C channels × 1 × T/8: the network of our autoencoders.

A matrix from positions to the latent and one back, beside branches that learn what these leave. The encoder is local:
one latent column sees its own 8 frames only. So a reference image that is partly static pose, partly known frames
encodes column by column, and training can mix cached columns exactly. The decoder looks across columns.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.codec import TIME_STRIDE, NormalisedLatents
from tempose.diffusers_parts import DiagonalGaussianDistribution, ModelMixin
from tempose.representation import BINS, to_bins


class ResidualBlock(nn.Module):
    """Residual block; `kernel` 1 mixes channels only, a larger one neighbouring columns or frames too."""

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width) if kernel > 1 else nn.Identity()
        self.inner = nn.Conv1d(width, 2 * width, kernel, padding=kernel // 2)
        self.outer = nn.Conv1d(2 * width, width, 1)
        nn.init.zeros_(self.outer.weight)  # starts as identity: the linear path learns first
        nn.init.zeros_(bias_of(self.outer))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(F.silu(self.inner(x)))


def gather(x: Tensor) -> Tensor:
    """Frames to columns, (B, E, 8T') → (B, 8E, T')."""
    return x.unflatten(-1, (-1, TIME_STRIDE)).transpose(-1, -2).flatten(1, 2)


def spread(x: Tensor) -> Tensor:
    """Columns to frames, (B, 8E, T') → (B, E, 8T')."""
    return x.unflatten(1, (-1, TIME_STRIDE)).transpose(-1, -2).flatten(-2)


def read_rows(conv: nn.Conv1d, keypoints: Tensor, scores: Tensor) -> Tensor:
    """`conv` over the image of a joint, (B, E, T), without making the image.

    A product with a row of two neighbouring non-zero bins is a look-up; some hundred times less memory.

    Parameters
    ----------
    conv : Conv1d
        Of 3 · BINS channels and kernel 1.
    keypoints : (B, T, 2)
        In [0, 1].
    scores : (B, T)
    """
    position = to_bins(keypoints)
    low = position.floor().clamp(max=BINS - 2)  # (B, T, 2)
    share, index, seen = position - low, low.long(), (scores > 0).to(keypoints.dtype)
    table = conv.weight.reshape(-1, 3, BINS).permute(1, 2, 0)  # (3, BINS, E)
    out = scores[..., None] * table[2].sum(0)  # (B, T, E)
    for axis in range(2):
        near = torch.lerp(
            F.embedding(index[..., axis], table[axis]),
            F.embedding(index[..., axis] + 1, table[axis]),
            share[..., axis, None],
        )
        out = out + near * seen[..., None]
    return (out if conv.bias is None else out + conv.bias).transpose(1, 2)


class JointAutoencoder(NormalisedLatents, ModelMixin):
    """The modules and both ways through them; what is fixed and where learning starts is a subclass's affair."""

    CORRECTION: ClassVar[float]  # scale of what the branches add to the matrices' positions

    def _build(self, latent_channels: int, width: int, frame_width: int, outputs: int) -> None:
        """`outputs` numbers a frame come out of the branches."""
        column = frame_width * TIME_STRIDE
        self.positions = nn.Conv1d(3 * BINS, 3, 1, bias=False)
        self.stem = nn.Conv1d(3 * BINS, frame_width, 1)
        self.to_column = nn.Conv1d(column, width, 1)
        self.encoder = nn.Sequential(*[ResidualBlock(width, 1) for _ in range(2)])
        self.to_latent = nn.Conv1d(width, 2 * latent_channels, 1)
        self.short_in = nn.Conv1d(3 * TIME_STRIDE, latent_channels, 1, bias=False)
        self.short_out = nn.Conv1d(latent_channels, 3 * TIME_STRIDE, 1, bias=False)
        self.from_latent = nn.Conv1d(latent_channels, width, 3, padding=1)
        self.decoder = nn.Sequential(*[ResidualBlock(width, 3) for _ in range(2)])
        self.to_frames = nn.Conv1d(width, column, 1)
        self.frames = nn.Sequential(*[ResidualBlock(frame_width, 3) for _ in range(2)])
        self.head = nn.Conv1d(frame_width, outputs, 1)

    @torch.no_grad()
    def _start(self) -> None:
        """Positions are read off the rows, and waves of them for the branches, which add next to nothing yet."""
        width, channels = self.stem.out_channels, self.short_in.out_channels
        position = torch.linspace(-1, 1, BINS)
        weight = torch.zeros(3, 3, BINS)
        weight[0, 0] = weight[1, 1] = position
        weight[2, 2] = 1 / BINS
        self.positions.weight.copy_(weight.reshape(3, 3 * BINS, 1))
        waves = torch.stack(
            [f(torch.pi * k * position) for k in range(1, width) for f in (torch.sin, torch.cos)]
        )
        weight = torch.zeros(width, 3, BINS)
        half = width // 2
        weight[:half, 0] = weight[half:, 1] = waves[:half]
        self.stem.weight.copy_(weight.reshape(width, 3 * BINS, 1))
        bias_of(self.stem).zero_()
        nn.init.zeros_(self.to_latent.weight)
        bias_of(self.to_latent).zero_()
        bias_of(self.to_latent)[channels:] = -10  # a posterior a fraction of a bin wide
        nn.init.normal_(self.head.weight, std=0.001)
        nn.init.zeros_(bias_of(self.head))

    def encode(self, image: Tensor) -> DiagonalGaussianDistribution:
        """Images (B, 3, BINS, T), T a multiple of 8 → distribution over latents (B, C, 1, T')."""
        rows = image.flatten(1, 2)  # (B, 3 · BINS, T)
        return self._posterior(self.positions(rows), self.stem(rows))

    def encode_points(self, keypoints: Tensor, scores: Tensor) -> DiagonalGaussianDistribution:
        """The same as `encode(joint_images(keypoints, scores))`, without making the image (`read_rows`).

        keypoints (B, T, 2) in [0, 1], scores (B, T).
        """
        return self._posterior(
            read_rows(self.positions, keypoints, scores), read_rows(self.stem, keypoints, scores)
        )

    def _posterior(self, positions: Tensor, stem: Tensor) -> DiagonalGaussianDistribution:
        """Positions (B, 3, T) and stem features (B, E, T) → distribution over (B, C, 1, T')."""
        short = self.short_in(gather(positions))  # (B, C, T')
        x = self.encoder(self.to_column(gather(stem)))  # (B, D, T')
        mean, log_variance = self.to_latent(x).chunk(2, 1)
        moments = torch.cat([short + self.CORRECTION * mean, log_variance], 1)  # (B, 2C, T')
        return DiagonalGaussianDistribution(moments.float().unsqueeze(2))

    def _decoded(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, 1, T') → what the matrix (B, 3, T) and the branches (B, outputs, T) make of them."""
        latent = latent.squeeze(2)
        x = spread(self.to_frames(self.decoder(self.from_latent(latent))))  # (B, E, T)
        return spread(self.short_out(latent)).float(), self.head(self.frames(x)).float()

    def _mixtures(self, short: Tensor, branches: Tensor) -> Tensor:
        """(B, 3, T) and (B, 6M, T) → mixture parameters (B, 2, 3, M, T)."""
        weight, mean, scale = branches.unflatten(1, (2, 3, -1)).unbind(2)  # (B, 2, M, T)
        return torch.stack([weight, self.CORRECTION * mean + short[:, :2, None], scale], 2)


def bias_of(layer: nn.Conv1d) -> Tensor:
    """The bias of a layer that has one."""
    assert layer.bias is not None
    return layer.bias

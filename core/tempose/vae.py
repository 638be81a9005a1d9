"""The VAE shared by all joints: an image of one-hot rows (3 × 512 × T) ↔ a latent of C channels × 1 × T/8.

The encoder is local: one latent column sees its own 8 frames only. So a reference image that is partly static
pose, partly known frames encodes column by column, and training can mix cached columns exactly. The decoder
looks across columns. Its output is a classifier over the 512 bins whose logits are a mixture of discretised
logistics (Salimans et al. 2017, arXiv 1701.05517): a few numbers say where the hot bin is, so precision below
one bin is learned in minutes where 512 free logits take hours.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.diffusers_parts import ConfigMixin, DiagonalGaussianDistribution, ModelMixin, register_to_config
from tempose.representation import BINS, from_bins, to_bins

TIME_STRIDE = 8
FINE = 1 / 64  # scale of the learned corrections: a step of the optimiser must not move a joint by bins


def _bias(layer: nn.Conv1d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


class _Block(nn.Module):
    """Residual block; `kernel` 1 mixes channels only, a larger one neighbouring columns or frames too."""

    def __init__(self, width: int, kernel: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width) if kernel > 1 else nn.Identity()
        self.inner = nn.Conv1d(width, 2 * width, kernel, padding=kernel // 2)
        self.outer = nn.Conv1d(2 * width, width, 1)
        nn.init.zeros_(self.outer.weight)  # starts as identity: the linear path learns first
        nn.init.zeros_(_bias(self.outer))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(F.silu(self.inner(x)))


def _gather(x: Tensor) -> Tensor:
    """Frames to columns, (B, E, 8T') → (B, 8E, T')."""
    return x.unflatten(-1, (-1, TIME_STRIDE)).transpose(-1, -2).flatten(1, 2)


def _spread(x: Tensor) -> Tensor:
    """Columns to frames, (B, 8E, T') → (B, E, 8T')."""
    return x.unflatten(1, (-1, TIME_STRIDE)).transpose(-1, -2).flatten(-2)


class Codec(Protocol):
    """What stands between poses and latents, normalised to about unit scale for the transformer."""

    def encode_linear(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """Keypoints (B, T, 2) in [0, 1] and scores (B, T) → latents (B, C, W, T')."""
        ...

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents → mixtures (B, 2, 3, M, T) and confidence logits (B, T)."""
        ...

    def normalised(self, latent: Tensor) -> Tensor: ...

    def denormalised(self, latent: Tensor) -> Tensor: ...


@runtime_checkable
class LinearCodec(Codec, Protocol):
    """One whose positions are linear in the latent: they can be read and changed without decoding."""

    def linear_positions(self, latent: Tensor) -> Tensor: ...

    def linear_change(self, change: Tensor) -> Tensor: ...

    def normalised_change(self, change: Tensor) -> Tensor: ...


class NormalisedLatents:
    """Latents as the transformer sees them, from each channel's mean and scale."""

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and scale, (C, 1, 1) each."""
        raise NotImplementedError

    def normalised(self, latent: Tensor) -> Tensor:
        """Latents (..., C, 1, T') to about zero mean and unit scale."""
        mean, std = self._statistics(latent)
        return (latent - mean) / std

    def denormalised(self, latent: Tensor) -> Tensor:
        """The inverse of `normalised`."""
        mean, std = self._statistics(latent)
        return latent * std + mean

    def normalised_change(self, change: Tensor) -> Tensor:
        """A difference of two latents → the difference of the normalised ones."""
        return change / self._statistics(change)[1]


class PoseVAE(NormalisedLatents, ModelMixin, ConfigMixin):
    """Autoencoder of joint images.

    Parameters
    ----------
    latent_channels : int
    width, frame_width : int
        Channels at column rate and at frame rate.
    mixtures : int
        Logistic components per coordinate.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 18,
        width: int = 160,
        frame_width: int = 64,
        mixtures: int = 3,
        latent_mean: list[float] | None = None,
        latent_std: list[float] | None = None,
    ):
        super().__init__()
        column = frame_width * TIME_STRIDE
        self.positions = nn.Conv1d(3 * BINS, 3, 1, bias=False)
        self.stem = nn.Conv1d(3 * BINS, frame_width, 1)
        self.to_column = nn.Conv1d(column, width, 1)
        self.encoder = nn.Sequential(*[_Block(width, 1) for _ in range(2)])
        self.to_latent = nn.Conv1d(width, 2 * latent_channels, 1)
        self.short_in = nn.Conv1d(3 * TIME_STRIDE, latent_channels, 1, bias=False)
        self.short_out = nn.Conv1d(latent_channels, 3 * TIME_STRIDE, 1, bias=False)
        self.from_latent = nn.Conv1d(latent_channels, width, 3, padding=1)
        self.decoder = nn.Sequential(*[_Block(width, 3) for _ in range(2)])
        self.to_frames = nn.Conv1d(width, column, 1)
        self.frames = nn.Sequential(*[_Block(frame_width, 3) for _ in range(2)])
        self.head = nn.Conv1d(frame_width, 2 * 3 * mixtures + 1, 1)
        self._start_from_positions()

    @torch.no_grad()
    def _start_from_positions(self) -> None:
        """A plain transform that stays as it is, beside the branches that learn.

        Positions are read off the rows and cosine-transformed over 8 frames; both are linear in the image. The
        learned branches add what that leaves: confidence, how sure each bin is, what lies between columns.
        """
        width, channels = self.config["frame_width"], self.config["latent_channels"]
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
        _bias(self.stem).zero_()

        k, n = torch.arange(TIME_STRIDE)[:, None], torch.arange(TIME_STRIDE)
        cosine = torch.cos(torch.pi * k * (n + 0.5) / TIME_STRIDE) * (2 / TIME_STRIDE) ** 0.5
        cosine[0] /= 2**0.5  # (8, 8), orthonormal
        # Waves of x and y from slow to fast in turn; the two slowest of confidence close the row.
        order = [(axis, wave) for wave in range(TIME_STRIDE) for axis in (0, 1)][: channels - 2]
        basis = torch.zeros(channels, 3, TIME_STRIDE)
        for channel, (axis, wave) in enumerate([*order, (2, 0), (2, 1)]):
            basis[channel, axis] = cosine[wave]
        self.short_in.weight.copy_(basis.reshape(channels, -1, 1))
        self.short_out.weight.copy_(basis.reshape(channels, -1).T.unsqueeze(-1))
        for fixed in (self.positions, self.short_in, self.short_out):
            fixed.requires_grad_(False)

        nn.init.zeros_(self.to_latent.weight)
        _bias(self.to_latent).zero_()
        _bias(self.to_latent)[channels:] = -10  # a posterior a fraction of a bin wide
        nn.init.normal_(self.head.weight, std=0.001)
        nn.init.zeros_(_bias(self.head))

    # --- encoder ---

    def encode(self, image: Tensor) -> DiagonalGaussianDistribution:
        """Images (B, 3, BINS, T), T a multiple of 8 → distribution over latents (B, C, 1, T')."""
        batch, _, _, frames = image.shape
        rows = image.reshape(batch, 3 * BINS, frames)
        return self._posterior(self.positions(rows), self.stem(rows))

    def encode_points(self, keypoints: Tensor, scores: Tensor) -> DiagonalGaussianDistribution:
        """The same as `encode(joint_images(keypoints, scores))`, without making the image.

        A product with a row of two neighbouring non-zero bins is a look-up; some hundred times less memory.
        keypoints (B, T, 2) in [0, 1], scores (B, T).
        """
        position = to_bins(keypoints)
        low = position.floor().clamp(max=BINS - 2)  # (B, T, 2)
        share, index, seen = position - low, low.long(), (scores > 0).to(keypoints.dtype)

        def read(conv: nn.Conv1d) -> Tensor:
            table = conv.weight.reshape(-1, 3, BINS).permute(1, 2, 0)  # (3, BINS, E)
            out = scores[..., None] * table[2].sum(0)  # (B, T, E)
            for axis in range(2):
                near = torch.lerp(
                    F.embedding(index[..., axis], table[axis]),
                    F.embedding(index[..., axis] + 1, table[axis]),
                    share[..., axis, None],
                )
                out = out + near * seen[..., None]
            return (out if conv.bias is None else out + conv.bias).transpose(1, 2)  # (B, E, T)

        return self._posterior(read(self.positions), read(self.stem))

    def encode_linear(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """The mean of `encode_points` (B, C, 1, T') by the fixed transform alone, at a hundredth of the cost.

        The learned correction of the mean is some 1e-3 of a channel's spread where positions are, more in the
        two channels of confidence. The transformer is trained on these latents and must be given the same:
        with the corrections its dancers came out up to 1.6 times too large.
        """
        seen = (scores > 0).to(keypoints.dtype)[..., None]
        rows = torch.cat([(2 * keypoints.clamp(0, 1) - 1) * seen, scores[..., None]], -1)  # (B, T, 3)
        return self.short_in(_gather(rows.transpose(1, 2))).unsqueeze(2)

    def _posterior(self, positions: Tensor, stem: Tensor) -> DiagonalGaussianDistribution:
        """Positions (B, 3, T) and stem features (B, E, T) → distribution over (B, C, 1, T')."""
        short = self.short_in(_gather(positions))  # (B, C, T')
        x = self.encoder(self.to_column(_gather(stem)))  # (B, D, T')
        mean, log_variance = self.to_latent(x).chunk(2, 1)
        moments = torch.cat([short + FINE * mean, log_variance], 1)  # (B, 2C, T')
        return DiagonalGaussianDistribution(moments.float().unsqueeze(2))

    # --- decoder ---

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, 1, T') → mixture parameters (B, 2, 3, M, T) and confidence logits (B, T)."""
        batch = len(latent)
        latent = latent.squeeze(2)
        x = _spread(self.to_frames(self.decoder(self.from_latent(latent))))  # (B, E, T)
        x = self.head(self.frames(x)).float()  # (B, 6M + 1, T)
        short = _spread(self.short_out(latent)).float()  # (B, 3, T): x, y, confidence
        weight, mean, scale = x[:, :-1].reshape(batch, 2, 3, self.config["mixtures"], -1).unbind(2)
        mixtures = torch.stack([weight, FINE * mean + short[:, :2, None], scale], 2)
        return mixtures, x[:, -1] + 8 * short[:, 2] - 4

    def linear_positions(self, latent: Tensor) -> Tensor:
        """Latents (..., C, 1, T') → positions (..., T, 2) in [0, 1] by the fixed transform alone.

        Within a fraction of a bin of `decode`, and linear: what training losses on motion need.
        """
        frames = torch.einsum("fc,...ct->...ft", self.short_out.weight.squeeze(-1), latent.squeeze(-2))
        frames = frames.unflatten(-2, (3, TIME_STRIDE))[..., :2, :, :]  # (..., 2, 8, T')
        return (frames.transpose(-1, -2).flatten(-2).transpose(-1, -2) + 1) / 2

    def linear_change(self, change: Tensor) -> Tensor:
        """A change of positions (..., T, 2) → the change of the latent (..., C, 1, T'): `linear_positions` undone.

        What it takes to correct a latent where a body needs it without decoding and encoding the rest.
        """
        rows = F.pad(2 * change, (0, 1))  # (..., T, 3), confidence unchanged
        rows = rows.unflatten(-2, (-1, TIME_STRIDE)).movedim(-1, -3).transpose(-1, -2)  # (..., 3, 8, T')
        weight = self.short_in.weight.squeeze(-1)
        return torch.einsum("cf,...ft->...ct", weight, rows.flatten(-3, -2)).unsqueeze(-2)

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        channels = self.config["latent_channels"]
        mean = self.config["latent_mean"] or [0.0] * channels
        std = self.config["latent_std"] or [1.0] * channels
        return like.new_tensor(mean)[:, None, None], like.new_tensor(std)[:, None, None]


def mixture_logits(mixtures: Tensor, bins: Tensor) -> Tensor:
    """Log-probability of bins under the mixture.

    Parameters
    ----------
    mixtures : (..., 3, M, T)
        Weight logits, means (in half canvases from the centre) and log-scales (in e-folds from 2 bins).
    bins : (..., N, T)
        Bin positions, whole or fractional.

    Returns
    -------
    (..., N, T)
    """
    weight, mean, scale = (m.unsqueeze(-2) for m in mixtures.unbind(-3))  # (..., M, 1, T)
    centre = (mean + 1) * (BINS - 1) / 2
    inverse = torch.exp(-(scale.clamp(-2.5, 6))) / 2  # 1 / scale in bins: 0.16 bins at the sharpest
    distance = bins.unsqueeze(-3) - centre  # (..., M, N, T)
    upper, lower = (distance + 0.5) * inverse, (distance - 0.5) * inverse
    # log(sigmoid(u) - sigmoid(l)), stable in both tails
    log_mass = (
        F.logsigmoid(upper)
        + F.logsigmoid(-lower)
        + torch.log(-torch.expm1(-(upper - lower)).clamp_max(-1e-9))
    )
    return torch.logsumexp(F.log_softmax(weight, -3) + log_mass, -3)


def reconstruction_loss(mixtures: Tensor, confidence: Tensor, keypoints: Tensor, scores: Tensor) -> Tensor:
    """Cross-entropy of the split one-hot rows and of the confidence, in nats per joint and frame.

    mixtures (B, 2, 3, M, T), confidence (B, T), keypoints (B, T, 2), scores (B, T).
    """
    position = to_bins(keypoints.transpose(-1, -2))  # (B, 2, T)
    low = position.floor().clamp(max=BINS - 2)
    share = position - low
    logits = mixture_logits(mixtures, torch.stack([low, low + 1], -2))  # (B, 2, 2, T)
    nats = -((1 - share) * logits[..., 0, :] + share * logits[..., 1, :])  # (B, 2, T)
    seen = (scores > 0).float()
    bce = F.binary_cross_entropy_with_logits(confidence, scores)
    return (nats.sum(1) * seen).sum() / seen.sum().clamp_min(1) + 2 * bce


def decode_mixtures(mixtures: Tensor) -> Tensor:
    """Mixture parameters (..., 3, M, T) → coordinates (..., T) in [0, 1]: the hot bin, then below the bin.

    The most massive component is the classifier's answer; its centre is the softmax mean around its hot bin
    without the rounding.
    """
    weight, mean, scale = mixtures.unbind(-3)  # (..., M, T)
    peak = F.log_softmax(weight, -2) - scale.clamp(-2.5, 6)  # height of each component's peak
    best = peak.argmax(-2, keepdim=True)
    centre = (mean.gather(-2, best).squeeze(-2) + 1) * (BINS - 1) / 2
    return from_bins(centre).clamp(0, 1)

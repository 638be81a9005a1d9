"""What the transformer is told, as vectors: numbers, music, curves, the song and what was danced before.

Letters in shape comments as in `tempose.dit`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tempose.attention import RMSNorm, attend
from tempose.codec import TIME_STRIDE
from tempose.memory import LONGEST
from tempose.music.features import WHOLE_SONG


def _waves(x: Tensor, width: int, longest: float = 10_000.0) -> Tensor:
    """Sines and cosines of scalars (B,) → (B, width), as in DDPM and DiT."""
    frequencies = longest ** (-torch.arange(width // 2, device=x.device) / (width // 2))
    angles = x[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1)


class ScalarEmbedder(nn.Module):
    """A number per sample → a vector; `missing` entries get a learned vector of their own."""

    def __init__(self, width: int, scale: float = 1000.0):
        super().__init__()
        self.scale = scale
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.null = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, missing: Tensor | None = None) -> Tensor:
        out = self.mlp(_waves(x * self.scale, 256).to(self.null.dtype))  # (B, D)
        return out if missing is None else torch.where(missing[:, None], self.null, out)


class MusicEmbedder(nn.Module):
    """Music features of the 8 frames under each latent column → one token, keeping all 8 sub-steps."""

    def __init__(self, features: int, width: int):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(TIME_STRIDE * features, width), nn.SiLU(), nn.Linear(width, width))
        self.null = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, music: Tensor, missing: Tensor) -> Tensor:
        batch, frames, features = music.shape
        x = music.reshape(batch, frames // TIME_STRIDE, TIME_STRIDE * features)  # (B, T, 8F)
        return torch.where(missing[:, None, None], self.null, self.mlp(x))  # (B, T, D)


class GivenEmbedder(nn.Linear):
    """Numbers of the 8 frames under each latent column, and which of them are given → (B, T, D).

    NaN is not given. Starts without effect.
    """

    def __init__(self, numbers: int, width: int):
        super().__init__(TIME_STRIDE * 2 * numbers, width, bias=False)
        nn.init.zeros_(self.weight)

    def forward(self, values: Tensor) -> Tensor:
        given = torch.cat([values.nan_to_num(0.0), (~values.isnan()).to(values.dtype)], -1)  # (B, 8T, 2N)
        return super().forward(given.unflatten(1, (-1, TIME_STRIDE)).flatten(2))


class Context(nn.Module):
    """Pose tokens look at what lies outside the window: the song as a whole, and poses danced before.

    One attention with a residual, whose way out starts at zero: weights from before it dance as they did.
    """

    def __init__(self, width: int, heads: int, joints: int, song: bool, memory: bool):
        super().__init__()
        self.heads = heads

        def embedder(numbers: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(numbers, width), nn.SiLU(), nn.Linear(width, width))

        self.song_in = embedder(WHOLE_SONG.width) if song else None
        self.pose_in = embedder(3 * joints + 1) if memory else None
        self.nothing = nn.Parameter(
            torch.randn(width) * 0.02
        )  # always there, to be looked at where nothing is
        self.norm = RMSNorm(width)
        self.query, self.key_value = (
            nn.Linear(width, width, bias=False),
            nn.Linear(width, 2 * width, bias=False),
        )
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, song: Tensor | None, memory: Tensor | None, ago: Tensor | None) -> Tensor:
        """Pose tokens (B, N, D) with what they see added; what is NaN (see `dit.DanceDiT.forward`) is not there."""
        tokens, there = [self.nothing.expand(len(x), 1, -1)], [x.new_ones(len(x), 1, dtype=torch.bool)]
        if self.song_in is not None and song is not None:
            tokens.append(self.song_in(song.nan_to_num(0.0))[:, None])  # (B, 1, D)
            there.append(~song.isnan().any(1, keepdim=True))
        if self.pose_in is not None and memory is not None and ago is not None:
            poses = torch.cat([memory.nan_to_num(0.0).flatten(2), (ago / LONGEST)[..., None]], -1)
            tokens.append(self.pose_in(poses))  # (B, M, D)
            there.append(~memory.isnan().flatten(2).any(2))
        context, seen = torch.cat(tokens, 1), torch.cat(there, 1)  # (B, C, D), (B, C)
        q = self._heads(self.query(self.norm(x)))  # (B, H, N, D/H)
        k, v = (self._heads(part) for part in self.key_value(context).chunk(2, -1))
        y = attend(q, k, v, seen[:, None, None])
        return x + self.out(y.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        """(B, N, D) → (B, H, N, D/H)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

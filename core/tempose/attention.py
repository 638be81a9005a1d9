"""What the transformer's layers are made of: attention, rotary positions, a norm. Letters as in `tempose.dit`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rotary_angles(positions: Tensor, head: int) -> Tensor:
    """Angles (N, head/2) of three-axis positions (N, 3): a quarter, a quarter and half of the head."""
    parts = []
    for axis, size in enumerate((head // 4, head // 4, head // 2)):
        frequencies = 1000.0 ** (-torch.arange(0, size, 2, device=positions.device) / size)
        parts.append(positions[:, axis, None].float() * frequencies)
    return torch.cat(parts, -1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs of (B, H, N, head) by angles (N, head/2)."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
    """Attention over (B, H, N, D/H), to keys that are `seen` (B, 1, 1, N). On a CPU the fused kernel's backward pass
    is slower than plain products."""
    if q.device.type == "cpu" and torch.is_grad_enabled():
        likeness = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if seen is not None:
            likeness = likeness.masked_fill(~seen, -torch.inf)
        return likeness.softmax(-1) @ v
    return F.scaled_dot_product_attention(q, k, v, seen)


class RMSNorm(nn.RMSNorm):
    """As torch's, but in the input's own precision, so that bf16 takes the fused path."""

    def forward(self, x: Tensor) -> Tensor:
        weight = None if self.weight is None else self.weight.to(x.dtype)
        return F.rms_norm(x, self.normalized_shape, weight, self.eps)

"""Smoothing over time, batched."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(values: Tensor, frames: float) -> Tensor:
    """(B, T) smoothed by a Gaussian of that many frames, cut off at three of them; ends continue as they end."""
    radius = int(3 * frames)
    offsets = torch.arange(-radius, radius + 1, device=values.device)
    kernel = (-0.5 * (offsets / frames) ** 2).exp()
    return _convolved(values, kernel / kernel.sum())


def moving_mean(values: Tensor, frames: int) -> Tensor:
    """(B, T) each frame the mean of an odd number of frames around it; ends continue as they end."""
    return _convolved(values, torch.full((frames,), 1 / frames, device=values.device))


def _convolved(values: Tensor, kernel: Tensor) -> Tensor:
    radius = len(kernel) // 2
    padded = F.pad(values[:, None], (radius, radius), mode="replicate")
    return F.conv1d(padded, kernel[None, None].to(values.dtype))[:, 0]

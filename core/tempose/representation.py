"""One-hot rows: every coordinate of every joint at every frame is one row of 512 bins.

One joint is one image of 512 bins × T frames with three channels: its x rows, its y rows, and its confidence.
So one VAE serves every joint of every skeleton, and any image VAE of three channels fits the same door.
Source of the one-hot image: arXiv 2512.11720; the split into one image per joint and the split of a row's mass
between two neighbouring bins (which keeps the position below the bin) are ours.
"""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 512


def to_bins(coordinates: Tensor) -> Tensor:
    """[0, 1] → fractional bin positions [0, 511]."""
    return coordinates.clamp(0, 1) * (BINS - 1)


def from_bins(positions: Tensor) -> Tensor:
    """Fractional bin positions → [0, 1]."""
    return positions / (BINS - 1)


def one_hot_rows(coordinates: Tensor, split: bool = True) -> Tensor:
    """Rows of bins, (..., T) in [0, 1] → (..., BINS, T).

    With `split` the unit mass is shared by the two bins next to the position, in inverse proportion to the
    distance, else it goes to the nearest bin as in the paper.
    """
    position = to_bins(coordinates)
    if not split:
        position = position.round()
    low = position.floor().clamp(max=BINS - 2)
    share = (position - low).unsqueeze(-2)  # (..., 1, T)
    rows = torch.zeros(*coordinates.shape[:-1], BINS, coordinates.shape[-1], dtype=coordinates.dtype)
    rows = rows.to(coordinates.device)
    index = low.long().unsqueeze(-2)
    rows.scatter_(-2, index, 1 - share)
    rows.scatter_(-2, index + 1, share)
    return rows


def joint_images(keypoints: Tensor, scores: Tensor, split: bool = True) -> Tensor:
    """Keypoints (..., T, 2) and scores (..., T) of joints → images (..., 3, BINS, T).

    A joint that is not there (score 0) is an all-zero column in all three channels.
    """
    rows = one_hot_rows(keypoints.transpose(-1, -2), split)  # (..., 2, BINS, T)
    seen = (scores > 0).to(rows.dtype)[..., None, None, :]
    confidence = scores[..., None, None, :].expand(*scores.shape[:-1], 1, BINS, scores.shape[-1])
    return torch.cat([rows * seen, confidence.to(rows.dtype)], -3)


def certainty(logits: Tensor, window: int = 3) -> Tensor:
    """Logits over bins (..., BINS, T) → (..., T): how narrow the distribution is, 0 to 1.

    Its mass within `window` bins of the hottest one: 1 where one place is meant, next to nothing where all are alike.
    """
    best = logits.argmax(-2, keepdim=True)
    bins = torch.arange(BINS, device=logits.device)[:, None]
    return (logits.softmax(-2) * ((bins - best).abs() <= window)).sum(-2)


def decode_rows(logits: Tensor, window: int = 3) -> Tensor:
    """Logits over bins (..., BINS, T) → coordinates (..., T) in [0, 1], below the bin.

    A softmax over the `window` bins on each side of the largest one; 0 gives the paper's hard argmax.
    """
    best = logits.argmax(-2, keepdim=True)  # (..., 1, T)
    near = best + torch.arange(-window, window + 1, device=logits.device)[:, None]  # (..., 2w+1, T)
    inside = (near >= 0) & (near < BINS)
    near = near.clamp(0, BINS - 1)
    weights = logits.gather(-2, near).masked_fill(~inside, float("-inf")).softmax(-2)
    return from_bins((weights * near).sum(-2))

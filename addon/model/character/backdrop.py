# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the character in a picture. No bpy in here."""

import numpy as np

from ..errors import Problem

WORKING = 384  # pixels along the longer side on which the backdrop is looked for
BUSY = 0.4  # share of the picture's edge that stays, from which on its background is no plain one
SOFT = 0.4  # of a mask's values, over which the figure's edge fades


def alpha_of(pixels: np.ndarray, tolerance: float) -> np.ndarray:
    """(H, W) which share of each pixel belongs to the character.

    A picture with clear parts says it itself. In any other, the backdrop is what can be reached from the edge
    through colours like those at the edge.

    Parameters
    ----------
    pixels : (H, W, 4) float
        0 to 1, the first row on top.
    tolerance : float
        Greatest distance of two colours that count as one, 0 to 1.
    """
    alpha = pixels[..., 3]
    if (alpha < 0.5).mean() > 0.005:
        return alpha
    step = max(1, int(np.ceil(max(alpha.shape) / WORKING)))
    small = pixels[::step, ::step, :3]
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    shades = np.unique(np.round(edge * 8) / 8, axis=0)
    like = np.zeros(small.shape[:2], bool)
    for shade in shades:
        nearby = edge[np.abs(edge - shade).max(1) <= 1 / 8]
        if len(nearby) > 0.05 * len(edge):  # a sleeve that touches the edge is no backdrop
            like |= np.linalg.norm(small - np.median(nearby, axis=0), axis=-1) <= tolerance * 3**0.5
    outside = _reached(like)
    if outside.mean() > 0.995:
        raise Problem(
            "picture_empty", "Nothing stands out from the background of this picture. Lower the tolerance."
        )
    wide = np.repeat(np.repeat(outside, step, 0), step, 1)[: alpha.shape[0], : alpha.shape[1]]
    return np.where(wide, 0.0, alpha)


def cut_by_mask(alpha: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What belongs to the character where no plain backdrop could be taken away: what the mask says.

    Parameters
    ----------
    alpha : (H, W) float
        As `alpha_of` has found it; returned as it is where most of the picture's edge was taken away.
    mask : (h, w) uint8
        How surely each part of the picture, made smaller, is the character.
    """
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    if (edge > 0.5).mean() < BUSY:
        return alpha
    rows, columns = (
        np.clip((np.arange(n) + 0.5) * m / n - 0.5, 0, m - 1)
        for n, m in zip(alpha.shape, mask.shape, strict=True)
    )
    top, left = (
        np.minimum(at.astype(int), max(m - 2, 0)) for at, m in zip((rows, columns), mask.shape, strict=True)
    )
    down, right = (rows - top)[:, None], (columns - left)[None]
    below, beside = np.minimum(top + 1, mask.shape[0] - 1), np.minimum(left + 1, mask.shape[1] - 1)
    values = mask.astype(float) / 255
    upper = values[np.ix_(top, left)] * (1 - right) + values[np.ix_(top, beside)] * right
    lower = values[np.ix_(below, left)] * (1 - right) + values[np.ix_(below, beside)] * right
    sure = upper * (1 - down) + lower * down
    return alpha * np.clip((sure - 0.5) / SOFT + 0.5, 0, 1)


def _reached(free: np.ndarray) -> np.ndarray:
    """Which free cells hang together with the edge."""
    padded = np.pad(free, 1, constant_values=True)
    found = np.zeros_like(padded)
    found[[0, -1]] = found[:, [0, -1]] = True
    while True:
        before = int(found.sum())
        _sweep(found, padded)
        if int(found.sum()) == before:
            return found[1:-1, 1:-1]


def _sweep(found: np.ndarray, free: np.ndarray) -> None:
    """Carry `found` on through free cells, once in each of the four directions."""
    for view, open_ in ((found, free), (found[::-1], free[::-1])):
        for i in range(1, len(view)):
            view[i] |= view[i - 1] & open_[i]
    for view, open_ in ((found.T, free.T), (found.T[::-1], free.T[::-1])):
        for i in range(1, len(view)):
            view[i] |= view[i - 1] & open_[i]

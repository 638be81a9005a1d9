# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of a picture: widened, softened, and measured from their edge. No bpy in here."""

import numpy as np


def blurred(values: np.ndarray) -> np.ndarray:
    """Values (H, W), each averaged with its neighbours."""
    for axis in (0, 1):
        padded = np.concatenate([values.take([0], axis), values, values.take([-1], axis)], axis)
        n = values.shape[axis]
        values = (padded.take(range(n), axis) + 2 * values + padded.take(range(2, n + 2), axis)) / 4
    return values


def rim(alpha: np.ndarray, wide: int) -> np.ndarray:
    """(H, W) bool: within so many pixels of the figure's edge."""
    return dilated(np.pad(alpha < 0.4, 1, constant_values=True), wide)[1:-1, 1:-1]


def dilated(mask: np.ndarray, by: int) -> np.ndarray:
    """The mask (H, W), wider by some pixels: alternately along the axes and the diagonals, which is nearly round."""
    for turn in range(by):
        out = mask.copy()
        out[1:] |= mask[:-1]
        out[:-1] |= mask[1:]
        if turn % 2:
            mask = out.copy()
        out[:, 1:] |= mask[:, :-1]
        out[:, :-1] |= mask[:, 1:]
        mask = out
    return mask


def depths(solid: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the edge, in pixels."""
    depth, left = np.zeros(solid.shape), solid.copy()
    while left.any():
        depth += left
        inner = left.copy()
        for axis in (0, 1):
            for step in (1, -1):
                inner &= np.roll(left, step, axis)
        left = inner
    return depth

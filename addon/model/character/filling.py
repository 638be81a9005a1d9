# SPDX-License-Identifier: GPL-3.0-or-later
"""Unknown colours filled in from those around, by pull-push over an image pyramid. No bpy in here.

After Gortler et al., The Lumigraph (1996), 3.4: known colours are averaged down until none is missing, then carried
up again into the gaps alone.
"""

import numpy as np


def filled(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The picture with its unknown pixels filled in smoothly; known ones stay as they are.

    Parameters
    ----------
    colours : (H, W, C) float
    known : (H, W) float
        0 to 1: how much each pixel counts.

    Returns
    -------
    (H, W, C) float32
    """
    colours, known = np.asarray(colours, np.float32), np.asarray(known, np.float32)[..., None]
    height, width = colours.shape[:2]
    if min(known.min(initial=1.0), 1.0) >= 1 or max(height, width) <= 1:
        return colours
    pads = [(0, height % 2), (0, width % 2), (0, 0)]
    wide, sure = np.pad(colours * known, pads), np.pad(known, pads)
    quarters = [(slice(i, None, 2), slice(j, None, 2)) for i in (0, 1) for j in (0, 1)]
    weight = sum((sure[q] for q in quarters), np.zeros(1, np.float32))
    mean = sum((wide[q] for q in quarters), np.zeros(1, np.float32)) / np.maximum(weight, 1e-6)
    below = filled(mean, np.minimum(weight, 1)[..., 0])
    return colours * known + _doubled(below)[:height, :width] * (1 - known)


def _doubled(small: np.ndarray) -> np.ndarray:
    """Twice the size, smoothly."""
    for axis in (0, 1):
        padded = np.concatenate([small.take([0], axis), small, small.take([-1], axis)], axis)
        count = small.shape[axis]
        middle, before, after = (padded.take(range(k, k + count), axis) for k in (1, 0, 2))
        pair = np.stack([0.75 * middle + 0.25 * before, 0.75 * middle + 0.25 * after], axis + 1)
        shape = list(small.shape)
        shape[axis] *= 2
        small = pair.reshape(shape)
    return small

# SPDX-License-Identifier: GPL-3.0-or-later
"""A new curve led through the keys that an artist set, so that none of them becomes a spike. No bpy in here."""

from collections.abc import Callable

import numpy as np


def lead(
    values_at: Callable[[np.ndarray], np.ndarray],
    frames: np.ndarray,
    values: np.ndarray,
    reach: float,
    ends: tuple[float, float],
    angle: bool = False,
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """What to add to a curve so that it passes through some keys, and to these so that they do not spin.

    Parameters
    ----------
    values_at : callable
        The curve's values at any frames.
    frames, values : (N,) float
        The keys, one or more.
    reach : float
        Frames on either side of a key over which the curve approaches and leaves it.
    ends : (float, float)
        Frames before and after which the curve must not change.
    angle : bool
        Whether values are radians, in which whole turns do not count.

    Returns
    -------
    by : callable
        Frames → what to add to the curve; zero farther than `reach` from all keys.
    turns : (N,) float
        Whole turns to add to the keys.
    """
    frames = np.asarray(frames, float)
    misses = np.asarray(values, float) - values_at(frames)
    turns = -2 * np.pi * np.round(misses / (2 * np.pi)) if angle else np.zeros(len(frames))
    misses = misses + turns
    before, after = (np.clip(side, 1e-3, reach) for side in (frames - ends[0], ends[1] - frames))

    def by(at: np.ndarray) -> np.ndarray:
        away = np.asarray(at, float)[:, None] - frames
        away = np.where(away < 0, -away / before, away / after)
        weight = 0.5 + 0.5 * np.cos(np.pi * np.minimum(away, 1))
        share = weight / (1 - weight + 1e-9)  # the nearest key counts most
        share /= np.maximum(share.sum(1, keepdims=True), 1e-12)
        return weight.max(1) * (share @ misses)

    return by, turns

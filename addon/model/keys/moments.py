# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments of a dance that deserve a key: hits on beats, holds, extremes. No bpy in here."""

from collections.abc import Sequence

import numpy as np

HOLD_SECONDS = 0.2
FAST = 10.0  # pixels of all joints together in a frame: a smaller move does not hit a beat
HOLD = 0.6  # pixels; anything that moves less is held
CALM = 0.55  # of the surrounding pace: below it, a pose is an extreme
AROUND = 8  # frames to either side that an extreme is compared with


def pace_of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How fast (T,), per frame, channels (T, C) with these weights move the joints."""
    if len(values) < 2:
        return np.zeros(len(values))
    return np.sqrt(((np.gradient(values, axis=0) * weights) ** 2).sum(1))


def turning(pace: np.ndarray, hits: Sequence[int] | np.ndarray, near: int = 3) -> np.ndarray:
    """The beats at which something stops or reverses: it is much slower there than just before or after."""
    out = []
    for hit in hits:
        if 0 < hit < len(pace) - 1:
            around = pace[max(hit - near, 0) : hit + near + 1]
            if around.max() > FAST and pace[hit - 1 : hit + 2].min() < 0.4 * around.max():
                out.append(hit)
    return np.asarray(out, int)


def holds(moved: np.ndarray, rate: float) -> np.ndarray:
    """(T,) bool: within stretches of `HOLD_SECONDS` or more in which none of the pixels (T, C) moves by `HOLD`."""
    size = max(round(HOLD_SECONDS * rate), 3)
    held = np.zeros(len(moved), bool)
    if len(moved) < size:
        return held
    windows = np.lib.stride_tricks.sliding_window_view(moved, size, axis=0)
    calm = (np.ptp(windows, axis=2) <= HOLD).all(1)
    for start in np.flatnonzero(calm):
        held[start : start + size] = True
    return held


def extremes(pace: np.ndarray) -> np.ndarray:
    """Frames at which the figure is slowest between two moves, where it reaches a pose."""
    count, found = len(pace), []
    calm = np.convolve(np.pad(pace, 1, mode="edge"), [0.25, 0.5, 0.25], "valid") if count > 2 else pace
    for t in range(1, count - 1):
        if calm[t] <= calm[t - 1] and calm[t] < calm[t + 1]:
            before, after = calm[max(t - AROUND, 0) : t], calm[t + 1 : t + 1 + AROUND]
            if calm[t] < CALM * min(before.max(), after.max()):
                found.append(t)
    return np.array(found, int)

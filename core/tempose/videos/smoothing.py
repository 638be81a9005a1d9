"""Removing jitter from joints that were found frame by frame, while keeping hits.

A One Euro filter (Casiez, Roussel, Vogel, CHI 2012) lets fast movements pass and calms slow ones. It runs forwards
and backwards, and the two are averaged, so that there is no delay.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

SLOWEST = 2.0  # Hz: slower movement is not smoothed
OPENS = 6.0  # Hz to add for each trunk length a second
SPEED = 3.0  # Hz up to which speeds are measured


def smooth(points: np.ndarray, seen: np.ndarray, fps: float, trunk: float) -> np.ndarray:
    """Points (T, K, 2) of which `seen` (T, K) are known; the others stay as they are and have no effect.

    Parameters
    ----------
    trunk : float
        Length of the dancer's trunk, in the points' unit.
    """
    out = one_way(points, seen, fps, trunk)
    out += one_way(points[::-1], seen[::-1], fps, trunk)[::-1]
    out /= 2
    return np.where(seen[..., None], out, points)


def one_way(points: np.ndarray, seen: np.ndarray, fps: float, trunk: float) -> np.ndarray:
    """The forward filter; a lost joint starts anew when it is found again."""
    out = np.array(points, np.result_type(points, np.float32))
    speed = np.zeros(points.shape[1])
    for t in range(1, len(points)):
        known = seen[t] & seen[t - 1]
        step = out[t] - out[t - 1]
        now = np.hypot(*np.moveaxis(points[t] - points[t - 1], -1, 0)) * fps / max(trunk, 1e-6)
        speed = np.where(known, speed + _share(SPEED, fps) * (now - speed), now * known)
        follow = _share(SLOWEST + OPENS * speed, fps)
        out[t] = np.where(known[:, None], out[t - 1] + follow[:, None] * step, out[t])
    return out


def _share(cutoff: np.ndarray | float, fps: float) -> np.ndarray:
    """The share of a step that a low-pass filter with that cutoff in Hz follows."""
    rise = 2 * np.pi * np.asarray(cutoff) / fps
    return rise / (rise + 1)


def bridged_gaps(
    points: np.ndarray, scores: np.ndarray, longest: int, score: float
) -> tuple[np.ndarray, np.ndarray]:
    """Points (T, K, 2) and scores (T, K) with joints that are lost for up to `longest` frames interpolated."""
    points, scores = (np.array(values, np.result_type(values, np.float32)) for values in (points, scores))
    frames = np.arange(len(points))
    for k in range(points.shape[1]):
        known = frames[scores[:, k] > 0]
        for before, after in pairwise(known):
            if 1 < after - before <= longest + 1:
                lost = np.arange(before + 1, after)
                for axis in range(2):
                    points[lost, k, axis] = np.interp(lost, [before, after], points[[before, after], k, axis])
                scores[lost, k] = score
    return points, scores

# SPDX-License-Identifier: GPL-3.0-or-later
"""Places for several characters, such that none walks through another, whatever they dance. No bpy in here."""

from collections.abc import Sequence

import numpy as np

GAP = 0.1  # gap between two rooms, as a share of the widest room
GROWTH = 1.1  # factor by which a circle that is too small grows


def places(kind: str, rooms: Sequence[tuple[float, float]]) -> np.ndarray:
    """Places (N, 2): how far to the right of the lead and how far behind each one stands; the lead is first.

    Parameters
    ----------
    kind : str
        LINE, V or CIRCLE.
    rooms : of (float, float)
        How far each one dances to the left and right of its place; it needs half of that in depth.
    """
    need = np.asarray(rooms, float)  # (N, 2)
    gap = GAP * float(need.sum(1).max())
    if kind == "CIRCLE":
        return _circle(need, gap)
    spots, depth = np.zeros((len(need), 2)), float(need.sum(1).max()) / 2 + gap
    ends = {1: 0, -1: 0}  # the outermost ones on the right and on the left
    for i in range(1, len(need)):
        side = 1 if i % 2 else -1
        inner = ends[side]
        between = need[inner, 1] + need[i, 0] if side > 0 else need[inner, 0] + need[i, 1]
        spots[i, 0] = spots[inner, 0] + side * (between + gap)
        spots[i, 1] = (i + 1) // 2 * depth if kind == "V" else 0.0
        ends[side] = i
    return spots


def clear(spots: np.ndarray, rooms: Sequence[tuple[float, float]]) -> bool:
    """Whether no two rooms overlap: each pair is side by side, or one is far enough behind the other."""
    need = np.asarray(rooms, float)
    depth = need.sum(1) / 4
    for i in range(len(spots)):
        for k in range(i + 1, len(spots)):
            left, right = (i, k) if spots[i, 0] <= spots[k, 0] else (k, i)
            beside = spots[right, 0] - spots[left, 0] >= need[left, 1] + need[right, 0]
            behind = abs(spots[i, 1] - spots[k, 1]) >= depth[i] + depth[k]
            if not (beside or behind):
                return False
    return True


def passing(spots: np.ndarray, rooms: Sequence[tuple[float, float]], ways: np.ndarray) -> np.ndarray:
    """The spots, with those whose path would cross another's moved back, to pass behind.

    Parameters
    ----------
    ways : (N, T) float
        How far to the right of its place each one is, at the same moments.
    """
    need, out = np.asarray(rooms, float), spots.copy()
    depth, gap = need.sum(1) / 4, GAP * float(need.sum(1).max())
    for i in range(1, len(out)):
        for _ in range(len(out)):
            met = [k for k in range(i) if _meet(i, k, out, need, depth, ways)]
            if not met:
                break
            out[i, 1] = max(out[k, 1] + depth[i] + depth[k] + gap for k in met)
    return out


def _meet(i: int, k: int, spots: np.ndarray, need: np.ndarray, depth: np.ndarray, ways: np.ndarray) -> bool:
    """Whether two ever collide."""
    if abs(spots[i, 1] - spots[k, 1]) >= depth[i] + depth[k]:
        return False
    apart = spots[i, 0] + ways[i] - spots[k, 0] - ways[k]
    enough = np.where(apart >= 0, need[k, 1] + need[i, 0], need[i, 1] + need[k, 0])
    return bool((np.abs(apart) < enough - 1e-9).any())


def _circle(need: np.ndarray, gap: float) -> np.ndarray:
    """The smallest circle, with the lead in front, on which nobody is in another's way."""
    turns = 2 * np.pi * np.arange(len(need)) / len(need)
    unit = np.stack([np.sin(turns), 1 - np.cos(turns)], 1)
    radius = gap
    while not clear(radius * unit, (need + gap / 2).tolist()):
        radius *= GROWTH
    return radius * unit

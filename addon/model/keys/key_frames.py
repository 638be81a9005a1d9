# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of frames that get a key, by dynamic programming over the stretches between them. No bpy in here.

A stretch costs the squared error of its curve, summed over its frames; a key has a price. A higher price never
takes more keys.
"""

import numpy as np

from .hermite import basis

LENGTHS = np.array([*range(1, 49), *range(52, 65, 4), 80, 96, 128, 192])
"""Frames from one key to the next that are tried."""


def slopes_of(dense: np.ndarray) -> np.ndarray:
    """Slopes (T, C) per frame, of fourth order: plain differences are too flat where a limb hits."""
    if len(dense) < 3:
        return np.gradient(dense, axis=0) if len(dense) > 1 else np.zeros_like(dense)
    padded = np.pad(dense, ((2, 2), (0, 0)), mode="reflect", reflect_type="odd")
    return (padded[:-4] - padded[4:] + 8 * (padded[3:-1] - padded[1:-3])) / 12


def stretches(dense: np.ndarray, weights: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Error (T, len(LENGTHS)) of the curve that ends at each frame, for each length; inf if it would begin too early.

    Parameters
    ----------
    dense, weights, slopes : (T, C) float
        The curve passes through the dense values with these slopes; errors are weighted.
    """
    count = len(dense)
    cost = np.full((count, len(LENGTHS)), np.inf)
    windows = np.lib.stride_tricks.sliding_window_view
    for k, n in enumerate(LENGTHS[count > LENGTHS]):
        rows = np.stack(basis(float(n), np.arange(n) / n))  # (4, n)
        ends = np.stack([dense[:-n], slopes[:-n], dense[n:], slopes[n:]], -1)  # (T - n, C, 4)
        missed = ends @ rows
        missed -= windows(dense[:-1], n, axis=0)
        missed *= windows(weights[:-1], n, axis=0)
        cost[n:, k] = np.einsum("tcn,tcn->t", missed, missed)
    return cost


def cheapest(cost: np.ndarray, price: np.ndarray, must: np.ndarray) -> list[np.ndarray]:
    """For each row, the positions of keys with the least total cost; the first and last frames always have one.

    Parameters
    ----------
    cost : (B, T, L) float
        See `stretches`.
    price : (B, T) float
        Of a key at each frame.
    must : (B, T) bool
        Frames that have a key at any cost.
    """
    rows, count, _ = cost.shape
    best, origin = np.full((rows, count), np.inf), np.zeros((rows, count), int)
    best[:, 0] = 0.0
    latest = np.zeros(rows, int)  # the last frame before this one that must have a key
    each = np.arange(rows)
    for t in range(1, count):
        many = int(np.searchsorted(LENGTHS, t, "right"))
        before = t - LENGTHS[:many]
        total = best[:, before] + cost[:, t, :many]
        total[before[None] < latest[:, None]] = np.inf
        chosen = total.argmin(1)
        best[:, t] = total[each, chosen] + price[:, t]
        origin[:, t] = before[chosen]
        latest = np.where(must[:, t], t, latest)
    return [_back(way, count - 1) for way in origin]


def with_count(cost: np.ndarray, price: np.ndarray, keys: int) -> np.ndarray:
    """Positions of exactly so many keys (or as many as possible) with the least total cost, for one row."""
    count = len(cost)
    keys = int(np.clip(keys, 2, count)) if count > 1 else 1
    best = np.full((count, keys), np.inf)  # by frame, and keys after the first
    origin = np.zeros((count, keys), int)
    best[0, 0] = 0.0
    for t in range(1, count):
        many = int(np.searchsorted(LENGTHS, t, "right"))
        before = t - LENGTHS[:many]
        total = best[before, :-1] + cost[t, :many, None]  # (L, keys - 1)
        chosen = total.argmin(0)
        best[t, 1:] = total[chosen, np.arange(keys - 1)] + price[t]
        origin[t, 1:] = before[chosen]
    k = int(best[-1].argmin()) if not np.isfinite(best[-1, -1]) else keys - 1
    at = [count - 1]
    for left in range(k, 0, -1):
        at.append(int(origin[at[-1], left]))
    return np.array(at[::-1])


def _back(origin: np.ndarray, at: int) -> np.ndarray:
    found = [at]
    while found[-1] > 0:
        found.append(int(origin[found[-1]]))
    return np.array(found[::-1])

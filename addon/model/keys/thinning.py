# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal of keys that turn out not to be needed. No bpy in here.

Dynamic programming chooses keys with the dance's own values and slopes (see `key_frames`). Once both are fitted,
many keys become redundant. The cost of removing one follows from the normal equations of the keys near it, with the
others fixed.
"""

import numpy as np

from .hermite import RIDGE, BoneKeys, basis, fit, normal, slope_basis

ROUNDS = 4
REACH = 2  # keys to either side that make up for a removed one
STIFF = 1e3  # of its own weight: penalty on what must not change


def thinned(
    dense: np.ndarray,
    weights: np.ndarray,
    at: np.ndarray,
    exact: np.ndarray,
    flat: np.ndarray,
    price: np.ndarray,
    must: np.ndarray,
) -> np.ndarray:
    """The positions of a bone's keys without those that save less than their price.

    Parameters
    ----------
    dense, weights : (T, C) float
    at : (N,) int
    exact, flat, must : (T,) bool
        Frames whose key has the dense value, or zero slope; frames whose key must stay.
    price : (T,) float
        Of a key at each frame, in the unit of the errors.
    """
    for _ in range(ROUNDS):
        keys = fit(dense, weights, at, exact[at], flat[at])
        share = losses(dense, weights, keys, exact[at], flat[at]) / price[at]
        share[must[at]] = np.inf
        keep = np.ones(len(at), bool)
        for k in np.argsort(share):
            if share[k] >= 1:
                break
            keep[k] = not keep[max(k - REACH, 0) : k + REACH + 1].all()
        if keep.all():
            break
        at = at[keep]
    return at


def losses(
    dense: np.ndarray, weights: np.ndarray, keys: BoneKeys, exact: np.ndarray, flat: np.ndarray
) -> np.ndarray:
    """Increase (N,) of the weighted squared error without each key; inf for the first and last."""
    at, count = keys.at, len(keys.at)
    out = np.full(count, np.inf)
    if count < 3:
        return out
    low, main, high, _ = normal(dense, weights**2, at)
    ridge = RIDGE * (weights**2).mean(0) + 1e-12
    gone = np.arange(1, count - 1)
    near = gone[:, None] + np.arange(-REACH, REACH + 1)  # (M, W)
    outside = (near < 0) | (near >= count)
    near = np.clip(near, 0, count - 1)
    stays = np.stack([exact[near] | outside, flat[near] | outside], 2)  # (M, W, 2)
    stays[:, REACH] = False
    stays = stays.reshape(len(gone), -1)
    # Without the key, the value and slope there follow from the keys before and after.
    span = (at[gone + 1] - at[gone - 1]).astype(float)
    share = (at[gone] - at[gone - 1]) / span
    ways = np.stack([np.stack(part(span, share), 1) for part in (basis, slope_basis)], 1)  # (M, 2, 4)
    bound = np.zeros((len(gone), 2, 2 * near.shape[1]))
    middle = 2 * REACH
    bound[:, :, middle - 2 : middle] = -ways[:, :, :2]
    bound[:, :, middle + 2 : middle + 4] = -ways[:, :, 2:]
    bound[:, [0, 1], [middle, middle + 1]] = 1.0
    state = np.stack([keys.values, keys.slopes], 2)  # (N, C, 2)
    total = np.zeros(len(gone))
    for c in range(dense.shape[1]):
        square = np.zeros((len(gone), *[2 * near.shape[1]] * 2))
        for j in range(near.shape[1]):
            here, after = slice(2 * j, 2 * j + 2), slice(2 * j + 2, 2 * j + 4)
            square[:, here, here] = main[c][near[:, j]]
            if j + 1 < near.shape[1]:
                square[:, here, after] = high[c][near[:, j]]
                square[:, after, here] = low[c][near[:, j + 1]]
        own = np.einsum("mii->mi", square)
        own += np.where(stays, STIFF, 0.0) * own + ridge[c]
        off = bound @ state[near, c].reshape(len(gone), -1, 1)
        give = bound @ np.linalg.solve(square, bound.transpose(0, 2, 1))
        total += (off * np.linalg.solve(give, off)).sum((1, 2))
    out[1:-1] = total
    return out

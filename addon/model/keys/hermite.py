# SPDX-License-Identifier: GPL-3.0-or-later
"""Cubic Hermite curves through a few keys, fitted by least squares. No bpy in here.

With handles a third of the way to the next key, a Bezier F-curve is a cubic Hermite curve over the frames.
"""

from dataclasses import dataclass

import numpy as np

RIDGE = 1e-3  # of the mean weight: pulls values and slopes towards the dance's own where frames do not decide them


@dataclass(frozen=True)
class BoneKeys:
    """A bone's keys.

    Parameters
    ----------
    at : (N,) int
        Positions among the dense frames, rising.
    values : (N, C) float
        One column per channel.
    slopes : (N, C) float
        Per frame.
    """

    at: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


def basis(span: np.ndarray | float, t: np.ndarray) -> tuple:
    """Weights of value and slope at the left key, and at the right one, at shares `t` of a span of frames."""
    rise = t**2 * (3 - 2 * t)
    return 1 - rise, span * t * (1 - t) ** 2, rise, -span * t**2 * (1 - t)


def slope_basis(span: np.ndarray | float, t: np.ndarray) -> tuple:
    """The slopes per frame of `basis`."""
    steep = 6 * t * (1 - t) / span
    return -steep, (1 - t) * (1 - 3 * t), steep, t * (3 * t - 2)


def evaluate(keys: BoneKeys, count: int) -> np.ndarray:
    """Values (T, C) of the curves at all frames."""
    at, values, slopes = keys.at, keys.values, keys.slopes
    if len(at) == 1:
        return np.repeat(values, count, 0)
    left, span, t = _between(at, count)
    a, b, c, d = (part[:, None] for part in basis(span, t))
    return a * values[left] + b * slopes[left] + c * values[left + 1] + d * slopes[left + 1]


def fit(
    dense: np.ndarray, weights: np.ndarray, at: np.ndarray, exact: np.ndarray, flat: np.ndarray
) -> BoneKeys:
    """Values and slopes at a bone's keys by least squares over all frames.

    Parameters
    ----------
    dense : (T, C) float
    weights : (T, C) float
        How much an error in each channel counts.
    at : (N,) int
        Positions of the keys, from the first frame to the last.
    exact, flat : (N,) bool
        Keys that take the dense value; keys with zero slope.
    """
    values = dense[at]
    if len(at) == 1:
        return BoneKeys(at, values, np.zeros_like(values))
    square = weights**2
    low, main, high, right = normal(dense, square, at)
    ridge = RIDGE * square.mean(0) + 1e-12
    guess = np.gradient(values, at.astype(float), axis=0)
    main[:, :, [0, 1], [0, 1]] += ridge[:, None, None]
    right[:, :, 0, 0] += (ridge * values).T
    right[:, :, 1, 0] += (ridge * guess).T
    for row, fixed, value in ((0, exact, values), (1, flat, np.zeros_like(values))):
        low[:, fixed, row], main[:, fixed, row], high[:, fixed, row] = 0.0, 0.0, 0.0
        main[:, fixed, row, row] = 1.0
        right[:, fixed, row, 0] = value[fixed].T
    solved = _block_tridiagonal(low, main, high, right)[..., 0]
    return BoneKeys(at, solved[:, :, 0].T, solved[:, :, 1].T)


def _between(at: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each frame, the key to its left, the frames to the next key, and the share of them that has passed."""
    frames = np.arange(count)
    left = np.clip(np.searchsorted(at, frames, "right") - 1, 0, len(at) - 2)
    span = (at[left + 1] - at[left]).astype(float)
    return left, span, (frames - at[left]) / span


def normal(dense: np.ndarray, square: np.ndarray, at: np.ndarray) -> tuple:
    """Normal equations by channel: blocks (C, N, 2, 2) below, on and above the diagonal, right side (C, N, 2, 1)."""
    n, width = len(at), dense.shape[1]
    low, main, high = (np.zeros((width, n, 2, 2)) for _ in range(3))
    right = np.zeros((width, n, 2, 1))
    _, span, t = _between(at, len(dense))
    parts, starts = basis(span, t), at[:-1]
    for a in range(4):
        weighed = parts[a][:, None] * square
        total = np.add.reduceat(weighed * dense, starts, axis=0).T
        right[:, int(a > 1) : n - 1 + int(a > 1), a % 2, 0] += total
        for b in range(4):
            block = np.add.reduceat(weighed * parts[b][:, None], starts, axis=0).T
            rows = slice(int(a > 1), n - 1 + int(a > 1))
            into = main if (a > 1) == (b > 1) else high if a < 2 else low
            into[:, rows, a % 2, b % 2] += block
    return low, main, high, right


def _block_tridiagonal(low: np.ndarray, main: np.ndarray, high: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve (B, N, 2, 2) systems side by side by cyclic reduction, which eliminates every second row at once."""
    gone = main.shape[1] // 2
    if not gone:
        return _inverse(main) @ right
    between = main.shape[1] - gone - 1  # eliminated rows between two that stay
    inverse = _inverse(main[:, 1::2])
    from_low, from_high, from_right = low[:, 1::2], high[:, 1::2], right[:, 1::2]
    down, up = high[:, : 2 * gone : 2] @ inverse, low[:, 2::2] @ inverse[:, :between]
    kept_main, kept_right = main[:, ::2].copy(), right[:, ::2].copy()
    kept_low, kept_high = np.zeros_like(kept_main), np.zeros_like(kept_main)
    kept_main[:, :gone] -= down @ from_low
    kept_main[:, 1:] -= up @ from_high[:, :between]
    kept_right[:, :gone] -= down @ from_right
    kept_right[:, 1:] -= up @ from_right[:, :between]
    kept_high[:, :between] = -down[:, :between] @ from_high[:, :between]
    kept_low[:, 1:] = -up @ from_low[:, :between]
    out = np.empty_like(right)
    out[:, ::2] = kept = _block_tridiagonal(kept_low, kept_main, kept_high, kept_right)
    rest = from_right - from_low @ kept[:, :gone]
    rest[:, :between] -= from_high[:, :between] @ kept[:, 1:]
    out[:, 1::2] = inverse @ rest
    return out


def _inverse(blocks: np.ndarray) -> np.ndarray:
    """Inverses of blocks (…, 2, 2)."""
    a, b, c, d = (blocks[..., i, j] for i in range(2) for j in range(2))
    turned = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2)
    return turned / (a * d - b * c)[..., None, None]

# SPDX-License-Identifier: GPL-3.0-or-later
"""A joint fit of all bones' keys: the next bone along a limb makes up for the errors of one. No bpy in here.

One Gauss-Newton step over the values and slopes of all keys at once; its linear least-squares problem is solved by
conjugate gradients, without forming the matrix.
"""

from collections.abc import Callable, Sequence

import numpy as np

from .effects import Effects
from .hermite import BoneKeys, basis

ROUNDS = 12  # iterations of conjugate gradients
STIFF = 0.02  # damping, relative to the effect of a key's value or slope


def refined(
    keys: dict[str, BoneKeys], free: dict[str, np.ndarray], sloped: dict[str, np.ndarray], off: np.ndarray,
    effects: Effects,
) -> Callable[[float], dict[str, BoneKeys]]:  # fmt: skip
    """Keys a step closer to the dance; the step is taken in whole or in part.

    Parameters
    ----------
    free, sloped : by bone
        (N,) bool: keys whose value, and whose slope, may change.
    off : (J, T, D) float
        How far the joints are off with the keys as they are.
    effects : by bone
        How channels move the joints.
    """
    count = off.shape[1]
    parts = [_Part(name, keys[name], free[name], sloped[name], effects[name], count) for name in keys]
    residual, change = -off, [np.zeros((2, *part.keys.values.shape)) for part in parts]
    ways = _gradient(parts, residual)
    along, size = [way.copy() for way in ways], _dot(ways, ways)
    for _ in range(ROUNDS):
        if size < 1e-18:
            break
        moved = _applied(parts, along, off.shape)
        step = size / max(float((moved * moved).sum()) + STIFF * _dot(along, along), 1e-30)
        change = [a + step * b for a, b in zip(change, along, strict=True)]
        residual = residual - step * moved
        pull = _gradient(parts, residual)
        ways = [p - STIFF * c for p, c in zip(pull, change, strict=True)]
        new = _dot(ways, ways)
        along = [a + new / size * b for a, b in zip(ways, along, strict=True)]
        size = new

    def taken(share: float) -> dict[str, BoneKeys]:
        return {
            part.name: BoneKeys(
                part.keys.at, part.keys.values + share * step[0], part.keys.slopes + share * step[1]
            )
            for part, step in ((part, one * part.scale) for part, one in zip(parts, change, strict=True))
        }

    return taken


class _Part:
    """A bone's keys, and how their values and slopes spread over the frames."""

    def __init__(
        self,
        name: str,
        keys: BoneKeys,
        free: np.ndarray,
        sloped: np.ndarray,
        effects: list[tuple[np.ndarray, np.ndarray]],
        count: int,
    ):
        self.name, self.keys, self.effects, self.count = name, keys, effects, count
        self.scale = np.stack([free, sloped])[..., None].astype(float)  # (2, N, 1)
        at = keys.at
        frames = np.arange(count)
        self.left = np.clip(np.searchsorted(at, frames, "right") - 1, 0, max(len(at) - 2, 0))
        self.starts = at[:-1]
        span = (at[self.left + 1] - at[self.left]).astype(float) if len(at) > 1 else np.ones(count)
        self.parts = np.stack(basis(span, (frames - at[self.left]) / span))  # (4, T)
        # Scaled by their effects, values and slopes of all bones are alike, and a few rounds are enough.
        power = np.stack([(moved * moved).sum((0, 2)) for _, moved in effects], 1)  # (T, C)
        moves = self.back(power, squared=True)
        self.scale = self.scale / np.sqrt(np.maximum(moves, 1e-6 * moves.max() + 1e-30))

    def spread(self, change: np.ndarray) -> np.ndarray:
        """Changes (2, N, C) of values and slopes → changes (T, C) of the curves."""
        a, b, c, d = self.parts[..., None]
        value, slope = change * self.scale
        if len(self.keys.at) == 1:
            return np.repeat(value, self.count, 0)
        left = self.left
        return a * value[left] + b * slope[left] + c * value[left + 1] + d * slope[left + 1]

    def back(self, curves: np.ndarray, squared: bool = False) -> np.ndarray:
        """The transpose of `spread`."""
        out = np.zeros((2, *self.keys.values.shape))
        if len(self.keys.at) == 1:
            out[0, 0] = curves.sum(0)
            return out * self.scale
        parts = self.parts**2 if squared else self.parts
        for k in range(4):
            total = np.add.reduceat(parts[k][:, None] * curves, self.starts, axis=0)
            out[k % 2, int(k > 1) : len(self.keys.at) - 1 + int(k > 1)] += total
        return out * self.scale


def _applied(parts: Sequence[_Part], change: list, shape: tuple) -> np.ndarray:
    moved = np.zeros(shape)
    for part, one in zip(parts, change, strict=True):
        curves = part.spread(one)
        for c, (joints, effect) in enumerate(part.effects):
            moved[joints] += effect * curves[None, :, c, None]
    return moved


def _gradient(parts: Sequence[_Part], residual: np.ndarray) -> list:
    out = []
    for part in parts:
        columns = [(effect * residual[joints]).sum((0, 2)) for joints, effect in part.effects]
        out.append(part.back(np.stack(columns, 1)))
    return out


def _dot(one: list, other: list) -> float:
    return float(sum((a * b).sum() for a, b in zip(one, other, strict=True)))

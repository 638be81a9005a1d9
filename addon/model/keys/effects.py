# SPDX-License-Identifier: GPL-3.0-or-later
"""How far channels move joints, at each frame, of whatever rig. No bpy in here."""

from collections.abc import Callable

import numpy as np

STEADY = 0.2  # of what a turn by as much does: how reluctantly quaternions change besides their angle
FLOOR = 0.02  # of a channel's usual weight: unseen channels still count this much

Channels = dict[str, np.ndarray]
"""By bone: (T, C) values."""
Forward = Callable[[Channels], np.ndarray]
"""Channels of T frames → (J, T, 2) or (J, T, 3) joints; frames are independent of each other."""
Effects = dict[str, list[tuple[np.ndarray, np.ndarray]]]
"""By bone and channel: joints that it moves (M,), and how (M, T, D) per unit."""


def effects_of(dense: Channels, forward: Forward, tell: Callable[[], None]) -> Effects:
    """How far channels move the joints, in units of the joints per unit of the channel."""
    found: Effects = {}
    base = forward(dense)
    for name, values in dense.items():
        columns = []
        for c in range(values.shape[1]):
            step = 1e-4 * max(float(np.abs(values[:, c]).max()), 1.0)
            moved = values.copy()
            moved[:, c] += step
            away = (forward({**dense, name: moved}) - base) / step
            joints = np.flatnonzero(np.abs(away).max((1, 2)) > 1e-9)
            columns.append((joints, away[joints]))
        found[name] = columns
        tell()
    return found


def weights_of(effects: Effects, count: int, pixel: float, extra: np.ndarray | None) -> Channels:
    """The pixels by which all joints together move per unit of each channel: (T, C) by bone."""
    found = {}
    for name, columns in effects.items():
        square = np.zeros((count, len(columns)))
        for c, (joints, away) in enumerate(columns):
            each = (away**2).sum(2)
            square[:, c] = (each if extra is None else each * extra[joints] ** 2).sum(0)
        weights = np.sqrt(square) / pixel
        usual = np.maximum(np.median(weights, axis=0), 0.1 * weights.max(0))
        found[name] = np.maximum(weights, FLOOR * usual + 1e-9)
    return found


def steadied(effects: Effects, dense: Channels, shape: tuple[int, ...]) -> tuple[Effects, np.ndarray]:
    """The same with two joints more for each track of quaternions that turns about one axis; and their misses: none.

    These move with whatever changes in a quaternion besides its angle: its length, which says nothing, and its axis,
    which hardly shows in the figure's plane. A linear problem that does not know would change both at will.

    Parameters
    ----------
    shape : J, T, D
        Of the joints.
    """
    found, count, one = dict(effects), shape[0], shape[1:]
    for name in effects:
        if not name.endswith("rotation_quaternion") or dense[name].shape[1] != 4:
            continue
        size, base = np.linalg.svd(dense[name], full_matrices=False)[1:]
        if size[1] < 1e-6 * size[0] or size[2] > 1e-3 * size[0]:
            continue
        first, second = (dense[name] @ base[:2].T).T
        tangent = np.stack([-second, first], 1) @ base[:2]
        tangent /= np.maximum(np.hypot(first, second), 1e-12)[:, None]
        joints = np.unique(np.concatenate([joints for joints, _ in effects[name]]))
        turned = np.zeros((len(joints), *one))
        for (own, away), share in zip(effects[name], tangent.T, strict=True):
            turned[np.searchsorted(joints, own)] += away * share[:, None]
        weight = STEADY * np.sqrt((turned**2).sum((0, 2)))  # (T,)
        besides = weight[:, None, None] * (np.eye(4) - tangent[:, :, None] * tangent[:, None])  # (T, 4, 4)
        columns = []
        for c, (own, away) in enumerate(effects[name]):
            more = np.zeros((2, *one))
            more[..., :2] = besides[:, c].reshape(-1, 2, 2).transpose(1, 0, 2)
            columns.append((np.append(own, [count, count + 1]), np.concatenate([away, more])))
        found[name], count = columns, count + 2
    return found, np.zeros((count - shape[0], *one))

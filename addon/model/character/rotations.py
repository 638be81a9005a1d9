# SPDX-License-Identifier: GPL-3.0-or-later
"""A turn about one fixed axis, as the channels of any rotation mode. No bpy in here."""

import math
from collections.abc import Sequence

import numpy as np

STRAIGHT = 1 - 1e-6  # an axis this near to one of the bone's own counts as that axis
STEP = np.radians(3)  # in which Euler angles are traced from rest


def matrix(axis: np.ndarray | Sequence[float], angle: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations about a unit axis (3,) by angles (T,)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)


def channels(mode: str, axis: np.ndarray, angle: np.ndarray) -> tuple[str, dict[int, np.ndarray]]:
    """The curves of a turn: the property's name and its values (T,) by index.

    Parameters
    ----------
    mode : str
        QUATERNION, AXIS_ANGLE or the order of Euler angles (XYZ: about X first).
    axis : (3,) float
        Unit length, in the bone's own space.
    angle : (T,) float
        Radians without jumps; more than one turn is preserved if the mode allows it.
    """
    axis = np.asarray(axis, float)
    if mode == "QUATERNION":
        half = angle / 2
        values = {0: np.cos(half), **{i + 1: axis[i] * np.sin(half) for i in range(3)}}
        return "rotation_quaternion", values
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", {0: angle, **{i + 1: np.full_like(angle, axis[i]) for i in range(3)}}
    main = int(np.abs(axis).argmax())
    if abs(axis[main]) > STRAIGHT:
        return "rotation_euler", {main: angle * math.copysign(1, axis[main])}
    angles = _eulers_from_rest(mode, axis, angle)
    return "rotation_euler", {i: angles[:, i] for i in range(3)}


def _eulers_from_rest(order: str, axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(T, 3) Euler angles of a turn, traced from rest, so that they wind no more than the turn does."""
    low, high = (int(np.ceil(max(side, 0) / STEP)) + 1 for side in (-angle.min(), angle.max()))
    ways = [
        eulers(order, matrix(axis, sign * STEP * np.arange(count + 1)))
        for sign, count in ((-1, low), (1, high))
    ]
    way, at = np.concatenate([ways[0][:0:-1], ways[1]]), STEP * np.arange(-low, high + 1)
    guess = np.stack([np.interp(angle, at, column) for column in way.T], 1)
    one = _plain_eulers(order, matrix(axis, angle))
    other, middle = one + np.pi, "XYZ".index(order[1])
    other[:, middle] = np.pi - one[:, middle]
    both = [v + 2 * np.pi * np.round((guess - v) / (2 * np.pi)) for v in (one, other)]
    first, second = (np.abs(v - guess).sum(1) for v in both)
    return np.where((first <= second)[:, None], both[0], both[1])


def eulers(order: str, turns: np.ndarray) -> np.ndarray:
    """(T, 3) angles by axis for rotations (T, 3, 3), each frame's nearest to the one before."""
    i, j, k = ("XYZ".index(letter) for letter in order)
    a, b, c = _plain_eulers(order, turns)[:, [i, j, k]].T
    found, before = np.empty((len(turns), 3)), (0.0, 0.0, 0.0)
    for t, (x, y, z) in enumerate(zip(a.tolist(), b.tolist(), c.tolist(), strict=True)):
        best = min(
            (
                _near((x, y, z), before),
                _near((x + math.pi, math.pi - y, z + math.pi), before),
            ),
            key=lambda one: sum(abs(p - q) for p, q in zip(one, before, strict=True)),
        )
        found[t] = before = best
    out = np.empty_like(found)
    out[:, [i, j, k]] = found
    return out


def _plain_eulers(order: str, turns: np.ndarray) -> np.ndarray:
    """(T, 3) angles by axis for rotations (T, 3, 3), the middle one within a quarter turn."""
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1
    sine = np.clip(-sign * turns[:, k, i], -1, 1)
    b = np.arcsin(sine)
    a = np.arctan2(sign * turns[:, k, j], turns[:, k, k])
    c = np.arctan2(sign * turns[:, j, i], turns[:, i, i])
    stuck = np.abs(sine) > 1 - 1e-9  # first and last axis coincide: the last one takes it all
    c = np.where(stuck, np.arctan2(-sign * turns[:, i, j], turns[:, j, j]), c)
    a = np.where(stuck, 0, a)
    out = np.empty((len(turns), 3))
    out[:, [i, j, k]] = np.stack([a, b, c], 1)
    return out


def _near(angles: tuple, before: tuple) -> tuple:
    """The same angles, each shifted by whole turns to be nearest to the one before."""
    turn = 2 * math.pi
    return tuple(v + turn * round((p - v) / turn) for v, p in zip(angles, before, strict=True))

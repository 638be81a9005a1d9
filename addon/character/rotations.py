# SPDX-License-Identifier: GPL-3.0-or-later
"""A turn about one fixed axis, in whatever a bone's rotation mode keeps. No bpy in here."""

import math

import numpy as np

STRAIGHT = 1 - 1e-6  # an axis this near to one of the bone's own counts as that one


def matrix(axis, angle: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations about a unit axis (3,) by angles (T,)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)


def channels(mode: str, axis, angle: np.ndarray) -> tuple[str, dict[int, np.ndarray]]:
    """The curves of a turn: the property's name and its values (T,) by index.

    Parameters
    ----------
    mode : str
        QUATERNION, AXIS_ANGLE or the order of Euler angles (XYZ: about X first).
    axis : (3,) float
        Unit length, in the bone's own space.
    angle : (T,) float
        Radians without jumps; more than a turn is kept where the mode can keep it.
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
    angles = eulers(mode, matrix(axis, angle))
    return "rotation_euler", {i: angles[:, i] for i in range(3)}


def eulers(order: str, turns: np.ndarray) -> np.ndarray:
    """(T, 3) angles by axis for rotations (T, 3, 3), each frame's nearest to the one before."""
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1 if (i, j, k) in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -1
    sine = np.clip(-sign * turns[:, k, i], -1, 1)
    b = np.arcsin(sine)
    a = np.arctan2(sign * turns[:, k, j], turns[:, k, k])
    c = np.arctan2(sign * turns[:, j, i], turns[:, i, i])
    stuck = np.abs(sine) > 1 - 1e-9  # first and last axis lie on each other: all of it goes to the last
    c = np.where(stuck, np.arctan2(-sign * turns[:, i, j], turns[:, j, j]), c)
    a = np.where(stuck, 0, a)
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


def _near(angles: tuple, before: tuple) -> tuple:
    """The same angles, each by whole turns as near as can be to those before."""
    turn = 2 * math.pi
    return tuple(v + turn * round((p - v) / turn) for v, p in zip(angles, before, strict=True))


def unwrapped(angles: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Angles (T,) without jumps of a whole turn, starting within half a turn of rest; straight where not clear."""
    if not clear.any():
        return np.zeros_like(angles)
    first = angles[clear][0]
    steady = np.unwrap(angles[clear]) - 2 * np.pi * np.round(first / (2 * np.pi))
    return np.interp(np.arange(len(angles)), np.flatnonzero(clear), steady)

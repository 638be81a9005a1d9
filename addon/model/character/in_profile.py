# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances for pictures of figures that are drawn from the side: they stay in profile however the dancer turns. No bpy.

Where the dancer faces the viewer, shoulders and hips are apart and the nose is above the neck. A drawing from the
side has nothing to show for that: its arms would leave the trunk, and its head would be thrown back.
"""

from collections.abc import Mapping

import numpy as np

from .anatomy import ASIDE, SIDES
from .mapping import JOINTS

FACE = ("nose", *(f"{side}_{joint}" for joint in ("eye", "ear") for side in SIDES))
ARM = ("shoulder", "elbow", "wrist")
_AT = {joint: k for k, joint in enumerate(JOINTS)}


def is_in_profile(rest: Mapping[str, np.ndarray]) -> bool:
    """Whether a figure, by its joints at rest (2,), is turned to a side."""
    if not {"neck", "mid_hip", "left_shoulder", "right_shoulder"} <= set(rest):
        return False
    trunk = float(np.hypot(*(rest["neck"] - rest["mid_hip"])))
    return float(np.hypot(*(rest["left_shoulder"] - rest["right_shoulder"]))) < ASIDE * trunk


def kept_in_profile(points: np.ndarray, scores: np.ndarray, rest: Mapping[str, np.ndarray]) -> np.ndarray:
    """A dance (T, 19, 2) whose arms begin at the trunk as they do at rest, whose hips keep together, and whose head
    tilts with the dancer's but does not turn.

    Parameters
    ----------
    points : (T, 19, 2) float
        In the order of `JOINTS`, in the plane of the figure.
    scores : (T, 19) float
        0 where a joint is hidden.
    rest : dict of joint → (2,) float
        The figure at rest, in profile.
    """
    out = points.copy()
    neck, hips = points[:, _AT["neck"]], points[:, _AT["mid_hip"]]
    trunk = neck - hips
    turn = _turn(trunk, rest["neck"] - rest["mid_hip"])
    size = float(np.median(np.hypot(*trunk.T)) / max(np.hypot(*(rest["neck"] - rest["mid_hip"])), 1e-9))
    for side in SIDES:
        shoulder, hip = f"{side}_shoulder", f"{side}_hip"
        moved = neck + size * _turned(rest[shoulder] - rest["neck"], turn) - points[:, _AT[shoulder]]
        for joint in ARM:
            out[:, _AT[f"{side}_{joint}"]] += moved
        if hip in rest:  # ankles stay where they stand
            out[:, _AT[hip]] = hips + size * _turned(rest[hip] - rest["mid_hip"], turn)
    ears = [f"{side}_ear" for side in SIDES if f"{side}_ear" in rest]
    if len(ears) == 2 and (skull := _middle(points, scores, ears)) is not None:
        nod = _turn(skull - neck, (rest[ears[0]] + rest[ears[1]]) / 2 - rest["neck"])
        for joint in (j for j in FACE if j in rest):
            out[:, _AT[joint]] = neck + size * _turned(rest[joint] - rest["neck"], nod)
    return out


def _turn(now: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(T,) complex: the turns that lead from one direction (2,) to others (T, 2)."""
    way = (now[:, 0] + 1j * now[:, 1]) * np.conj(complex(*rest))
    return np.where(np.abs(way) > 1e-12, way / np.maximum(np.abs(way), 1e-12), 1)


def _turned(vector: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(T, 2) a vector (2,), turned."""
    way = complex(*vector) * turn
    return np.stack([way.real, way.imag], 1)


def _middle(points: np.ndarray, scores: np.ndarray, joints: list[str]) -> np.ndarray | None:
    """(T, 2) the middle of those of some joints that are seen; straight on where none is, None if none ever is."""
    columns = [_AT[joint] for joint in joints]
    seen = scores[:, columns] > 0
    known = np.flatnonzero(seen.any(1))
    if not len(known):
        return None
    summed = (points[:, columns] * seen[..., None]).sum(1) / np.maximum(seen.sum(1), 1)[:, None]
    every = np.arange(len(points))
    return np.stack([np.interp(every, known, axis[known]) for axis in summed.T], 1)

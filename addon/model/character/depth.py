# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in front of what: limbs before or behind the trunk, in one pose and through a dance. No bpy in here.

Poses are flat, so depth is inferred: a figure turned sideways has one arm and one leg nearer; a limb that is not
seen although it lies over the trunk is behind it; seen from the back, hands in front of the belly are on the far
side.
"""

from collections.abc import Container

import numpy as np

from tempose_pose.request import runs

from .anatomy import ARMS, HEAD, LEGS, SIDES, TRUNK
from .mapping import BODY

LEVELS = {ARMS[0]: 1.3, ARMS[1]: 1.0, HEAD: 0.5, TRUNK: 0.0, LEGS[0]: -1.0, LEGS[1]: -1.2}
"""How far each part is in front of the trunk by default, in layers."""
BEHIND = -3.0  # by how much an arm covered by the trunk is farther back than one in front of it
RAISED = 0.7  # a leg in front of the trunk
NEAR, FAR = -0.8, -1.4  # legs of a figure turned sideways
ASIDE = 0.3  # of the trunk's length: with shoulders closer together than this, the figure is turned sideways
OVER = 0.9  # half widths of the trunk: an arm this near to it lies over it
RISEN = 0.85  # of the trunk's length below the neck: a knee above that is in front of it
SETTLE = 0.3  # seconds over which the facing is judged
SWITCH = 0.12  # seconds in which a limb goes from one side to the other
_AT = BODY.at


def of_pose(points: np.ndarray, doubtful: Container[str] = ()) -> dict[str, float]:
    """Part → level in one pose (18, 2). An arm on the far side, or not seen clearly over the trunk, is behind it."""
    scores = np.array([0.0 if joint in doubtful else 1.0 for joint in BODY.joints])
    found = levels_over_time(np.asarray(points, float)[None], scores[None], 30.0)
    return {part: float(levels[0]) for part, levels in found.items()}


def levels_over_time(points: np.ndarray, scores: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """Part → (T,) level through a dance.

    Limbs change sides while they are clear of the trunk, where possible.

    Parameters
    ----------
    points : (T, 18, 2) float
        x right, y down, in any unit.
    scores : (T, 18) float
        0 where a joint is hidden.
    rate : float
        Frames per second.
    """
    near, back = _facing(points, scores, rate)
    out = {part: np.full(len(points), level) for part, level in LEVELS.items()}
    for arm, side in zip(ARMS, SIDES, strict=True):
        joints = [_AT[f"{side}_{joint}"] for joint in ("elbow", "wrist")]
        ends = points[:, joints]
        over = _over(points, np.concatenate([ends, ends.mean(1, keepdims=True)], 1))
        hidden = scores[:, joints].min(1) <= 0
        turn = near * (1 if side == "left" else -1)  # 1 the near arm, -1 the far one
        behind = np.where(turn != 0, turn < 0, back | hidden)
        out[arm] = _settled(LEVELS[arm] + BEHIND * behind, over, rate)
    for leg, side in zip(LEGS, SIDES, strict=True):
        knee = points[:, [_AT[f"{side}_knee"]]]
        turn = near * (1 if side == "left" else -1)
        plain = np.select([turn > 0, turn < 0], [NEAR, FAR], LEVELS[leg])
        raised = _over(points, knee, RISEN) & ~back & (turn >= 0)
        out[leg] = np.where(_steady(raised, rate), RAISED, _settled(plain, _crossed(points), rate))
    return out


def keys_of(levels: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions and values (N,) of the keys that hold levels (T,) and change them within `SWITCH`."""
    turns = np.flatnonzero(np.diff(levels))
    half = max(round(SWITCH * rate / 2), 1)
    at: dict[int, float] = {0: float(levels[0]), len(levels) - 1: float(levels[-1])}
    for turn in turns.tolist():
        at[max(turn - half + 1, 0)] = float(levels[turn])
        at[min(turn + half, len(levels) - 1)] = float(levels[turn + 1])
    where = np.array(sorted(at), int)
    return where, np.array([at[int(k)] for k in where])


def _trunk(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neck and middle of the hips (T, 2), and the usual distance between them."""
    hips = points[:, [_AT["left_hip"], _AT["right_hip"]]].mean(1)
    neck = points[:, _AT["neck"]]
    length = np.percentile(np.hypot(*(neck - hips).T), 75)
    return neck, hips, np.maximum(length, 1e-6)


def _facing(points: np.ndarray, scores: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Which side is nearer (T,): 1 left, -1 right, 0 neither; and whether the figure shows its back."""
    _, _, length = _trunk(points)
    wide = (points[:, _AT["left_shoulder"], 0] - points[:, _AT["right_shoulder"], 0]) / length
    face = points[:, _AT["nose"], 0] - points[:, [_AT["left_ear"], _AT["right_ear"]], 0].mean(1)
    known = scores[:, _AT["nose"]] > 0
    wide, face = _smooth(wide, rate), _smooth(np.where(known, face / length, 0.0), rate)
    aside = (np.abs(wide) < ASIDE) & (np.abs(face) > 0.04)
    # A figure that looks to the picture's left has its left side towards the viewer.
    near = np.where(aside, -np.sign(face), 0.0).astype(int)
    return near, wide < -0.5 * ASIDE


def _smooth(values: np.ndarray, rate: float) -> np.ndarray:
    wide = max(round(SETTLE * rate) // 2, 0)
    padded = np.pad(values, wide, mode="edge")
    return np.convolve(padded, np.full(2 * wide + 1, 1 / (2 * wide + 1)), "valid")


def _over(points: np.ndarray, at: np.ndarray, low: float = 1.0) -> np.ndarray:
    """Whether (T,) any of the points (T, N, 2) lies over the trunk, down to `low` of its length."""
    neck, hips, length = _trunk(points)
    axis = hips - neck
    long = np.maximum(np.hypot(*axis.T), 1e-6)[:, None]
    off = at - neck[:, None]
    along = np.einsum("tnc,tc->tn", off, axis) / long**2
    beside = np.abs(off[..., 0] * axis[:, None, 1] - off[..., 1] * axis[:, None, 0]) / long
    shoulders = points[:, _AT["left_shoulder"]] - points[:, _AT["right_shoulder"]]
    wide = np.maximum(np.hypot(*shoulders.T) / 2, 0.2 * length)[:, None]
    return ((along > -0.1) & (along < low) & (beside < OVER * wide)).any(1)


def _crossed(points: np.ndarray) -> np.ndarray:
    """Whether (T,) one leg lies over the other."""
    _, _, length = _trunk(points)
    apart = [points[:, _AT[f"left_{j}"], 0] - points[:, _AT[f"right_{j}"], 0] for j in ("knee", "ankle")]
    return np.min(np.abs(apart), axis=0) < 0.25 * length


def _steady(values: np.ndarray, rate: float) -> np.ndarray:
    """The value (T,) that most frames around each one have."""
    kinds = np.unique(values)
    if len(kinds) < 2:
        return values
    votes = np.stack([_smooth((values == kind).astype(float), rate) for kind in kinds])
    return kinds[votes.argmax(0)]


def _settled(wanted: np.ndarray, over: np.ndarray, rate: float) -> np.ndarray:
    """Levels (T,) that change while a limb is clear of other parts, as far as possible.

    Short passes stay on the side that most of their frames have. Between two, the limb keeps the level of
    the one before for the first half of the way to the next.
    """
    usual, passes = _most(wanted), runs(over)
    steady, out = _steady(wanted, rate), np.full(len(wanted), usual)
    before = 0
    for start, end in passes:
        level = steady[start:end] if end - start >= 2 * SETTLE * rate else _most(wanted[start:end])
        out[before : (before + start) // 2] = out[max(before - 1, 0)]
        out[start:end] = level
        out[(before + start) // 2 : start] = out[start]
        before = end
    out[before:] = out[max(before - 1, 0)]
    return out


def _most(values: np.ndarray) -> float:
    """The most frequent value."""
    kinds, counts = np.unique(values, return_counts=True)
    return float(kinds[counts.argmax()])

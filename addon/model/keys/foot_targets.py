# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet pulled to IK targets, with few keys. No bpy in here.

A target stands while its foot carries. Neither its keys nor their handles are below the ground, so the curve is not
either. Where legs cannot stretch, hips sink until the legs reach the targets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..character.forward_kinematics import Forward
from ..character.mapping import BoneMap
from .effects import Effects
from .hermite import BoneKeys, evaluate
from .tracks import Tracks

Short = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
"""Channels → by ankle (T,): how far its hip would have to go down for its leg to reach the target."""


@dataclass(frozen=True, eq=False)
class Pulled:
    """Targets, and the tracks that bring the legs to them.

    Parameters
    ----------
    targets : by track
        The ankle that it moves, as an index into the joints of `forward`.
    ends : by ankle
        Where stretched legs would end without targets, as an index into the joints.
    hips : str, optional
        The track that carries the figure.
    hip : int
        Index of a hip among the joints.
    short : callable
    """

    targets: dict[str, int]
    ends: dict[int, int]
    hips: str | None
    hip: int
    short: Short

    @classmethod
    def of(cls, bone_map: BoneMap, tracks: Tracks, forward: Forward) -> "Pulled | None":
        """The keyed targets; None without any."""
        bones, place = bone_map.bones, forward.names.index
        targets, ends = {}, {}
        for letter, side in (("L", "left"), ("R", "right")):
            ankle, target = f"{side}_ankle", f"{bones.get(f'foot_ik.{letter}')}.location"
            if ankle in forward.legs and target in tracks.values:
                targets[target] = place(ankle)
                if f"{bones.get(f'shin.{letter}')}.scale" in tracks.values:
                    ends[place(ankle)] = place(f"{ankle} unpulled")
        if not targets:
            return None
        carriers = [f"{bones.get(part)}.location" for part in ("root", "spine")]
        hips = next((track for track in carriers if track in tracks.values), None)
        return cls(targets, ends, hips, place("left_hip"), tracks.by_bone(forward.short))

    def reached(
        self, keys: dict[str, BoneKeys], at: np.ndarray, ground: float | None, effects: Effects
    ) -> dict[str, BoneKeys]:
        """The keys with targets on or above the ground, and legs that reach them; joints are at (J, T, 2)."""
        if ground is not None:
            for track, ankle in self.targets.items():
                above = at[ankle, keys[track].at, 1] - ground
                keys = {**keys, track: _above(keys[track], above, effects[track], ankle)}
        if self.hips is not None and not self.ends:
            short = self.short({name: evaluate(own, at.shape[1]) for name, own in keys.items()})
            down = np.max([*short.values()], axis=0)
            if down.max() > 0:
                keys = {**keys, self.hips: higher(keys[self.hips], down, effects[self.hips], self.hip, -1)}
        return keys


def higher(bone: BoneKeys, by: np.ndarray, effects: list, joint: int, sign: int = 1) -> BoneKeys:
    """Keys that carry a joint, moved up (or down) until it is at least this much (T,) higher (or lower)."""
    up = np.linalg.pinv(_moves(effects, joint))[:, 1]  # (C,)
    return BoneKeys(bone.at, bone.values + sign * _at_keys(by, bone.at)[:, None] * up, bone.slopes)


def _above(bone: BoneKeys, above: np.ndarray, effects: list, ankle: int) -> BoneKeys:
    """Keys of a target that is this high (N,) above the ground, with no handle below it."""
    moves = _moves(effects, ankle)
    up = np.linalg.pinv(moves)[:, 1]
    height, rise = np.maximum(above, 0), bone.slopes @ moves[1]
    gaps = np.diff(bone.at, prepend=bone.at[0] - 1, append=bone.at[-1] + 1)
    held = np.clip(rise, -3 * height / gaps[1:], 3 * height / gaps[:-1])
    return BoneKeys(
        bone.at, bone.values + (height - above)[:, None] * up, bone.slopes + (held - rise)[:, None] * up
    )


def _moves(effects: list, joint: int) -> np.ndarray:
    """How columns move a joint (2, C) at any time."""
    return np.stack(
        [
            np.median(away[list(joints).index(joint)], axis=0) if joint in joints else np.zeros(2)
            for joints, away in effects
        ],
        1,
    )


def _at_keys(by: np.ndarray, at: Sequence[int] | np.ndarray) -> np.ndarray:
    """How far (N,) keys must rise for the curve to rise by at least `by` (T,): the most in both adjoining spans."""
    most = np.maximum.reduceat(by, at)  # up to the next key
    return np.maximum(most, np.r_[0, most[:-1]])

# SPDX-License-Identifier: GPL-3.0-or-later
"""From keypoints to the channels of any armature whose bones are mapped. No bpy in here.

Each mapped bone is turned about the normal of the figure's plane, and in stretch mode made longer or shorter, so that
the far end of its body part lies on its keypoint. Bones between mapped ones, bent parts, shear and every way of
inheriting scale are handled by posing the bones between and measuring where the end has got to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from .aim import aimed
from .bones import Bone, Hook, Placed, lineage, place
from .joints import joints_of
from .legs import bent, lowered
from .mapping import JOINTS, PARTS, STUBS, BoneMap
from .plane import Plane
from .posing import Channel, Options, Posing


@dataclass(eq=False)
class Solution:
    """The channels to key, where they put the figure's joints (T, 2) in the plane, and what could not be done."""

    channels: list[Channel] = field(default_factory=list)
    joints: dict[str, np.ndarray] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def of(self, bone: str, prop: str, index: int) -> np.ndarray | None:
        """The values of one channel, or None."""
        found = [c for c in self.channels if (c.bone, c.property, c.index) == (bone, prop, index)]
        return found[0].values if found else None


def solve(
    points: np.ndarray,
    scores: np.ndarray,
    bones: dict[str, Bone],
    bone_map: BoneMap,
    plane: Plane,
    options: Options | None = None,
    joints: Sequence[str] = JOINTS,
) -> Solution:
    """Channels that put the figure's joints on the keypoints.

    Parameters
    ----------
    points : (T, J, 2) float
        Joints in the figure's plane.
    scores : (T, J) float
        A joint with 0 is missing; its bone turns steadily to where the joint is next seen, or stays at rest.
    bones : all of the armature
    joints : J names
    """
    options = options or Options()
    figure = Posing(points, scores, bones, bone_map.within(bones), plane, options, tuple(joints))
    solution = _pass(figure, np.zeros((len(points), 2)))
    if not options.stretch and (legs := _legs(figure)):
        solution = _on_legs(figure, solution, legs)
    return solution


def _pass(figure: Posing, shift: np.ndarray) -> Solution:
    """One pass from the root outwards; `shift` (T, 2) moves the whole figure."""
    placed: dict[str, Placed] = {}
    channels: list[Channel] = []
    figure.notices, moved = [], set()
    targets = {b: p for p, b in figure.map.bones.items() if p.startswith("foot_ik")}
    for name in figure.order:
        bone, hooked = figure.bones[name], figure.hook(name, placed)
        part = figure.part_of.get(name)
        turn, scale, location = figure.now[name]
        offset = _offset(figure, name, figure.starts.get(name), hooked, shift, moved)
        if offset is not None and (loc := figure.slid(bone, hooked, offset)) is not None:
            location = loc
            moved.add(name)
            channels += figure.keyed(bone, "location", {i: loc[:, i] for i in range(3)})
        if part is not None and not figure.held(bone):
            turn, scale, keyed = aimed(figure, bone, part, hooked, location, shift)
            channels += keyed
        if name not in targets:
            placed[name] = place(hooked, turn, scale, location)
    # Bones on the feet's targets do not matter: the targets follow the ankles.
    at = joints_of({j: s for j, s in figure.spots.items() if s.bone in placed}, placed, figure.plane)
    for name in figure.order:
        if (
            name in targets
            and (ankle := PARTS[targets[name]].head) in at
            and not figure.held(figure.bones[name])
        ):
            hooked = figure.hook(name, placed)
            delta = at[ankle] - figure.at_rest[ankle]
            away = delta - figure.plane.flat(hooked.head - figure.neutral[name].head)
            loc = figure.slid(figure.bones[name], hooked, away)
            if loc is not None:
                channels += figure.keyed(figure.bones[name], "location", {i: loc[:, i] for i in range(3)})
    everywhere = {j: np.broadcast_to(p, (figure.frames, 2)) for j, p in at.items()}
    return Solution(channels, everywhere, sorted(set(figure.notices)))


def _offset(
    figure: Posing, name: str, part: str | None, hooked: Hook, shift: np.ndarray, moved: set[str]
) -> np.ndarray | None:
    """How far (T, 2) a bone has to move in the plane; None if it stays."""
    bone, here = figure.bones[name], figure.plane.flat(hooked.head)
    start = figure.plane.flat(figure.neutral[name].head)[0]
    if figure.map.bones.get("root") == name and "mid_hip" in figure.points:
        if figure.held(bone):
            return None
        anchor = figure.at_rest.get("mid_hip", start)
        return figure.points["mid_hip"] + shift + (start - anchor) - here
    if part is None or bone.connected or bone.held:
        return None
    spot = figure.spots.get(PARTS[part].head)
    joint = PARTS[part].head
    mine = spot is not None and spot.bone == name and joint in figure.points
    up = lineage(figure.bones, bone.parent)
    alone = not any(b in moved or b in figure.part_of for b in up)
    if alone and not moved and "root" not in figure.map.bones and part == "spine":
        anchor = figure.at_rest.get("mid_hip", start)  # the spine carries the position if nothing else does
        return figure.points["mid_hip"] + shift + (start - anchor) - here
    if mine and (alone or (figure.options.stretch and figure.options.loose)):
        away = figure.points[joint] + shift - here
        begins = part in STUBS.values() and not any(
            limb == part and stub in figure.map.bones for stub, limb in STUBS.items()
        )
        return away if alone or begins or np.abs(away).max() > 5 * figure.exact else None
    return None


def _legs(figure: Posing) -> list[tuple[str, str, str]]:
    """Hip, knee and ankle of the legs that can bend to the dance's ankles."""
    found = []
    for letter, side in (("L", "left"), ("R", "right")):
        leg = tuple(f"{side}_{joint}" for joint in ("hip", "knee", "ankle"))
        parts = [figure.map.bones.get(f"{part}.{letter}") for part in ("thigh", "shin")]
        free = all(bone is not None and not figure.bones[bone].held for bone in parts)
        if free and all(j in figure.points and j in figure.at_rest and figure.seen[j].any() for j in leg):
            found.append(leg)
    return found


def _on_legs(figure: Posing, first: Solution, legs: list[tuple[str, str, str]]) -> Solution:
    """The figure on legs of its own length that end at the dance's ankles."""
    hips = np.stack([first.joints[hip] for hip, _, _ in legs])
    goals = np.stack([figure.points[ankle] for _, _, ankle in legs])
    sizes = [
        [float(np.hypot(*(figure.at_rest[a] - figure.at_rest[b]))) for a, b in pairwise(leg)] for leg in legs
    ]
    shift = np.zeros((figure.frames, 2))
    shift[:, 1] = -lowered(hips, goals, np.sum(sizes, axis=1))
    for leg, hip, goal, (thigh, shin) in zip(legs, hips + shift, goals, sizes, strict=True):
        knee, ankle = bent(hip, goal, thigh, shin, figure.points[leg[1]] + shift)
        for joint, at in zip(leg, (hip, knee, ankle), strict=True):
            figure.points[joint] = at - shift
            figure.seen[joint] = np.ones(figure.frames, bool)
    return _pass(figure, shift)

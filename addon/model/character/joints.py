# SPDX-License-Identifier: GPL-3.0-or-later
"""The positions of a figure's joints on its mapped bones. No bpy in here."""

from dataclasses import dataclass

import numpy as np

from .bones import Bone, Placed
from .mapping import BODY, PARTS, BoneMap
from .plane import Plane


@dataclass(frozen=True)
class Spot:
    """A joint as a point of a bone, in the bone's own space."""

    bone: str
    local: tuple[float, float, float]


def spots(bones: dict[str, Bone], bone_map: BoneMap) -> dict[str, Spot]:
    """The bone, and the point on it, of each joint.

    A joint is the head of the bone that starts from it or, without one, the tail of the bone that leads to it.
    """
    found: dict[str, Spot] = {}
    mapped = {part: bone for part, bone in bone_map.bones.items() if bone in bones and part in PARTS}
    skull = mapped.get("head") or mapped.get("neck")
    if skull:
        found["nose"] = Spot(skull, (0, bone_map.nose * bones[skull].length, 0))
        found["neck"] = Spot(mapped.get("neck", skull), (0, 0, 0))
    for part, bone in mapped.items():
        if part.startswith("toe"):
            found[PARTS[part].head] = Spot(bone, (0, bones[bone].length, 0))
    for part, bone in mapped.items():
        link = PARTS[part]
        if (
            link.tail is not None
            and link.head not in ("mid_hip", "neck", "nose")
            and not part.startswith("ear")
        ):
            found.setdefault(link.head, Spot(bone, (0, 0, 0)))
    for part, bone in mapped.items():
        link = PARTS[part]
        if link.tail is not None and (link.tail != "neck" or "neck" not in found):
            found.setdefault(link.tail, Spot(bone, (0, bones[bone].length, 0)))
    return found


def joints_of(spots_: dict[str, Spot], placed: dict[str, Placed], plane: Plane) -> dict[str, np.ndarray]:
    """Joints (T, 2) of a figure whose bones are placed, with the middle of the hips."""
    at = {joint: plane.flat(placed[spot.bone].point(spot.local)) for joint, spot in spots_.items()}
    if "left_hip" in at and "right_hip" in at:
        at["mid_hip"] = (at["left_hip"] + at["right_hip"]) / 2
    return at


def joints_at_rest(bones: dict[str, Bone], bone_map: BoneMap, plane: Plane) -> dict[str, np.ndarray]:
    """Joints (2,) of the armature's rest pose, in the plane."""
    placed = {name: Placed(bone.matrix[None], bone.head[None]) for name, bone in bones.items()}
    return {j: p[0] for j, p in joints_of(spots(bones, bone_map), placed, plane).items()}


def with_mid_hip(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Append the middle of the hips: (T, 18, 2) → (T, 19, 2), in the order of `JOINTS`."""
    left, right = BODY.index("left_hip"), BODY.index("right_hip")
    middle = (points[:, [left]] + points[:, [right]]) / 2
    score = np.minimum(scores[:, [left]], scores[:, [right]])
    return np.concatenate([points, middle], 1), np.concatenate([scores, score], 1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""From bone channels back to the positions of the figure's joints, for any mapped armature. No bpy in here."""

from collections.abc import Sequence

import numpy as np

from . import rotations
from .bones import Bone, Placed, hook, lineage, parents_first, parts_of, place
from .joints import Spot, joints_at_rest, joints_of, spots
from .mapping import PARTS, BoneMap
from .plane import Plane

Layout = dict[str, list[tuple[str, int]]]
"""By bone: property and index of each column."""


class Forward:
    """Channels → joints, in the form that `fitting` needs.

    Parameters
    ----------
    bones : all of the armature
    bone_map, plane
        As for `retarget.solve`.
    layout : by bone
        The meaning of its values' columns.
    """

    def __init__(self, bones: dict[str, Bone], bone_map: BoneMap, plane: Plane, layout: Layout):
        self.bones, self.plane, self.layout = bones, plane, layout
        self.spots = spots(bones, bone_map.within(bones))
        pulled = _targets(self.spots, bones, bone_map.within(bones), plane, layout)
        self.legs = {ankle: self.spots[ankle] for ankle in pulled if _leg(ankle)[0] in self.spots}
        self.spots |= pulled
        needed = {
            name for spot in [*self.spots.values(), *self.legs.values()] for name in lineage(bones, spot.bone)
        }
        self.order = [name for name in parents_first(bones) if name in needed]
        mapped = set(bone_map.bones.values())
        self.now = {n: parts_of(np.eye(4) if n in mapped else bones[n].basis) for n in self.order}

    @property
    def names(self) -> list[str]:
        """The joints, in the order of the result; last, the ends that legs pulled to targets would have otherwise."""
        at = [*self.spots]
        if {"left_hip", "right_hip"} <= set(at) and "mid_hip" not in at:
            at.append("mid_hip")
        return [*at, *(f"{ankle} unpulled" for ankle in self.legs)]

    @property
    def unseen(self) -> list[int]:
        """Which joints are not seen: they only keep the pose of legs that are pulled to targets."""
        return [k for k, name in enumerate(self.names) if name.endswith(" unpulled")]

    def __call__(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """(J, T, 2) joints in the plane from (T, C) values by bone; legs reach their targets (see `short`)."""
        found, ends = self._found(values)
        count = len(next(iter(values.values())))
        return np.stack([np.broadcast_to(p, (count, 2)) for p in [*found.values(), *ends.values()]])

    def short(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """For each pulled ankle, how far (T,) the hip would have to sink for the leg to be long enough."""
        found, ends = self._found(values)
        out = {}
        for ankle, end in ends.items():
            hip, knee = (found[joint] for joint in _leg(ankle))
            way = found[ankle] - hip
            length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(end - knee, axis=-1)
            rise = np.sqrt(np.maximum(length**2 - way[..., 0] ** 2, 0))
            out[ankle] = np.where(
                np.linalg.norm(way, axis=-1) > length, np.maximum(-way[..., 1] - rise, 0), 0
            )
        return out

    def _found(self, values: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Joints, and for each pulled ankle where its leg would end without the target."""
        placed: dict[str, Placed] = {}
        for name in self.order:
            bone = self.bones[name]
            up = bone.parent
            hooked = hook(bone, self.bones[up] if up else None, placed[up] if up else None)
            turn, scale, location = self.now[name]
            if name in values:
                turn, scale, location = self._pose(bone, values[name])
            placed[name] = place(hooked, turn, scale, location)
        ends = {ankle: self.plane.flat(placed[s.bone].point(s.local)) for ankle, s in self.legs.items()}
        return joints_of(self.spots, placed, self.plane), ends

    def _pose(self, bone: Bone, values: np.ndarray):
        """Turn, scale and location of one bone from its columns."""
        turn, scale, location = self.now[bone.name]
        columns: dict[str, dict[int, np.ndarray]] = {}
        for c, (prop, index) in enumerate(self.layout[bone.name]):
            columns.setdefault(prop, {})[index] = values[:, c]
        count = len(values)
        if (part := columns.get("location")) is not None:
            location = _filled(part, location[0], count)
        if (part := columns.get("scale")) is not None:
            scale = _filled(part, scale[0], count)
        for prop in ("rotation_euler", "rotation_quaternion", "rotation_axis_angle"):
            if (part := columns.get(prop)) is not None:
                turn = _turn(prop, bone.mode, part, count)
        return turn, scale, location


def _leg(ankle: str) -> tuple[str, str]:
    """Hip and knee above an ankle."""
    side = ankle.partition("_")[0]
    return f"{side}_hip", f"{side}_knee"


def _targets(spots: dict, bones: dict[str, Bone], bone_map: BoneMap, plane: Plane, layout: Layout) -> dict:
    """Ankles that are pulled to targets, placed on them."""
    at_rest, found = joints_at_rest(bones, bone_map, plane), {}
    for part, name in bone_map.bones.items():
        ankle = PARTS[part].head
        if part.startswith("foot_ik") and name in layout and ankle in spots:
            bone = bones[name]
            away = plane.lifted(at_rest[ankle] - plane.flat(bone.head))
            found[ankle] = Spot(name, tuple((bone.matrix.T @ away).tolist()))
    return found


def _filled(part: dict[int, np.ndarray], rest: Sequence[float], count: int) -> np.ndarray:
    return np.stack([part.get(i, np.full(count, rest[i])) for i in range(3)], 1)


def _turn(prop: str, mode: str, part: dict[int, np.ndarray], count: int) -> np.ndarray:
    """Rotations (T, 3, 3) from a rotation property's columns."""
    if prop == "rotation_quaternion":
        w, x, y, z = (part.get(i, np.full(count, float(i == 0))) for i in range(4))
        size = np.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = (v / np.maximum(size, 1e-12) for v in (w, x, y, z))
        rows = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
        return np.moveaxis(np.array(rows), 2, 0)
    if prop == "rotation_axis_angle":
        axis = [float(part[i][0]) if i in part else float(i == 2) for i in (1, 2, 3)]
        size = max(float(np.linalg.norm(axis)), 1e-12)
        return rotations.matrix([v / size for v in axis], part.get(0, np.zeros(count)))
    out = None
    for letter in mode if len(mode) == 3 else "XYZ":  # the first letter turns first
        index = "XYZ".index(letter)
        if index in part:
            turned = rotations.matrix(np.eye(3)[index], part[index])
            out = turned if out is None else turned @ out
    return np.eye(3)[None] if out is None else out

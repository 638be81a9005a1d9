# SPDX-License-Identifier: GPL-3.0-or-later
"""An armature under a dance: its bones as they are now, the joints they follow, and the curves that may be written.

No bpy in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bones import Bone, Hook, Placed, hook, lineage, parents_first, parts_of, place
from .joints import joints_of, spots
from .mapping import PARTS, STUBS, BoneMap
from .plane import Plane

# Limits of the length scale, unless the artist sets others. Limbs that swing through the viewer's direction almost
# vanish for a frame or two; a longer bone would push the next joint away by some pixels.
SHORTEST, LONGEST = 0.005, 4.0
EXACT = 0.02  # pixels (or thousandths of a figure) that need no correction
_REST = {
    "location": (0, 0, 0),
    "rotation_euler": (0, 0, 0),
    "rotation_quaternion": (1, 0, 0, 0),
    "rotation_axis_angle": (0, 0, 1, 0),
    "scale": (1, 1, 1),
}


@dataclass(frozen=True)
class Options:
    """How bones may move.

    Parameters
    ----------
    stretch : bool
        Let bones take on their length in the picture. Otherwise they only turn.
    shortest, longest : float
        Limits of that length, as shares of the length at rest.
    loose : bool
        In stretch mode, let unconnected bones leave their parents as far as the dance does.
    """

    stretch: bool = True
    shortest: float = SHORTEST
    longest: float = LONGEST
    loose: bool = True


@dataclass(frozen=True, eq=False)
class Channel:
    """One curve: values (T,) of one property of one bone."""

    bone: str
    property: str
    index: int
    values: np.ndarray


class Posing:
    """The state of one solution.

    Attributes
    ----------
    points, seen : dict of joint to (T, 2) float, (T,) bool
        Positions in the figure's plane, without gaps; and the frames on which they were seen.
    order : bones, parents first
    spots : dict of joint to Spot
    part_of, starts : dict of bone to part
        The part that turns the bone; the part that begins with it.
    now, neutral : dict of bone to its pose
        With mapped bones at rest and the others in their current pose: turn, scale and location; and placed.
    at_rest : dict of joint to (2,) float
    exact : float
        Distance that needs no correction, in the plane's unit.
    notices : list of str
        What could not be done.
    """

    def __init__(
        self,
        points: np.ndarray,
        scores: np.ndarray,
        bones: dict[str, Bone],
        bone_map: BoneMap,
        plane: Plane,
        options: Options,
        joints: Sequence[str],
    ):
        self.frames = len(points)
        self.points = {j: bridged(points[:, i], scores[:, i] > 0) for i, j in enumerate(joints)}
        self.seen = {j: scores[:, i] > 0 for i, j in enumerate(joints)}
        self.bones, self.map, self.plane, self.options = bones, bone_map, plane, options
        self.order = parents_first(bones)
        self.spots = spots(bones, bone_map)
        self.part_of: dict[str, str] = {}  # bone → the part that turns it
        idle = _idle(bones, bone_map)
        self.starts: dict[str, str] = {}  # bone → the part that begins with it
        for part, bone in bone_map.bones.items():
            if PARTS[part].tail is not None:
                self.starts.setdefault(bone, part)
                if part != idle and not (part in STUBS and not options.stretch):  # a stub only turns over
                    self.part_of.setdefault(bone, part)
        carriers = set(bone_map.bones.values())
        # Mapped bones at rest, the others in their current pose.
        self.now = {n: parts_of(np.eye(4) if n in carriers else bones[n].basis) for n in bones}
        self.neutral = self.posed({})
        self.at_rest = {j: p[0] for j, p in joints_of(self.spots, self.neutral, plane).items()}
        size = np.ptp(np.stack(list(self.at_rest.values())), axis=0).max() if self.at_rest else 1.0
        self.exact = EXACT * max(float(size), 1e-12) / 1000
        self.notices: list[str] = []

    def hook(self, name: str, placed: dict[str, Placed]) -> Hook:
        """How a bone hangs on its parent, which must be placed."""
        bone = self.bones[name]
        parent = self.bones[bone.parent] if bone.parent else None
        return hook(bone, parent, placed[bone.parent] if bone.parent else None)

    def posed(self, placed: dict[str, Placed], names: Sequence[str] | None = None) -> dict[str, Placed]:
        """Place bones, in their current pose, on those already placed."""
        placed = dict(placed)
        for name in self.order if names is None else names:
            placed[name] = place(self.hook(name, placed), *self.now[name])
        return placed

    def held(self, bone: Bone) -> bool:
        """Whether keys on a bone would have no effect; adds a notice if so."""
        if bone.held:
            self.notices.append(f"{bone.name} is {bone.held}: it gets no keys")
        return bool(bone.held)

    def slid(self, bone: Bone, hooked: Hook, offset: np.ndarray) -> np.ndarray | None:
        """Location channels (T, 3) that move a bone in the plane; None where they are locked."""
        inverse = np.linalg.inv(hooked.slide)
        location = np.einsum(
            "tij,tj->ti", np.broadcast_to(inverse, (self.frames, 3, 3)), self.plane.lifted(offset)
        )
        needed = np.abs(location).max(0) > 1e-6 * max(np.abs(location).max(), 1e-12)
        if any(needed[i] and ("location", i) in bone.locked for i in range(3)):
            if self.map.bones.get("root") == bone.name:
                self.notices.append(f"the place of {bone.name} is locked: the figure stays where it is")
            return None
        return np.where(needed, location, 0.0)

    def keyed(self, bone: Bone, prop: str, values: dict[int, np.ndarray]) -> list[Channel]:
        """Curves, without those that are locked or that stay at rest in a bone that is at rest."""
        kind = prop.partition("_")[0]
        loc = bone.basis[:3, 3]
        size = np.linalg.norm(bone.basis[:3, :3], axis=0)
        posed = {"location": np.abs(loc) > 1e-6, "scale": np.abs(size - 1) > 1e-5}.get(kind)
        turned = np.abs(bone.basis[:3, :3] / np.maximum(size, 1e-12) - np.eye(3)).max() > 1e-5
        out = []
        single = prop == "rotation_euler" and len(values) == 1
        for index in range(3) if single else values:
            curve = np.broadcast_to(values.get(index, np.zeros(self.frames)), (self.frames,))
            moves = np.abs(curve - _REST[prop][index]).max() > 1e-9
            if kind == "rotation":
                written = turned or not single or index in values
            else:
                written = moves or bool(posed is not None and posed[index])
                written = (
                    written
                    or (kind == "scale" and index == 1)
                    or (
                        kind == "location"
                        and self.map.bones.get("root") == bone.name
                        and not self._normal(bone, index)
                    )
                )
            lock = {"rotation_quaternion": (index - 1) % 4, "rotation_axis_angle": (index - 1) % 4}.get(
                prop, index
            )
            if written and (kind, lock) not in bone.locked:
                out.append(Channel(bone.name, prop, index, np.array(curve, float)))
        return out

    def _normal(self, bone: Bone, index: int) -> bool:
        """Whether one of a bone's axes points at the viewer."""
        return bool(abs(bone.matrix[:, index] @ self.plane.normal) > 0.999 and bone.local_location)


def _idle(bones: dict[str, Bone], bone_map: BoneMap) -> str:
    """Whichever of neck and head, both mapped, does not turn: the head, if it follows the neck in everything."""
    neck, head = bone_map.bones.get("neck"), bone_map.bones.get("head")
    if neck is None or head is None:
        return ""
    up = lineage(bones, head)
    between = up[: up.index(neck)] if neck in up else up
    faithful = all(bones[b].inherit_rotation and bones[b].inherit_scale == "FULL" for b in between)
    faithful = faithful and not any(
        bones[b].held for b in between[1:]
    )  # such as Rigify's, which keeps heads upright
    return "head" if neck in up and faithful else "neck"


def bridged(values: np.ndarray, seen: np.ndarray, empty: float = 0.0) -> np.ndarray:
    """Values (T, C), interpolated linearly across unseen frames."""
    if not seen.any():
        return np.full_like(values, empty)
    if seen.all():
        return values
    at = np.flatnonzero(seen)
    return np.stack([np.interp(np.arange(len(values)), at, column[seen]) for column in values.T], 1)

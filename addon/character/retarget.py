# SPDX-License-Identifier: GPL-3.0-or-later
"""From keypoints to the channels of any armature whose bones are mapped. No bpy in here.

Each mapped bone is turned about the normal of the figure's plane, and in stretch mode made longer or shorter, so that
the far end of its body part lies on its keypoint. Bones between mapped ones, bent parts, shear and every way of
inheriting scale are dealt with by posing the bones between and measuring where the end has come to lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from . import rotations
from .bones import Bone, Hook, Placed, hook, lineage, parents_first, parts_of, place
from .mapping import JOINTS, PARTS, BoneMap, label
from .plane import Placement, Plane
from .skeleton import OPENPOSE_18

__all__ = ["Channel", "Options", "Placement", "Rest", "Solution", "joints_at_rest", "solve", "with_mid_hip"]

# Limits of the length scale, unless the artist sets others. Limbs that swing through the viewer's direction are
# nearly gone for a frame or two; a longer bone would push the joint beyond it away by pixels.
SHORTEST, LONGEST = 0.005, 4.0
EXACT = 0.02  # pixels (or thousandths of a figure) that need no correction
ACROSS, ALONG = 0.5, 0.15  # in rigid mode
_UNTURNED = {"rotation_quaternion": (1, 0, 0, 0), "rotation_axis_angle": (0, 0, 1, 0)}
ROUNDS = 4  # of measuring and correcting


@dataclass(frozen=True)
class Rest:
    """A bone at rest, in the figure's plane: (right, up) of both ends."""

    head: tuple[float, float]
    tail: tuple[float, float]

    @property
    def vector(self) -> np.ndarray:
        return np.subtract(self.tail, self.head)


@dataclass(frozen=True)
class Options:
    """How bones may move.

    Parameters
    ----------
    stretch : bool
        Let bones take their length in the picture. Otherwise they only turn.
    shortest, longest : float
        Limits of that length, as shares of the length at rest.
    loose : bool
        In stretch mode, let bones that are not connected leave their parents, as far as the dance has it so.
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


@dataclass(eq=False)
class Solution:
    """What to key, where the figure's joints then lie (T, 2) in the plane, and what could not be done."""

    channels: list[Channel] = field(default_factory=list)
    joints: dict[str, np.ndarray] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def of(self, bone: str, prop: str, index: int) -> np.ndarray | None:
        """The values of one channel, or None."""
        found = [c for c in self.channels if (c.bone, c.property, c.index) == (bone, prop, index)]
        return found[0].values if found else None


@dataclass(frozen=True)
class Spot:
    """A joint as a point of a bone, in the bone's own space."""

    bone: str
    local: tuple[float, float, float]


def with_mid_hip(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Append the middle of the hips: (T, 18, 2) → (T, 19, 2), in the order of `JOINTS`."""
    left, right = OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")
    middle = (points[:, [left]] + points[:, [right]]) / 2
    score = np.minimum(scores[:, [left]], scores[:, [right]])
    return np.concatenate([points, middle], 1), np.concatenate([scores, score], 1)


def spots(bones: dict[str, Bone], bone_map: BoneMap) -> dict[str, Spot]:
    """Which point of which bone each joint is.

    A joint is where the bone begins that goes on from it; where there is none, it is where the bone ends that leads
    to it.
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
    """Joints (T, 2) of a figure whose bones are placed; the middle of the hips too."""
    at = {joint: plane.flat(placed[spot.bone].point(spot.local)) for joint, spot in spots_.items()}
    if "left_hip" in at and "right_hip" in at:
        at["mid_hip"] = (at["left_hip"] + at["right_hip"]) / 2
    return at


def joints_at_rest(bones: dict[str, Bone], bone_map: BoneMap, plane: Plane) -> dict[str, np.ndarray]:
    """Joints (2,) of the armature's rest pose, in the plane."""
    placed = {name: Placed(bone.matrix[None], bone.head[None]) for name, bone in bones.items()}
    return {j: p[0] for j, p in joints_of(spots(bones, bone_map), placed, plane).items()}


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
        A joint with 0 is not there; its bone turns through to where it is there again, or rests.
    bones : all of the armature
    joints : J names
    """
    options = options or Options()
    solver = _Solver(points, scores, bones, bone_map.within(bones), plane, options, tuple(joints))
    solution = solver.run(np.zeros((len(points), 2)))
    if not options.stretch:
        off = solver.feet_off(solution.joints)
        if np.abs(off).max(initial=0) > 0:
            solution = solver.run(off)
    return solution


@dataclass(frozen=True, eq=False)
class _Limb:
    """A body part and how its bone may move: `local` leads to the part's end in the bone's space at rest, `flat` is
    what of it lies in the plane, `chain` are the bones from below it down to the one that the end belongs to."""

    part: str
    spot: Spot
    chain: list[str]
    normal: np.ndarray
    local: np.ndarray
    flat: np.ndarray
    length: float
    along: bool
    turns: bool
    stretches: bool


class _Solver:
    def __init__(self, points, scores, bones, bone_map, plane, options, joints):
        self.frames = len(points)
        self.points = {j: _bridge(points[:, i], scores[:, i] > 0) for i, j in enumerate(joints)}
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
                if part != idle:
                    self.part_of.setdefault(bone, part)
        carriers = set(bone_map.bones.values())
        # As the figure is with mapped bones at rest and the others as they are posed now.
        self.now = {n: parts_of(np.eye(4) if n in carriers else bones[n].basis) for n in bones}
        self.neutral = self._posed({})
        self.at_rest = {j: p[0] for j, p in joints_of(self.spots, self.neutral, plane).items()}
        size = np.ptp(np.stack(list(self.at_rest.values())), axis=0).max() if self.at_rest else 1.0
        self.exact = EXACT * max(float(size), 1e-12) / 1000
        self.notices: list[str] = []

    def _hook(self, name: str, placed: dict[str, Placed]) -> Hook:
        bone = self.bones[name]
        parent = self.bones[bone.parent] if bone.parent else None
        return hook(bone, parent, placed[bone.parent] if bone.parent else None)

    def _posed(self, placed: dict[str, Placed], names: Sequence[str] | None = None) -> dict[str, Placed]:
        """Bones in their present pose, on those already placed."""
        placed = dict(placed)
        for name in self.order if names is None else names:
            placed[name] = place(self._hook(name, placed), *self.now[name])
        return placed

    def run(self, shift: np.ndarray) -> Solution:
        """One pass from the root outwards; `shift` (T, 2) moves the whole figure."""
        placed: dict[str, Placed] = {}
        channels: list[Channel] = []
        self.notices, moved = [], set()
        targets = {b: p for p, b in self.map.bones.items() if p.startswith("foot_ik")}
        for name in self.order:
            bone, hooked = self.bones[name], self._hook(name, placed)
            part = self.part_of.get(name)
            turn, scale, location = self.now[name]
            offset = self._offset(name, self.starts.get(name), hooked, shift, moved)
            if offset is not None and (loc := self._slid(bone, hooked, offset)) is not None:
                location = loc
                moved.add(name)
                channels += self._keyed(bone, "location", {i: loc[:, i] for i in range(3)}, (0, 0, 0))
            if part is not None and not self._held(bone):
                turn, scale, keyed = self._aimed(bone, part, hooked, location, shift)
                channels += keyed
            if name not in targets:
                placed[name] = place(hooked, turn, scale, location)
        at = joints_of(self.spots, placed, self.plane) if not targets else self._without(targets, placed)
        for name in self.order:
            if (
                name in targets
                and (ankle := PARTS[targets[name]].head) in at
                and not self._held(self.bones[name])
            ):
                hooked = self._hook(name, placed)
                delta = at[ankle] - self.at_rest[ankle]
                away = delta - self.plane.flat(hooked.head - self.neutral[name].head)
                loc = self._slid(self.bones[name], hooked, away)
                if loc is not None:
                    channels += self._keyed(
                        self.bones[name], "location", {i: loc[:, i] for i in range(3)}, (0, 0, 0)
                    )
        everywhere = {j: np.broadcast_to(p, (self.frames, 2)) for j, p in at.items()}
        return Solution(channels, everywhere, sorted(set(self.notices)))

    def _without(self, targets, placed):
        """Joints, where what hangs on the targets does not matter."""
        known = {j: s for j, s in self.spots.items() if s.bone in placed}
        return joints_of(known, placed, self.plane)

    def _held(self, bone: Bone) -> bool:
        if bone.held:
            self.notices.append(f"{bone.name} is {bone.held}: it gets no keys")
        return bool(bone.held)

    def _offset(self, name, part, hooked, shift, moved) -> np.ndarray | None:
        """How far a bone has to leave its place (T, 2) in the plane, or None where it stays."""
        bone, here = self.bones[name], self.plane.flat(hooked.head)
        start = self.plane.flat(self.neutral[name].head)[0]
        if self.map.bones.get("root") == name and "mid_hip" in self.points:
            if bone.held:
                self._held(bone)
                return None
            anchor = self.at_rest.get("mid_hip", start)
            return self.points["mid_hip"] + shift + (start - anchor) - here
        if part is None or bone.connected or bone.held:
            return None
        spot = self.spots.get(PARTS[part].head)
        joint = PARTS[part].head
        mine = spot is not None and spot.bone == name and joint in self.points
        up = lineage(self.bones, bone.parent)
        alone = not any(b in moved or b in self.part_of for b in up)
        if alone and not moved and "root" not in self.map.bones and part == "spine":
            anchor = self.at_rest.get("mid_hip", start)  # the spine carries the place where nothing else does
            return self.points["mid_hip"] + shift + (start - anchor) - here
        if mine and (alone or (self.options.stretch and self.options.loose)):
            away = self.points[joint] + shift - here
            return away if alone or np.abs(away).max() > 5 * self.exact else None
        return None

    def _slid(self, bone: Bone, hooked: Hook, offset: np.ndarray) -> np.ndarray | None:
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

    def _aimed(self, bone: Bone, part: str, hooked: Hook, location, shift):
        """Turn and scale (T, …) that bring the end of a body part where it belongs, and their curves."""
        tail = PARTS[part].tail
        limb = self._limb(bone, part, hooked)
        if tail not in self.points or limb.length < 1e-9 or not self.seen[tail].any():
            return *self.now[bone.name][:2], []
        wanted, seen = self._wanted(bone, limb, hooked, location, shift)
        angle, scale = self._fitted(bone, limb, hooked, location, shift, wanted, seen)
        keyed = []
        if limb.turns:
            prop, values = rotations.channels(bone.mode, limb.normal, angle)
            keyed += self._keyed(bone, prop, values, _UNTURNED.get(prop, (0, 0, 0)))
        if limb.stretches:
            keyed += self._keyed(bone, "scale", {i: scale[:, i] for i in range(3)}, (1, 1, 1))
        return rotations.matrix(limb.normal, angle), scale, keyed

    def _limb(self, bone: Bone, part: str, hooked: Hook) -> "_Limb":
        """What there is to know about a body part and its bone before it moves."""
        name, normal = bone.name, np.einsum("tij,ti->tj", hooked.axes, self.plane.normal[None])[0]
        normal /= np.linalg.norm(normal)
        spot, chain = self.spots.get(PARTS[part].tail or ""), []
        if spot is not None and spot.bone != name:
            up = lineage(self.bones, spot.bone)
            chain = list(reversed(up[: up.index(name)])) if name in up else []
        if spot is not None and (spot.bone == name or chain):
            rest = self.neutral[name]
            end = self.neutral[spot.bone].point(spot.local)
            local = np.linalg.solve(rest.axes[0], (end - rest.head)[0])
        else:
            local = np.array([0.0, bone.length, 0.0])
            spot, chain = Spot(name, (0.0, bone.length, 0.0)), []
        flat = local - (local @ normal) * normal
        length = float(np.linalg.norm(flat))
        # Where the bone's own axis points elsewhere, as after some imports, it is scaled along all of them.
        along = abs(flat[1]) > 0.8 * length
        turns, stretches = self._may_turn(bone, normal), self._may_stretch(bone, along)
        return _Limb(part, spot, chain, normal, local, flat, length, along, turns, stretches)

    def _wanted(self, bone: Bone, limb: "_Limb", hooked: Hook, location, shift):
        """Where a part should point to (T, 2) in the plane, from its bone's head, and when that is known (T,)."""
        link, name = PARTS[limb.part], bone.name
        assert link.tail is not None
        seen = self.seen[link.tail] & self.seen.get(link.head, self.seen[link.tail])
        if self.options.stretch:
            head = hooked.head + np.einsum("tij,tj->ti", hooked.slide, location)
            return self.points[link.tail] + shift - self.plane.flat(head), seen
        pair = self.points[link.tail] - self.points[link.head]
        rest = self.at_rest[link.tail] - self.at_rest.get(link.head, self._start(name))
        angle = np.arctan2(pair[:, 1], pair[:, 0]) - np.arctan2(rest[1], rest[0])
        chord = self.plane.flat(self.neutral[name].axes[0] @ limb.local)
        cos, sin = np.cos(angle), np.sin(angle)
        wanted = np.stack([cos * chord[0] - sin * chord[1], sin * chord[0] + cos * chord[1]], 1)
        return wanted, seen & (np.hypot(*pair.T) > _plain(limb.part) * max(float(np.hypot(*rest)), 1e-9))

    def _fitted(self, bone: Bone, limb: "_Limb", hooked: Hook, location, shift, wanted, seen):
        """Angle (T,) and scale (T, 3) that come as near as can be."""
        low, high = self.options.shortest, self.options.longest
        angle, size, aim, clear = np.zeros(self.frames), np.ones(self.frames), wanted, seen
        for _ in range(ROUNDS):
            vector = self._local(hooked, aim, limb.normal)
            reach = np.linalg.norm(vector, axis=1)
            if limb.stretches:
                size = _bridge(self._size(limb.flat, reach, limb.along)[:, None], seen, empty=1.0)[:, 0]
                size = np.clip(size, low, high)
            scale = np.stack([size if i == 1 or not limb.along else np.ones_like(size) for i in range(3)], 1)
            if limb.turns:
                stretched = limb.flat * scale
                clear = seen & (reach > 0.5 * low * limb.length)
                across = np.cross(stretched, vector) @ limb.normal
                angle = rotations.unwrapped(np.arctan2(across, (stretched * vector).sum(1)), clear)
            if not (limb.turns and limb.stretches):
                break
            placed = place(hooked, rotations.matrix(limb.normal, angle), scale, location)
            end = self._posed({bone.name: placed}, limb.chain)[limb.spot.bone].point(limb.spot.local)
            off = self.points[PARTS[limb.part].tail or ""] + shift - self.plane.flat(end)
            free = clear & (size > low) & (size < high)
            if np.abs(off[free]).max(initial=0) < self.exact:
                break
            aim = aim + off * free[:, None]
        return angle, scale

    def _start(self, name: str) -> np.ndarray:
        return self.plane.flat(self.neutral[name].head)[0]

    def _local(self, hooked: Hook, vector: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """(T, 2) in the plane → (T, 3) in the bone's own space before its pose, square to the normal there."""
        inverse = np.linalg.inv(hooked.axes)
        local = np.einsum(
            "tij,tj->ti", np.broadcast_to(inverse, (self.frames, 3, 3)), self.plane.lifted(vector)
        )
        return local - (local @ normal)[:, None] * normal

    @staticmethod
    def _size(flat: np.ndarray, reach: np.ndarray, along: bool) -> np.ndarray:
        """The scale that gives a vector its length: of Y alone, or of all axes."""
        if not along:
            return reach / np.linalg.norm(flat)
        return np.sqrt(np.maximum(reach**2 - flat[0] ** 2 - flat[2] ** 2, 0)) / abs(flat[1])

    def _may_turn(self, bone: Bone, normal: np.ndarray) -> bool:
        needed = [i for i in range(3) if abs(normal[i]) > 1e-3]
        locked = any(("rotation", i) in bone.locked for i in needed) or (
            bone.mode in ("QUATERNION", "AXIS_ANGLE") and ("rotation", 3) in bone.locked
        )
        if locked:
            self.notices.append(f"the rotation of {bone.name} is locked: it does not turn")
        return not locked

    def _may_stretch(self, bone: Bone, along: bool) -> bool:
        if not self.options.stretch:
            return False
        needed = (1,) if along else (0, 1, 2)
        locked = any(("scale", i) in bone.locked for i in needed)
        if locked:
            self.notices.append(f"the scale of {bone.name} is locked: it keeps its length")
        return not locked

    def _keyed(self, bone: Bone, prop: str, values: dict[int, np.ndarray], rest: tuple) -> list[Channel]:
        """Curves, without those that are locked or that say nothing: at rest throughout, and posed so too."""
        kind = prop.partition("_")[0]
        loc = bone.basis[:3, 3]
        size = np.linalg.norm(bone.basis[:3, :3], axis=0)
        posed = {"location": np.abs(loc) > 1e-6, "scale": np.abs(size - 1) > 1e-5}.get(kind)
        turned = np.abs(bone.basis[:3, :3] / np.maximum(size, 1e-12) - np.eye(3)).max() > 1e-5
        out = []
        single = prop == "rotation_euler" and len(values) == 1
        for index in range(3) if single else values:
            curve = np.broadcast_to(values.get(index, np.zeros(self.frames)), (self.frames,))
            moves = np.abs(curve - rest[index]).max() > 1e-9
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
        return abs(bone.matrix[:, index] @ self.plane.normal) > 0.999 and bone.local_location

    def feet_off(self, at: dict[str, np.ndarray]) -> np.ndarray:
        """How far (T, 2) the figure has to move for its standing foot to be where the dance has it.

        The lower ankle counts, with a soft change from one to the other.
        """
        ankles = [
            j for j in ("left_ankle", "right_ankle") if j in at and j in self.points and self.seen[j].any()
        ]
        if not ankles or not self.at_rest:
            return np.zeros((self.frames, 2))
        wanted = np.stack([self.points[j] for j in ankles])
        height = np.ptp(np.stack(list(self.at_rest.values())), axis=0)[1]
        low = -wanted[..., 1] / max(0.03 * height, 1e-9)
        weight = np.exp(low - low.max(0))
        weight /= weight.sum(0)
        return ((wanted - np.stack([at[j] for j in ankles])) * weight[..., None]).sum(0)


def _plain(part: str) -> float:
    """The share of its length below which a part's direction in the picture says nothing for a bone that only turns.

    Across the body lengths vanish as the dancer turns, and with them the angle.
    """
    return ACROSS if part.split(".", maxsplit=1)[0] in ("shoulder", "hip", "eye", "ear") else ALONG


def _idle(bones: dict[str, Bone], bone_map: BoneMap) -> str:
    """Of neck and head, both mapped, the one that does not turn: the head, if it goes with the neck in all."""
    neck, head = bone_map.bones.get("neck"), bone_map.bones.get("head")
    if neck is None or head is None:
        return ""
    up = lineage(bones, head)
    between = up[: up.index(neck)] if neck in up else up
    faithful = all(bones[b].inherit_rotation and bones[b].inherit_scale == "FULL" for b in between)
    return "head" if neck in up and faithful else "neck"


def _bridge(values: np.ndarray, seen: np.ndarray, empty: float = 0.0) -> np.ndarray:
    """Values (T, C), drawn straight across frames that are not seen."""
    if not seen.any():
        return np.full_like(values, empty)
    if seen.all():
        return values
    at = np.flatnonzero(seen)
    return np.stack([np.interp(np.arange(len(values)), at, column[seen]) for column in values.T], 1)


def unmapped(bone_map: BoneMap) -> str:
    """A sentence about parts that no bone is mapped to, or nothing."""
    if not bone_map.missing:
        return ""
    return "Not mapped, so not danced: " + ", ".join(label(part) for part in bone_map.missing)

# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the bone of one body part turns and stretches to bring the part's end to its joint. No bpy in here."""

from dataclasses import dataclass

import numpy as np

from . import rotations, winding
from .bones import Bone, Hook, lineage, place
from .joints import Spot
from .mapping import PARTS
from .posing import Posing, bridged

ACROSS, ALONG = 0.5, 0.15  # shares of a length, in rigid mode
ROUNDS = 4  # of measuring and correcting


@dataclass(frozen=True, eq=False)
class _Limb:
    """A body part and how its bone may move: `local` points to the part's end in the bone's space at rest, `flat` is
    its component in the plane, and `chain` lists the bones below it, down to the one with the part's end."""

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


def aimed(figure: Posing, bone: Bone, part: str, hooked: Hook, location: np.ndarray, shift: np.ndarray):
    """Turn and scale (T, …) that bring the end of a body part to its place, and their curves."""
    tail = PARTS[part].tail
    limb = _limb(figure, bone, part, hooked)
    if tail not in figure.points or limb.length < 1e-9 or not figure.seen[tail].any():
        return *figure.now[bone.name][:2], []
    way = _wanted(figure, bone, limb, hooked, location, shift)
    angle, scale = _fitted(figure, bone, limb, hooked, location, shift, way)
    keyed = []
    if limb.turns:
        prop, values = rotations.channels(bone.mode, limb.normal, angle)
        keyed += figure.keyed(bone, prop, values)
    if limb.stretches:
        keyed += figure.keyed(bone, "scale", {i: scale[:, i] for i in range(3)})
    return rotations.matrix(limb.normal, angle), scale, keyed


def _limb(figure: Posing, bone: Bone, part: str, hooked: Hook) -> _Limb:
    """All that is known about a body part and its bone before it moves."""
    name, normal = bone.name, np.einsum("tij,ti->tj", hooked.axes, figure.plane.normal[None])[0]
    normal /= np.linalg.norm(normal)
    spot, chain = figure.spots.get(PARTS[part].tail or ""), []
    if spot is not None and spot.bone != name:
        up = lineage(figure.bones, spot.bone)
        chain = list(reversed(up[: up.index(name)])) if name in up else []
    if spot is not None and (spot.bone == name or chain):
        rest = figure.neutral[name]
        end = figure.neutral[spot.bone].point(spot.local)
        local = np.linalg.solve(rest.axes[0], (end - rest.head)[0])
    else:
        local = np.array([0.0, bone.length, 0.0])
        spot, chain = Spot(name, (0.0, bone.length, 0.0)), []
    flat = local - (local @ normal) * normal
    length = float(np.linalg.norm(flat))
    # A bone whose own axis points elsewhere, as after some imports, is scaled along all its axes.
    along = abs(flat[1]) > 0.8 * length
    turns, stretches = _may_turn(figure, bone, normal), _may_stretch(figure, bone, along)
    return _Limb(part, spot, chain, normal, local, flat, length, along, turns, stretches)


@dataclass(frozen=True, eq=False)
class _Way:
    """Where a part should point (T, 2) in the plane, from its bone's head; when that is known (T,); and how long
    the part is in the picture (T,), as a share of its length."""

    wanted: np.ndarray
    seen: np.ndarray
    shown: np.ndarray


def _wanted(
    figure: Posing,
    bone: Bone,
    limb: _Limb,
    hooked: Hook,
    location: np.ndarray,
    shift: np.ndarray,
) -> _Way:
    """Where a part should point."""
    link, name = PARTS[limb.part], bone.name
    assert link.tail is not None
    seen = figure.seen[link.tail] & figure.seen.get(link.head, figure.seen[link.tail])
    if figure.options.stretch:
        head = hooked.head + np.einsum("tij,tj->ti", hooked.slide, location)
        wanted = figure.points[link.tail] + shift - figure.plane.flat(head)
        return _Way(wanted, seen, np.hypot(*wanted.T) / limb.length)
    pair = figure.points[link.tail] - figure.points[link.head]
    rest = figure.at_rest[link.tail] - figure.at_rest.get(
        link.head, figure.plane.flat(figure.neutral[name].head)[0]
    )
    angle = np.arctan2(pair[:, 1], pair[:, 0]) - np.arctan2(rest[1], rest[0])
    chord = figure.plane.flat(figure.neutral[name].axes[0] @ limb.local)
    cos, sin = np.cos(angle), np.sin(angle)
    wanted = np.stack([cos * chord[0] - sin * chord[1], sin * chord[0] + cos * chord[1]], 1)
    shown = np.hypot(*pair.T) / max(float(np.hypot(*rest)), 1e-9)
    return _Way(wanted, seen & (shown > _plain(limb.part)), shown)


def _fitted(
    figure: Posing,
    bone: Bone,
    limb: _Limb,
    hooked: Hook,
    location: np.ndarray,
    shift: np.ndarray,
    way: _Way,
):
    """Angle (T,) and scale (T, 3) that come as close as possible."""
    low, high = figure.options.shortest, figure.options.longest
    seen, aim, clear = way.seen, way.wanted, way.seen
    angle, size = np.zeros(figure.frames), np.ones(figure.frames)
    for _ in range(ROUNDS):
        vector = _local(figure, hooked, aim, limb.normal)
        reach = np.linalg.norm(vector, axis=1)
        if limb.stretches:
            size = bridged(_size(limb.flat, reach, limb.along)[:, None], seen, empty=1.0)[:, 0]
            size = np.clip(size, low, high)
        scale = np.stack([size if i == 1 or not limb.along else np.ones_like(size) for i in range(3)], 1)
        if limb.turns:
            stretched = limb.flat * scale
            clear = seen & (reach > 0.5 * low * limb.length)
            across = np.cross(stretched, vector) @ limb.normal
            angle = winding.unwound(np.arctan2(across, (stretched * vector).sum(1)), clear, way.shown)
        if not (limb.turns and limb.stretches):
            break
        placed = place(hooked, rotations.matrix(limb.normal, angle), scale, location)
        end = figure.posed({bone.name: placed}, limb.chain)[limb.spot.bone].point(limb.spot.local)
        off = figure.points[PARTS[limb.part].tail or ""] + shift - figure.plane.flat(end)
        free = clear & (size > low) & (size < high)
        if np.abs(off[free]).max(initial=0) < figure.exact:
            break
        aim = aim + off * free[:, None]
    return angle, scale


def _local(figure: Posing, hooked: Hook, vector: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(T, 2) in the plane → (T, 3) in the bone's own space before its pose, square to the normal there."""
    inverse = np.linalg.inv(hooked.axes)
    local = np.einsum(
        "tij,tj->ti", np.broadcast_to(inverse, (figure.frames, 3, 3)), figure.plane.lifted(vector)
    )
    return local - (local @ normal)[:, None] * normal


def _size(flat: np.ndarray, reach: np.ndarray, along: bool) -> np.ndarray:
    """The scale that gives a vector its length, along Y alone or along all axes."""
    if not along:
        return reach / np.linalg.norm(flat)
    return np.sqrt(np.maximum(reach**2 - flat[0] ** 2 - flat[2] ** 2, 0)) / abs(flat[1])


def _may_turn(figure: Posing, bone: Bone, normal: np.ndarray) -> bool:
    needed = [i for i in range(3) if abs(normal[i]) > 1e-3]
    locked = any(("rotation", i) in bone.locked for i in needed) or (
        bone.mode in ("QUATERNION", "AXIS_ANGLE") and ("rotation", 3) in bone.locked
    )
    if locked:
        figure.notices.append(f"the rotation of {bone.name} is locked: it does not turn")
    return not locked


def _may_stretch(figure: Posing, bone: Bone, along: bool) -> bool:
    if not figure.options.stretch:
        return False
    needed = (1,) if along else (0, 1, 2)
    locked = any(("scale", i) in bone.locked for i in needed)
    if locked:
        figure.notices.append(f"the scale of {bone.name} is locked: it keeps its length")
    return not locked


def _plain(part: str) -> float:
    """The share of its length below which a part's direction in the picture is ignored, for a bone that only turns.

    As the dancer turns, parts that lie across the body shrink to nothing, and their angle becomes meaningless.
    """
    return ACROSS if part.split(".", maxsplit=1)[0] in ("shoulder", "hip", "eye", "ear") else ALONG

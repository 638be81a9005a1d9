# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures that can dance: what they are made of, which bone is what, and the pose they are in."""

import json
import uuid

import bpy
import numpy as np

from ..errors import Problem
from . import naming
from .bones import Bone, Placed, Rest
from .joints import Spot, joints_at_rest, joints_of, spots, with_mid_hip
from .mapping import ENDS, PARTS, TOES, BoneMap, unmapped
from .plane import FRONT, Placement, Plane, best_fit
from .posing import Options
from .reference import CANVAS, GROUND, Reference, complete
from .retarget import solve
from .shape import by_shape
from .skeleton import EXTREMITIES, OPENPOSE_18

PROPERTY = "tempose_rig"  # custom property of the rigs that Tempose has made
TALL = 720.0  # pixels from the feet to the nose of a figure that Tempose has not made

# Constraints that have the last word about a bone; limits only trim what the keys say.
_RULING = {
    "COPY_TRANSFORMS", "COPY_ROTATION", "COPY_LOCATION", "COPY_SCALE", "IK", "SPLINE_IK", "DAMPED_TRACK", "TRACK_TO",
    "LOCKED_TRACK", "STRETCH_TO", "ARMATURE", "CHILD_OF", "ACTION", "TRANSFORM", "TRANSFORM_CACHE", "PIVOT",
    "FOLLOW_PATH", "GEOMETRY_ATTRIBUTE",
}  # fmt: skip


def is_armature(ob) -> bool:
    """Whether this is an armature that is still there."""
    return ob is not None and ob.type == "ARMATURE"


def why_not(ob) -> str:
    """Why an object cannot dance, or nothing."""
    if not is_armature(ob):
        return "Select an armature"
    if ob.library is not None:
        return (
            f"{ob.name} is linked from another file. Make a library override of it first "
            "(Object › Library Override › Make)"
        )
    if not map_of(ob).bones:
        return f"The bones of {ob.name} are not mapped yet: press Find Bones"
    return ""


def instance_reason(ob) -> str:
    """Why an instance of a collection with a character in it cannot dance, or nothing."""
    group = ob.instance_collection if ob is not None and ob.instance_type == "COLLECTION" else None
    if group is None or not any(is_armature(one) for one in group.all_objects):
        return ""
    if group.library is not None:
        how = "Make a library override of it first (Object › Library Override › Make)"
    else:
        how = "Make its objects real first (Object › Apply › Make Instances Real)"
    return f"{ob.name} shows a collection from elsewhere. {how}"


def is_rig(ob) -> bool:
    """Whether this object is an armature that can dance."""
    return not why_not(ob)


def made_by_us(ob) -> bool:
    """Whether Tempose has made this armature."""
    return is_armature(ob) and PROPERTY in ob


def stored(ob):
    """What is kept about an armature: with the object, or with the scene for a library override; None for none.

    Blender 5.2 loses what an add-on keeps on an override when its library has nothing of the kind.
    """
    if ob.override_library is None:
        return ob.tempose_character
    scenes = [scene for scene in bpy.data.scenes if hasattr(scene, "tempose")]
    return next((kept for scene in scenes for kept in scene.tempose.overrides if kept.object == ob), None)


def map_of(ob) -> BoneMap:
    """The bone map that is stored with an armature, or that Tempose's own rigs have by name."""
    kept, names = stored(ob), ob.data.bones
    if kept is None and ob.tempose_character.mapped:
        kept = ob.tempose_character  # mapped in its library
    if kept is not None and kept.mapped:
        bones = {part: kept.bone(part) for part in PARTS}
        return BoneMap({p: b for p, b in bones.items() if b in names}, kept.nose)
    if PROPERTY in ob:
        return naming.presets()["tempose"][1].within(names)
    return BoneMap()


def store(ob, bone_map: BoneMap) -> None:
    """Keep a map with its armature."""
    kept = stored(ob)
    if kept is None:
        kept = (ob.users_scene[0] if ob.users_scene else bpy.context.scene).tempose.overrides.add()
        kept.object = ob
    for part in PARTS:
        kept.set_bone(part, bone_map.bones.get(part, ""))
    kept.nose, kept.mapped = bone_map.nose, bool(bone_map.bones)
    if not kept.identity:
        kept.identity = uuid.uuid4().hex


def guess(ob, preset: str = "") -> tuple[BoneMap, str]:
    """A map by the names of bones and by their shape, and in words how it was found.

    Parameters
    ----------
    preset : str
        Key of a ready-made map; empty takes what fits best.
    """
    found, how = _guess(ob, preset)
    return naming.with_ends(found, [bone.name for bone in ob.data.bones]), how


def _guess(ob, preset: str) -> tuple[BoneMap, str]:
    names = [bone.name for bone in ob.data.bones]
    held = {bone.name for bone in ob.pose.bones if _ruled(ob, bone)}
    if preset == "shape":
        return _shaped(ob, held), "by shape"
    if preset == "words":
        return naming.by_words(names), "by plain names"
    known = naming.presets()
    if preset:
        return naming.apply(known[preset][1], names), known[preset][0]
    tries = [(naming.apply(one, names), name) for name, one in known.values()]
    best, how = max(tries, key=lambda t: _worth(t[0], held))
    words = naming.by_words([n for n in names if n not in held] or names)
    if _worth(words, held) > _worth(best, held):
        best, how = words, "plain names"
    if best.missing:
        shaped = _shaped(ob, held)
        if len(shaped.missing) < len(best.missing):
            used = set(best.bones.values())
            more = {
                p: b
                for p, b in shaped.bones.items()
                if p not in best.bones and (b not in used or p in ("root", "spine"))
            }
            how = f"{how} and by shape" if best.bones and len(best.missing) < 8 else "by shape"
            best = shaped if how == "by shape" else BoneMap({**best.bones, **more}, best.nose)
    return best, how


def fitted(ob, bone_map: BoneMap) -> BoneMap:
    """A map from a file on this armature, whatever its namespace."""
    return naming.apply(bone_map, [bone.name for bone in ob.data.bones])


def _worth(bone_map: BoneMap, held: set[str]) -> float:
    """How much of a body a map finds; bones that are not free count little."""
    value = sum(0.2 if bone in held else 1.0 for bone in bone_map.bones.values())
    return value - 2.0 * len(bone_map.missing)


def _shaped(ob, held: set[str]) -> BoneMap:
    """A map from geometry alone, of the bones that deform where the rig says which do."""
    bones = ob.data.bones
    free = [b for b in bones if b.name not in held] or list(bones)
    deform = [b for b in free if b.use_deform]
    chosen = deform if len(deform) >= 8 else free
    kept = {b.name for b in chosen}

    def parent(bone):
        bone = bone.parent
        while bone is not None and bone.name not in kept:
            bone = bone.parent
        return bone.name if bone is not None else None

    plane = best_fit([list(p) for b in chosen for p in (b.head_local, b.tail_local)])
    ends = {b.name: (plane.flat(list(b.head_local)), plane.flat(list(b.tail_local))) for b in chosen}
    return by_shape(ends, {b.name: parent(b) for b in chosen})


# Identity ---------------------------------------------------------------------------------------------------------


def identity(ob) -> str:
    """A mark that outlives undo, and renaming unless the armature has been copied."""
    kept = stored(ob)
    mark = kept.identity if kept is not None else ob.tempose_character.identity
    if not mark and PROPERTY in ob:
        mark = json.loads(ob[PROPERTY])["id"]
    return f"{mark}:{ob.name}"


def find(scene, mark: str):
    """The armature with that mark, or None when it has been deleted."""
    own, _, name = mark.partition(":")
    found = [ob for ob in scene.objects if is_rig(ob) and identity(ob).partition(":")[0] == own]
    return next((ob for ob in found if ob.name == name), found[0] if len(found) == 1 else None)


# What it is made of -----------------------------------------------------------------------------------------------


def bones_of(ob, bone_map: BoneMap | None = None) -> dict[str, Bone]:
    """All bones of an armature, with what keeps them from being keyed."""
    mapped = set((bone_map or map_of(ob)).bones.values())
    targets = {b for p, b in (bone_map or map_of(ob)).bones.items() if p.startswith("foot_ik")}
    driven = _driven(ob)
    ruled = _rulers(ob, targets)
    found = {}
    for bone in ob.data.bones:
        posed = ob.pose.bones[bone.name]
        held = ""
        if bone.name in mapped:
            held = ruled.get(bone.name, "") or driven.get(bone.name, "")
        found[bone.name] = Bone(
            bone.name,
            bone.parent.name if bone.parent else None,
            np.array(bone.matrix_local.to_3x3(), float),
            np.array(bone.head_local, float),
            float(bone.length),
            bool(bone.use_connect and bone.parent),
            bool(bone.use_inherit_rotation),
            bone.inherit_scale,
            bool(bone.use_local_location),
            posed.rotation_mode,
            np.array(posed.matrix_basis, float),
            _locked(posed),
            held,
        )
    return found


def _locked(posed) -> frozenset:
    locked = {("location", i) for i in range(3) if posed.lock_location[i]}
    locked |= {("scale", i) for i in range(3) if posed.lock_scale[i]}
    locked |= {("rotation", i) for i in range(3) if posed.lock_rotation[i]}
    if posed.lock_rotations_4d and posed.lock_rotation_w:
        locked.add(("rotation", 3))
    return frozenset(locked)


def _ruled(ob, posed) -> str:
    return next(
        (
            c.name
            for c in posed.constraints
            if c.type in _RULING and not c.mute and c.influence > 0 and c.enabled
        ),
        "",
    )


def _rulers(ob, targets: set[str]) -> dict[str, str]:
    """Bones that a constraint has the last word about, and how: legs pulled to mapped targets are not among them."""
    found: dict[str, str] = {}
    for posed in ob.pose.bones:
        for constraint in posed.constraints:
            if constraint.type not in _RULING or constraint.mute or not constraint.enabled:
                continue
            if constraint.influence <= 0 or getattr(constraint, "subtarget", "") in targets:
                continue
            text = f"moved by its constraint '{constraint.name}'"
            found.setdefault(posed.name, text)
            if constraint.type == "IK":
                chain = [posed, *posed.parent_recursive]
                for above in chain[: constraint.chain_count or None]:
                    found.setdefault(above.name, f"in the IK chain of {posed.name}")
    return found


def _driven(ob) -> dict[str, str]:
    """Bones whose place, turn or size drivers set."""
    data, found = ob.animation_data, {}
    for driver in data.drivers if data else ():
        path = driver.data_path
        if path.startswith('pose.bones["') and path.rpartition(".")[2].split("_")[0] in (
            "location",
            "rotation",
            "scale",
        ):
            found[path.split('"')[1]] = "moved by a driver"
    return found


_SMALL = {link.name for link in (*ENDS, *TOES)}

# Plane and pose ---------------------------------------------------------------------------------------------------


def plane_of(ob, bone_map: BoneMap | None = None) -> Plane:
    """The plane the figure lies in, in the armature's space."""
    if made_by_us(ob):
        return FRONT
    bone_map = bone_map or map_of(ob)
    bones = ob.data.bones
    at = {part: bones[name] for part, name in bone_map.bones.items() if name in bones}
    body = [
        b
        for part, b in at.items()
        if part not in _SMALL and part.split(".")[0] not in ("foot_ik", "eye", "ear")
    ]
    points = [list(p) for b in body for p in (b.head_local, b.tail_local)]
    if len(points) < 2:
        return FRONT

    def middle(*parts):
        found = [np.array(at[p].head_local) for p in parts if p in at]
        return np.mean(found, axis=0) if found else None

    top = middle("upper_arm.L", "upper_arm.R", "neck", "head")
    bottom = middle("thigh.L", "thigh.R")
    bottom = middle("root", "spine") if bottom is None else bottom
    upwards = None if top is None or bottom is None else top - bottom
    sides = [
        np.array(at[f"{part}.L"].head_local) - np.array(at[f"{part}.R"].head_local)
        for part in ("upper_arm", "thigh", "forearm", "shin")
        if f"{part}.L" in at and f"{part}.R" in at
    ]
    return best_fit(points, upwards, np.sum(sides, axis=0) if sides else None)


def placement(ob) -> Placement:
    """How the picture lies in the figure's plane."""
    if PROPERTY in ob:
        data = json.loads(ob[PROPERTY])
        return Placement(tuple(data["canvas"]), data["unit"], tuple(data["origin"]))
    bone_map = map_of(ob)
    found = joints_at_rest(bones_of(ob, bone_map), bone_map, plane_of(ob, bone_map))
    if not found:
        raise Problem("rig_bones", f"{ob.name} has none of the bones that a dance moves. Press Find Bones.")
    at = np.stack([p for j, p in found.items() if j in OPENPOSE_18] or list(found.values()))
    low, high = at.min(0), at.max(0)
    unit = max(float(high[1] - low[1]), 0.5 * float(high[0] - low[0]), 1e-9) / TALL
    return Placement(CANVAS, unit, (CANVAS[0] / 2 - (low[0] + high[0]) / 2 / unit, GROUND + low[1] / unit))


def rest(ob) -> dict[str, Rest]:
    """The mapped bones at rest, in the figure's plane."""
    plane, found = plane_of(ob), {}
    for part, name in map_of(ob).bones.items():
        bone = ob.data.bones.get(name)
        if bone is not None and not part.startswith("foot_ik"):
            head, tail = (plane.flat(list(p)) for p in (bone.head_local, bone.tail_local))
            found.setdefault(name, Rest(tuple(head), tuple(tail)))
    return found


def spots_of(ob, bones: dict[str, Bone], bone_map: BoneMap) -> dict[str, Spot]:
    """Which point of which bone each joint is, with those that a rig of ours carries without a bone of their own."""
    kept = json.loads(ob[PROPERTY]).get("carried", {}) if PROPERTY in ob else {}
    carried = {joint: Spot(bone, tuple(local)) for joint, (bone, local) in kept.items() if bone in bones}
    return carried | spots(bones, bone_map)


def joints(ob, current: bool) -> dict[str, np.ndarray]:
    """Joints (2,) in the figure's plane: as it stands now, or at rest."""
    bone_map = map_of(ob)
    bones, plane = bones_of(ob, bone_map), plane_of(ob, bone_map)
    if current:
        placed = {
            b.name: Placed(np.array(b.matrix.to_3x3(), float)[None], np.array(b.head, float)[None])
            for b in ob.pose.bones
        }
    else:
        placed = {name: Placed(bone.matrix[None], bone.head[None]) for name, bone in bones.items()}
    return {j: p[0] for j, p in joints_of(spots_of(ob, bones, bone_map), placed, plane).items()}


def pose_of(ob, current: bool) -> Reference:
    """The figure's pose as a reference: as it stands now, or at rest."""
    place, at = placement(ob), joints(ob, current)
    points, scores = np.zeros((len(OPENPOSE_18), 2)), np.zeros(len(OPENPOSE_18))
    for index, joint in enumerate(OPENPOSE_18):
        if joint in at:
            points[index], scores[index] = at[joint], 1.0
    found = complete(place.to_pixels(points), scores, place.canvas)
    found.more = {j: tuple(place.to_pixels(at[j])) for j in EXTREMITIES if j in at}
    return found


# A dance on it ---------------------------------------------------------------------------------------------------


def options_of(scene, stretch: bool) -> Options:
    """How the artist lets bones move."""
    settings = scene.tempose.character
    return Options(stretch, settings.shortest, settings.longest, settings.loose)


def notice(ob, stretch: bool | None = None) -> str:
    """What a dance on this armature leaves out, in words, or nothing.

    With `stretch` given, what is locked is found out too, by one frame of a dance.
    """
    bone_map = map_of(ob)
    parts = [unmapped(bone_map)]
    if bone_map.twice:
        parts.append(f"Mapped more than once: {', '.join(bone_map.twice)}")
    targets = {bone for part, bone in bone_map.bones.items() if part.startswith("foot_ik")}
    why = {**_driven(ob), **_rulers(ob, targets)}
    if held := [f"{bone} is {why[bone]}" for bone in dict.fromkeys(bone_map.bones.values()) if bone in why]:
        parts.append(f"Without keys: {'; '.join(held)}")
    if any(0 <= switch < 1 for bone in ob.pose.bones if isinstance(switch := bone.get("IK_FK"), float | int)):
        parts.append("Limbs of this rig are on IK; set its IK-FK switches to FK to see these keys")
    if stretch is not None:
        locked = [text for text in _tried(ob, bone_map, stretch) if "locked" in text]
        parts.append("; ".join(locked)[:1].upper() + "; ".join(locked)[1:])
    return " ".join(f"{part}." for part in parts if part)


def _tried(ob, bone_map: BoneMap, stretch: bool) -> list[str]:
    bones, plane = bones_of(ob, bone_map), plane_of(ob, bone_map)
    at = joints_at_rest(bones, bone_map, plane)
    # Not quite the rest pose: what is locked is only noticed where something has to move.
    points = np.array([[at.get(j, np.zeros(2)) * 1.01 + 0.01 for j in OPENPOSE_18]])
    scores = np.array([[float(j in at) for j in OPENPOSE_18]])
    points, scores = with_mid_hip(points, scores)
    return solve(points, scores, bones, bone_map, plane, Options(stretch)).notices


# What is changed on it --------------------------------------------------------------------------------------------

_CHANNELS = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale")


def pose_now(ob) -> str:
    """The poses of mapped bones as text, to be put back by `put_back`."""
    names = sorted(set(map_of(ob).bones.values()))
    return json.dumps({n: {c: list(getattr(ob.pose.bones[n], c)) for c in _CHANNELS} for n in names})


def put_back(ob, text: str) -> None:
    """Pose the mapped bones as they were; all to rest where that is not known."""
    kept = json.loads(text) if text else {}
    for name in set(map_of(ob).bones.values()):
        posed = ob.pose.bones[name]
        for channel, values in kept.get(name, {}).items():
            setattr(posed, channel, values)
        if name not in kept:
            posed.location, posed.scale = (0, 0, 0), (1, 1, 1)
            posed.rotation_euler, posed.rotation_quaternion = (0, 0, 0), (1, 0, 0, 0)
            posed.rotation_axis_angle = (0, 0, 1, 0)


def candidates(context) -> list:
    """Armatures of a scene that can dance."""
    return [ob for ob in context.scene.objects if is_rig(ob)]

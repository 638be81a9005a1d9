# SPDX-License-Identifier: GPL-3.0-or-later
"""Armatures that can dance: their bone map, identity, plane and pose."""

import json
import uuid
from dataclasses import dataclass
from typing import TypeGuard

import bpy
import numpy as np

from tempose_pose.reference import CANVAS, GROUND, Reference

from ...model.character import bone_names
from ...model.character.bones import Bone, Placed, Rest
from ...model.character.joints import Spot, joints_at_rest, joints_of, spots, with_mid_hip
from ...model.character.mapping import BODY, ENDS, PARTS, TOES, BoneMap, unmapped
from ...model.character.plane import FRONT, Placement, Plane, best_fit
from ...model.character.posing import Options
from ...model.character.retarget import solve
from ...model.errors import Problem
from ..settings import SceneSettings
from . import limb_switches
from .armature import bones_of, held

PROPERTY = "tempose_rig"  # custom property of the rigs that Tempose has made
TALL = 720.0  # pixels from the feet to the nose of a figure that Tempose did not make
MANY = 3  # most remarks of one kind that are listed singly


def is_armature(ob: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """Whether this is an armature that still exists."""
    return ob is not None and ob.type == "ARMATURE"


def why_not(ob: bpy.types.Object | None) -> str:
    """Why an object cannot dance, or nothing."""
    if not is_armature(ob):
        return "Select an armature"
    if ob.library is not None:
        return (
            f"{ob.name} is linked from another file. Make a library override of it first "
            "(Object › Library Override › Make)"
        )
    if reason := held_reason(ob):
        return reason
    if not is_mapped(ob):
        return f"The bones of {ob.name} are not mapped yet: press Find Bones"
    return ""


def held_reason(ob: bpy.types.Object | None) -> str:
    """Why another Action would not visibly move an object (rest position, NLA), or nothing."""
    if is_armature(ob) and ob.data.pose_position == "REST":
        return f"{ob.name} is shown in its rest position. Choose Pose Position in its properties (Data › Pose) first"
    data = ob.animation_data if ob is not None else None
    if ob is None or data is None:
        return ""
    for track in data.nla_tracks:
        if track.is_solo:
            return f"The NLA track '{track.name}' of {ob.name} plays alone. Turn its star off in the NLA editor first"
    if data.use_tweak_mode:
        return f"A strip of {ob.name} is being tweaked. Leave tweak mode first (Tab in the NLA editor)"
    mixed = data.use_nla and (data.action_influence < 1 or data.action_blend_type != "REPLACE")
    if mixed and any(not track.mute and len(track.strips) for track in data.nla_tracks):
        return (
            f"What moves {ob.name} is mixed with the tracks below it. Set the Blending of its Action to Replace and "
            "its Influence to 1 in the NLA editor first"
        )
    return ""


def cannot_key(ob: bpy.types.Object) -> str:
    """Why directing curves cannot be keyed on an armature's data, or nothing."""
    return "" if ob.data.is_editable else f"{ob.name} is linked from another file: make it local first"


def instance_reason(ob: bpy.types.Object | None) -> str:
    """Why an instance of a collection with a character in it cannot dance, or nothing."""
    group = ob.instance_collection if ob is not None and ob.instance_type == "COLLECTION" else None
    if group is None or not any(is_armature(one) for one in group.all_objects):
        return ""
    if group.library is not None:
        how = "Make a library override of it first (Object › Library Override › Make)"
    else:
        how = "Make its objects real first (Object › Apply › Make Instances Real)"
    return f"{ob.name} shows a collection from elsewhere. {how}"


def depths_of(ob: bpy.types.Object) -> dict[str, float]:
    """Depth bones, and how far forward each one's limb is at rest; none for most rigs."""
    kept = json.loads(ob[PROPERTY]).get("depths", {}) if PROPERTY in ob else {}
    return {bone: float(at) for bone, at in kept.items() if bone in ob.data.bones}


def is_rig(ob: bpy.types.Object | None) -> bool:
    """Whether this object is an armature that can dance."""
    return not why_not(ob)


def made_by_us(ob: bpy.types.Object) -> bool:
    """Whether Tempose has made this armature."""
    return is_armature(ob) and PROPERTY in ob


def stored(ob: bpy.types.Object):
    """What is stored about an armature: on the object or, for a library override, on the scene; None if nothing is.

    Blender 5.2 loses an add-on's data on an override if the library has none of its kind.
    """
    if ob.override_library is None:
        return ob.tempose_character
    scenes = [scene for scene in bpy.data.scenes if hasattr(scene, "tempose")]
    return next((kept for scene in scenes for kept in scene.tempose.overrides if kept.object == ob), None)


def map_of(ob: bpy.types.Object) -> BoneMap:
    """The bone map stored with an armature, or that of Tempose's own rigs by bone names."""
    kept, names = _mapped(ob), ob.data.bones
    if kept is not None:
        bones = kept.bones()
        return BoneMap({p: b for p, b in bones.items() if b in names}, kept.nose)
    if PROPERTY in ob:
        return bone_names.presets()["tempose"][1].within(names)
    return BoneMap()


def is_mapped(ob: bpy.types.Object) -> bool:
    """Whether `map_of` knows any bone; panels ask this of several armatures at every redraw."""
    kept, names = _mapped(ob), ob.data.bones
    if kept is not None:
        return any(kept.bone(part) in names for part in PARTS)
    return PROPERTY in ob and bool(map_of(ob).bones)


def _mapped(ob: bpy.types.Object):
    """The map stored with an armature, or in its library, if there is one."""
    kept = stored(ob)
    if kept is None and ob.tempose_character.mapped:
        return ob.tempose_character
    return kept if kept is not None and kept.mapped else None


def store(ob: bpy.types.Object, bone_map: BoneMap) -> None:
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


# Identity ---------------------------------------------------------------------------------------------------------


def identity(ob: bpy.types.Object) -> str:
    """A mark that survives undo, and renaming unless the armature has been copied."""
    kept = stored(ob)
    mark = kept.identity if kept is not None else ob.tempose_character.identity
    if not mark and PROPERTY in ob:
        mark = json.loads(ob[PROPERTY])["id"]
    return f"{mark}:{ob.name}"


def find(scene: bpy.types.Scene, mark: str):
    """The armature with that mark, or None if it has been deleted."""
    own, _, name = mark.partition(":")
    found = [ob for ob in scene.objects if is_rig(ob) and identity(ob).partition(":")[0] == own]
    return next((ob for ob in found if ob.name == name), found[0] if len(found) == 1 else None)


_SMALL = {link.name for link in (*ENDS, *TOES)}

# Plane and pose ---------------------------------------------------------------------------------------------------


def plane_of(ob: bpy.types.Object, bone_map: BoneMap | None = None) -> Plane:
    """The plane of the figure, in the armature's space."""
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
    points = [p.to_tuple() for b in body for p in (b.head_local, b.tail_local)]
    if len(points) < 2:
        return FRONT

    def middle(*parts: str):
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


@dataclass(frozen=True, eq=False)
class Physique:
    """How an armature is built: its bone map, its bones, and the plane of the figure."""

    bone_map: BoneMap
    bones: dict[str, Bone]
    plane: Plane

    @classmethod
    def of(cls, ob: bpy.types.Object, bone_map: BoneMap | None = None) -> "Physique":
        """Read an armature; `bone_map` is its map if that has been read already."""
        bone_map = map_of(ob) if bone_map is None else bone_map
        return cls(bone_map, bones_of(ob, bone_map), plane_of(ob, bone_map))

    @property
    def held(self) -> dict[str, str]:
        """Bones on which keys have no effect, and why."""
        return {name: bone.held for name, bone in self.bones.items() if bone.held}


def placement(ob: bpy.types.Object, build: Physique | None = None) -> Placement:
    """The position of the picture in the figure's plane."""
    if PROPERTY in ob:
        data = json.loads(ob[PROPERTY])
        return Placement(tuple(data["canvas"]), data["unit"], tuple(data["origin"]))
    build = build or Physique.of(ob)
    found = joints_at_rest(build.bones, build.bone_map, build.plane)
    if not found:
        raise Problem("rig_bones", f"{ob.name} has none of the bones that a dance moves. Press Find Bones.")
    at = np.stack([p for j, p in found.items() if j in BODY.joints] or list(found.values()))
    low, high = at.min(0), at.max(0)
    unit = max(float(high[1] - low[1]), 0.5 * float(high[0] - low[0]), 1e-9) / TALL
    return Placement(CANVAS, unit, (CANVAS[0] / 2 - (low[0] + high[0]) / 2 / unit, GROUND + low[1] / unit))


def rest(ob: bpy.types.Object) -> dict[str, Rest]:
    """The mapped bones at rest, in the figure's plane."""
    plane, found = plane_of(ob), {}
    for part, name in map_of(ob).bones.items():
        bone = ob.data.bones.get(name)
        if bone is not None and not part.startswith("foot_ik"):
            head, tail = (plane.flat(list(p)) for p in (bone.head_local, bone.tail_local))
            found.setdefault(name, Rest(tuple(head), tuple(tail)))
    return found


def spots_of(ob: bpy.types.Object, bones: dict[str, Bone], bone_map: BoneMap) -> dict[str, Spot]:
    """The bone point of each joint, including joints of our rigs that have no bone of their own."""
    kept = json.loads(ob[PROPERTY]).get("carried", {}) if PROPERTY in ob else {}
    carried = {joint: Spot(bone, tuple(local)) for joint, (bone, local) in kept.items() if bone in bones}
    return carried | spots(bones, bone_map)


def joints(ob: bpy.types.Object, current: bool, build: Physique | None = None) -> dict[str, np.ndarray]:
    """Joints (2,) in the figure's plane, in the current pose or at rest."""
    build = build or Physique.of(ob)
    bones, bone_map, plane = build.bones, build.bone_map, build.plane
    if current:
        placed = {
            b.name: Placed(np.array(b.matrix.to_3x3(), float)[None], np.array(b.head, float)[None])
            for b in ob.pose.bones
        }
    else:
        placed = {name: Placed(bone.matrix[None], bone.head[None]) for name, bone in bones.items()}
    return {j: p[0] for j, p in joints_of(spots_of(ob, bones, bone_map), placed, plane).items()}


def pose_of(ob: bpy.types.Object, current: bool, build: Physique | None = None) -> Reference:
    """The figure's current pose, or its rest pose, as a reference."""
    build = build or Physique.of(ob)
    place, at = placement(ob, build), joints(ob, current, build)
    return Reference.from_joints({joint: place.to_pixels(point) for joint, point in at.items()}, place.canvas)


# A dance on it ---------------------------------------------------------------------------------------------------


def stretch_name(ob: bpy.types.Object | None) -> str:
    """The name of the setting for stretching this character's bones: other people's rigs have their own."""
    return "stretch" if ob is None or made_by_us(ob) else "stretch_others"


def stretches(ob: bpy.types.Object, settings: SceneSettings) -> bool:
    """Whether bones of this character stretch to their length in the picture."""
    return getattr(settings, stretch_name(ob))


def options_of(scene: bpy.types.Scene, stretch: bool) -> Options:
    """How the artist lets bones move."""
    settings = scene.tempose.character
    return Options(stretch, settings.shortest, settings.longest, settings.loose)


def notice(
    ob: bpy.types.Object,
    stretch: bool | None = None,
    bone_map: BoneMap | None = None,
    build: Physique | None = None,
) -> str:
    """What a dance on this armature will leave out, in words, or nothing.

    With `stretch` given, locks are found too, by solving one frame of a dance. `bone_map` is the armature's, if it
    has been read already.
    """
    build = Physique.of(ob, bone_map) if build is None and stretch is not None else build
    bone_map = build.bone_map if build is not None else map_of(ob) if bone_map is None else bone_map
    parts = [unmapped(bone_map)]
    if bone_map.twice:
        parts.append(f"Mapped more than once: {', '.join(bone_map.twice)}")
    why = build.held if build is not None else held(ob, bone_map)
    without = [f"{bone} is {why[bone]}" for bone in dict.fromkeys(bone_map.bones.values()) if bone in why]
    parts.append(_folded("Without keys: ", without))
    if limb_switches.on_ik(ob):
        parts.append("Limbs of this rig are on IK: press Limbs to FK to see these keys")
    if stretch is not None and build is not None:
        locked = _folded("", [text for text in _tried(build, stretch) if "locked" in text])
        parts.append(locked[:1].upper() + locked[1:])
    return " ".join(f"{part}." for part in parts if part)


def _folded(what: str, texts: list[str]) -> str:
    """Several remarks as one: the first of them and their number, if there are many."""
    if len(texts) <= MANY:
        return f"{what}{'; '.join(texts)}" if texts else ""
    return f"{what}{texts[0]}; and so on for {len(texts) - 1} more, listed under Bone Map, All Parts"


def remarks(ob: bpy.types.Object, stretch: bool, bone_map: BoneMap) -> list[str]:
    """All the remarks that `notice` folds: bones that get no keys, or not all, and why.

    Asked at every redraw, so the last answer is kept for as long as nothing it depends on has changed.
    """
    locks = tuple(
        (b.name, *b.lock_location, *b.lock_rotation, b.lock_rotation_w, *b.lock_scale, len(b.constraints))
        for b in ob.pose.bones
    )
    driven = len(ob.animation_data.drivers) if ob.animation_data else 0
    asked = (ob.session_uid, stretch, tuple(bone_map.bones.items()), locks, driven)
    if _last_remarks.get("asked") != asked:
        build = Physique.of(ob, bone_map)
        why = build.held
        found = [f"{bone} is {why[bone]}" for bone in dict.fromkeys(bone_map.bones.values()) if bone in why]
        found += [text for text in _tried(build, stretch) if "locked" in text]
        _last_remarks.update(asked=asked, found=found)
    return _last_remarks["found"]


_last_remarks: dict = {}


def _tried(build: Physique, stretch: bool) -> list[str]:
    at = joints_at_rest(build.bones, build.bone_map, build.plane)
    # Not quite the rest pose: locks only show where something has to move.
    points = np.array([[at.get(j, np.zeros(2)) * 1.01 + 0.01 for j in BODY.joints]])
    scores = np.array([[float(j in at) for j in BODY.joints]])
    points, scores = with_mid_hip(points, scores)
    return solve(points, scores, build.bones, build.bone_map, build.plane, Options(stretch)).notices


# What is changed on it --------------------------------------------------------------------------------------------

_CHANNELS = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale")


def pose_now(ob: bpy.types.Object) -> str:
    """The poses of mapped bones as text, for `put_back`."""
    names = sorted(set(map_of(ob).bones.values()))
    return json.dumps({n: {c: list(getattr(ob.pose.bones[n], c)) for c in _CHANNELS} for n in names})


def put_back(ob: bpy.types.Object, text: str) -> None:
    """Restore the poses of the mapped bones; without a valid text, put them all at rest."""
    kept = json.loads(text) if text else {}
    for name in set(map_of(ob).bones.values()):
        posed = ob.pose.bones[name]
        for channel, values in kept.get(name, {}).items():
            setattr(posed, channel, values)
        if name not in kept:
            posed.location, posed.scale = (0, 0, 0), (1, 1, 1)
            posed.rotation_euler, posed.rotation_quaternion = (0, 0, 0), (1, 0, 0, 0)
            posed.rotation_axis_angle = (0, 0, 1, 0)


def candidates(context: bpy.types.Context) -> list:
    """Armatures of a scene that can dance."""
    return [ob for ob in context.scene.objects if is_rig(ob)]

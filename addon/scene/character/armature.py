# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones of an armature in Blender, and what keeps them from being keyed."""

import bpy
import numpy as np

from ...model.character.bones import Bone
from ...model.character.mapping import BoneMap

# Constraints that override a bone's keys; limits only trim them.
_RULING = {
    "COPY_TRANSFORMS", "COPY_ROTATION", "COPY_LOCATION", "COPY_SCALE", "IK", "SPLINE_IK", "DAMPED_TRACK", "TRACK_TO",
    "LOCKED_TRACK", "STRETCH_TO", "ARMATURE", "CHILD_OF", "ACTION", "TRANSFORM", "TRANSFORM_CACHE", "PIVOT",
    "FOLLOW_PATH", "GEOMETRY_ATTRIBUTE",
}  # fmt: skip


def bones_of(ob: bpy.types.Object, bone_map: BoneMap) -> dict[str, Bone]:
    """All bones of an armature, with what keeps them from being keyed."""
    why = held(ob, bone_map)
    found = {}
    for bone in ob.data.bones:
        posed = ob.pose.bones[bone.name]
        found[bone.name] = Bone(
            name=bone.name,
            parent=bone.parent.name if bone.parent else None,
            matrix=np.array(bone.matrix_local.to_3x3(), float),
            head=np.array(bone.head_local, float),
            length=float(bone.length),
            connected=bool(bone.use_connect and bone.parent),
            inherit_rotation=bool(bone.use_inherit_rotation),
            inherit_scale=bone.inherit_scale,
            local_location=bool(bone.use_local_location),
            mode=posed.rotation_mode,
            basis=np.array(posed.matrix_basis, float),
            locked=_locked(posed),
            held=why.get(bone.name, ""),
        )
    return found


def held(ob: bpy.types.Object, bone_map: BoneMap) -> dict[str, str]:
    """Bones on which keys would have no effect, with the reason."""
    targets = {bone for part, bone in bone_map.bones.items() if part.startswith("foot_ik")}
    return {**_driven(ob), **_rulers(ob, targets)}


def _locked(posed: bpy.types.PoseBone) -> frozenset:
    locked = {("location", i) for i in range(3) if posed.lock_location[i]}
    locked |= {("scale", i) for i in range(3) if posed.lock_scale[i]}
    locked |= {("rotation", i) for i in range(3) if posed.lock_rotation[i]}
    if posed.lock_rotations_4d and posed.lock_rotation_w:
        locked.add(("rotation", 3))
    return frozenset(locked)


def ruled(posed: bpy.types.PoseBone) -> str:
    """The constraint that overrides a bone, or nothing."""
    return next(
        (
            c.name
            for c in posed.constraints
            if c.type in _RULING and not c.mute and c.influence > 0 and c.enabled
        ),
        "",
    )


def _rulers(ob: bpy.types.Object, targets: set[str]) -> dict[str, str]:
    """Bones that a constraint overrides, with the reason; legs pulled to mapped targets are not among them."""
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


def _driven(ob: bpy.types.Object) -> dict[str, str]:
    """Bones whose location, rotation or scale is driven."""
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain rig for games, with keys on every frame; made in a separate Blender, because it changes the rig for good.

Constraints, bone drivers and scales are gone: bones only turn and move. Engines pass a bone's scale on to its
children, so that a stretched arm would shear the hand; instead, a joint that a stretched bone pushed outwards
moves.
"""

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .. import compat

FIRST = 1  # frame of the first pose


def make(scene: bpy.types.Scene, name: str, frames: list[float], cyclic: bool) -> Any:
    """Make the character plain, with one Action from `FIRST` on; a loop ends when the first pose comes again."""
    ob: Any = bpy.data.objects[name]
    step = frames[1] - frames[0] if len(frames) > 1 else 1.0
    poses = _read(scene, ob, [*frames, frames[-1] + step] if cyclic else frames)
    _strip(ob)
    action = bpy.data.actions.new(
        f"{name}-loop" if cyclic else name
    )  # a word by which importers recognise loops
    ob.animation_data_create()
    rest = {bone.name: np.array(bone.matrix_local, float) for bone in ob.data.bones}
    for bone in ob.data.bones:
        parent = bone.parent.name if bone.parent is not None else None
        at, local = poses[bone.name], rest[bone.name]
        if parent is not None:
            at, local = np.linalg.inv(poses[parent]) @ at, np.linalg.inv(rest[parent]) @ local
        _key(ob, action, bone.name, np.linalg.inv(local) @ at)
    scene.frame_start, scene.frame_end = FIRST, FIRST + len(next(iter(poses.values()))) - 1
    scene.frame_set(FIRST)
    return ob


def _read(scene: bpy.types.Scene, ob: Any, frames: list[float]) -> dict[str, np.ndarray]:
    """Matrices (T, 4, 4) of each bone in the armature's space at the first frame, without scale."""
    found = {bone.name: np.zeros((len(frames), 4, 4)) for bone in ob.pose.bones}
    first = None
    for t, frame in enumerate(frames):
        scene.frame_set(int(frame // 1), subframe=frame % 1)
        seen = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
        world = np.array(seen.matrix_world, float)
        first = world if first is None else first
        moved = np.linalg.inv(first) @ world
        for bone in seen.pose.bones:
            found[bone.name][t] = moved @ np.array(bone.matrix, float)
    ob.matrix_world = np.asarray(first).T.tolist()  # in Blender's order: by columns
    for matrices in found.values():
        u, _, v = np.linalg.svd(matrices[:, :3, :3])
        u[..., -1] *= np.sign(np.linalg.det(u @ v))[:, None]  # a mirrored bone becomes a rotated one
        matrices[:, :3, :3] = u @ v
    return found


def _strip(ob: Any) -> None:
    """Remove everything that moves the rig, including bones that serve only that."""
    targets = {
        getattr(constraint, name, "")
        for bone in ob.pose.bones
        for constraint in bone.constraints
        for name in ("subtarget", "pole_subtarget")
        if getattr(constraint, "target", None) == ob and constraint.type == "IK"
    }
    ob.animation_data_clear()
    for bone in ob.pose.bones:
        while bone.constraints:
            bone.constraints.remove(bone.constraints[0])
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in list(ob.data.edit_bones):
        bone.use_connect, bone.inherit_scale, bone.use_inherit_rotation = False, "FULL", True
        bone.use_local_location = True
        if bone.name in targets and not bone.children and not bone.use_deform:
            ob.data.edit_bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")


def _key(ob: Any, action: bpy.types.Action, name: str, basis: np.ndarray) -> None:
    """Key a bone's location and rotation (T, 4, 4) on each frame."""
    bone = ob.pose.bones[name]
    bone.rotation_mode, bone.scale = "QUATERNION", (1.0, 1.0, 1.0)
    turns = np.array([_quaternion(matrix) for matrix in basis])
    for t in range(1, len(turns)):
        turns[t] *= 1.0 if turns[t] @ turns[t - 1] >= 0 else -1.0
    bag, frames = compat.channelbag(ob, action), FIRST + np.arange(len(basis))
    for path, values in (("location", basis[:, :3, 3]), ("rotation_quaternion", turns)):
        for index, channel in enumerate(values.T):
            curve = bag.fcurves.new(f'pose.bones["{bpy.utils.escape_identifier(name)}"].{path}', index=index)
            curve.keyframe_points.add(len(channel))
            flat = np.stack([frames, channel], 1).astype(np.float32).ravel()
            curve.keyframe_points.foreach_set("co", flat)
            for point in curve.keyframe_points:
                point.interpolation = "LINEAR"
            curve.update()


def _quaternion(matrix: np.ndarray) -> tuple[float, float, float, float]:
    turn = Matrix(matrix.tolist()).to_quaternion()
    return turn.w, turn.x, turn.y, turn.z

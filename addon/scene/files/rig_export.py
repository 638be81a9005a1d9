# SPDX-License-Identifier: GPL-3.0-or-later
"""A character as BVH, glTF, FBX or USD, by Blender's own exporters, in a separate Blender."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import addon_utils
import bpy
from mathutils import Matrix

from .. import compat
from . import plain_rig


def write(scene: bpy.types.Scene, job: dict, folder: Path) -> None:
    """Write the job's files into the folder; see `rigs`."""
    for light in [ob for ob in scene.objects if ob.type == "LIGHT"]:
        bpy.data.objects.remove(light)
    ob = plain_rig.make(scene, job["character"], job["frames"], job["cyclic"])
    scene.name = ob.animation_data.action.name  # FBX names the animation after it
    scene.render.fps, scene.render.fps_base = compat.rate_parts(job["rate"])
    for other in scene.objects:
        other.select_set(job["drawing"] or other == ob)
    for kind in job["kinds"]:
        EXPORTERS[kind](str(folder / f"made.{kind.lower()}"), scene)


def _bvh(path: str, scene: bpy.types.Scene) -> None:
    """Write BVH with Y up and the character in its place: Blender's exporter does neither."""
    addon_utils.enable("io_anim_bvh")
    ob: Any = bpy.context.view_layer.objects.active
    place, turn, scale = ob.matrix_world.decompose()
    size = max(scale)
    upright = Matrix.Rotation(math.radians(-90), 4, "X")
    moved = upright @ Matrix.Translation(place / size) @ turn.to_matrix().to_4x4()
    ob.data.transform(moved)
    ob.data.update_tag()
    bpy.ops.export_anim.bvh(
        filepath=path, global_scale=size, frame_start=scene.frame_start, frame_end=scene.frame_end,
        root_transform_only=False,
    )  # fmt: skip
    ob.data.transform(moved.inverted())
    ob.data.update_tag()


def _gltf(path: str, _scene: bpy.types.Scene) -> None:
    addon_utils.enable("io_scene_gltf2")
    ob: Any = bpy.context.view_layer.objects.active
    bpy.ops.export_scene.gltf(
        filepath=path, export_format="GLB", use_selection=True, export_animation_mode="ACTIVE_ACTIONS",
        export_nla_strips_merged_animation_name=ob.animation_data.action.name,
        export_frame_range=True, export_force_sampling=True, export_anim_slide_to_zero=True,
        export_optimize_animation_size=False, export_cameras=False, export_lights=False,
    )  # fmt: skip


def _fbx(path: str, _scene: bpy.types.Scene) -> None:
    addon_utils.enable("io_scene_fbx")
    bpy.ops.export_scene.fbx(
        filepath=path, use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
        bake_anim_use_nla_strips=False, bake_anim_use_all_actions=False, bake_anim_simplify_factor=0.0,
        path_mode="COPY", embed_textures=True,
    )  # fmt: skip


def _usd(path: str, _scene: bpy.types.Scene) -> None:
    bpy.ops.wm.usd_export(
        filepath=path, selected_objects_only=True, export_animation=True, export_armatures=True,
        export_shapekeys=True, export_lights=False, export_cameras=False, convert_world_material=False,
    )  # fmt: skip


EXPORTERS: dict[str, Callable[[str, bpy.types.Scene], None]] = {
    "BVH": _bvh,
    "GLB": _gltf,
    "FBX": _fbx,
    "USDC": _usd,
}

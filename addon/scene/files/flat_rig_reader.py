# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out read as a flat rig and written for Spine or DragonBones, in a separate Blender."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ...model.files import dragonbones, flat_rig, spine
from ...model.files.flat_rig import FlatBone, FlatLayer, FlatRig
from ...model.files.picture_page import PageTooLarge
from . import plain_rig

WRITERS: dict[str, Callable[[FlatRig, Path], None]] = {"SPINE": spine.write, "DRAGONBONES": dragonbones.write}
TOO_LARGE = "page_too_large"  # the file that says so
THIN = 0.5  # least visible part of an axis; a bone's angle is read from its most visible axis


def write(scene: bpy.types.Scene, job: dict, folder: Path) -> None:
    """Write the job's files into the folder ``made``; nothing if no layer has a picture. See `rigs`."""
    ob = plain_rig.make(scene, job["character"], job["frames"], job["cyclic"])
    rig = _read(scene, ob, job)
    if rig is not None:
        (folder / "made").mkdir()
        try:
            WRITERS[job["kind"]](rig, folder / "made" / job["file"])
        except PageTooLarge:
            shutil.rmtree(folder / "made")
            (folder / TOO_LARGE).touch()


def _read(scene: bpy.types.Scene, ob: Any, job: dict) -> FlatRig | None:
    axes = np.array(job["axes"], float)  # (3, 3) rows: right, up, towards the viewer
    ob.data.pose_position = "REST"
    bpy.context.view_layer.update()
    origin = np.array(ob.matrix_world.translation, float)
    drawn = [part for part in scene.objects if part.type == "MESH" and _image(part) is not None]
    if not drawn:
        return None
    view = _View(axes, origin, float(job["pixel"]))
    images = list(dict.fromkeys(_image(part) for part in drawn))
    depths = {part.name: _depth(part, view) for part in drawn}
    drawn.sort(key=lambda part: depths[part.name])
    kept = _needed(ob, drawn)
    index = {name: k for k, name in enumerate(kept)}
    seen = {name: _axis(ob, name, view) for name in kept}
    rest = np.array([_placed(ob, name, seen[name], view) for name in kept])
    layers = [_layer(part, ob, images.index(_image(part)), index, view) for part in drawn]
    ob.data.pose_position = "POSE"
    at_rest = {part.name: view.depth(np.array(part.matrix_world.translation, float)) for part in drawn}
    poses, orders = [], []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        poses.append([_placed(ob.evaluated_get(graph), name, seen[name], view) for name in kept])
        now = [
            depths[part.name]
            + view.depth(np.array(part.evaluated_get(graph).matrix_world.translation, float))
            - at_rest[part.name]
            for part in drawn
        ]
        orders.append(np.argsort(now, kind="stable"))
    posed = np.array(poses)  # (T, B, 3)
    bones = [
        FlatBone(
            name,
            index.get(_parent(ob, name), -1),
            float(ob.data.bones[name].length * max(ob.matrix_world.to_scale()[:]) / view.pixel),
            rest[k],
            posed[:, k],
        )
        for k, name in enumerate(kept)
    ]
    pictures = [_pixels(image) for image in images]
    return FlatRig(
        ob.name, bones, layers, np.array(orders), pictures, float(job["rate"]), bool(job["cyclic"])
    )


class _View:
    """The view of a character's plane: pixels from its origin, y up."""

    def __init__(self, axes: np.ndarray, origin: np.ndarray, pixel: float):
        self.axes, self.origin, self.pixel = axes, origin, pixel

    def flat(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) in the world → (…, 2)."""
        return (points - self.origin) @ self.axes[:2].T / self.pixel

    def depth(self, point: np.ndarray) -> float:
        """Distance towards the viewer."""
        return float((point - self.origin) @ self.axes[2])


def _image(part: Any) -> bpy.types.Image | None:
    """The picture that a mesh shows."""
    for slot in part.material_slots:
        tree = slot.material.node_tree if slot.material is not None else None
        for node in tree.nodes if tree is not None else ():
            if node.type == "TEX_IMAGE" and node.image is not None and min(node.image.size) > 0:
                return node.image
    return None


def _pixels(image: Any) -> np.ndarray:
    """(H, W, 4) uint8, the first row on top."""
    width, height = image.size
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    return np.round(255 * np.clip(flat.reshape(height, width, 4)[::-1], 0, 1)).astype(np.uint8)


def _world(part: Any) -> np.ndarray:
    """Corners (V, 3) of a mesh at rest."""
    local = np.empty(3 * len(part.data.vertices), np.float32)
    part.data.vertices.foreach_get("co", local)
    matrix = np.array(part.matrix_world, float)
    return local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def _depth(part: Any, view: _View) -> float:
    return float(np.mean([view.depth(point) for point in _world(part)]))


def _parent(ob: Any, name: str) -> str:
    parent = ob.data.bones[name].parent
    return parent.name if parent is not None else ""


def _needed(ob: Any, drawn: list) -> list[str]:
    """Bones that move a layer, and their ancestors, parents first."""
    moving: set[str] = set()
    for part in drawn:
        moving |= set(_groups(part, ob)) or {part.parent_bone if part.parent_type == "BONE" else ""}
    wanted = {
        b.name
        for b in ob.data.bones
        if b.name in moving or any(c.name in moving for c in b.children_recursive)
    }
    wanted |= {ob.data.bones[0].name}
    return [bone.name for bone in ob.data.bones if bone.name in wanted]  # Blender lists parents first


def _groups(part: Any, ob: Any) -> dict[str, int]:
    """Vertex groups of a layer that belong to bones of the armature, by bone."""
    moved = any(m.type == "ARMATURE" and m.object == ob for m in part.modifiers)
    return {g.name: g.index for g in part.vertex_groups if g.name in ob.data.bones} if moved else {}


def _axis(ob: Any, name: str, view: _View) -> int:
    """The axis to read a bone's angle from: its length, unless that points at the viewer."""
    turned = view.axes[:2] @ np.array(
        ob.matrix_world.to_3x3() @ ob.data.bones[name].matrix_local.to_3x3(), float
    )
    size = np.linalg.norm(turned, axis=0)
    return 1 if size[1] >= THIN * size.max() else int(size.argmax())


def _placed(ob: Any, name: str, axis: int, view: _View) -> tuple[float, float, float]:
    """Position and angle of a bone in its current pose."""
    matrix = np.array(ob.matrix_world @ ob.pose.bones[name].matrix, float)
    x, y = view.flat(matrix[:3, 3])
    along = view.axes[:2] @ matrix[:3, axis]
    return float(x), float(y), float(np.arctan2(along[1], along[0]))


def _layer(part: Any, ob: Any, picture: int, index: dict[str, int], view: _View) -> FlatLayer:
    mesh = part.data
    mesh.calc_loop_triangles()
    uvs = mesh.uv_layers.active.data if mesh.uv_layers.active is not None else None
    world, groups = view.flat(_world(part)), _groups(part, ob)
    share = np.zeros((len(mesh.vertices), len(index)))
    names = {number: name for name, number in groups.items()}
    for vertex in mesh.vertices:
        for group in vertex.groups:
            if group.group in names:
                share[vertex.index, index[names[group.group]]] += group.weight
    if not groups:
        share[:, index.get(part.parent_bone if part.parent_type == "BONE" else "", 0)] = 1.0
    corners: dict[tuple, int] = {}
    triangles = []
    for triangle in mesh.loop_triangles:
        row = []
        for loop, vertex in zip(triangle.loops, triangle.vertices, strict=True):
            uv = tuple(round(float(v), 6) for v in uvs[loop].uv) if uvs is not None else (0.0, 0.0)
            row.append(corners.setdefault((vertex, *uv), len(corners)))
        triangles.append(row)
    order = np.array(list(corners))
    vertices = order[:, 0].astype(int)
    flat = np.stack([order[:, 1], 1 - order[:, 2]], 1)
    weights = flat_rig.weighted(share[vertices])
    return FlatLayer(part.name, picture, world[vertices], flat, np.array(triangles), weights)

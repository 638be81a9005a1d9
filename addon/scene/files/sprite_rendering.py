# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one size of a character, with a transparent background; run in a separate Blender.

Writes ``frames.npy``, (T, H, W, 4) uint8, and ``said.json`` into the folder.
"""

import json
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector

MARGIN = 0.02  # of the height: transparent margin around the figure
FAR = 1000.0  # how far the camera sees behind the figure, in depths of the figure


def draw(scene: bpy.types.Scene, job: dict, place: Path) -> None:
    """Render the job's pictures; see `sprites`."""
    axes, frames = np.array(job["axes"], float), job["frames"]
    speed = _speed(scene, job)
    low, high = _bounds(scene, axes, frames, speed)
    margin = MARGIN * float(high[1] - low[1])
    low[:2], high[:2] = low[:2] - margin, high[:2] + margin
    height = job["height"]
    width = 2 * max(1, int(np.ceil((high[0] - low[0]) / (high[1] - low[1]) * height / 2)))
    ground = axes @ np.array(bpy.data.objects[job["character"]].matrix_world.translation, float)
    unit = height / float(high[1] - low[1])  # pixels
    middle = float(low[0] + high[0]) / 2
    pixel = (width / 2 + (ground[0] - middle) * unit, (float(high[1]) - ground[1]) * unit)
    (place / "said.json").write_text(json.dumps({"size": [width, height], "ground": pixel}), "utf-8")
    if width * height * len(frames) > job["most"]:
        return
    camera = _camera(scene, axes, low, high)
    start = camera.location.copy()
    _render_as(scene, width, height)
    pictures = np.zeros((len(frames), height, width, 4), np.uint8)
    for k, frame in enumerate(frames):
        scene.frame_set(int(frame // 1), subframe=frame % 1)
        camera.location = start + Vector(((frame - frames[0]) * speed).tolist())
        pictures[k] = _picture(scene, place / "frame.png")
        print("tempose: frame", flush=True)
    np.save(place / "frames.npy", pictures)


def _speed(scene: bpy.types.Scene, job: dict) -> np.ndarray:
    """Speed (3,) of a loop that travels, in the world, per frame; the camera goes along and keeps it in place."""
    if not job["around"]:
        return np.zeros(3)
    ob, places = bpy.data.objects[job["character"]], []
    for frame in (job["frames"][0], job["frames"][0] + job["around"]):
        scene.frame_set(int(frame // 1), subframe=frame % 1)
        seen = ob.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append([seen.matrix_world @ bone.head for bone in seen.pose.bones])
    return np.median(np.subtract(*np.array(places[::-1], float)), axis=0) / job["around"]


def _bounds(
    scene: bpy.types.Scene, axes: np.ndarray, frames: list[float], speed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The box (3,), (3,) along the axes around everything rendered in all frames, for a camera with this speed."""
    lows, highs = [], []
    for frame in frames:
        scene.frame_set(int(frame // 1), subframe=frame % 1)
        graph = bpy.context.evaluated_depsgraph_get()
        for ob in scene.objects:
            if ob.type in ("ARMATURE", "LIGHT", "EMPTY", "CAMERA"):
                continue
            points = (_points(ob.evaluated_get(graph)) - (frame - frames[0]) * speed) @ axes.T
            lows.append(points.min(0))
            highs.append(points.max(0))
    if not lows:
        raise ValueError("nothing is drawn")
    return np.min(lows, 0), np.max(highs, 0)


def _points(ob: bpy.types.Object) -> np.ndarray:
    """Points (N, 3) in the world: corners of a mesh, or of the box around anything else."""
    if ob.type == "MESH" and len(ob.data.vertices):  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess] -- a mesh
        flat = np.empty(3 * len(ob.data.vertices), np.float32)  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        ob.data.vertices.foreach_get("co", flat)  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
        points = flat.reshape(-1, 3).astype(float)
    else:
        points = np.array(ob.bound_box, float)
    world = np.array(ob.matrix_world, float)
    return points @ world[:3, :3].T + world[:3, 3]


def _camera(scene: bpy.types.Scene, axes: np.ndarray, low: np.ndarray, high: np.ndarray) -> bpy.types.Object:
    """An orthographic camera that sees just that box."""
    data = bpy.data.cameras.new("sprites")
    camera = bpy.data.objects.new("sprites", data)
    scene.collection.objects.link(camera)
    data.type, data.sensor_fit, data.ortho_scale = "ORTHO", "VERTICAL", float(high[1] - low[1])
    depth = max(float(high[2] - low[2]), 0.1)
    data.clip_start, data.clip_end = 0.01 * depth, FAR * depth
    at = axes.T @ np.array([*(low[:2] + high[:2]) / 2, high[2] + depth])
    camera.matrix_world = Matrix.Translation(at.tolist()) @ Matrix(axes.T.tolist()).to_4x4()
    scene.camera = camera
    return camera


def _render_as(scene: bpy.types.Scene, width: int, height: int) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.film_transparent, render.use_sequencer, render.use_compositing = True, False, False
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGBA"
    render.image_settings.color_depth, render.image_settings.compression = "8", 0
    scene.view_settings.view_transform = "Standard"


def _picture(scene: bpy.types.Scene, path: Path) -> np.ndarray:
    """The picture (H, W, 4) uint8 of the scene at the current frame."""
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    width, height = image.size
    flat = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(flat)
    bpy.data.images.remove(image)
    return np.rint(255 * flat.reshape(height, width, 4)[::-1]).astype(np.uint8)

# SPDX-License-Identifier: GPL-3.0-or-later
"""An animated character read frame by frame, including constraints and drivers. Main thread only."""

import contextlib
import time
from collections.abc import Iterator
from typing import cast

import bpy
import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.sequence import of_joints
from tempose_pose.skeletons import EXTREMITIES, HANDS

from ...model.character.bones import Placed
from ...model.character.joints import joints_of
from ...model.character.mapping import BODY
from ...model.character.plane import Plane
from ...model.errors import Problem
from .. import compat
from ..character import armature, character

MAX_PICTURES = 20_000
STEP = 0.01
"""Seconds that one step of reading takes; the scene is on its own frame after each."""
NAMES = (*BODY.joints, *EXTREMITIES)


def frames_of(scene: bpy.types.Scene, ob: bpy.types.Object) -> tuple[int, int]:
    """First and last frame to read: the preview range, the Action's, or the scene's."""
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    data = ob.animation_data if ob is not None else None
    if data is not None and data.action is not None:
        first, last = data.action.frame_range
        return round(first), round(last)
    return scene.frame_start, scene.frame_end


def render_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height of the scene's render."""
    share = scene.render.resolution_percentage / 100
    return max(1, round(scene.render.resolution_x * share)), max(1, round(scene.render.resolution_y * share))


def read(scene_name: str, rig_name: str, rate: float, camera: bool) -> Iterator[float]:
    """Read the poses, for `Work.main`: yields the progress, returns a `Dance`.

    Parameters
    ----------
    rate : float
        Poses per second.
    camera : bool
        Whether to give pixels of the scene's render, as its camera sees the character, instead of the dance's own
        picture.
    """
    scene, ob = both(scene_name, rig_name)
    first, last = frames_of(scene, ob)
    own = compat.rate_of(scene)  # pyright: ignore[reportArgumentType]
    count = max(1, round((last - first + 1) / own * rate))
    if count > MAX_PICTURES:
        raise Problem(
            "too_long",
            f"That would be {count} frames; at most {MAX_PICTURES} are written. Set a shorter preview range.",
        )
    if camera and scene.camera is None:
        raise Problem("no_camera", "The scene has no camera. Add one, or write the poses as in the dance.")
    place, bone_map = character.placement(ob), character.map_of(ob)
    plane = character.plane_of(ob, bone_map)
    found = character.spots_of(ob, armature.bones_of(ob, bone_map), bone_map)
    canvas = render_size(scene) if camera else place.canvas
    names = sorted({spot.bone for spot in found.values()})
    axes = {name: np.zeros((count, 4, 4)) for name in names}
    views, done = np.zeros((count, 4, 4)), 0
    while done < count:
        scene, ob = both(scene_name, rig_name)  # anything may have happened since the last step
        until = time.monotonic() + STEP
        with (_as_it_is if camera else _alone)(scene, ob) as (set_frame, graph_of):
            while done < count:
                at = first + done / rate * own
                set_frame(int(at), subframe=at - int(at))
                graph = graph_of()
                seen = ob.evaluated_get(graph)
                for name in names:
                    axes[name][done] = np.array(seen.pose.bones[name].matrix, float)
                if camera:
                    views[done] = _view(scene, graph, seen, canvas)
                done += 1
                if time.monotonic() >= until:
                    break
        yield done / count
    points, scores = np.zeros((count, len(NAMES), 2)), np.zeros((count, len(NAMES)))
    placed = {name: Placed(matrix[:, :3, :3], matrix[:, :3, 3]) for name, matrix in axes.items()}
    for joint, where in joints_of(found, placed, plane).items():
        if joint in NAMES:
            points[:, NAMES.index(joint)], scores[:, NAMES.index(joint)] = where, 1.0
    if camera:
        points = _through_camera(views, plane, points, canvas)
    if not scores.any():
        raise Problem("rig_bones", f"No bone of {rig_name} is mapped to a joint. Press Find Bones.")
    points = points if camera else place.to_pixels(points)
    _add_roots(points, scores)
    return Dance.of(of_joints(NAMES, points, scores, rate, canvas))


def both(scene_name: str, rig_name: str) -> tuple[bpy.types.Scene, bpy.types.Object]:
    """Scene and character by name; raises if they have gone."""
    scene = bpy.data.scenes.get(scene_name)
    ob = scene.objects.get(rig_name) if scene is not None else None
    if scene is None or ob is None:
        raise Problem(
            "rig_gone", "The character was deleted or renamed meanwhile. Nothing was changed; try again."
        )
    return scene, ob


def _add_roots(points: np.ndarray, scores: np.ndarray) -> None:
    """Begin each hand with fingers at its wrist, in place: points (T, 66, 2), scores (T, 66)."""
    for side, hand in HANDS.items():
        root, wrist, *fingers = (NAMES.index(joint) for joint in (hand[0], f"{side}_wrist", *hand[1:]))
        bare = (scores[:, root] <= 0) & (scores[:, fingers] > 0).any(1) & (scores[:, wrist] > 0)
        points[bare, root], scores[bare, root] = points[bare, wrist], scores[bare, wrist]


@contextlib.contextmanager
def _as_it_is(scene: bpy.types.Scene, _ob: bpy.types.Object):
    """Step through frames of the scene itself, whose markers may change cameras; restores its frame afterwards."""
    before, part = scene.frame_current, scene.frame_subframe
    try:
        yield scene.frame_set, bpy.context.evaluated_depsgraph_get
    finally:
        scene.frame_set(before, subframe=part)


@contextlib.contextmanager
def _alone(_scene: bpy.types.Scene, ob: bpy.types.Object):
    """Step through frames of the character and its dependencies only: quick, without redraws."""
    stage = bpy.data.scenes.new(".tempose reading")
    try:
        stage.collection.objects.link(ob)
        yield stage.frame_set, lambda: cast(bpy.types.Depsgraph, stage.view_layers[0].depsgraph)
    finally:
        bpy.data.scenes.remove(stage)


def _view(
    scene: bpy.types.Scene, graph: bpy.types.Depsgraph, ob: bpy.types.Object, size: tuple[int, int]
) -> np.ndarray:
    """Matrix (4, 4) from the armature's space to the camera's picture."""
    camera = scene.camera.evaluated_get(graph)
    window = camera.calc_matrix_camera(graph, x=size[0], y=size[1])
    return np.array(window @ camera.matrix_world.inverted() @ ob.matrix_world, float)


def _through_camera(views: np.ndarray, plane: Plane, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Points (T, K, 2) in the figure's plane as pixels of the render, seen through (T, 4, 4)."""
    flat = points.reshape(-1, 2)
    spatial = np.concatenate([plane.lifted(flat), np.ones((len(flat), 1))], 1).reshape(*points.shape[:2], 4)
    seen = np.einsum("tij,tkj->tki", views, spatial)
    depth = np.where(np.abs(seen[..., 3:]) < 1e-9, 1e-9, seen[..., 3:])
    return (seen[..., :2] / depth * (0.5, -0.5) + 0.5) * size

# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay of the 3D View: key poses around the playhead, other takes beside the shown one, a limb's trail."""

import traceback
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.sequence import to_openpose18

from ...model.character.mapping import BODY
from ...model.dance.progress import limb_colours
from ...model.errors import Problem
from ...model.keys import key_edits
from ...model.tempo.timing import resample
from ..character import character, floor, selection
from ..keys import action_keys, limb_reach
from ..music import song_grid
from ..settings import SceneSettings
from ..window import scene_of
from . import audition, placement

WIDTH, DOT = 2.0, 9.0  # pixels at UI scale 1
BEFORE, AFTER = (0.9, 0.35, 0.25, 0.5), (0.3, 0.75, 0.35, 0.5)  # colours of earlier and later poses
TRAIL = (1.0, 0.8, 0.2, 0.9)
SECONDS = 1.0  # length of a trail to each side of the playhead
APART = 0.9  # distance from take to take, in heights of the figure
KEPT = 8  # most dances that are cached for drawing
_dances: dict[str, Dance] = {}
_handles: list = []


@dataclass(frozen=True, eq=False)
class Lines:
    """Ends of lines (2N, 3) in the world, and their colours (2N, 4)."""

    points: np.ndarray
    colours: np.ndarray


def lines(scene: bpy.types.Scene, ob: bpy.types.Object) -> Lines | None:
    """All lines to draw for a character; None if there are none."""
    settings: SceneSettings = scene.tempose
    found = [
        *(_key_poses(scene, ob, settings.view.poses) if settings.view.poses else ()),
        *(_takes(scene, ob) if settings.view.takes else ()),
        *(_trail(scene, ob, settings.view.trail) if settings.view.trail != "NONE" else ()),
    ]
    if not found:
        return None
    points, colours = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Lines(_world(ob, points), colours.astype(np.float32))


def dots(context: bpy.types.Context, ob: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Frames (N,) of the beats in the trail, and the limb's positions (N, 3) at them in the world."""
    scene = scene_of(context)
    part = scene.tempose.view.trail
    try:
        now = song_grid.current(context)
    except Problem:
        return np.zeros(0), np.zeros((0, 3))
    rate = scene.render.fps / scene.render.fps_base
    beats = np.array([round(float(now.frame(second))) for second in now.grid.times])
    beats = beats[np.abs(beats - scene.frame_current) <= SECONDS * rate] if len(beats) else np.zeros(0)
    at = limb_reach.joints_at(ob, beats).get(part) if part != "NONE" and len(beats) else None
    return (np.zeros(0), np.zeros((0, 3))) if at is None else (beats, _world(ob, at))


def _world(ob: bpy.types.Object, flat: np.ndarray) -> np.ndarray:
    """Points (N, 2) of the figure's plane in the world."""
    matrix = np.asarray(ob.matrix_world)
    return (character.plane_of(ob).lifted(flat) @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)


def _figure(at: dict[str, np.ndarray], k: int, colour: Any) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        (at[BODY.joints[a]][k], at[BODY.joints[b]][k])
        for a, b in BODY.limbs
        if BODY.joints[a] in at and BODY.joints[b] in at
    ]
    points = np.array(pairs, float).reshape(-1, 2)
    return points, np.tile(np.asarray(colour, float), (len(points), 1))


def _key_poses(scene: bpy.types.Scene, ob: bpy.types.Object, count: int) -> list:
    data = ob.animation_data
    if data is None or data.action is None:
        return []
    frames = key_edits.key_poses([keys[:, 0] for keys in action_keys.places(data.action)])
    shown = key_edits.nearest(frames, scene.frame_current, count)
    at = limb_reach.joints_at(ob, shown)
    return [
        _figure(at, k, BEFORE if frame < scene.frame_current else AFTER)
        for k, frame in enumerate(shown)
        if at
    ]


def _trail(scene: bpy.types.Scene, ob: bpy.types.Object, part: str) -> list:
    data = ob.animation_data
    if data is None or data.action is None:
        return []
    half = round(SECONDS * scene.render.fps / scene.render.fps_base)
    at = limb_reach.joints_at(ob, range(scene.frame_current - half, scene.frame_current + half + 1)).get(part)
    if at is None:
        return []
    points = np.repeat(at, 2, 0)[1:-1]
    return [(points, np.tile(TRAIL, (len(points), 1)))]


def _takes(scene: bpy.types.Scene, ob: bpy.types.Object) -> list:
    found, colours = [], limb_colours(BODY)
    where, place = floor.floor_of(ob), character.placement(ob)
    others = [t for t in scene.tempose.takes if t.rig == ob and t.action is None and t.state != "ACCEPTED"]
    for k, take in enumerate(take for take in others if take.text is not None):
        try:
            dance = _dance(take)
            second = float(placement.span_of(scene, take).second_at(scene.frame_current_final))
        except Problem:
            continue
        body = to_openpose18(dance.poses)
        points, scores = resample(body.keypoints, body.scores, body.fps, [second])
        pairs = np.asarray(BODY.limbs)
        seen = (scores[0][pairs] > 0).all(1)
        ends = points[0][pairs[seen]].reshape(-1, 2) * np.asarray(place.canvas, float)
        side = (k // 2 + 1) * (1 if k % 2 == 0 else -1) * APART * where.height
        colour = np.hstack([np.repeat(colours[seen], 2, 0), np.full((2 * int(seen.sum()), 1), 0.6)])
        found.append((place.to_plane(ends) + np.array([side, 0.0]), colour))
    return found


def _dance(take: Any) -> Dance:
    """The dance of a take; cached."""
    if take.identity not in _dances:
        while len(_dances) >= KEPT:
            _dances.pop(next(iter(_dances)))
        _dances[take.identity] = audition.data_of(take).dance
    return _dances[take.identity]


def _draw() -> None:
    context = bpy.context
    scene: Any = context.scene
    if scene is None or not hasattr(scene, "tempose"):
        return
    view = scene.tempose.view
    if not (view.poses or view.takes or view.trail != "NONE"):
        return
    try:
        ob = selection.pick_rig(context)
        if ob is not None:
            _paint(
                context, lines(scene, ob), dots(context, ob)[1] if view.trail != "NONE" else np.zeros((0, 3))
            )
    except Problem:
        return
    except Exception:  # an error in here would come at every redraw
        traceback.print_exc()
        bpy.app.timers.register(remove, first_interval=0.0)


def _paint(context: bpy.types.Context, drawn: Lines | None, beats: np.ndarray) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    scale, region = context.preferences.system.ui_scale, context.region
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("ALWAYS")
    if drawn is not None:
        shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
        batch = batch_for_shader(shader, "LINES", {"pos": drawn.points, "color": drawn.colours})  # pyright: ignore[reportArgumentType] -- arrays
        shader.bind()
        shader.uniform_float("viewportSize", (region.width, region.height))
        shader.uniform_float("lineWidth", WIDTH * scale)
        batch.draw(shader)
    if len(beats):
        shader = gpu.shader.from_builtin("POINT_UNIFORM_COLOR")
        gpu.state.point_size_set(DOT * scale)
        batch = batch_for_shader(shader, "POINTS", {"pos": np.asarray(beats, np.float32)})  # pyright: ignore[reportArgumentType] -- arrays
        shader.bind()
        shader.uniform_float("color", TRAIL)
        batch.draw(shader)
    gpu.state.depth_test_set("NONE")
    gpu.state.blend_set("NONE")


def add() -> None:
    """Start drawing."""
    _handles.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def remove() -> None:
    """Leave nothing behind."""
    _dances.clear()
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")

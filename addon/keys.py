# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to the keys of a rig: feet planted, bones solved, as many keys as are asked for."""

from dataclasses import dataclass

import bpy
import numpy as np

from . import again, blending, character, feet, fitting, keying
from .forward import Forward
from .keying import KeyedCurve
from .retarget import with_mid_hip
from .takes import Take
from .timing import Span, resample

STEPS = {"EVERY": 1, "TWOS": 2, "THREES": 3}


@dataclass(frozen=True)
class Curve:
    """One F-curve: whole frames and their values."""

    path: str
    index: int
    group: str
    values: np.ndarray


@dataclass(frozen=True)
class Keyed:
    """What `keyed` made, and how near it is to the dance.

    Parameters
    ----------
    curves : list of KeyedCurve
    stepped : bool
    count, dense : int
        Keys, and keys if there were one on each frame.
    worst, mean : float
        Distance of joints from the dance in pixels of the scene; 0 where every frame has its key.
    """

    curves: list[KeyedCurve]
    stepped: bool
    count: int
    dense: int
    worst: float = 0.0
    mean: float = 0.0


def curves_of(take: Take, ob, span: Span, stretch: bool, choice=None) -> tuple[np.ndarray, list[Curve]]:
    """The scene frames and the curves of a dance on a rig, every frame.

    `choice` is a `TemposeKeys` (how feet are planted); None: feet are left as the model drew them.
    """
    frames, dance = span.frames, take.dance
    pixels, scores = resample(dance.pixels, dance.scores, dance.fps, span.second_at(frames))
    canvas = dance.canvas
    if choice is not None and choice.feet != "NEVER":
        pixels, canvas = _planted(ob, pixels, scores, canvas, span.rate, stretch, choice)
    solution = character.solved(ob, pixels, scores, canvas, stretch)
    curves = [
        Curve(f'pose.bones["{bpy.utils.escape_identifier(c.bone)}"].{c.property}', c.index, c.bone, c.values)
        for c in solution.channels
    ]
    return frames, blending.applied(take.settings, frames, curves)


def _planted(ob, pixels, scores, canvas, rate: float, stretch: bool, choice):
    """The dance with its feet held, on the rig's own canvas."""
    place = character.placement(ob)
    pixels = pixels * (place.canvas[0] / canvas[0], place.canvas[1] / canvas[1])
    points, both = with_mid_hip(place.to_plane(pixels), scores)
    rest = character.joints(ob, current=False)
    height = float(np.ptp(np.stack(list(rest.values()))[:, 1])) if rest else 0.0
    ankles = [rest[joint][1] for joint in ("left_ankle", "right_ankle") if joint in rest]
    ground = None
    if choice.ground and ankles:
        ground = min(ankles) + choice.ground_height
    if height <= 0:
        return pixels, place.canvas
    held = feet.plant(points, both, rate, height, choice.feet, ground, stretch)
    return place.to_pixels(held.points[:, : pixels.shape[1]]), place.canvas


def keyed(take: Take, ob, span: Span, stretch: bool, choice) -> Keyed:
    """The keys of a dance, as `choice` (a `TemposeKeys`) has them."""
    frames, curves = curves_of(take, ob, span, stretch, choice)
    stepped, dense = choice.interpolation == "STEPPED", len(frames) * len(curves)
    if choice.density == "EVERY" or len(frames) < 3:
        made = [KeyedCurve(c.path, c.index, c.group, frames, c.values) for c in curves]
        return Keyed(made, stepped, dense, dense)
    bones: dict[str, list[Curve]] = {}
    for curve in curves:
        bones.setdefault(curve.group, []).append(curve)
    values = {bone: np.stack([c.values for c in own], 1) for bone, own in bones.items()}
    bone_map = character.map_of(ob)
    plane = character.plane_of(ob, bone_map)
    layout = {b: [(c.path.rpartition(".")[2], c.index) for c in own] for b, own in bones.items()}
    forward = Forward(character.bones_of(ob, bone_map), bone_map, plane, layout)
    pixel = pixel_size(ob, plane)
    hits = _beats(take, span, frames) if choice.beats else []
    if choice.density == "SPARSE":
        fit = fitting.sparse(values, forward, choice.tolerance * pixel, span.rate, hits, choice.together)
    else:
        found = fitting.at_fixed(values, fitting.every(len(frames), STEPS[choice.density], hits))
        missed = fitting.miss(found, values, forward)
        fit = fitting.Fit(found, float(missed.max()), float(missed.mean()))
    made = []
    for bone, own in bones.items():
        keys = fit.keys[bone]
        for c, curve in enumerate(own):
            made.append(
                KeyedCurve(
                    curve.path, curve.index, bone, frames[keys.at], keys.values[:, c], keys.slopes[:, c]
                )
            )
    return Keyed(made, stepped, fit.count, dense, fit.worst / pixel, fit.mean / pixel)


def _beats(take: Take, span: Span, frames: np.ndarray) -> np.ndarray:
    """Positions of the beats among the frames."""
    at = np.round(span.frame_at(np.asarray(take.dance.beat_times, float))).astype(int) - int(frames[0])
    return np.unique(at[(at >= 0) & (at < len(frames))])


def pixel_size(ob, plane) -> float:
    """How long a pixel of the scene is at the figure, in units of the armature.

    As the scene's camera sees it now; without one, as if the picture of the dance filled the frame.
    """
    place = character.placement(ob)
    scene = next(iter(ob.users_scene), None) or bpy.context.scene
    render = scene.render
    width, height = (
        side * render.resolution_percentage / 100 for side in (render.resolution_x, render.resolution_y)
    )
    plain = place.unit * max(place.canvas[0] / width, place.canvas[1] / height)
    if scene.camera is None:
        return plain
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    step = place.unit * place.canvas[1] / 4
    middle = place.to_plane(np.asarray(place.canvas) / 2)
    seen = []
    for away in ((0, 0), (step, 0), (0, step)):
        at = ob.matrix_world @ Vector(plane.lifted(middle + away).tolist())
        seen.append(world_to_camera_view(scene, scene.camera, at))
    if min(point.z for point in seen) <= 0:
        return plain  # behind the camera
    lengths = [np.hypot((p.x - seen[0].x) * width, (p.y - seen[0].y) * height) for p in seen[1:]]
    return step / max(lengths) if max(lengths) > 1e-3 else plain


def bake(take: Take, ob, span: Span, settings, name: str, mark: str = ""):
    """A new Action with the keys of a take, not yet assigned to the object."""
    made = keyed(take, ob, span, settings.stretch, settings.keys)
    action = keying.write(ob, name, made.curves, made.stepped)
    action[keying.TAKE] = mark
    action[again.SPAN] = [span.left, span.seconds, span.rate]
    return action


def write(ob, name: str, frames: np.ndarray, curves: list[Curve]):
    """A new Action with these curves, a key on every frame, not yet assigned to the object."""
    return keying.write(ob, name, [KeyedCurve(c.path, c.index, c.group, frames, c.values) for c in curves])


def action_of(take):
    """The Action that holds the keys of an accepted take, or of the one that is shown; None when it is gone."""
    if take.action is not None:
        return take.action
    return next((a for a in bpy.data.actions if a.get(keying.TAKE) == take.identity), None)


def assign(ob, action) -> None:
    """Let an object be moved by an Action with one slot."""
    data = ob.animation_data_create()
    data.action = action
    if action is not None and len(action.slots):
        data.action_slot = action.slots[0]

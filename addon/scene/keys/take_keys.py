# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the scene and `key_plan`: reads what the keys of a take depend on, and writes them."""

from dataclasses import fields

import bpy
import numpy as np

from tempose_pose.skeletons import FINGERS

from ...model.character.forward_kinematics import Forward
from ...model.character.plane import Plane
from ...model.dance import kept_ankles, pins, way
from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.keys import facing_swaps, hand_swaps, key_plan
from ...model.keys.key_curves import KeyedCurve, SampledCurve
from ...model.keys.key_plan import Choice, Plan
from ...model.tempo.timing import Span
from .. import compat
from ..character import armature, character, facing_drawings, hand_drawings
from ..settings import ListedTake, SceneSettings
from ..window import scene_of
from . import action_keys, background_keys, blend, curve_keys, cycles
from .background_keys import Ready

SWAPS = (hand_swaps.PROPERTY, facing_swaps.PROPERTY)
HIGH = 1080  # height in pixels of the frame in which errors are measured, whatever the resolution


def plan(take: Take, ob: bpy.types.Object, span: Span, settings: SceneSettings) -> Plan:
    """All that the keys of a take on a rig depend on."""
    if reason := character.why_not(ob):
        raise Problem("rig_bones", f"{reason}.")
    bone_map = character.map_of(ob)
    plane = character.plane_of(ob, bone_map)
    choice = Choice(**{field.name: getattr(settings.keys, field.name) for field in fields(Choice)})
    return Plan(
        dance=take.dance,
        span=span,
        rig=ob.name,
        bones=armature.bones_of(ob, bone_map),
        bone_map=bone_map,
        plane=plane,
        place=character.placement(ob),
        options=character.options_of(
            next(iter(ob.users_scene), scene_of(bpy.context)), character.stretches(ob, settings)
        ),
        choice=choice,
        paths={
            name: f'pose.bones["{bpy.utils.escape_identifier(name)}"]'
            for name in (b.name for b in ob.data.bones)
        },
        pixel=pixel_size(ob, plane),
        under=blend.base_of(take.settings, span.frames),
        strength=take.settings.get("strength", 1.0),
        style=take.dance.style or str(take.settings.get("style") or ""),
        stands=kept_ankles.from_text(take.settings.get("stands")),
        loop=bool(take.settings.get("loop")),
        travel=float(take.settings.get("travel") or 0.0),
        depths=character.depths_of(ob),
        way=way.from_body(take.settings.get("way")),
        pins=pins.from_body(take.settings.get("pins")),
        hand_bones=hand_drawings.bones_of(ob),
        facing_bones=facing_drawings.bones_of(ob),
    )


def ankles_seen(
    take: Take, ob: bpy.types.Object, action: bpy.types.Action, span: Span, settings: SceneSettings
) -> np.ndarray | None:
    """Places (T, 2, 2) of the ankles by the keys of an Action at the frames of a dance, in shares of its canvas.

    None if the ankles do not follow from the keys of mapped bones alone.
    """
    asked = plan(take, ob, span, settings)
    bones = {path: name for name, path in asked.paths.items()}
    frames = span.frame_at(np.arange(len(take.dance.poses)) / take.dance.poses.fps)
    columns: dict[str, list] = {}
    for curve in action_keys.curves(action):
        path, _, prop = curve.data_path.rpartition(".")
        if path in bones:
            column = np.array([curve.evaluate(frame) for frame in frames])
            columns.setdefault(bones[path], []).append((prop, curve.array_index, column))
    layout = {bone: [(prop, index) for prop, index, _ in own] for bone, own in columns.items()}
    forward = Forward(asked.bones, asked.bone_map, asked.plane, layout)
    if not columns or not set(kept_ankles.ANKLES) <= set(forward.names):
        return None
    joints = forward(
        {bone: np.stack([c for _, _, c in own], 1) for bone, own in columns.items()}
    )  # (J, T, 2)
    at = joints[[forward.names.index(ankle) for ankle in kept_ankles.ANKLES]].transpose(1, 0, 2)
    return asked.place.to_pixels(at) / np.asarray(asked.place.canvas, float)


def pixel_size(ob: bpy.types.Object, plane: Plane) -> float:
    """Size, in units of the armature, of a pixel at the figure in a frame 1080 pixels high.

    As seen by the scene's camera now or, without one, as if the picture of the dance filled the frame.
    """
    place = character.placement(ob)
    scene = next(iter(ob.users_scene), None) or scene_of(bpy.context)
    render = scene.render
    width, height = HIGH * render.resolution_x / render.resolution_y, HIGH
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
        seen.append(world_to_camera_view(scene, scene.camera, at))  # pyright: ignore[reportArgumentType]
    if min(point.z for point in seen) <= 0:
        return plain  # behind the camera
    lengths = [np.hypot((p.x - seen[0].x) * width, (p.y - seen[0].y) * height) for p in seen[1:]]
    return step / max(lengths) if max(lengths) > 1e-3 else plain


def bake(
    take: Take,
    ob: bpy.types.Object,
    span: Span,
    settings: SceneSettings,
    name: str,
    mark: str = "",
    ready: Ready | None = None,
):
    """A new Action with the keys of a take, not yet assigned to the object.

    Uses the keys that are `ready`, unless something that they depend on has changed meanwhile.
    """
    asked = plan(take, ob, span, settings)
    ready = ready if ready is not None and key_plan.are_alike(ready.plan, asked) else None
    action = background_keys.take_action(ready, name) if ready is not None else None
    if action is None:
        made = ready.keyed if ready is not None else key_plan.make_keys(asked)
        action = action_keys.write(ob, name, made.curves, made.stepped)
    action[action_keys.TAKE] = mark
    action[curve_keys.SPAN] = [span.left, span.seconds, span.rate]
    if asked.loop:
        cycles.repeat(action, span)
    return action


def write(ob: bpy.types.Object, name: str, frames: np.ndarray, curves: list[SampledCurve]):
    """A new Action with these curves, a key on every frame, not yet assigned to the object."""
    return action_keys.write(
        ob, name, [KeyedCurve(c.path, c.index, c.group, frames, c.values) for c in curves]
    )


def rest_undanced(ob: bpy.types.Object, action: bpy.types.Action, danced: set) -> None:
    """Remove keys of hands and drawings that are no longer part of the dance, unless somebody has changed them."""
    fingers = {bone for part, bone in character.map_of(ob).bones.items() if part.split(".")[0] in FINGERS}
    masks, bag = action_keys.by_hand(action), compat.channelbag(ob, action, assign=False)
    for curve in list(bag.fcurves):
        mark = (curve.data_path, curve.array_index)
        bone = curve.group.name if curve.group else ""
        swap = next((name for name in SWAPS if curve.data_path.endswith(f'["{name}"]')), "")
        if (bone in fingers or swap) and mark not in danced and not masks[mark].any():
            bag.fcurves.remove(curve)
            if swap:
                ob.pose.bones[bone][swap] = 0
            else:
                ob.pose.bones[bone].matrix_basis.identity()


def action_of(take: ListedTake):
    """The Action with the keys of an accepted take, or of the shown one; None if it is gone."""
    if take.action is not None:
        return take.action
    return next((a for a in bpy.data.actions if a.get(action_keys.TAKE) == take.identity), None)


def assign(ob: bpy.types.Object, action: bpy.types.Action | None) -> None:
    """Assign an Action with one slot to an object."""
    data = ob.animation_data_create()
    data.action = action
    if action is not None and len(action.slots):
        data.action_slot = action.slots[0]

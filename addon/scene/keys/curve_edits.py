# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of many keys at once, in the Action that moves a character. Main thread only."""

from collections.abc import Callable, Iterable

import bpy
import numpy as np

from ...model.errors import Problem
from ...model.keys import key_edits
from ...model.keys.key_edits import PlainKeys
from . import action_keys, limb_bones


def action_of(ob: bpy.types.Object) -> bpy.types.Action:
    """The Action that moves a character; raises without one."""
    action = ob.animation_data.action if ob.animation_data is not None else None
    if action is None:
        raise Problem("no_keys", f"No Action moves {ob.name}. Generate a dance, or show a take, first.")
    return action


def curves_of(action: bpy.types.Action, bones: Iterable[str] | None = None) -> list[bpy.types.FCurve]:
    """The curves of an Action, or those of some bones."""
    every = action_keys.curves(action)
    if bones is None:
        return every
    wanted = {f'pose.bones["{bpy.utils.escape_identifier(bone)}"]' for bone in bones}
    return [curve for curve in every if curve.data_path.rpartition(".")[0] in wanted]


def hold(ob: bpy.types.Object, frame: int, count: int) -> int:
    """Hold the pose at a frame for so many frames; return the number of curves."""
    curves = curves_of(action_of(ob))
    return _change(curves, lambda keys, curve: key_edits.hold(keys, frame, curve.evaluate(frame), count))


def move(ob: bpy.types.Object, frame: int, to: float) -> int:
    """Move the keys at a frame to another; return the number of curves that have one there."""
    return _change(curves_of(action_of(ob)), lambda keys, _: key_edits.moved(keys, frame, to))


def offset(ob: bpy.types.Object, limb: str, by: int, follow: bool) -> int:
    """Delay a limb by so many frames, and each further link by `follow` more; return the number of curves."""
    action, count = action_of(ob), 0
    for link, bones in enumerate(limb_bones.links_of(ob, limb), 1):
        late = by * link if follow else by
        count += _change(curves_of(action, bones), lambda keys, _, late=late: key_edits.later(keys, late))
    return count


def exaggerate(ob: bpy.types.Object, limb: str, amount: float, rate: float) -> int:
    """Make a limb swing farther about its middle; return the number of curves."""
    bones = [bone for link in limb_bones.links_of(ob, limb) for bone in link]
    half = max(round(key_edits.WINDOW * rate), 1)

    def change(keys: PlainKeys, curve: bpy.types.FCurve) -> PlainKeys:
        middle = [
            np.mean([curve.evaluate(frame + step) for step in range(-half, half + 1)])
            for frame in keys.frames
        ]
        return key_edits.exaggerated(keys, np.array(middle), amount)

    turned = [c for c in curves_of(action_of(ob), bones) if "rotation" in c.data_path]
    return _change(turned, change)


def _change(
    curves: list[bpy.types.FCurve], change: Callable[[PlainKeys, bpy.types.FCurve], PlainKeys | None]
) -> int:
    """Change curves, all or none; return the number of changed ones."""
    made = [(curve, change(_read(curve), curve)) for curve in curves if len(curve.keyframe_points)]
    found = [(curve, keys) for curve, keys in made if keys is not None]
    for curve, keys in found:
        _write(curve, keys)
    return len(found)


def _read(curve: bpy.types.FCurve) -> PlainKeys:
    points = curve.keyframe_points
    places = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", places)
    frames, values = places.reshape(-1, 2).T.astype(float)
    return PlainKeys(frames, values, np.array([point.interpolation == "CONSTANT" for point in points]))


def _write(curve: bpy.types.FCurve, keys: PlainKeys) -> None:
    """Write keys into a curve; those with unchanged frame and value keep their handles."""
    points = curve.keyframe_points
    own = {round(float(point.co.x), 3): point for point in points}
    if len(points) == len(keys.frames) and all(round(float(f), 3) in own for f in keys.frames):
        for frame, value in zip(keys.frames, keys.values, strict=True):
            point = own[round(float(frame), 3)]
            up = float(value) - point.co.y
            point.co.y += up
            point.handle_left.y += up
            point.handle_right.y += up
    elif len(points) == len(keys.frames) and np.ptp(keys.frames - [p.co.x for p in points]) < 1e-6:
        along = float(keys.frames[0] - points[0].co.x)
        for point in points:
            for place in (point.co, point.handle_left, point.handle_right):
                place.x += along
    else:
        wanted = {round(float(frame), 3) for frame in keys.frames}
        for index in reversed(range(len(points))):
            if round(float(points[index].co.x), 3) not in wanted:
                points.remove(points[index], fast=True)
        for frame, value, held in zip(keys.frames, keys.values, keys.held, strict=True):
            point = own.get(round(float(frame), 3)) if round(float(frame), 3) in wanted & own.keys() else None
            if point is None or abs(float(value) - point.co.y) > 1e-7 or held:
                point = points.insert(float(frame), float(value), options={"FAST"})
                point.interpolation = "CONSTANT" if held else "BEZIER"
                point.handle_left_type = point.handle_right_type = "AUTO_CLAMPED"
    curve.update()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and feet held at objects, read from the scene. Main thread only."""

from typing import Any, cast

import bpy
import numpy as np

from ...model.dance.pins import CHAINS, Pin
from ...model.dance.way import Way
from ...model.tempo.playback import Staging
from ...model.tempo.timing import Span
from ..character import character
from ..settings import ListedPin
from . import waypoints

MOST = 3000  # most frames over which a moving object is followed


def pins_of(ob: bpy.types.Object, span: Span, staging: Staging) -> tuple[Pin, ...]:
    """The pins of a character in a dance, for a part of it or throughout."""
    found, held = [], waypoints.stage_of(ob).pins
    if len(held):
        bpy.context.view_layer.update()  # current positions of their targets
    for pin in held:
        if pin.target is None or pin.part not in CHAINS or pin.last < pin.first:
            continue
        seconds = [float(span.second_at(staging.key_frame(frame))) for frame in (pin.first, pin.last)]
        if seconds[1] < 0 or seconds[0] > span.seconds:
            continue
        frames, world = _seen(pin)
        times = span.second_at(np.array([staging.key_frame(float(frame)) for frame in frames]))
        found.append(Pin(pin.part, np.asarray(times, float), _pictured(ob, world)))
    return tuple(found)


def _pictured(ob: bpy.types.Object, world: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the world, in picture heights of a character."""
    place, plane = character.placement(ob), character.plane_of(ob)
    inverse = np.linalg.inv(np.array(ob.matrix_world, float))
    local = world @ inverse[:3, :3].T + inverse[:3, 3]
    return place.to_pixels(plane.flat(local)) / place.canvas[1]


def _seen(pin: ListedPin) -> tuple[np.ndarray, np.ndarray]:
    """Frames (N,) and the positions (N, 3) of a pin's target; a moving one is followed."""
    target: Any = pin.target
    ends = np.array([pin.first, max(pin.last, pin.first + 1)])
    if not _moves(target):
        return ends, np.repeat(_place(target, pin.bone)[None], 2, 0)
    frames = np.arange(ends[0], min(ends[1], ends[0] + MOST) + 1)
    alone = bpy.data.scenes.new(".tempose reading")
    try:
        alone.collection.objects.link(target)
        points = []
        for frame in frames:
            alone.frame_set(int(frame))
            graph = cast(bpy.types.Depsgraph, alone.view_layers[0].depsgraph)
            points.append(_place(target.evaluated_get(graph), pin.bone))
    finally:
        bpy.data.scenes.remove(alone)
    return frames, np.stack(points)


def _moves(ob: Any) -> bool:
    parents = ob
    while parents is not None:
        if parents.animation_data is not None or len(parents.constraints):
            return True
        parents = parents.parent
    return False


def _place(ob: Any, bone: str) -> np.ndarray:
    """The position of an object, or of the end of one of its bones."""
    if ob.type == "ARMATURE" and bone in ob.pose.bones:
        return np.array(ob.matrix_world @ ob.pose.bones[bone].tail, float)
    return np.array(ob.matrix_world.translation, float)


def staged(way: Way | None, pins: tuple[Pin, ...]) -> dict[str, Any]:
    """Way and pins as JSON for a take's settings."""
    return {
        **({"way": way.to_body()} if way is not None else {}),
        **({"pins": [pin.to_body() for pin in pins]} if pins else {}),
    }

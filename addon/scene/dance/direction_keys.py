# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of directing curves, written into a part of the timeline; outside it the curves stay as they were."""

from collections.abc import Mapping
from typing import Any

import bpy

from ...model.dance.proposals import Keys
from ...model.tempo.playback import Timing
from .. import compat
from . import direction


def put(ob: bpy.types.Object, made: Mapping[str, Keys], keyed: Timing, part: tuple[float, float]) -> int:
    """Write keys of curves, by name, between two frames, and switch these curves on; return the number of keys.

    Parameters
    ----------
    keyed : Timing
        The song in frames of keys.
    part : (first, last)
        Frames; existing keys between them are removed.
    """
    data: Any = ob.data
    direction.keep_apart(data)
    first, last = round(float(part[0])), round(float(part[1])) - 1  # the right edge is the next part's
    return sum(_put(data, name, keys, keyed, first, last) for name, keys in made.items())


def _put(data: Any, name: str, keys: Keys, keyed: Timing, first: int, last: int) -> int:
    frames = [round(float(frame)) for frame in keyed.frame_at(keys.at)]
    rows = {
        min(max(frame, first), last): float(value)
        for frame, value in zip(frames, keys.values, strict=True)
        if first - 1 <= frame <= last + 1
    }
    if not rows:
        return 0
    curve = _curve(data, name, first - 1)
    _keep_outside(curve, first, last, keyed.ends)
    points = curve.keyframe_points
    for index in reversed(range(len(points))):
        if first - 0.5 < points[index].co.x < last + 0.5:
            points.remove(points[index], fast=True)
    for frame, value in sorted(rows.items()):
        points.insert(frame, value, options={"FAST"}).interpolation = "CONSTANT" if keys.held else "LINEAR"
    curve.update()
    setattr(data.tempose_direction, f"use_{name}", True)
    return len(rows)


def _curve(data: Any, name: str, frame: int) -> bpy.types.FCurve:
    """The F-curve of a directing curve; a new one gets a key at that frame with the current value."""
    path = direction.PATH + name
    found = [curve for curve in compat.fcurves_of(data) if curve.data_path == path]
    if not found:
        data.tempose_direction.keyframe_insert(name, frame=frame)
        found = [curve for curve in compat.fcurves_of(data) if curve.data_path == path]
    return found[0]


def _keep_outside(curve: bpy.types.FCurve, first: int, last: int, ends: tuple[float, float]) -> None:
    """Set keys right before and after a part, so that the rest of the curve stays; none beyond the song's ends."""
    points = curve.keyframe_points
    places = [point.co.x for point in points]
    before, after = first - 1, last + 1
    needed = {
        before: before > ends[0] + 1 or any(x < before for x in places),
        after: after < ends[1] - 1 or any(x > after for x in places),
    }
    held = {frame: (float(curve.evaluate(frame)), _interpolation(curve, frame)) for frame in needed}
    for frame, (value, interpolation) in held.items():
        key = points.insert(frame, value)
        key.interpolation = "LINEAR" if frame == before else interpolation
    for frame in (frame for frame, kept in needed.items() if not kept):
        points.remove(next(point for point in points if point.co.x == frame))


def _interpolation(curve: bpy.types.FCurve, frame: int) -> Any:
    """The interpolation of a curve after a frame."""
    before = [point for point in curve.keyframe_points if point.co.x <= frame]
    return before[-1].interpolation if before else "LINEAR"

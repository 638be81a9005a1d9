# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of an F-curve as arrays, read and written in bulk, and the notes on Actions about their keys."""

import bpy
import numpy as np
import numpy.typing as npt

from ...model.keys.key_arrays import COLUMNS, CurveKeys

SPAN = "tempose_span"  # on Actions: left edge, seconds and rate that the keys were written for
SPLICED = "tempose_spliced"  # on Actions: keys that cannot be made from the take alone


def read(curve: bpy.types.FCurve, by_hand: np.ndarray) -> CurveKeys:
    """A curve's keys."""
    count = len(curve.keyframe_points)

    def get(name: str, width: int, kind: npt.DTypeLike):
        flat = np.empty(count * width, kind)
        curve.keyframe_points.foreach_get(name, flat)
        return flat.reshape(count, width) if width > 1 else flat

    places = [get(n, 2, np.float32) for n in ("co", "handle_left", "handle_right")]
    columns = {name: get(name, 1, kind) for name, (kind, _) in COLUMNS.items()}
    return CurveKeys(places[0], places[1], places[2], columns, by_hand)


def write(curve: bpy.types.FCurve, made: CurveKeys, before: CurveKeys | None = None) -> None:
    """Replace a curve's keys; if its present ones are given as `before`, only differences are written."""
    points = curve.keyframe_points
    if before is None or len(before) != len(made):
        if len(points):
            points.clear()
        points.add(len(made))
        before = None
    for name, values in made.columns.items():
        if before is None or not np.array_equal(values, before.columns[name]):
            points.foreach_set(name, np.ascontiguousarray(values))
    points.foreach_set("co", made.co.ravel())
    if before is None or not made.handles_follow:
        points.foreach_set("handle_left", made.left.ravel())
        points.foreach_set("handle_right", made.right.ravel())
    curve.update()

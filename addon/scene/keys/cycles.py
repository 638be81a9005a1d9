# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that loop."""

from typing import Any

import bpy

from ...model.tempo.timing import Span
from . import action_keys


def repeat(action: bpy.types.Action, span: Span) -> None:
    """Make an Action repeat whose keys fill a span from end to end."""
    for curve in action_keys.curves(action):
        modifier: Any = next((m for m in curve.modifiers if m.type == "CYCLES"), None)
        modifier = modifier or curve.modifiers.new("CYCLES")
        modifier.mode_before = modifier.mode_after = "REPEAT_OFFSET" if _goes_on(curve) else "REPEAT"
        curve.update()
    action.use_frame_range = action.use_cyclic = True
    first = float(span.frames[0])
    action.frame_start, action.frame_end = first, first + span.seconds * span.rate


def _goes_on(curve: bpy.types.FCurve) -> bool:
    """Whether a curve begins elsewhere each time round, as where a figure travels."""
    keys = curve.keyframe_points
    return curve.data_path.endswith("location") and abs(keys[-1].co.y - keys[0].co.y) > 1e-5

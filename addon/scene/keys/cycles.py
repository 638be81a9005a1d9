# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that loop."""

import bpy

from ...model.tempo.timing import Span
from . import action_keys


def repeat(action: bpy.types.Action, span: Span) -> None:
    """Make an Action repeat whose keys fill a span from end to end."""
    for curve in action_keys.curves(action):
        if not any(modifier.type == "CYCLES" for modifier in curve.modifiers):
            curve.modifiers.new("CYCLES")
            curve.update()
    action.use_frame_range = action.use_cyclic = True
    first = float(span.frames[0])
    action.frame_start, action.frame_end = first, first + span.seconds * span.rate

# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys written for another frame rate or Time Stretching, moved back to the music."""

import bpy

from ...model.tempo.timing import Span
from . import action_keys, curve_keys

ALIKE = 1e-6


def written_for(action: bpy.types.Action) -> Span | None:
    """The span that the keys of an Action were written for; None if unknown."""
    held = action.get(curve_keys.SPAN) if action is not None else None
    return Span(*(float(v) for v in held)) if held is not None else None


def other_rate(action: bpy.types.Action, rate: float) -> float:
    """The frame rate that the keys of an Action were written for, if it differs; otherwise 0."""
    held = action.get(curve_keys.SPAN) if action is not None else None
    return float(held[2]) if held is not None and abs(held[2] - rate) > ALIKE else 0.0


def fit(action: bpy.types.Action, span: Span) -> None:
    """Move all keys of an Action to the same seconds in `span`, including keys between frames."""
    old = written_for(action)
    if old is None or old == span:
        return
    masks = action_keys.by_hand(action)
    for curve in action_keys.curves(action):
        keys = curve_keys.read(curve, masks[curve.data_path, curve.array_index])
        places = (span.frame_at(old.second_at(x[:, 0])) for x in (keys.co, keys.left, keys.right))
        curve_keys.write(curve, keys.at(*places))
    action_keys.stamp(action, masks)
    action[curve_keys.SPAN] = [span.left, old.seconds, span.rate]

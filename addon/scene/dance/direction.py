# SPDX-License-Identifier: GPL-3.0-or-later
"""Direction of a dancer from moment to moment: values and F-curves on the character's armature.

They are on the armature's data, not on the object, whose Action belongs to the dance.
"""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from tempose_pose.curves import CURVES, Curve
from tempose_pose.errors import TemposeError
from tempose_pose.wire.job import curves_of as curves_from

from ...model.dance import direction_curves
from ...model.tempo.timing import Span
from .. import compat

PATH = "tempose_direction."


def curves_of(ob: bpy.types.Object, span: Span) -> dict[str, Curve]:
    """The directing curves of a character over a span of its keys, without those switched off."""
    data = _data(ob)
    settings = data.tempose_direction  # pyright: ignore[reportAttributeAccessIssue] -- registered
    if not any(getattr(settings, f"use_{name}") for name in CURVES):
        return {}
    keyed = {curve.data_path: curve for curve in compat.fcurves_of(data)}
    times = direction_curves.times_of(span.seconds)
    frames = span.frame_at(times)
    asked = {}
    for name in CURVES:
        if not getattr(settings, f"use_{name}"):
            continue
        curve = keyed.get(PATH + name)
        if curve is None or curve.mute:
            values = np.full(len(times), float(getattr(settings, name)))
        else:
            values = np.asarray([curve.evaluate(float(frame)) for frame in frames])
        asked[name] = direction_curves.curve_of(name, times, values)
    return asked


def stored(settings: Mapping[str, Any]) -> dict[str, Curve]:
    """The directing curves in a take's settings; empty if they are missing or damaged."""
    try:
        return curves_from(settings.get("curves") or {})
    except (AttributeError, TypeError, ValueError, TemposeError):
        return {}


def keep_apart(data: bpy.types.Armature) -> None:
    """Give an armature's data its own Action: otherwise Blender keys it in the object's, which is the dance's."""
    if not data.is_editable or (data.animation_data is not None and data.animation_data.action is not None):
        return
    held = data.animation_data_create()
    held.action = bpy.data.actions.new(f"{data.name} direction")
    held.action_slot = held.action.slots.new("ARMATURE", data.name)


def is_keyed(ob: bpy.types.Object, name: str) -> bool:
    """Whether a curve has keys."""
    return any(curve.data_path == PATH + name for curve in compat.fcurves_of(_data(ob)))


def _data(ob: bpy.types.Object) -> bpy.types.Armature:
    assert isinstance(ob.data, bpy.types.Armature)
    return ob.data

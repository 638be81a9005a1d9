# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays of the 3D View for shaping a dance."""

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ...scene.dance import ghost
from .stage import PARTS


def _changed(_self: Any, _context: bpy.types.Context) -> None:
    ghost.redraw()


class TemposeView(bpy.types.PropertyGroup):
    poses: IntProperty(
        name="Key Poses",
        description="How many key poses before and after the playhead are shown as outlines",
        default=0,
        min=0,
        max=12,
        options=set(),
        update=_changed,
    )
    takes: BoolProperty(
        name="Other Takes",
        description="Show the character's other takes beside it, as they are at this frame",
        default=False,
        options=set(),
        update=_changed,
    )
    trail: EnumProperty(
        name="Trail",
        description="The way of a hand or a foot around the playhead, with a dot on each beat: Drag a Dot moves the "
        "limb there",
        items=[("NONE", "None", "No trail"), *PARTS],
        default="NONE",
        options=set(),
        update=_changed,
    )

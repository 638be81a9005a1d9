# SPDX-License-Identifier: GPL-3.0-or-later
"""How the dance follows the tempo."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from .sections import edited


class TemposeTempo(bpy.types.PropertyGroup):
    mode: EnumProperty(
        name="Follow",
        description="What the dance does when the tempo, or a curve under Direct, is edited",
        items=[
            ("OFF", "Off", "Nothing until you press a button"),
            ("REQUEST", "On Request", "The keys move at once; Re-dance dances the changed parts again"),
            ("AUTO", "Automatic", "The same, and Re-dance starts automatically when you pause"),
        ],
        default="REQUEST",
        options=set(),
        update=edited,
    )
    pause: FloatProperty(
        name="Pause",
        description="Seconds without an edit after which the changed parts are danced again",
        default=3.0,
        min=0.5,
        max=60.0,
        precision=1,
        options=set(),
    )
    again: EnumProperty(
        name="Dance Again",
        description="What Re-dance makes anew",
        items=[
            (
                "TOUCHED",
                "Changed Parts",
                "Only where the dance would hear something else; the rest stays key for key",
            ),
            ("ALL", "Everything", "The whole dance anew"),
        ],
        default="TOUCHED",
        options=set(),
    )
    exact: BoolProperty(
        name="Keys Between Frames",
        description="Put moved keys exactly where their beat is, even between frames. Off: each goes to "
        "the nearest whole frame",
        default=False,
        options=set(),
        update=edited,
    )
    before: PointerProperty(
        type=bpy.types.Action,
        description="The keys as they were before the preview of a tempo, to be taken back",
    )
    before_kept: BoolProperty(description="Whether that Action had a fake user of its own")
    shown: PointerProperty(type=bpy.types.Action, description="The Action that is shown instead")
    preview: StringProperty(description="Its name, in files of version 0.2")

# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the song: its sections, and the settings of each."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)

from ...model.dance import styles
from ...scene.music import timelines
from ...scene.server import connection


def _styles(_self: bpy.types.PropertyGroup, _context: bpy.types.Context, text: str):
    return styles.matching(connection.styles(), text)


def _changed(_self: bpy.types.PropertyGroup, _context: bpy.types.Context):
    timelines.redraw()


class TemposeFormSection(bpy.types.PropertyGroup):
    """A section of the song, in song seconds; its name is Blender's own."""

    name: StringProperty(
        name="Name",
        description="Sections with the same name are the same music: what is danced to the first returns "
        "with the others",
        options=set(),
        update=_changed,
    )
    start: FloatProperty(
        name="Start", description="Where the section begins, in seconds of the song", options={"HIDDEN"}
    )
    stop: FloatProperty(
        name="Stop", description="Where the section ends, in seconds of the song", options={"HIDDEN"}
    )
    loudness: FloatProperty(
        name="Loudness",
        description="How lively a dance its sound asks for, compared with the whole song's",
        options={"HIDDEN"},
    )
    style: StringProperty(
        name="Style",
        description="Style of this section, instead of that of the dance. It changes only where the "
        "dancer begins a new segment, some eight seconds apart",
        search=_styles,
        search_options={"SUGGESTION"},
        options=set(),
    )
    energy: FloatProperty(
        name="Energy",
        description="How lively this section is danced, times the energy of the dance",
        default=1.0,
        min=0.1,
        max=4.0,
        soft_max=2.0,
        options=set(),
    )
    own_repeat: BoolProperty(
        name="Own Repeat",
        description="Give this section a repeat of its own, instead of Repeat under More",
        default=False,
        options=set(),
    )
    repeat: FloatProperty(
        name="Repeat",
        description="How similarly this section is danced to the first with its name: 0 is new, 1 nearly "
        "the same again",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options=set(),
    )
    mirrored: BoolProperty(
        name="Mirrored",
        description="Where this section returns, dance it with left and right swapped",
        default=False,
        options=set(),
    )


class TemposeForm(bpy.types.PropertyGroup):
    sound: StringProperty(options={"HIDDEN"})
    sections: CollectionProperty(type=TemposeFormSection)
    active: IntProperty(default=0, min=0, options={"HIDDEN"}, update=_changed)
    show: BoolProperty(
        name="Show on Timelines",
        description="Draw the sections as coloured spans over the beats",
        default=True,
        options=set(),
        update=_changed,
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""What to dance: which part of the timeline, how many takes, and where accepted keys go."""

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

from ...scene.dance import library


class AreaProperties:
    """A part of the timeline in frames or bars; each group defines `area` with its own default."""

    first_frame: IntProperty(
        name="First Frame", description="Frames of the timeline", default=1, options=set()
    )
    last_frame: IntProperty(
        name="Last Frame", description="The last one is part of the range", default=250, options=set()
    )
    first_bar: IntProperty(
        name="First Bar", description="Bars are counted by the beat grid", default=1, min=0, options=set()
    )
    last_bar: IntProperty(
        name="Last Bar", description="The last one is part of the range", default=4, min=0, options=set()
    )


AREAS = [
    ("PREVIEW", "Preview Range", "The preview range of the timeline (press P and drag)"),
    ("FRAMES", "Frames", "From one frame to another"),
    ("BARS", "Bars", "From one bar of the beat grid to another"),
    ("SECTION", "Section", "The section of the song that is chosen under Form"),
]


def _kept(_self: bpy.types.PropertyGroup, _context: bpy.types.Context, text: str):
    return [name for name in library.kept_names() if text.lower() in name.lower()]


class TemposeGenerate(AreaProperties, bpy.types.PropertyGroup):
    area: EnumProperty(
        name="Range",
        description="What of the sound strip is danced to",
        items=[("STRIP", "Strip", "All of the strip that is heard"), *AREAS],
        default="STRIP",
        options=set(),
    )
    count: IntProperty(
        name="Takes",
        description="How many dances to make, with consecutive seeds",
        default=1,
        min=1,
        max=8,
        options=set(),
    )
    beats_apart: IntProperty(
        name="Beats Apart",
        description="How many beats each dancer of a canon begins after the one before it, and how long a"
        " call is",
        default=4,
        min=1,
        max=64,
        options=set(),
    )
    travel: FloatProperty(
        name="Travel",
        description="How far a loop goes to the right each time round, in body heights; to the left below 0, at 0 it"
        " stays on its spot",
        default=0.0,
        soft_min=-3.0,
        soft_max=3.0,
        min=-20.0,
        max=20.0,
        options=set(),
    )
    phrase: StringProperty(
        name="From Library",
        description="The dance or the pose of the library that a new dance begins with, ends with or goes through",
        search=_kept,
        search_options={"SORT"},
        options=set(),
    )
    phrase_at: EnumProperty(
        name="Where",
        description="Where in the new dance it is",
        items=[
            ("START", "At the Start", "The range begins with it"),
            ("END", "At the End", "The range ends with it"),
            ("HERE", "At the Playhead", "It is there on the beat at the playhead"),
        ],
        default="START",
        options=set(),
    )
    keep_in: EnumProperty(
        name="Accept As",
        description="Where the keys of an accepted take go",
        items=[
            ("ACTION", "Action", "The keys become the Action that moves the character"),
            ("NLA", "NLA Track", "The keys become a strip on a track of their own; what moved the character "
             "before goes to the track below"),
        ],
        default="ACTION",
        options=set(),
    )  # fmt: skip

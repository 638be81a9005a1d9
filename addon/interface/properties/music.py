# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of song, and how its beats are shown and edited."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ...model.music import beats
from ...scene.music import song_grid, timelines


def _source_changed(_self: bpy.types.PropertyGroup, context: bpy.types.Context):
    song_grid.sync(context)


class TemposeMusic(bpy.types.PropertyGroup):
    """How the song is heard and how its beats are shown and edited."""

    source: EnumProperty(
        name="Sound",
        description="What is danced to",
        items=[
            ("STRIP", "One Strip", "One sound strip, even if it is muted or inside a meta strip"),
            (
                "RANGE",
                "Everything Heard",
                "Everything heard in the preview range or, without one, from the scene's first to its"
                " last frame: several strips, metas and scene strips, with their volumes; muted ones "
                "are left out",
            ),
        ],
        default="STRIP",
        update=_source_changed,
        options=set(),
    )
    show_grid: BoolProperty(
        name="Show Beats",
        description="Draw beats, bars and locked spans in the Sequencer, the Timeline and the Dope Sheet",
        default=True,
        update=lambda _self, _context: timelines.redraw(),
        options=set(),
    )
    show_markers: BoolProperty(
        name="Show as Markers",
        description="Put a timeline marker on each beat, on whole frames. Move, delete or add markers named ♪ to "
        "edit the beats; turned off, the markers go and the edits stay",
        default=False,
        update=_source_changed,
        options=set(),
    )
    nudge: FloatProperty(
        name="Nudge",
        description="How far a nudge moves the beats",
        default=10.0,
        min=0.1,
        soft_max=100.0,
        max=10_000.0,
        precision=1,
        options=set(),
    )
    nudge_unit: EnumProperty(
        name="Unit",
        description="What a nudge is measured in",
        items=[("MS", "ms", "Milliseconds of the timeline"), ("FRAMES", "Frames", "Frames of the scene")],
        default="MS",
        options=set(),
    )
    metre: IntProperty(
        name="Beats in a Bar",
        description="How many beats a bar has from a downbeat that you set",
        default=4,
        min=beats.METRES[0],
        max=beats.METRES[1],
        options=set(),
    )
    only_range: BoolProperty(
        name="Only in Preview Range",
        description="Half, double and nudge change only the beats in the preview range",
        default=False,
        options=set(),
    )

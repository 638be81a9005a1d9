# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the song with a tempo of its own."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from tempose_pose.tempo import MAX_FACTOR, MIN_FACTOR

from ...model.tempo.tempo_sections import TempoSection
from ...scene import reading
from ...scene.dance import tempo_follow


def _get_frame(self: TempoSection) -> int:
    playback = reading.reading_of(bpy.context).playback  # the panel asks at every redraw
    return round(float(playback.frame_at(self.start))) if playback is not None else 0


def _set_frame(self: TempoSection, frame: int) -> None:
    playback = reading.Reading(bpy.context).playback
    self.start = max(0.0, float(playback.song_at(frame))) if playback is not None else 0.0


def edited(_self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """Called when a tempo changes: the keys follow at once, if so set."""
    tempo_follow.edited(context)


def _factor(name: str, description: str):
    return FloatProperty(
        name=name, description=description, default=1.0, min=MIN_FACTOR, max=MAX_FACTOR, precision=3,
        options=set(), update=edited,
    )  # fmt: skip


def _bpm(name: str, description: str):
    return FloatProperty(
        name=name, description=description, default=120.0, min=20.0, max=400.0, precision=1,
        options=set(), update=edited,
    )  # fmt: skip


class TemposeSection(bpy.types.PropertyGroup):
    """A part of the song with a tempo of its own, up to the next section."""

    start: FloatProperty(
        name="Start",
        description="Where the section begins, in seconds of the sound file",
        min=0.0,
        subtype="TIME_ABSOLUTE",
        precision=3,
        options=set(),
        update=edited,
    )
    start_frame: IntProperty(
        name="Start Frame",
        description="The same place as a frame, where the sound is on the timeline now",
        get=_get_frame,  # pyright: ignore[reportArgumentType] -- of this very group
        set=_set_frame,  # pyright: ignore[reportArgumentType] -- of this very group
        options=set(),
    )
    kind: EnumProperty(
        name="Tempo As",
        description="How the tempo of this section is given",
        items=[
            ("FACTOR", "Factor", "Times the speed of the music"),
            ("BPM", "BPM", "Beats per minute as heard; needs the beats"),
        ],
        default="FACTOR",
        options=set(),
        update=edited,
    )
    factor: _factor("Factor", "Speed of this section; 2 plays twice as fast")
    bpm: _bpm("BPM", "Beats per minute that will be heard in this section")
    ramp: BoolProperty(
        name="Ramp",
        description="Change the tempo steadily from the section's beginning to its end",
        default=False,
        options=set(),
        update=edited,
    )
    last_factor: _factor("To", "Speed at the end of this section")
    last_bpm: _bpm("To", "Beats per minute at the end of this section")
    feel: EnumProperty(
        name="Danced",
        description="How fast the dance takes the beats. The sound stays as it is",
        items=[
            ("NORMAL", "On the Beat", "As the music has it"),
            (
                "HALF",
                "Half Time",
                "The dance hears every second beat: it moves half as fast to the same music",
            ),
            ("DOUBLE", "Double Time", "The dance hears a beat between any two: it moves twice as fast"),
        ],
        default="NORMAL",
        options=set(),
        update=edited,
    )

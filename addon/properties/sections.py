# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the song with a tempo of its own."""

import bpy
from bpy.props import FloatProperty, IntProperty

from ..timing import MAX_FACTOR, MIN_FACTOR


def _get_frame(self) -> int:
    from .. import dancing  # needs these settings itself

    return dancing.frame_of_song(bpy.context, self.start)


def _set_frame(self, frame: int) -> None:
    from .. import dancing

    self.start = dancing.song_of_frame(bpy.context, frame)


class TemposeSection(bpy.types.PropertyGroup):
    """A part of the song with a tempo of its own, up to the next section."""

    start: FloatProperty(
        name="Start",
        description="Where the section begins, in seconds of the sound file",
        min=0.0,
        subtype="TIME_ABSOLUTE",
        precision=3,
        options=set(),
    )
    start_frame: IntProperty(
        name="Start Frame",
        description="The same place as a frame, where the sound is on the timeline now",
        get=_get_frame,
        set=_set_frame,
        options=set(),
    )
    factor: FloatProperty(
        name="Factor",
        description="Speed of this section; 2 plays twice as fast",
        default=1.0,
        min=MIN_FACTOR,
        max=MAX_FACTOR,
        precision=3,
        options=set(),
    )

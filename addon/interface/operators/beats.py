# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and correcting beats. The artist's edits take precedence over the detector."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from tempose_pose.wire.answers import Analysis

from ...model.errors import Problem, require
from ...model.music import beat_changes, beat_proposals, beats
from ...scene import compat
from ...scene.language import translate
from ...scene.music import song_grid
from ...scene.music.song_grid import SongGrid
from ...scene.reading import Reading
from ...scene.window import scene_of
from .buttons import ActionButton
from .listening_button import ListeningButton


class TEMPOSE_OT_find_beats(ListeningButton, bpy.types.Operator):
    """Find the beats of the song. Beats that you have set or locked stay as they are"""

    bl_idname = "tempose.find_beats"
    bl_label = "Find Beats"
    bl_options = {"REGISTER", "UNDO"}
    title = "Finding beats"

    def use(self, context: bpy.types.Context, window: bpy.types.Scene, now: SongGrid, heard: Analysis):
        found = beats.from_times(heard.beats, heard.downbeats, heard.confidence, heard=heard.heard)
        grid = beat_proposals.merge(now.grid, found)
        song_grid.put(window, now, grid)
        own = int((((grid.flags & beats.EDITED) > 0) | grid.locked).sum())
        kept = f" {own} beats of yours stay as they are." if own else ""
        sure = beats.in_words(found)
        return f"{len(grid)} beats at {beats.tempo_in_words(grid)}; the detector is {sure}.{kept}"


class _GridEdit(ActionButton):
    """Mixin: an edit of the existing grid."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason or ("" if now.has_beats else "There are no beats yet")

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        """The new grid and the message."""
        raise NotImplementedError

    def act(self, context: bpy.types.Context):
        now = song_grid.current(context)
        grid, said = self.edit(context, now)
        song_grid.put(scene_of(context), now, grid)
        return said


def _span(context: bpy.types.Context, now: song_grid.SongGrid):
    """The span on which half, double and nudge work; None: everywhere."""
    if not context.scene.tempose.music.only_range:
        return None
    span = song_grid.range_of(now)
    if span is None:
        raise Problem(
            "no_range", "Set a preview range in the timeline (P), or turn Only in Preview Range off."
        )
    return span


class TEMPOSE_OT_half_beats(_GridEdit, bpy.types.Operator):
    """Remove every second beat, where the detector counted twice as fast"""

    bl_idname = "tempose.half_beats"
    bl_label = "Half"

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        grid = beat_changes.half(now.grid, _span(context, now))
        return grid, f"{len(grid)} beats at {beats.tempo_in_words(grid)}."


class TEMPOSE_OT_double_beats(_GridEdit, bpy.types.Operator):
    """Add a beat between every two, where the detector counted half as fast"""

    bl_idname = "tempose.double_beats"
    bl_label = "Double"

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        grid = beat_changes.double(now.grid, _span(context, now))
        return grid, f"{len(grid)} beats at {beats.tempo_in_words(grid)}."


class TEMPOSE_OT_three_to_two_beats(_GridEdit, bpy.types.Operator):
    """Make two beats of every three: in 6/8 and shuffles the detector may count plain beats instead of dotted ones"""

    bl_idname = "tempose.three_to_two_beats"
    bl_label = "Three to Two"

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        grid = beat_changes.three_to_two(now.grid, _span(context, now))
        return grid, f"{len(grid)} beats at {beats.tempo_in_words(grid)}."


class TEMPOSE_OT_nudge_beats(_GridEdit, bpy.types.Operator):
    """Move all beats a little, by the amount beside the buttons"""

    bl_idname = "tempose.nudge_beats"
    bl_label = "Nudge"
    direction: EnumProperty(
        name="Direction",
        description="Which way the beats move",
        items=[
            ("EARLIER", "Earlier", "To the left on the timeline"),
            ("LATER", "Later", "To the right on the timeline"),
        ],
        default="LATER",
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties):
        return translate(f"Move all beats that are not locked {properties.direction.lower()}")

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        music = context.scene.tempose.music
        seconds = music.nudge / 1000 if music.nudge_unit == "MS" else music.nudge / now.playback.span.rate
        seconds *= -1 if self.direction == "EARLIER" else 1
        return slid(
            context, now, seconds
        ), f"The beats are {abs(seconds) * 1000:.0f} ms {self.direction.lower()}."


def slid(context: bpy.types.Context, now: song_grid.SongGrid, seconds: float):
    """The grid, shifted later by so many timeline seconds."""
    return beat_changes.nudge(now.grid, now.later(seconds), _span(context, now))


class TEMPOSE_OT_slide_beats(_GridEdit, bpy.types.Operator):
    """Slide all beats so that the nearest one lies at the current frame"""

    bl_idname = "tempose.slide_beats"
    bl_label = "Slide Grid to Playhead"

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        at = now.song(compat.frame_now(now.scene))
        index = beats.nearest(now.grid, at)
        tempo = now.playback.tempo
        seconds = float(tempo.to_timeline(at) - tempo.to_timeline(now.grid.times[index]))
        return slid(context, now, seconds), f"The beats are {seconds * 1000:+.0f} ms from where they were."


class TEMPOSE_OT_set_downbeat(_GridEdit, bpy.types.Operator):
    """Begin a bar at the beat nearest to the current frame, and count on from there"""

    bl_idname = "tempose.set_downbeat"
    bl_label = "Set Downbeat Here"
    metre: IntProperty(
        name="Beats in a Bar",
        description="Beats to a bar. 0: as set in the panel",
        default=0,
        min=0,
        max=beats.METRES[1],
    )

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        metre = self.metre or context.scene.tempose.music.metre
        at = now.song(compat.frame_now(now.scene))
        grid = beat_changes.set_downbeat(now.grid, at, metre)
        bar = int(beats.bar_numbers(grid)[0][beats.nearest(grid, at)])
        return grid, f"Bar {bar} begins here, with {metre} beats to a bar."


class TEMPOSE_OT_move_beat(_GridEdit, bpy.types.Operator):
    """Move the beat nearest to the current frame there, and pin it; its neighbours give way"""

    bl_idname = "tempose.move_beat"
    bl_label = "Move Beat to Playhead"
    reach: IntProperty(
        name="Neighbours",
        description="How many beats on either side give way",
        default=beat_changes.REACH,
        min=0,
        max=64,
    )

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        at = now.song(compat.frame_now(now.scene))
        index = beats.nearest(now.grid, at)
        moved = now.playback.tempo.to_timeline(at) - now.playback.tempo.to_timeline(now.grid.times[index])
        grid = beat_changes.move_beat(now.grid, index, at, self.reach)
        return grid, f"The beat moved by {float(moved) * 1000:+.0f} ms."


class TEMPOSE_OT_add_beat(ActionButton, bpy.types.Operator):
    """Add a beat at the current frame"""

    bl_idname = "tempose.add_beat"
    bl_label = "Add Beat"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason

    def act(self, context: bpy.types.Context):
        now = song_grid.current(context)
        at = now.song(compat.frame_now(now.scene))
        song_grid.put(scene_of(context), now, beat_changes.insert(now.grid, at))
        return f"There is a beat at second {at:.2f} of the song."


class TEMPOSE_OT_remove_beat(_GridEdit, bpy.types.Operator):
    """Remove the beat nearest to the current frame; Find Beats does not bring it back"""

    bl_idname = "tempose.remove_beat"
    bl_label = "Remove Beat"

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        index = beats.nearest(now.grid, now.song(compat.frame_now(now.scene)))
        return beat_changes.remove(now.grid, index), "The beat is gone."


class TEMPOSE_OT_lock_beats(_GridEdit, bpy.types.Operator):
    """Keep the beats in the preview range, or between the selected markers, as they are"""

    bl_idname = "tempose.lock_beats"
    bl_label = "Lock Span"
    unlock: BoolProperty(name="Unlock", description="Unlock the span instead", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties):
        place = "in the preview range, or between the selected markers"
        return translate(
            f"Let the beats {place}, be changed again" if properties.unlock else (cls.__doc__ or "")
        )

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := super().disabled_reason(now):
            return reason
        if song_grid.chosen_span(require(now.grid)) is None:
            return "Set a preview range in the timeline (P), or select two markers"
        return ""

    def edit(self, context: bpy.types.Context, now: song_grid.SongGrid):
        span = song_grid.chosen_span(now)
        assert span is not None  # otherwise the button would be grey
        first, last = span
        grid = (beat_changes.unlock if self.unlock else beat_changes.lock)(now.grid, first, last)
        count = int(beats.inside(grid.times, [(first, last)]).sum())
        return grid, f"{count} beats are {'free again' if self.unlock else 'locked'}."


class TEMPOSE_OT_clear_beats(_GridEdit, bpy.types.Operator):
    """Remove all beats of this sound, yours included"""

    bl_idname = "tempose.clear_beats"
    bl_label = "Clear Beats"

    def act(self, context: bpy.types.Context):
        song_grid.clear(song_grid.current(context))
        return "The beats are gone."


CLASSES = (
    TEMPOSE_OT_find_beats,
    TEMPOSE_OT_half_beats,
    TEMPOSE_OT_double_beats,
    TEMPOSE_OT_three_to_two_beats,
    TEMPOSE_OT_nudge_beats,
    TEMPOSE_OT_slide_beats,
    TEMPOSE_OT_set_downbeat,
    TEMPOSE_OT_move_beat,
    TEMPOSE_OT_add_beat,
    TEMPOSE_OT_remove_beat,
    TEMPOSE_OT_lock_beats,
    TEMPOSE_OT_clear_beats,
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the song: find, split, join, move and name sections."""

from typing import Any

import bpy
import numpy as np
from bpy.props import EnumProperty

from tempose_pose.wire.answers import Analysis

from ...model.dance import form
from ...model.dance.form import FormSection
from ...model.errors import Problem, require
from ...scene import playhead
from ...scene.music import song_form, timelines
from ...scene.music.song_grid import SongGrid
from ...scene.reading import Reading, reading_of
from .buttons import ActionButton
from .listening_button import ListeningButton


class TEMPOSE_OT_find_form(ListeningButton, bpy.types.Operator):
    """Find the sections of the song, and which of them return. Replaces the current sections"""

    bl_idname = "tempose.find_form"
    bl_label = "Find Sections"
    bl_options = {"REGISTER", "UNDO"}
    title = "Finding sections"

    def use(self, context: bpy.types.Context, window: bpy.types.Scene, now: SongGrid, heard: Analysis):
        own = now.grid.beat_grid.downbeats if len(now.grid) else np.asarray(heard.downbeats)
        sections = form.found(heard, own)
        if not sections:
            raise Problem(
                "no_form",
                "Nothing in this song returns. Press Split Here to begin with sections of your own.",
            )
        song_form.write(window.tempose.form, now.mark, sections, 0)
        timelines.redraw()
        return f"{len(sections)} sections: {' '.join(section.name for section in sections)}."


class _SectionEdit(ActionButton):
    """Mixin: an edit of the existing sections."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason or ("" if now.form else "There are no sections yet") or cls.reason(now)

    @classmethod
    def reason(cls, now: Reading) -> str:
        return ""

    def edit(self, context: bpy.types.Context, now: Reading) -> tuple[list[FormSection], int, str]:
        """The new sections, the index of the chosen one, and the message."""
        raise NotImplementedError

    def act(self, context: bpy.types.Context):
        now = Reading(context)
        sections, active, said = self.edit(context, now)
        song_form.write(now.settings.form, require(now.grid).mark, sections, active)
        timelines.redraw()
        return said


class TEMPOSE_OT_split_section(_SectionEdit, bpy.types.Operator):
    """Begin a new section at the beat nearest to the playhead. If there are none, the whole song counts as one"""

    bl_idname = "tempose.split_section"
    bl_label = "Split Here"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason

    def edit(self, context: bpy.types.Context, now: Reading):
        playback = require(now.playback)
        whole = FormSection(playback.song_start, playback.song_end, "A")
        second = playhead.second_of(now)
        sections = form.split(now.form or [whole], second)
        at = require(form.index_at(sections, second))
        return sections, at, f"{sections[at].name} begins at second {second:.2f} of the song."


class TEMPOSE_OT_join_section(_SectionEdit, bpy.types.Operator):
    """Join the chosen section and the next one"""

    bl_idname = "tempose.join_section"
    bl_label = "Join with Next"

    @classmethod
    def reason(cls, now: Reading):
        return "" if now.settings.form.active < len(now.form) - 1 else "No section comes after the chosen one"

    def edit(self, context: bpy.types.Context, now: Reading):
        at = now.settings.form.active
        sections = form.join(now.form, at)
        return sections, at, f"{sections[at].name} goes on to second {sections[at].stop:.2f} of the song."


class TEMPOSE_OT_move_section(_SectionEdit, bpy.types.Operator):
    """Begin the chosen section at the beat nearest to the playhead instead; the one before it ends there"""

    bl_idname = "tempose.move_section"
    bl_label = "Begin Here"

    def edit(self, context: bpy.types.Context, now: Reading):
        at, second = now.settings.form.active, playhead.second_of(now)
        sections = form.begin(now.form, at, second)
        return sections, at, f"{sections[at].name} begins at second {second:.2f} of the song."


_names: list = []  # Blender keeps no reference to the texts of a dynamic list


def _earlier(_self: Any, context: bpy.types.Context | None) -> list:
    if context is None:
        return [("", "", "")]
    now = reading_of(context)
    names = form.earlier_names(now.form, now.settings.form.active)
    _names[:] = [(name, name, f"The chosen section is {name} again") for name in names]
    return _names


class TEMPOSE_OT_same_section(_SectionEdit, bpy.types.Operator):
    """Make the chosen section a repeat of an earlier one, to be danced alike"""

    bl_idname = "tempose.same_section"
    bl_label = "Same As"

    which: EnumProperty(name="Section", description="The earlier section", items=_earlier)

    @classmethod
    def reason(cls, now: Reading):
        names = form.earlier_names(now.form, now.settings.form.active)
        return "" if names else "No other section comes before the chosen one"

    def edit(self, context: bpy.types.Context, now: Reading):
        at = now.settings.form.active
        return form.same_as(now.form, at, self.which), at, f"This is {self.which} again."


class TEMPOSE_OT_clear_form(_SectionEdit, bpy.types.Operator):
    """Remove the sections; the next dance finds its own"""

    bl_idname = "tempose.clear_form"
    bl_label = "Clear Sections"

    def edit(self, context: bpy.types.Context, now: Reading):
        return [], 0, "The sections are gone; the next dance takes those that it hears."


CLASSES = (
    TEMPOSE_OT_find_form,
    TEMPOSE_OT_split_section,
    TEMPOSE_OT_join_section,
    TEMPOSE_OT_move_section,
    TEMPOSE_OT_same_section,
    TEMPOSE_OT_clear_form,
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Tempo sections."""

import bpy

from ...scene.dance import tempo_follow
from ...scene.reading import Reading
from .buttons import ActionButton


class TEMPOSE_OT_add_section(ActionButton, bpy.types.Operator):
    """Begin a section with a tempo of its own at the current frame"""

    bl_idname = "tempose.add_section"
    bl_label = "Add Section"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason

    def act(self, context: bpy.types.Context):
        settings, now = context.scene.tempose, Reading(context)
        here = now.staging.in_scene(now.playback) if now.playback is not None else None
        at = here.song_at(context.scene.frame_current) if here is not None else 0.0
        start = max(0.0, float(at))
        before = [s for s in sorted(settings.sections, key=lambda s: s.start) if s.start <= start]
        names = ("kind", "factor", "bpm") if before and not before[-1].ramp else ()
        values = {
            name: getattr(before[-1], name) for name in names
        }  # read first: adding moves them in memory
        section = settings.sections.add()
        for name, value in values.items():
            setattr(section, name, value)
        section.last_factor, section.last_bpm, section.start = section.factor, section.bpm, start
        settings.active_section = len(settings.sections) - 1
        return f"A section begins at second {start:.2f} of the song."


class TEMPOSE_OT_remove_section(ActionButton, bpy.types.Operator):
    """Remove the chosen section"""

    bl_idname = "tempose.remove_section"
    bl_label = "Remove Section"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        settings = now.settings
        return "" if 0 <= settings.active_section < len(settings.sections) else "There is no section"

    def act(self, context: bpy.types.Context):
        settings = context.scene.tempose
        settings.sections.remove(settings.active_section)
        settings.active_section = max(0, min(settings.active_section, len(settings.sections) - 1))
        tempo_follow.edited(context)
        return "The section is gone."


CLASSES = (TEMPOSE_OT_add_section, TEMPOSE_OT_remove_section)

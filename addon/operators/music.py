# SPDX-License-Identifier: GPL-3.0-or-later
"""Tempo sections."""

import bpy

from .. import dancing
from .base import ActionButton


class TEMPOSE_OT_add_section(ActionButton, bpy.types.Operator):
    """Begin a section with a tempo of its own at the current frame"""

    bl_idname = "tempose.add_section"
    bl_label = "Add Section"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return dancing.strip_reason(context)

    def act(self, context):
        settings = context.scene.tempose
        start = dancing.song_of_frame(context, context.scene.frame_current)
        before = [s.factor for s in sorted(settings.sections, key=lambda s: s.start) if s.start <= start]
        section = settings.sections.add()
        section.start, section.factor = start, before[-1] if before else 1.0
        settings.active_section = len(settings.sections) - 1
        return f"A section begins at second {start:.2f} of the song."


class TEMPOSE_OT_remove_section(ActionButton, bpy.types.Operator):
    """Remove the chosen section"""

    bl_idname = "tempose.remove_section"
    bl_label = "Remove Section"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        settings = context.scene.tempose
        return "" if 0 <= settings.active_section < len(settings.sections) else "There is no section"

    def act(self, context):
        settings = context.scene.tempose
        settings.sections.remove(settings.active_section)
        settings.active_section = max(0, min(settings.active_section, len(settings.sections) - 1))
        return "The section is gone."


CLASSES = (TEMPOSE_OT_add_section, TEMPOSE_OT_remove_section)

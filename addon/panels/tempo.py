# SPDX-License-Identifier: GPL-3.0-or-later
"""The speed of the music, by sections."""

import bpy

from .. import dancing, tempo_edit
from ..errors import Problem
from ..operators.dance import TEMPOSE_OT_regenerate
from .layout import say


class TEMPOSE_UL_sections(bpy.types.UIList):
    def draw_item(self, _context, layout, _data, item, _icon, _active, _name):
        row = layout.row(align=True)
        row.prop(item, "start", text="", emboss=False)
        row.prop(item, "start_frame", text="Frame", emboss=False)
        row.prop(item, "factor", text="×", emboss=False)


class Tempo:
    bl_label = "Tempo"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.prop(settings, "tempo_factor")
        row = layout.row()
        row.template_list("TEMPOSE_UL_sections", "", settings, "sections", settings, "active_section", rows=2)
        column = row.column(align=True)
        column.operator("tempose.add_section", text="", icon="ADD")
        column.operator("tempose.remove_section", text="", icon="REMOVE")
        layout.prop(settings, "replace_sound")
        sub = layout.column()
        sub.enabled = settings.replace_sound
        sub.prop(settings, "mute_original")
        layout.operator("tempose.regenerate", icon="FILE_REFRESH")
        if reason := TEMPOSE_OT_regenerate.disabled_reason(context):
            say(layout, reason, "INFO")
            return
        try:
            scene, original = dancing.chosen_original(context)
            seconds = tempo_edit.edited(scene, original, settings).span.seconds
            layout.label(text=f"{seconds:.1f} s at this tempo")
        except Problem as problem:
            say(layout, problem.message, "ERROR")

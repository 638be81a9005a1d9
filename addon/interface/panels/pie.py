# SPDX-License-Identifier: GPL-3.0-or-later
"""The pie menu of the most used buttons, and the preset menus in the headers of Dance and Keys."""

import bpy
from bl_ui.utils import PresetPanel

from .. import shortcuts


class TEMPOSE_MT_pie(bpy.types.Menu):
    bl_idname = shortcuts.PIE
    bl_label = "Tempose"

    def draw(self, _context: bpy.types.Context):
        pie = self.layout.menu_pie()  # left, right, below, above, and between them
        pie.operator("tempose.previous_take", icon="TRIA_LEFT")
        pie.operator("tempose.next_take", icon="TRIA_RIGHT")
        pie.operator("tempose.dance_loop", icon="FILE_REFRESH")
        pie.operator("tempose.accept_take", icon="CHECKMARK")
        pie.operator("tempose.reroll", icon="ARMATURE_DATA")
        pie.operator("tempose.discard_take", icon="TRASH")
        pie.operator("tempose.generate", icon="ADD")
        pie.operator("tempose.regenerate", icon="FILE_REFRESH")


class TEMPOSE_PT_dance_presets(PresetPanel, bpy.types.Panel):
    bl_label = "Dance Presets"
    preset_subdir = "tempose/dance"
    preset_operator = "script.execute_preset"
    preset_add_operator = "tempose.save_dance_preset"


class TEMPOSE_PT_keys_presets(PresetPanel, bpy.types.Panel):
    bl_label = "Keys Presets"
    preset_subdir = "tempose/keys"
    preset_operator = "script.execute_preset"
    preset_add_operator = "tempose.save_keys_preset"


CLASSES = (TEMPOSE_MT_pie, TEMPOSE_PT_dance_presets, TEMPOSE_PT_keys_presets)

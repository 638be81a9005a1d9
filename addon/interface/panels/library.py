# SPDX-License-Identifier: GPL-3.0-or-later
"""The library of dances and poses."""

import bpy


class LibraryPanel:
    bl_label = "Library"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, choice = self.layout, context.scene.tempose.generate
        layout.operator("tempose.add_to_library", icon="ASSET_MANAGER")
        layout.operator("tempose.add_pose_to_library", icon="POSE_HLT")
        layout.operator_menu_enum("tempose.dance_phrase", "phrase", icon="ARMATURE_DATA")
        column = layout.column(align=True)
        column.prop(choice, "phrase")
        column.prop(choice, "phrase_at")
        column.operator("tempose.dance_with", icon="IPO_EASE_IN_OUT")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances that are kept."""

import bpy


class LibraryPanel:
    bl_label = "Library"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        self.layout.operator("tempose.add_to_library", icon="ASSET_MANAGER")
        self.layout.operator_menu_enum("tempose.dance_phrase", "phrase", icon="ARMATURE_DATA")

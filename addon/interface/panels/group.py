# SPDX-License-Identifier: GPL-3.0-or-later
"""Several characters at once."""

import bpy


class GroupPanel:
    bl_label = "Group"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings.generate, "beats_apart")
        layout.operator_menu_enum("tempose.dance_together", "kind", icon="COMMUNITY")
        layout.operator_menu_enum("tempose.form_up", "kind", icon="OUTLINER_OB_GROUP_INSTANCE")

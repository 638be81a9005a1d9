# SPDX-License-Identifier: GPL-3.0-or-later
"""Shaping keys by hand, and the overlay of the 3D View."""

import bpy


class HandPanel:
    bl_label = "By Hand"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, view = self.layout, context.scene.tempose.view
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(view, "poses")
        column.prop(view, "takes")
        column.prop(view, "trail")
        column.operator("tempose.drag_trail", icon="CURVE_PATH")
        row = layout.row(align=True)
        row.operator("tempose.hold_pose", icon="KEYFRAME_HLT")
        row.operator("tempose.snap_key", icon="SNAP_ON")
        row = layout.row(align=True)
        row.operator_menu_enum("tempose.offset_limb", "limb", icon="NEXT_KEYFRAME")
        row.operator_menu_enum("tempose.exaggerate_limb", "limb", icon="MOD_LENGTH")
        layout.operator("tempose.loop_section", icon="FILE_REFRESH")

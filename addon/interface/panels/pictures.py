# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of the dancer."""

import bpy

from ...scene.character import puppet
from ...scene.language import translate
from ...scene.reading import reading_of
from .layout import say, why_no_pose


class DrawingPanel:
    bl_label = "Picture and Ink"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, settings = self.layout, context.scene.tempose.drawing
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.template_ID(settings, "image", open="image.open")
        column.prop(settings, "tolerance")
        column.operator("tempose.find_pose", icon="VIEWZOOM")
        why_no_pose(column)
        picture = reading_of(context).picture
        if picture is None:
            column.operator("tempose.lay_out_picture", icon="EMPTY_DATA")
        else:
            say(column, "Drag the markers to the joints; left and right are the character's own.", "INFO")
            people = len(puppet.people_of(picture))
            if people > 1:
                column.operator(
                    "tempose.next_person", text=translate(f"Next of {people} People"), icon="COMMUNITY"
                )
            column.prop(settings, "layers")
            row = column.row(align=True)
            row.operator("tempose.make_puppet", icon="MOD_ARMATURE")
            row.operator("tempose.clear_picture", text="", icon="X")
        layout.separator()
        column = layout.column()
        column.operator("tempose.ink_figure", icon="OUTLINER_OB_GREASEPENCIL")
        column.prop(settings, "ink_step")
        column.prop(settings, "ink_beats")
        column.operator("tempose.ink_dance", icon="GREASEPENCIL")

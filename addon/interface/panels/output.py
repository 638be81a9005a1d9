# SPDX-License-Identifier: GPL-3.0-or-later
"""Export and import."""

import bpy

from tempose_pose import drawing

from ...scene.reading import Reading


class OutputPanel:
    bl_label = "Import/Export"
    bl_options = {"DEFAULT_CLOSED"}

    @staticmethod
    def summary(now: Reading) -> str:
        return ""

    def draw(self, context: bpy.types.Context):
        layout, choice = self.layout, context.scene.tempose.output
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(choice, "source")
        if choice.source == "RIG":
            column.prop(choice, "view")
        column.prop(choice, "rate")
        if not choice.rate:
            column.label(text="As many frames as the scene")
        column = layout.column()
        column.prop(choice, "kind")
        column.operator("tempose.export_poses", icon="EXPORT")
        column = layout.column()
        column.prop(choice, "manner")
        column.prop(choice, "video")
        if choice.video == "MP4" and drawing.manner(choice.manner).face:
            column.prop(choice, "face")
        column.prop(choice, "size")
        if not any(choice.size):
            column.label(text="As large as the picture")
        column.operator("tempose.export_video", icon="RENDER_ANIMATION")
        column = layout.column()
        column.operator("tempose.import_poses", icon="IMPORT")
        column.operator("tempose.take_from_video", icon="FILE_MOVIE")


class ExportPanel:
    bl_label = "Character for Games"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, choice = self.layout, context.scene.tempose.output
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(choice, "rate")
        column.operator_menu_enum("tempose.export_rig", "kind", icon="EXPORT")
        column = layout.column()
        column.prop(choice, "sprites")
        column.prop(choice, "sprite_height")
        column.operator("tempose.export_sprites", icon="IMAGE_DATA")

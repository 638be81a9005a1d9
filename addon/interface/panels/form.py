# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the song."""

import bpy

from ...scene.reading import reading_of
from ...scene.settings import ListedSection
from .layout import say


class TEMPOSE_UL_form(bpy.types.UIList):
    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: bpy.types.AnyType,
        item: ListedSection,
        _icon: int,
        _active: bpy.types.AnyType,
        _name: str,
    ):
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False)
        row.label(text=f"{item.start:.1f} s")


class FormPanel:
    bl_label = "Form"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        row = layout.row(align=True)
        row.operator("tempose.find_form", icon="ZOOM_ALL")
        row.operator("tempose.clear_form", text="", icon="X")
        layout.operator("tempose.split_section", icon="SCULPTMODE_HLT")
        form = now.settings.form
        if not now.form:
            say(layout, "Sections are found when you dance; found here, they can be changed.", "INFO")
            return
        layout.template_list("TEMPOSE_UL_form", "", form, "sections", form, "active", rows=4)
        row = layout.row(align=True)
        row.operator("tempose.move_section", icon="TRIA_RIGHT_BAR")
        row.operator("tempose.join_section", icon="AUTOMERGE_ON")
        layout.operator_menu_enum("tempose.same_section", "which", icon="LOOP_BACK")
        layout.prop(form, "show")
        if form.active >= len(form.sections):
            return
        section = form.sections[form.active]
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(section, "style", placeholder="As the Dance")
        column.prop(section, "energy", slider=True)
        column.prop(section, "own_repeat")
        row = column.row()
        row.active = section.own_repeat
        row.prop(section, "repeat", slider=True)
        column.prop(section, "mirrored")

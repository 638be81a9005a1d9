# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the chosen take."""

import bpy

from ...model.tempo.area import Area
from ...scene.language import translate
from ...scene.reading import reading_of
from ...scene.settings import KeptPose
from ..operators.edit import TEMPOSE_OT_reroll
from .layout import say, why


class TEMPOSE_UL_kept_poses(bpy.types.UIList):
    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: bpy.types.AnyType,
        item: KeptPose,
        _icon: int,
        _active: bpy.types.AnyType,
        _name: str,
    ):
        layout.prop(item, "frame", text="Frame", emboss=False)


def draw_area(layout: bpy.types.UILayout, group: Area) -> None:
    """The choice of a range."""
    layout.prop(group, "area")
    if group.area in ("FRAMES", "BARS"):
        unit = "frame" if group.area == "FRAMES" else "bar"
        column = layout.column(align=True)
        column.prop(group, f"first_{unit}")
        column.prop(group, f"last_{unit}")


class EditPanel:
    bl_label = "Edit"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        edit, take = now.settings.edit, now.take
        layout.use_property_split = True
        layout.use_property_decorate = False
        if take is None:
            say(layout, "Generate a take first.", "INFO")
            return
        layout.label(text=translate(f"Changes to {take.name} make a new take"))
        draw_area(layout, edit)
        layout.operator("tempose.reroll", icon="FILE_REFRESH")
        column = layout.column(align=True)
        column.prop(edit, "style", placeholder="Choose One")
        column.operator("tempose.restyle", icon="BRUSH_DATA")
        layout.label(text="Keep these limbs")
        for pair in (("left_arm", "right_arm"), ("left_leg", "right_leg"), ("trunk", "head")):
            row = layout.row(align=True)
            row.use_property_split = False
            for name in pair:
                row.prop(edit, name, toggle=True)
        layout.operator("tempose.lock_limbs", icon="LOCKED")
        layout.label(text="Keep these poses")
        row = layout.row()
        row.template_list("TEMPOSE_UL_kept_poses", "", edit, "poses", edit, "active_pose", rows=2)
        column = row.column(align=True)
        column.operator("tempose.keep_pose", text="", icon="ADD")
        column.operator("tempose.drop_pose", text="", icon="REMOVE")
        column.operator("tempose.keep_marked_poses", text="", icon="MARKER_HLT")
        layout.operator("tempose.dance_between", icon="IPO_EASE_IN_OUT")
        column = layout.column(align=True)
        column.prop(edit, "amount", slider=True)
        column.operator("tempose.scale_take", icon="MOD_LENGTH")
        column = layout.column(align=True)
        column.prop(edit, "strength", slider=True)
        column.operator("tempose.blend_take", icon="SELECT_INTERSECT")
        layout.operator("tempose.mirror_take", icon="MOD_MIRROR")
        if reason := TEMPOSE_OT_reroll.disabled_reason(now):
            why(layout, reason)

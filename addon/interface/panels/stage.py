# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage: the character's way, and hands and feet that are held."""

import bpy

from ...scene.dance import waypoints
from ...scene.reading import reading_of
from ...scene.settings import ListedPin, Waypoint
from .layout import rig_of


class TEMPOSE_UL_waypoints(bpy.types.UIList):
    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: bpy.types.AnyType,
        item: Waypoint,
        _icon: int,
        _active: bpy.types.AnyType,
        _name: str,
    ):
        if item.marker is not None:
            layout.prop(item.marker, "name", text="", emboss=False)
        layout.label(text=f"{item.second:.1f} s")


class TEMPOSE_UL_pins(bpy.types.UIList):
    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: bpy.types.AnyType,
        item: ListedPin,
        _icon: int,
        _active: bpy.types.AnyType,
        _name: str,
    ):
        layout.prop(item, "part", text="", emboss=False)
        layout.label(text=f"{item.first} – {item.last}")


class StagePanel:
    bl_label = "Stage"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        ob = rig_of(layout, now)
        if ob is None:
            return
        stage = waypoints.stage_of(ob)
        layout.prop(stage, "line")
        row = layout.row(align=True)
        row.operator("tempose.drop_waypoint", icon="EMPTY_SINGLE_ARROW")
        if len(stage.waypoints):
            row = layout.row()
            row.template_list("TEMPOSE_UL_waypoints", "", stage, "waypoints", stage, "active", rows=3)
            column = row.column(align=True)
            column.operator("tempose.time_waypoint", text="", icon="TIME")
            column.operator("tempose.remove_waypoint", text="", icon="REMOVE")
            layout.prop(stage.waypoints[min(stage.active, len(stage.waypoints) - 1)], "beats")
        row = layout.row(align=True)
        row.operator("tempose.set_mark", icon="PIVOT_CURSOR")
        row.operator("tempose.back_to_mark", icon="LOOP_BACK")
        row = layout.row(align=True)
        row.operator_menu_enum("tempose.enter", "side", icon="FORWARD")
        row.operator_menu_enum("tempose.leave", "side", icon="BACK")
        layout.operator_menu_enum("tempose.pin_part", "part", icon="PINNED")
        if len(stage.pins):
            row = layout.row()
            row.template_list("TEMPOSE_UL_pins", "", stage, "pins", stage, "active_pin", rows=2)
            row.operator("tempose.unpin_part", text="", icon="UNPINNED")
            _pin(layout.column(align=True), stage.pins[min(stage.active_pin, len(stage.pins) - 1)])
        layout.operator("tempose.follow_stage", icon="CON_FOLLOWPATH")


def _pin(column: bpy.types.UILayout, pin: ListedPin) -> None:
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(pin, "target")
    if pin.target is not None and pin.target.type == "ARMATURE":
        column.prop_search(pin, "bone", pin.target.data, "bones")
    column.prop(pin, "first")
    column.prop(pin, "last")

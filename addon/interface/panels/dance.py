# SPDX-License-Identifier: GPL-3.0-or-later
"""What to dance, and how."""

import bpy

from tempose_pose.curves import CURVES

from ...scene.reading import Reading, reading_of
from .edit import draw_area
from .layout import rig_of


class DancePanel:
    bl_label = "Dance"

    @staticmethod
    def summary(now: Reading) -> str:
        return now.settings.style or "any style"

    def draw(self, context: bpy.types.Context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_area(layout, settings.generate)
        layout.prop(settings, "style", placeholder="Any")
        layout.prop(settings, "energy", slider=True)
        row = layout.row(align=True)
        row.prop(settings, "seed")
        row.prop(settings, "lock_seed", text="", icon="LOCKED" if settings.lock_seed else "UNLOCKED")


class MorePanel:
    bl_label = "More"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "listen", slider=True)
        layout.prop(settings, "repeat", slider=True)
        layout.prop(settings.generate, "count")
        layout.prop(settings, "quality")
        layout.prop(settings.generate, "travel")
        layout.operator("tempose.dance_loop", icon="FILE_REFRESH")


class DirectPanel:
    bl_label = "Direct"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        ob = rig_of(layout, now)
        if ob is None:
            return
        settings = ob.data.tempose_direction
        column = layout.column(align=True)
        for name in CURVES:
            row = column.row(align=True)
            row.prop(settings, f"use_{name}", text="")
            value = row.row(align=True)
            value.active = getattr(settings, f"use_{name}")
            value.prop(settings, name, slider=True)
            value.prop_decorator(settings, name)
        layout.operator("tempose.propose_curves", icon="SOUND")
        row = layout.row(align=True)
        row.operator("tempose.build_up")
        row.operator("tempose.freeze")
        layout.operator("tempose.contrast")
        layout.operator("tempose.face_front", icon="HIDE_OFF")
        row = layout.row(align=True)
        row.operator("tempose.redirect", icon="FCURVE")
        row.prop(now.settings.tempo, "mode", text="")

# SPDX-License-Identifier: GPL-3.0-or-later
"""The dances to choose from."""

import bpy

from ...scene.character import rig
from ...scene.dance import placement, thumbnails
from ...scene.language import translate
from ...scene.reading import reading_of
from ...scene.settings import ListedTake, SceneSettings
from .layout import say

TALL = 1.6  # rows, large enough to tell poses apart


class TEMPOSE_UL_takes(bpy.types.UIList):
    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: bpy.types.AnyType,
        item: ListedTake,
        _icon: int,
        _active: bpy.types.AnyType,
        _name: str,
    ):
        row = layout.row(align=True)
        if picture := thumbnails.icon(item):
            row.template_icon(icon_value=picture, scale=TALL)
            row = row.row(align=True)
            row.scale_y = TALL
        row.prop(item, "star", text="", icon="SOLO_ON" if item.star else "SOLO_OFF", emboss=False)
        icon = "CHECKMARK" if item.state == "ACCEPTED" else "HIDE_OFF" if item.action else "HIDE_ON"
        row.prop(item, "name", text="", emboss=False, icon=icon)
        if item.rig is not None and reading_of(context).several_rigs:
            row.label(text=translate(f"{item.rig.name}, seed {item.seed}"), icon="ARMATURE_DATA")
            return
        tempo = f"{item.bpm:.0f} BPM" if item.bpm else ""
        row.label(text=translate(", ".join(filter(None, (item.style, f"seed {item.seed}", tempo)))))

    def filter_items(self, context: bpy.types.Context, data: SceneSettings, name: str):
        """Show only the takes of the current character if there are several."""
        takes, now = getattr(data, name), reading_of(context)
        if now.rig is None or not now.several_rigs:
            return [], []
        return [self.bitflag_filter_item * (take.rig in (now.rig, None)) for take in takes], []


class TakesPanel:
    bl_label = "Takes"

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        settings, take = now.settings, now.take
        if not settings.takes:
            layout.label(text="None yet")
            return
        layout.template_list("TEMPOSE_UL_takes", "", settings, "takes", settings, "active_take", rows=2)
        row = layout.row(align=True)
        row.operator("tempose.previous_take", text="", icon="TRIA_LEFT")
        row.operator("tempose.show_take", icon="HIDE_OFF")
        row.operator("tempose.next_take", text="", icon="TRIA_RIGHT")
        row.prop(settings.generate, "keep_in", text="")
        if now.off_rate:
            say(layout, f"{now.off_rate}.", "ERROR")
            layout.operator("tempose.fit_frame_rate", icon="TIME")
        if take is None:
            return
        row = layout.row(align=True)
        row.prop(take, "note", text="", icon="TEXT", placeholder="Note")
        row.operator("tempose.copy_seed", text="", icon="COPYDOWN")
        if now.held:
            say(layout, f"{now.held}.", "ERROR")
        elif take.rig is None or (take.rig != now.rig and not rig.is_rig(take.rig)):
            say(layout, "The rig of this take has been deleted.", "ERROR")
        elif placement.is_out_of_date(take, now.playback):
            say(layout, "The music has changed since this take was made: generate again.", "ERROR")

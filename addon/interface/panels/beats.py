# SPDX-License-Identifier: GPL-3.0-or-later
"""The beats of the song, and the buttons that correct them."""

import bpy

from ...model.music import beats
from ...scene.language import translate
from ...scene.reading import reading_of
from .. import preferences
from ..operators.beats import TEMPOSE_OT_find_beats
from .layout import say, why


class BeatsPanel:
    bl_label = "Beats"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, music = self.layout, context.scene.tempose.music
        layout.operator("tempose.clear_beats", icon="X")
        now = reading_of(context)
        grid = now.grid.grid if now.grid is not None else None
        if grid is None or not len(grid):
            reason = TEMPOSE_OT_find_beats.disabled_reason(now)
            if grid is not None:
                why(layout, reason or "Find the beats, or tap them while the song plays")
        else:
            layout.label(text=translate(f"{beats.tempo_in_words(grid)}, {grid.metre} beats in a bar"))
            words = beats.in_words(grid)
            text = words.capitalize() if words.startswith("set") else f"The detector is {words}"
            say(layout, text, "ERROR" if words.startswith("not") else "CHECKMARK")
        row = layout.row(align=True)
        row.prop(music, "show_grid", toggle=True)
        row.prop(music, "show_markers", text="As Markers", toggle=True)

        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("tempose.half_beats")
        row.operator("tempose.double_beats")
        row.operator("tempose.three_to_two_beats", text="3:2")
        row = column.row(align=True)
        row.operator("tempose.nudge_beats", text="", icon="TRIA_LEFT").direction = "EARLIER"
        row.prop(music, "nudge", text="")
        row.prop(music, "nudge_unit", text="")
        row.operator("tempose.nudge_beats", text="", icon="TRIA_RIGHT").direction = "LATER"
        if now.grid is not None and now.grid.scene.use_preview_range:
            column.prop(music, "only_range")
        row = layout.row(align=True)
        row.operator("tempose.tap_tempo", icon="PLAY").measure = False
        row.prop(preferences.get(context), "tap_delay", text="Delay (ms)")
        row.operator("tempose.tap_tempo", text="", icon="TIME").measure = True

        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("tempose.set_downbeat")
        row.prop(music, "metre", text="")
        column.operator("tempose.drag_beat", icon="ARROW_LEFTRIGHT")
        row = column.row(align=True)
        row.operator("tempose.move_beat", text="Move to Playhead")
        row.operator("tempose.slide_beats", text="Slide All")
        row = column.row(align=True)
        row.operator("tempose.add_beat", icon="ADD")
        row.operator("tempose.remove_beat", icon="REMOVE")
        row = column.row(align=True)
        row.operator("tempose.lock_beats", icon="LOCKED").unlock = False
        row.operator("tempose.lock_beats", text="Unlock", icon="UNLOCKED").unlock = True

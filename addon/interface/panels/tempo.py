# SPDX-License-Identifier: GPL-3.0-or-later
"""The tempo of the music, by sections, and how the dance follows."""

import bpy

from ...model.errors import Problem
from ...model.tempo.tempo_sections import TempoSection
from ...scene.dance import regenerate, tempo_follow
from ...scene.reading import Reading, reading_of
from ...scene.settings import SceneSettings
from ...scene.tempo import tempo_preview
from ..operators.dance import TEMPOSE_OT_regenerate
from .layout import say, why

FEEL = {"HALF": "½ time", "DOUBLE": "2× time"}


def speed(section: TempoSection) -> str:
    """A section's tempo in short: ``120 → 140 BPM``."""
    first, last, unit = (
        (section.bpm, section.last_bpm, " BPM")
        if section.kind == "BPM"
        else (section.factor, section.last_factor, "")
    )
    sign = "" if unit else "×"
    return f"{sign}{first:.4g} → {sign}{last:.4g}{unit}" if section.ramp else f"{sign}{first:.4g}{unit}"


class TEMPOSE_UL_sections(bpy.types.UIList):
    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: bpy.types.AnyType,
        item: TempoSection,
        _icon: int,
        _active: bpy.types.AnyType,
        _name: str,
    ):
        row = layout.row(align=True)
        row.prop(item, "start", text="", emboss=False)
        row.label(text=speed(item))
        if item.feel in FEEL:  # an empty label would still take space
            row.label(text=FEEL[item.feel])


class TempoPanel:
    bl_label = "Tempo"
    bl_options = {"DEFAULT_CLOSED"}

    @staticmethod
    def summary(now: Reading) -> str:
        settings = now.settings
        parts = len(settings.sections)
        sections = f", {parts} section{'s' if parts > 1 else ''}" if parts else ""
        return (
            f"×{settings.tempo_factor:.4g}{sections}"
            if sections or settings.tempo_factor != 1
            else "as it is"
        )

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        settings = now.settings
        layout.prop(settings, "tempo_factor")
        row = layout.row()
        row.template_list("TEMPOSE_UL_sections", "", settings, "sections", settings, "active_section", rows=3)
        column = row.column(align=True)
        column.operator("tempose.add_section", text="", icon="ADD")
        column.operator("tempose.remove_section", text="", icon="REMOVE")
        if 0 <= settings.active_section < len(settings.sections):
            _section(layout, settings.sections[settings.active_section])
        _follow(layout, context, settings)
        layout.prop(settings, "replace_sound")
        sub = layout.column()
        sub.enabled = settings.replace_sound
        sub.prop(settings, "mute_original")
        layout.operator("tempose.regenerate", icon="FILE_REFRESH")
        if reason := TEMPOSE_OT_regenerate.disabled_reason(now):
            why(layout, reason)
        try:
            if not now.song.reason:
                say(layout, regenerate.length_in_words(now), "SOUND")
                say(layout, *regenerate.in_words(now))
        except Problem as problem:
            say(layout, problem.message, "ERROR")


def _section(layout: bpy.types.UILayout, section: TempoSection) -> None:
    """The chosen section."""
    column = layout.column(align=True)
    row = column.row(align=True)
    row.prop(section, "start")
    row.prop(section, "start_frame", text="Frame")
    row = column.row(align=True)
    row.prop(section, "kind", text="")
    row.prop(section, "bpm" if section.kind == "BPM" else "factor", text="")
    row.prop(section, "ramp", toggle=True)
    if section.ramp:
        column.prop(section, "last_bpm" if section.kind == "BPM" else "last_factor", text="At its end")
    column.separator()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(section, "feel")


def _follow(layout: bpy.types.UILayout, context: bpy.types.Context, settings: SceneSettings) -> None:
    """How the dance follows, and the preview."""
    tempo = settings.tempo
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(tempo, "mode")
    if tempo.mode == "AUTO":
        column.prop(tempo, "pause")
    column.prop(tempo, "again")
    layout.prop(tempo, "exact")
    row = layout.row(align=True)
    row.operator("tempose.preview_tempo", icon="HIDE_OFF")
    row.operator("tempose.take_back_tempo", icon="LOOP_BACK")
    if tempo_preview.previewing(settings):
        say(layout, "The keys are shown at this tempo; the sound follows with Re-dance.", "HIDE_OFF")
    left = tempo_follow.waiting()
    if left is not None:
        way = tempo_follow.in_the_way(context)
        say(layout, f"Waiting: {way}." if way and left == 0 else f"Dancing again in {left:.0f} s.", "TIME")

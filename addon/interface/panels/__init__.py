# SPDX-License-Identifier: GPL-3.0-or-later
"""The Tempose tab in the 3D View and the sequencer: one file per panel, in the order of work.

Six steps follow the main panel; further options of a step are folded inside it.
"""

from typing import Any

import bpy

from ...scene.language import translate
from ...scene.reading import reading_of
from . import edit, pie, takes, tempo
from .beats import BeatsPanel
from .character import BonesPanel, CharacterPanel, LimitsPanel
from .dance import DancePanel, DirectPanel, MorePanel
from .edit import EditPanel
from .form import FormPanel, TEMPOSE_UL_form
from .group import GroupPanel
from .hand import HandPanel
from .keys import KeysPanel
from .library import LibraryPanel
from .main import MainPanel
from .music import MusicPanel
from .output import ExportPanel, OutputPanel
from .pictures import DrawingPanel
from .shape import ShapePanel
from .stage import StagePanel, TEMPOSE_UL_pins, TEMPOSE_UL_waypoints
from .takes import TakesPanel
from .tempo import TempoPanel

STEPS = {
    MusicPanel: (BeatsPanel, FormPanel),
    CharacterPanel: (BonesPanel, LimitsPanel, DrawingPanel),
    DancePanel: (MorePanel, DirectPanel, StagePanel, GroupPanel, TakesPanel, LibraryPanel),
    ShapePanel: (EditPanel, KeysPanel, HandPanel),
    TempoPanel: (),
    OutputPanel: (ExportPanel,),
}
"""The steps, and what lies inside of each, from top to bottom."""
DEEPER = {LimitsPanel: BonesPanel}  # panels inside such a part
TOPICS = {  # help pages; panels inside a step have the step's
    MainPanel: "two-minutes",
    MusicPanel: "music",
    CharacterPanel: "character",
    DrawingPanel: "picture-and-ink",
    LimitsPanel: "character",
    DancePanel: "dance",
    TakesPanel: "takes",
    ShapePanel: "edit",
    EditPanel: "edit",
    KeysPanel: "keys",
    HandPanel: "by-hand",
    TempoPanel: "tempo",
    OutputPanel: "import-export",
}
PRESETS = {DancePanel: pie.TEMPOSE_PT_dance_presets, KeysPanel: pie.TEMPOSE_PT_keys_presets}
SHORT = 24  # most letters in the summary of a folded step


class _Tab:
    bl_region_type = "UI"
    bl_category = "Tempose"


class _Headed:
    """Mixin: a help button in each header; for steps also a summary."""

    topic = ""
    presets: Any = None

    def draw_header_preset(self, context: bpy.types.Context):
        row = self.layout.row(align=True)  # pyright: ignore[reportAttributeAccessIssue] -- of a panel
        if hasattr(self, "summary"):
            words = translate(self.summary(reading_of(context)))
            row.label(text=words if len(words) <= SHORT else f"{words[: SHORT - 1]}…")
        if self.presets is not None:
            self.presets.draw_panel_header(row.row(align=True))
        row.operator("tempose.help", text="", icon="QUESTION", emboss=False).topic = self.topic


def _panels():
    """Each panel, once for the 3D View and once for the sequencer."""
    classes = []
    for space, letter in (("VIEW_3D", "VIEW3D"), ("SEQUENCE_EDITOR", "SEQUENCER")):

        def named(part: type, letter: str = letter):
            return f"TEMPOSE_PT_{letter}_{part.__name__.removesuffix('Panel').lower()}"

        inside = {part: step for step, parts in STEPS.items() for part in parts} | DEEPER
        for part in (MainPanel, *(p for step, parts in STEPS.items() for p in (step, *parts))):
            body: dict[str, Any] = {
                "bl_space_type": space,
                "bl_label": part.bl_label,
                "bl_idname": named(part),
            }
            if hasattr(part, "bl_options"):
                body["bl_options"] = part.bl_options
            if part is not MainPanel:
                body["bl_parent_id"] = named(inside.get(part, MainPanel))
            body["topic"] = TOPICS.get(part) or TOPICS[inside[part]]
            body["presets"] = PRESETS.get(part)
            classes.append(type(named(part), (_Tab, _Headed, part, bpy.types.Panel), body))
    return tuple(classes)


CLASSES = (
    takes.TEMPOSE_UL_takes,
    edit.TEMPOSE_UL_kept_poses,
    tempo.TEMPOSE_UL_sections,
    TEMPOSE_UL_form,
    TEMPOSE_UL_waypoints,
    TEMPOSE_UL_pins,
    *_panels(),
)

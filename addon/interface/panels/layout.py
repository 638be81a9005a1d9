# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in panels: wrapping, and reasons for grey buttons."""

import functools
import re
from typing import TYPE_CHECKING

import blf
import bpy

from ...scene.language import translate
from ...scene.reading import Reading
from ...scene.server import connection

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

BESIDE = 80  # pixels at UI scale 1 that a side bar is wider than a text beside its icon
USUAL = 205  # pixels for a text in a side bar as Blender opens it
FONT = 0  # the interface's own font
WIDE = (
    "\u2e80-\u9fff\uff00-\uffef"  # Chinese and Japanese: lines break after any letter, not before punctuation
)
WORDS = re.compile(rf"(\s*)([{WIDE}][、。，：；！？）」』]*|[^\s{WIDE}]+[、。，：；！？）」』]*)")


@functools.lru_cache(maxsize=4096)
def _width(text: str, size: float) -> float:
    blf.size(FONT, size)
    return blf.dimensions(FONT, text)[0]


@functools.lru_cache(maxsize=1024)
def lines_of(text: str, room: float, size: float) -> tuple[str, ...]:
    """A text in lines of at most `room` pixels, in a font size in pixels; long words are not broken."""
    lines: list[str] = []
    for space, word in WORDS.findall(text):
        if lines and _width(lines[-1], size) + _width(space + word, size) <= room:
            lines[-1] += space + word
        else:
            lines.append(word)
    return tuple(lines)


def say(layout: bpy.types.UILayout, text: str, icon: "IconItems" = "NONE") -> None:
    """Draw a text on as many lines as it needs there."""
    preferences, region = bpy.context.preferences, bpy.context.region
    scale = preferences.system.ui_scale or 1.0  # 0 in background mode
    side_bar = region is not None and region.type == "UI"
    room = region.width - BESIDE * scale if side_bar else USUAL * scale
    size = preferences.ui_styles[0].widget.points * scale
    column = layout.column(align=True)
    column.scale_y = 0.8
    for line in lines_of(translate(text), room, size):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else icon


def say_in(layout: bpy.types.UILayout, text: str, icon: "IconItems", lines: int) -> None:
    """Draw a text on exactly so many lines; a longer one ends in dots, and a button shows all of it."""
    preferences, region = bpy.context.preferences, bpy.context.region
    scale = preferences.system.ui_scale or 1.0
    side_bar = region is not None and region.type == "UI"
    room = region.width - BESIDE * scale if side_bar else USUAL * scale
    found = lines_of(translate(text), room, preferences.ui_styles[0].widget.points * scale)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for n in range(lines):
        row = column.row(align=True)
        more = n == lines - 1 and len(found) > lines
        line = f"{found[n]}…" if more else found[n] if n < len(found) else ""
        row.label(text=line, icon=icon if n == 0 else "BLANK1")
        if more:
            row.operator("tempose.show_message", text="", icon="THREE_DOTS")


def why(layout: bpy.types.UILayout, reason: str) -> None:
    """Draw why a button is grey, as a sentence."""
    say(layout, f"{reason.rstrip('.')}.", "INFO")


def rig_of(layout: bpy.types.UILayout, now: Reading) -> bpy.types.Object | None:
    """The character that is meant; without one, why nobody can dance is said."""
    if now.rig is None:
        why(layout, now.no_rig)
    return now.rig


def why_no_pose(layout: bpy.types.UILayout) -> None:
    """Draw why *Find Pose* cannot be used, if so."""
    if connection.current is not None and connection.current.no_poses:
        say(layout, "Markers are placed by hand: this server finds no joints in pictures.", "INFO")

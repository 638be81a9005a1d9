# SPDX-License-Identifier: GPL-3.0-or-later
"""The song and its beats."""

from .. import markers
from ..properties import pick_strip
from .layout import say


class Music:
    bl_label = "Music"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        scene, strip, reason = pick_strip(context)
        if scene.sequence_editor:
            layout.prop_search(settings, "strip", scene.sequence_editor, "strips_all", icon="SOUND")
        if reason:
            say(layout, reason, "INFO")
        elif not settings.strip:
            layout.label(text=strip.name, icon="SOUND")
        row = layout.row(align=True)
        row.operator("tempose.find_beats", icon="MARKER_HLT")
        row.operator("tempose.clear_beats", text="", icon="X")
        grid = markers.stored(scene)
        if grid is not None:
            layout.label(text=f"{grid['bpm']:.0f} BPM, confidence {grid['confidence']:.0%}")

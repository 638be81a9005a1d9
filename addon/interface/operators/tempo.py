# SPDX-License-Identifier: GPL-3.0-or-later
"""Previewing keys at an edited tempo, and taking that back."""

import bpy

from ...scene.reading import Reading
from ...scene.tempo import tempo_preview
from .buttons import ActionButton


class TEMPOSE_OT_preview_tempo(ActionButton, bpy.types.Operator):
    """Move the keys to where the edited tempo puts them, at once and without the server. Nothing is lost"""

    bl_idname = "tempose.preview_tempo"
    bl_label = "Preview Tempo"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := now.busy or now.song.reason or now.no_rig:
            return reason
        return "" if now.base[0] is not None else "No dance of Tempose moves this character; generate one"

    def act(self, context: bpy.types.Context):
        return tempo_preview.preview(context.scene.tempose, Reading(context).changes)


class TEMPOSE_OT_take_back_tempo(ActionButton, bpy.types.Operator):
    """Put the keys back exactly as they were before the preview of the tempo"""

    bl_idname = "tempose.take_back_tempo"
    bl_label = "Take Back"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if tempo_preview.previewing(now.settings) else "No tempo is previewed")

    def act(self, context: bpy.types.Context):
        tempo_preview.take_back(context.scene.tempose)
        return "The keys are as they were."


CLASSES = (TEMPOSE_OT_preview_tempo, TEMPOSE_OT_take_back_tempo)

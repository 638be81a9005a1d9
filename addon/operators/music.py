# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats and tempo sections."""

import bpy

from .. import audio, connection, dancing, markers, tempo_edit, work
from ..errors import Problem
from ..properties import pick_strip
from .base import ActionButton, JobButton, busy


class TEMPOSE_OT_find_beats(JobButton, bpy.types.Operator):
    """Find the beats of the sound strip and put markers on them. Move, delete or add markers to correct"""

    bl_idname = "tempose.find_beats"
    bl_label = "Find Beats"
    bl_options = {"REGISTER", "UNDO"}
    title = "Finding beats"

    @classmethod
    def disabled_reason(cls, context):
        return busy() or connection.missing() or dancing.strip_reason(context)

    def prepare(self, context):
        scene, original = dancing.chosen_original(context)
        sound = audio.fetch(context, scene, original)
        self._scene, self._strip, self._facts = scene.name, original.name, audio.facts(scene, original)
        client = connection.client()
        return lambda w: work.find_beats(w, client, sound.source)

    def apply(self, context, result):
        scene = bpy.data.scenes.get(self._scene)
        strips = scene.sequence_editor.strips_all if scene and scene.sequence_editor else {}
        original = next((s for s in strips if s.name == self._strip), None)
        if original is None or audio.facts(scene, original)["sound"] != self._facts["sound"]:
            raise Problem("strip_gone", "The sound strip was deleted meanwhile. Nothing was changed.")
        if not result["beats"]:
            raise Problem(
                "no_beats", "No beat was heard in this sound. Put markers named ♪ 1.1, ♪ 1.2 … yourself."
            )
        plan = tempo_edit.heard(scene, original)
        markers.write(
            scene,
            dancing.grid_mark(scene, original),
            result["beats"],
            result["downbeats"],
            plan.span,
            plan.tempo,
            result["confidence"],
            result["bpm"],
        )
        count = len(markers.ours(scene))
        sure = (
            "sure"
            if result["confidence"] > 0.66
            else "fairly sure"
            if result["confidence"] > 0.33
            else "unsure"
        )
        return f"{count} beats at about {result['bpm']:.0f} BPM; the detector is {sure}."


class TEMPOSE_OT_clear_beats(ActionButton, bpy.types.Operator):
    """Take the beat markers away"""

    bl_idname = "tempose.clear_beats"
    bl_label = "Clear Beats"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if markers.ours(pick_strip(context)[0]) else "There are no beat markers"

    def act(self, context):
        markers.clear(pick_strip(context)[0])
        return "The beat markers are gone."


class TEMPOSE_OT_add_section(ActionButton, bpy.types.Operator):
    """Begin a section with a tempo of its own at the current frame"""

    bl_idname = "tempose.add_section"
    bl_label = "Add Section"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return dancing.strip_reason(context)

    def act(self, context):
        settings = context.scene.tempose
        start = dancing.song_of_frame(context, context.scene.frame_current)
        before = [s.factor for s in sorted(settings.sections, key=lambda s: s.start) if s.start <= start]
        section = settings.sections.add()
        section.start, section.factor = start, before[-1] if before else 1.0
        settings.active_section = len(settings.sections) - 1
        return f"A section begins at second {start:.2f} of the song."


class TEMPOSE_OT_remove_section(ActionButton, bpy.types.Operator):
    """Remove the chosen section"""

    bl_idname = "tempose.remove_section"
    bl_label = "Remove Section"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        settings = context.scene.tempose
        return "" if 0 <= settings.active_section < len(settings.sections) else "There is no section"

    def act(self, context):
        settings = context.scene.tempose
        settings.sections.remove(settings.active_section)
        settings.active_section = max(0, min(settings.active_section, len(settings.sections) - 1))
        return "The section is gone."


CLASSES = (TEMPOSE_OT_find_beats, TEMPOSE_OT_clear_beats, TEMPOSE_OT_add_section, TEMPOSE_OT_remove_section)

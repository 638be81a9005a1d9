# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, regenerate, cancel."""

import bpy

from .. import connection, dancing, job, markers, tempo_edit, work
from ..timing import TempoMap
from .base import ActionButton, JobButton, busy


class _Dance(JobButton):
    title = "Dancing"
    new_tempo = False

    @classmethod
    def disabled_reason(cls, context):
        return busy() or connection.missing() or dancing.strip_reason(context) or dancing.rig_reason(context)

    def prepare(self, context):
        scene, original = dancing.chosen_original(context)
        plan = tempo_edit.heard(scene, original)
        markers.follow(scene, plan.span, plan.tempo)
        self._order = asked = dancing.order(context, self.new_tempo)
        tempo = TempoMap(asked.tempo)
        stretch = self.new_tempo and context.scene.tempose.replace_sound and not tempo.is_plain
        client = connection.client()
        return lambda w: work.dance(w, client, asked.source, asked.body, stretch)

    def apply(self, context, result):
        made, wav = result
        message = dancing.apply(self._order, made, wav, self.new_tempo)
        return f"{message} {self._order.notice}".strip()


class TEMPOSE_OT_generate(_Dance, bpy.types.Operator):
    """Make the rig dance to the sound strip, as a take to look at. ESC cancels"""

    bl_idname = "tempose.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER", "UNDO"}


class TEMPOSE_OT_regenerate(_Dance, bpy.types.Operator):
    """Put the sound on the timeline at the tempo set here, move the beats, dance again. ESC cancels"""

    bl_idname = "tempose.regenerate"
    bl_label = "Regenerate"
    bl_options = {"REGISTER", "UNDO"}
    title = "Dancing at the new tempo"
    new_tempo = True


class TEMPOSE_OT_cancel(ActionButton, bpy.types.Operator):
    """Stop what is going on. Nothing is changed"""

    bl_idname = "tempose.cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context):
        return "" if job.current is not None else "Nothing is going on"

    def act(self, context):
        if job.current is not None:
            job.current.cancel()
        return "Canceled. Nothing was changed."


CLASSES = (TEMPOSE_OT_generate, TEMPOSE_OT_regenerate, TEMPOSE_OT_cancel)

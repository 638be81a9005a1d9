# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig."""

import bpy

from .. import dancing, rig
from ..properties import pick_rig
from .base import ActionButton, busy


class TEMPOSE_OT_new_rig(ActionButton, bpy.types.Operator):
    """Make a 2D rig with a drawn figure from the reference pose"""

    bl_idname = "tempose.new_rig"
    bl_label = "New Rig"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        if reason := busy():
            return reason
        settings = context.scene.tempose
        if settings.reference == "FILE" and not settings.reference_file:
            return "Choose a pose file first"
        if settings.reference == "ARMATURE" and pick_rig(context) is None:
            return "Select the Tempose rig whose pose is meant, or choose the standing figure"
        return ""

    def act(self, context):
        settings = context.scene.tempose
        pose = dancing.reference_for_rig(context, settings)
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        ob = rig.new(context.scene, pose)
        for other in context.view_layer.objects:
            other.select_set(other is ob)
        context.view_layer.objects.active = ob
        settings.rig = ob
        return (
            f"The rig '{ob.name}' stands at the origin; look from the front (numpad 1). {pose.notice}".strip()
        )


CLASSES = (TEMPOSE_OT_new_rig,)

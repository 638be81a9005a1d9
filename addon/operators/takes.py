# SPDX-License-Identifier: GPL-3.0-or-later
"""Accept, discard, flip through."""

import bpy

from .. import dancing, stage
from ..errors import Problem
from ..properties import pick_strip
from .base import ActionButton, busy


class _TakeButton(ActionButton):
    @classmethod
    def take(cls, context):
        return stage.active(context.scene.tempose)


class TEMPOSE_OT_accept_take(_TakeButton, bpy.types.Operator):
    """Keep the take that is shown: its keys become an Action of their own"""

    bl_idname = "tempose.accept_take"
    bl_label = "Accept"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        take = cls.take(context)
        if take is None:
            return "There is no take; generate one"
        if take.state == "ACCEPTED":
            return "This take has been accepted"
        if take.action is None:
            return "Show this take first"
        return busy()

    def act(self, context):
        scene = pick_strip(context)[0]
        return stage.accept(scene, context.scene.tempose, self.take(context)) + "."


class TEMPOSE_OT_discard_take(_TakeButton, bpy.types.Operator):
    """Throw the take away, with everything it brought"""

    bl_idname = "tempose.discard_take"
    bl_label = "Discard"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        return busy() or ("" if cls.take(context) is not None else "There is no take")

    def act(self, context):
        take, scene = self.take(context), pick_strip(context)[0]
        name, accepted = take.name, take.state == "ACCEPTED"
        stage.discard(scene, context.scene.tempose, take)
        return f"{name} is gone from the list; its Action stays." if accepted else f"{name} is gone."


class TEMPOSE_OT_show_take(_TakeButton, bpy.types.Operator):
    """Show the chosen take on its rig"""

    bl_idname = "tempose.show_take"
    bl_label = "Show"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        take = cls.take(context)
        if take is None:
            return "There is no take"
        if take.state == "ACCEPTED":
            return "This take has been accepted: it is an Action"
        return "This take is shown" if take.action is not None else busy()

    def act(self, context):
        take = self.take(context)
        if take is None:
            raise Problem("no_take", "There is no take.")
        scene = pick_strip(context)[0]
        stage.show(context.scene.tempose, take, dancing.take_span(scene, take))
        return f"{take.name} is shown on '{take.rig.name}'."


CLASSES = (TEMPOSE_OT_accept_take, TEMPOSE_OT_discard_take, TEMPOSE_OT_show_take)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: accept, discard, flip through."""

from typing import Any

import bpy

from ...model.errors import Problem, require
from ...model.tempo.timing import Span
from ...scene import compat
from ...scene.dance import audition, placement
from ...scene.keys import background_keys, frame_rate, take_keys
from ...scene.music import scene_strips
from ...scene.reading import Reading
from ...scene.settings import SceneSettings
from ...scene.tempo import tempo_preview
from . import editors
from .buttons import ActionButton, TaskButton


class _TakeButton(ActionButton):
    @staticmethod
    def take(context: bpy.types.Context):
        return audition.active(context.scene.tempose)


class _Show(TaskButton):
    """Mixin: shows a take on its rig, making its keys in the background while the song plays on."""

    title = "Showing the take"

    def place(self, context: bpy.types.Context) -> int:
        """Index in the list of the take to show."""
        raise NotImplementedError

    def prepare(self, context: bpy.types.Context):
        settings, scene = context.scene.tempose, compat.sound_scene(context)
        take = settings.takes[self.place(context)]
        self._take, name = take.identity, context.scene.name
        if audition.kept_keys(take) or audition.is_kept_as_action(take):
            return lambda _: None

        def read():
            settings = bpy.data.scenes[name].tempose
            take = audition.of_identity(settings, mark)
            span = placement.span_of(bpy.data.scenes[sound], take)
            return take_keys.plan(audition.data_of(take), audition.rig_of(take), span, settings)

        mark, sound = take.identity, scene.name
        audition.rig_of(take)
        return lambda work: background_keys.make_ready(work, read)

    def apply(self, context: bpy.types.Context, result: Any):
        settings = context.scene.tempose
        take = audition.of_identity(settings, self._take)
        if audition.is_kept_as_action(take):
            audition.show_accepted(settings, take)
        else:
            audition.show(settings, take, placement.span_of(compat.sound_scene(context), take), result)
        settings.active_take = next(i for i, t in enumerate(settings.takes) if t.identity == self._take)
        return f"{take.name} is shown on '{take.rig.name}'."


class TEMPOSE_OT_accept_take(_TakeButton, bpy.types.Operator):
    """Keep the take that is shown: its keys become an Action of their own"""

    bl_idname = "tempose.accept_take"
    bl_label = "Accept"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.take is None:
            return "There is no take; generate one"
        if now.take.state == "ACCEPTED":
            return "This take has been accepted"
        if now.take.action is None:
            return "Show this take first"
        return now.busy or now.held

    def act(self, context: bpy.types.Context):
        scene = compat.sound_scene(context)
        settings = context.scene.tempose
        take = self.take(context)
        ob, to_nla = take.rig, settings.generate.keep_in == "NLA"
        said = audition.accept(scene, settings, require(take), to_nla)
        shown = 0 if to_nla else editors.show_keys(context, ob)
        return f"{said}; their bones are selected in Pose Mode." if shown else f"{said}."


class TEMPOSE_OT_undo_accept(_TakeButton, bpy.types.Operator):
    """Make an accepted take a preview again: its keys stay, and Discard brings back what was before"""

    bl_idname = "tempose.undo_accept"
    bl_label = "Undo Accept"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.take is None:
            return "There is no take"
        if now.take.state != "ACCEPTED":
            return "This take has not been accepted"
        if not audition.is_kept_as_action(now.take):
            return "The Action of this take has been deleted"
        return now.busy or now.held

    def act(self, context: bpy.types.Context):
        take = require(self.take(context))
        audition.undo_accept(context.scene.tempose, take)
        return f"{take.name} is a preview again, with its keys as they are."


class TEMPOSE_OT_discard_take(_TakeButton, bpy.types.Operator):
    """Throw the take away, with everything that came with it"""

    bl_idname = "tempose.discard_take"
    bl_label = "Discard"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.take is None:
            return now.busy or "There is no take"
        return now.busy or now.held

    def act(self, context: bpy.types.Context):
        take, scene = self.take(context), compat.sound_scene(context)
        name, accepted = take.name, take.state == "ACCEPTED"
        audition.discard(scene, context.scene.tempose, require(take))
        return f"{name} is gone from the list; its Action stays." if accepted else f"{name} is gone."


class TEMPOSE_OT_show_take(_Show, bpy.types.Operator):
    """Show the chosen take on its rig; an accepted one moves it again, with the keys of its Action"""

    bl_idname = "tempose.show_take"
    bl_label = "Show"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.take is None:
            return "There is no take"
        if now.take.action is not None or audition.moves_its_rig(now.take):
            return "This take is shown"
        return now.busy or now.held

    def place(self, context: bpy.types.Context):
        return context.scene.tempose.active_take


class _Flip(_Show):
    """Mixin: flips to another take, whether the song plays or not."""

    step = 1

    @staticmethod
    def others(settings: SceneSettings) -> list[int]:
        """Indices of takes that can be shown, without the current one."""
        return [
            i
            for i, take in enumerate(settings.takes)
            if take.state == "PREVIEW"
            and take.rig is not None
            and take.text is not None
            and take.action is None
        ]

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if cls.others(now.settings) else "There is no other take to show")

    def place(self, context: bpy.types.Context):
        settings = context.scene.tempose
        now, count = settings.active_take, len(settings.takes)
        return min(self.others(settings), key=lambda i: ((i - now) * self.step - 1) % count)


class TEMPOSE_OT_next_take(_Flip, bpy.types.Operator):
    """Show the next take. The song goes on playing"""

    bl_idname = "tempose.next_take"
    bl_label = "Next Take"
    bl_options = {"REGISTER", "UNDO"}


class TEMPOSE_OT_previous_take(_Flip, bpy.types.Operator):
    """Show the previous take. The song goes on playing"""

    bl_idname = "tempose.previous_take"
    bl_label = "Previous Take"
    bl_options = {"REGISTER", "UNDO"}
    step = -1


class TEMPOSE_OT_fit_frame_rate(ActionButton, bpy.types.Operator):
    """Put the keys back on the beat after a change of the frame rate: the same keys at the same seconds"""

    bl_idname = "tempose.fit_frame_rate"
    bl_label = "Fit to Frame Rate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := now.busy or now.no_rig:
            return reason
        return "" if now.off_rate else "The keys fit the frame rate"

    def act(self, context: bpy.types.Context):
        now = Reading(context)
        tempo_preview.take_back(now.settings)
        (take, action), scene = now.base, compat.sound_scene(context)
        take, action = require(take), require(action)
        try:
            span = placement.span_of(scene, take)
        except Problem:  # its sound is gone: the dance begins where it did before
            old = frame_rate.written_for(action)
            rate = compat.rate_of(scene) * scene_strips.stretch_of(now.scene)
            span = Span(old.left * rate / old.rate, old.seconds, rate)
        frame_rate.fit(action, span)
        return f"The keys of '{action.name}' are where the music is, at {span.rate:.6g} frames a second."


class TEMPOSE_OT_copy_seed(_TakeButton, bpy.types.Operator):
    """Put the seed of the chosen take into the Dance panel, lock it, and copy it"""

    bl_idname = "tempose.copy_seed"
    bl_label = "Copy Seed"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return "" if now.take is not None else "There is no take"

    def act(self, context: bpy.types.Context):
        take, settings = self.take(context), context.scene.tempose
        context.window_manager.clipboard = take.seed
        if int(take.seed) >= 2**31:
            return f"Seed {take.seed} is copied; it is too large for the Dance panel."
        settings.seed, settings.lock_seed = int(take.seed), True
        return f"Seed {take.seed} is copied, and locked in the Dance panel."


CLASSES = (
    TEMPOSE_OT_accept_take,
    TEMPOSE_OT_undo_accept,
    TEMPOSE_OT_discard_take,
    TEMPOSE_OT_show_take,
    TEMPOSE_OT_next_take,
    TEMPOSE_OT_previous_take,
    TEMPOSE_OT_fit_frame_rate,
    TEMPOSE_OT_copy_seed,
)

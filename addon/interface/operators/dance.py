# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, regenerate, cancel."""

from dataclasses import dataclass, replace
from typing import Any

import bpy

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence

from ...model.dance import kept_poses
from ...model.errors import Problem, require
from ...model.server import background_task, work
from ...model.server.work import Work
from ...scene.character import reference_source, rig
from ...scene.dance import delivery, ghost, order, regenerate, unfinished_dance
from ...scene.keys import background_keys
from ...scene.reading import Reading, at_press
from ...scene.server import connection
from ...scene.window import scene_of
from .buttons import ActionButton, TaskButton
from .character import make_dancer


class DanceButton(TaskButton):
    """Mixin: orders a dance and makes it a take."""

    title = "Dancing"
    new_tempo = False

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_server or now.song.reason or now.no_rig

    def prepare(self, context: bpy.types.Context):
        now = self._pressed = self.read(context)
        self._order = asked = self.ask(now)
        finish, splice = self.finished(), self.splicing()
        request = asked.request
        stretched = self.new_tempo and now.settings.replace_sound and not asked.whole.is_plain
        client = connection.client()
        count = 1 if self.new_tempo or asked.loop else now.settings.generate.count
        seeds = [(request.seed + i) % 2**31 for i in range(count)]

        def task(w: Work):
            if asked.loop:
                made, wav = [work.loop(w, client, asked.source, request)], None
            elif count > 1:
                made, wav = work.dances(w, client, asked.source, request, seeds), None
            else:
                one, wav = work.dance(w, client, asked.source, request, asked.whole if stretched else None)
                made = [finish(one)]
            ready = background_keys.make_ready(w, lambda: delivery.keys_of(asked, made[-1]), splice(made[-1]))
            return made, wav, ready

        return task

    def read(self, context: bpy.types.Context) -> Reading:
        """The scene as it is when the button is pressed."""
        return at_press(context)

    def ask(self, now: Reading) -> order.Order:
        """The order for the server."""
        return order.order(now, self.new_tempo)

    def finished(self):
        """Finish the server's answer, in the thread."""
        return lambda made: made

    def splicing(self):
        """A function from a dance to the `splice` of kept keys (see `background_keys.make_ready`)."""
        return lambda made: None

    def begun(self, context: bpy.types.Context):
        ghost.begin(self._pressed.scene, require(self._pressed.rig), self._order.span)
        self._task.shown = ghost.take_in
        self._task.keeps_parts = not self.new_tempo and not self._order.loop

    def over(self):
        ghost.end()

    def apply(
        self,
        context: bpy.types.Context,
        result: tuple[list[Dance], bytes | None, background_keys.Ready | None],
    ):
        made, wav, ready = result
        message = self._several(made, ready) if len(made) > 1 else self.put(made[0], wav, ready)
        return f"{message} {self._order.notice}".strip()

    def put(self, made: Dance, wav: bytes | None, ready: background_keys.Ready | None) -> str:
        """Put one dance into the scene; return the message."""
        return delivery.apply(self._order, made, wav, self.new_tempo, ready=ready)

    def salvage(self, context: bpy.types.Context, parts: list):
        whole = [made for made in parts if not isinstance(made, Unfinished)]
        said = []
        if len(whole) == 1:
            said.append(f"One take was finished. {self.put(whole[0], None, None)}")
        elif whole:
            said.append(self._several(whole))
        for part in parts[len(whole) :]:
            poses, seed = part.poses(self._order.request.reference), self._order.request.seed + len(whole)
            asked = unfinished_dance.cut(self._order, poses.seconds)
            put = delivery.apply(asked, unfinished_dance.dance_of(self._order, poses, seed), None, False)
            said.append(f"What was danced, {poses.seconds:.1f} s, is kept. {put}")
        return " ".join(said)

    def _several(self, made: list, ready: background_keys.Ready | None = None) -> str:
        for dance in made[:-1]:
            delivery.apply(self._order, dance, None, False, show=False)
        last = delivery.apply(self._order, made[-1], None, False, ready=ready)
        return f"{len(made)} takes: flip through them with the arrows. {last}"


class TEMPOSE_OT_generate(DanceButton, bpy.types.Operator):
    """Make the character dance to the song, as a take to look at. If there is no character, one is made first"""

    bl_idname = "tempose.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_server or now.song.reason or ("" if now.needs_dancer else now.no_rig)

    def prepare(self, context: bpy.types.Context):
        self._dancer = ""
        try:
            return super().prepare(context)
        except Exception:
            self.dropped(context)
            raise

    def read(self, context: bpy.types.Context):
        now = at_press(context)
        if not now.needs_dancer:
            return now
        self._dancer = self._made(context)
        return at_press(context)

    def _made(self, context: bpy.types.Context) -> str:
        """Make a dancer; return its name."""
        if reference_source.is_large(scene_of(context)):
            raise Problem(
                "reference_large", "The pose file is large: press New Rig first, which reads it meanwhile."
            )
        return make_dancer(context, reference_source.reference_for_rig(context))[0].name

    def dropped(self, context: bpy.types.Context):
        ob = bpy.data.objects.get(self._dancer) if self._dancer else None
        if ob is not None:
            rig.remove(ob)


class TEMPOSE_OT_regenerate(DanceButton, bpy.types.Operator):
    """Put the sound on the timeline at the tempo set here, move the beats along, and dance again"""

    bl_idname = "tempose.regenerate"
    bl_label = "Re-dance"
    bl_options = {"REGISTER", "UNDO"}
    title = "Dancing at the new tempo"
    new_tempo = True

    def ask(self, now: Reading):
        asked, self._kept = regenerate.order(now)
        return asked

    def finished(self):
        kept = self._kept
        return (lambda made: made) if kept is None else (lambda made: kept_poses.merge(kept.kept, made))

    def splicing(self):
        asked, kept = self._order, self._kept
        if kept is None:
            return lambda made: None
        return lambda made: lambda find: regenerate.put_in_steps(asked, kept, made, find)

    def put(self, made: Dance, wav: bytes | None, ready: background_keys.Ready | None):
        return regenerate.apply(self._order, self._kept, made, wav, ready)


class TEMPOSE_OT_dance_loop(DanceButton, bpy.types.Operator):
    """Dance the range so that its end leads back into its beginning, as an Action that repeats for ever"""

    bl_idname = "tempose.dance_loop"
    bl_label = "Dance a Loop"
    bl_options = {"REGISTER", "UNDO"}
    title = "Dancing a loop"

    @classmethod
    def disabled_reason(cls, now: Reading):
        whole = now.settings.generate.area == "STRIP"
        return super().disabled_reason(now) or (
            "Set Range to some bars, frames or a section" if whole else ""
        )

    def ask(self, now: Reading) -> order.Order:
        return order.looped(order.order(now, False), now.settings.generate.travel)


@dataclass(frozen=True, eq=False)
class Unfinished:
    """Frames of a dance that was stopped."""

    danced: Any

    def poses(self, reference: PoseSequence) -> PoseSequence:
        """The poses, on the canvas of the dance's reference pose."""
        return replace(self.danced, canvas=reference.canvas)


class TEMPOSE_OT_keep_danced(ActionButton, bpy.types.Operator):
    """Stop here, and keep what has been danced so far as a take"""

    bl_idname = "tempose.keep_danced"
    bl_label = "Stop and Keep"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if background_task.current is None:
            return "Nothing is going on"
        if not background_task.current.keeps_parts:
            return "This can only be finished or canceled"
        return "" if ghost.danced() is not None else "Less than a second is danced yet"

    def act(self, context: bpy.types.Context):
        danced = ghost.danced()
        if background_task.current is not None and danced is not None:
            background_task.current.parts.append(Unfinished(danced.so_far()))
            background_task.current.cancel()
        return "Stopped."


class TEMPOSE_OT_cancel(ActionButton, bpy.types.Operator):
    """Stop what is running. Nothing is changed"""

    bl_idname = "tempose.cancel"
    bl_label = "Cancel"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return "" if background_task.current is not None else "Nothing is going on"

    def act(self, context: bpy.types.Context):
        if background_task.current is not None:
            background_task.current.cancel()
        return "Canceled. Nothing was changed."


CLASSES = (
    TEMPOSE_OT_generate,
    TEMPOSE_OT_dance_loop,
    TEMPOSE_OT_regenerate,
    TEMPOSE_OT_keep_danced,
    TEMPOSE_OT_cancel,
)

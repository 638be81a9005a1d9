# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of all buttons: reasons for being grey, errors in words, and waiting without freezing Blender."""

import math
import time
import traceback
from typing import Any

import bpy

from ...model.dance.progress import in_words
from ...model.errors import Problem, require, unexpected
from ...model.server import background_task
from ...scene import notes, reading
from ...scene.keys import background_keys
from ...scene.language import translate
from ...scene.reading import Reading

PUMP_SECONDS = 0.05
TAB = "Tempose"
_timers: list = []


def redraw() -> None:
    """Redraw the panels."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "SEQUENCE_EDITOR"):
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def esc_is_ours(context: bpy.types.Context, event: bpy.types.Event) -> bool:
    """Whether ESC is meant for us: pressed over our tab while no animation plays. Elsewhere it is Blender's."""
    if any(window.screen.is_animation_playing for window in context.window_manager.windows):
        return False
    for area in context.window.screen.areas:
        for region in area.regions if area.type in ("VIEW_3D", "SEQUENCE_EDITOR") else ():
            inside = (
                0 <= event.mouse_x - region.x < region.width and 0 <= event.mouse_y - region.y < region.height
            )
            if region.type == "UI" and inside:
                return getattr(region, "active_panel_category", TAB) in (TAB, "UNSUPPORTED")
    return False


def end_waiting() -> None:
    """Remove our timers and the status text: the add-on is being disabled."""
    manager = bpy.context.window_manager
    while _timers:
        manager.event_timer_remove(_timers.pop())
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(None)


def words_of(problem: Exception) -> Problem:
    """An error as a problem that people can read; unforeseen errors are printed too."""
    if isinstance(problem, Problem):
        return problem
    traceback.print_exception(problem)
    return unexpected(problem)


def _push_undo(message: str) -> None:
    """Push an undo step for changes made outside an operator, as soon as Blender has time."""

    def push() -> None:
        window = next(iter(bpy.context.window_manager.windows), None)
        with bpy.context.temp_override(window=window):
            bpy.ops.ed.undo_push(message=message)

    bpy.app.timers.register(push, first_interval=0.0)


class Button:
    """Mixin: a `disabled_reason` for every poll."""

    @classmethod
    def disabled_reason(cls, now: Reading) -> str:
        """Why the button is grey, or nothing."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context):
        if context.scene is None or not hasattr(context.scene, "tempose"):
            return False
        # Like `reading.reading_of`, without the call: each redraw polls every button.
        reason = cls.disabled_reason(reading.KEPT.get(context.scene) or Reading(context))
        if reason:
            cls.poll_message_set(translate(reason))
        return not reason

    def succeed(self, message: str) -> set:
        notes.say(message)
        self.report({"INFO"}, translate(message))
        redraw()
        return {"FINISHED"}

    def fail(self, problem: Exception) -> set:
        problem = words_of(problem)
        notes.say(problem.message, error=True)
        redraw()
        self.report(
            {"ERROR"}, translate(problem.message)
        )  # in background mode this raises in the calling script
        return {"CANCELLED"}


class ActionButton(Button):
    """Mixin: done at once. `act` returns the message."""

    def act(self, context: bpy.types.Context) -> str:
        raise NotImplementedError

    def execute(self, context: bpy.types.Context):
        try:
            return self.succeed(self.act(context))
        except Exception as problem:
            return self.fail(problem)


class TaskButton(Button):
    """Mixin: waits for the server. `prepare` reads the scene, a thread does the work, `apply` writes the scene."""

    title = "Working"

    @classmethod
    def disabled_reason(cls, now: Reading) -> str:
        return now.busy

    def prepare(self, context: bpy.types.Context):
        """Read the scene; return the task for the thread."""
        raise NotImplementedError

    def apply(self, context: bpy.types.Context, result: Any) -> str:
        """Write the scene; return the message."""
        raise NotImplementedError

    def begun(self, context: bpy.types.Context) -> None:
        """Called when the task has started: something can be shown meanwhile."""

    def over(self) -> None:
        """Called when the task has ended, in whatever way: stop showing anything."""

    def dropped(self, context: bpy.types.Context) -> None:
        """Called when it was canceled or failed and nothing is kept: remove whatever `prepare` made."""

    def salvage(self, context: bpy.types.Context, parts: list) -> str:
        """Write what was finished before the task was canceled or failed; return the message."""
        return ""

    def failed(self, problem: Problem) -> Problem:
        """The problem to show to the user."""
        return problem

    def execute(self, context: bpy.types.Context):
        """Run and wait, in background mode and for scripts."""
        try:
            self._task = background_task.begin(self.title, self.prepare(context))
        except Exception as problem:
            return self.fail(problem)
        self._begun(context)
        try:
            while self._task.pump(math.inf) == "running":
                time.sleep(0.01)
        except BaseException:
            self.over()
            background_task.abandon()
            background_keys.drop()
            self.dropped(context)
            raise
        return self._end(context)

    def _begun(self, context: bpy.types.Context) -> None:
        try:
            self.begun(context)
        except Exception as problem:  # trouble with the display must not stop the work
            traceback.print_exception(problem)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._task = background_task.begin(self.title, self.prepare(context))
        except Exception as problem:
            return self.fail(problem)
        self._begun(context)
        notes.say("")
        self._text = ""  # the progress text being shown
        self._timer = context.window_manager.event_timer_add(PUMP_SECONDS, window=context.window)
        _timers.append(self._timer)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event):
        if background_task.current is not self._task:  # abandoned: another file, or the add-on is disabled
            self._stop_waiting(context)
            background_keys.drop()
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS" and esc_is_ours(context, event):
            self._task.cancel()
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._task.pump() == "running":
            share = "" if self._task.share is None else f" {self._task.share:.0%}"
            left = in_words(self._task.left)
            left = f", {left}" if left else ""
            text = f"Tempose: {self._task.text}{share}{left}   ESC over the Tempose tab: cancel"
            if text != self._text:  # drawing the panels is the expensive part
                self._text = text
                context.workspace.status_text_set(translate(text))
                redraw()
            return {"PASS_THROUGH"}
        self._stop_waiting(context)
        return self._end(context)

    def cancel(self, context: bpy.types.Context):
        """Called when Blender drops the operator: its window was closed, or another file is loaded."""
        running = getattr(self, "_task", None)
        if running is None:
            return
        closed = background_task.current is running
        if not running.parts:
            self.dropped(context)
        running.cancel()
        running.pump()  # parts finished before
        background_task.finish(running)
        self._stop_waiting(context)
        if closed:
            said = "Nothing was changed."
            if running.parts:
                try:
                    said = self.salvage(context, running.parts)
                    _push_undo(self.title)
                except Exception as problem:
                    said = words_of(problem).message
            notes.say(f"Canceled, as the window it was begun in was closed. {said}", error=True)
        background_keys.drop()
        redraw()

    def _stop_waiting(self, context: bpy.types.Context) -> None:
        self.over()
        if getattr(self, "_timer", None) in _timers:
            _timers.remove(self._timer)
            context.window_manager.event_timer_remove(self._timer)
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def _end(self, context: bpy.types.Context):
        finished = self._task
        background_task.finish(finished)
        self.over()
        try:
            return self._ended(context, finished)
        finally:
            background_keys.drop()

    def _ended(self, context: bpy.types.Context, finished: background_task.BackgroundTask) -> set:
        if finished.state in ("canceled", "failed") and finished.parts:
            return self._saved(context, finished)
        if finished.state == "canceled":
            self.dropped(context)
            notes.say("Canceled. Nothing was changed.")
            self.report({"WARNING"}, translate(notes.text))
            redraw()
            return {"CANCELLED"}
        if finished.state == "failed":
            self.dropped(context)
            return self.fail(self.failed(require(finished.problem)))
        try:
            return self.succeed(self.apply(context, finished.result))
        except Exception as problem:
            self.dropped(context)
            return self.fail(problem)

    def _saved(self, context: bpy.types.Context, finished: background_task.BackgroundTask) -> set:
        """Keep the finished parts of a task that was canceled or failed half-way."""
        try:
            kept = self.salvage(context, finished.parts)
        except Exception as problem:
            return self.fail(problem)
        why = "Canceled." if finished.state == "canceled" else self.failed(require(finished.problem)).message
        notes.say(f"{why} {kept}".strip(), error=finished.state == "failed")
        self.report({"WARNING"}, translate(notes.text))
        redraw()
        return {"FINISHED"}

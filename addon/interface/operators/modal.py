# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of buttons that wait for taps or for the mouse."""

import bpy

from ...scene.language import translate
from ...scene.music import beat_draw
from .buttons import Button

_modal: list = []  # operators that wait for input; ended when the add-on is disabled


def end() -> None:
    """End all waiting: another file, or the add-on is being disabled. Operators see it at their next event."""
    _modal.clear()
    beat_draw.hold()


class ByHand(Button):
    """Mixin: waits for taps or for the mouse; one undo step when done, no change when given up."""

    bl_options = {"REGISTER", "UNDO"}

    @property
    def is_waiting(self) -> bool:
        """Whether it still waits, and nothing has ended it from outside."""
        return self in _modal

    def wait(self, context: bpy.types.Context, text: str) -> set:
        _modal.append(self)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set(translate(text))
        return {"RUNNING_MODAL"}

    def stop(self, context: bpy.types.Context) -> None:
        """Stop waiting."""
        if self in _modal:
            _modal.remove(self)
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def give_up(self, context: bpy.types.Context) -> set:
        """End without any change."""
        self.stop(context)
        return {"CANCELLED"}

    def done(self, context: bpy.types.Context) -> set:
        """Write the result; if that fails, the scene stays as it was."""
        self.stop(context)
        try:
            return self.succeed(self.write(context))
        except Exception as problem:
            return self.fail(problem)

    def write(self, context: bpy.types.Context) -> str:
        raise NotImplementedError

    def execute(self, context: bpy.types.Context):
        return self.done(context)

    def cancel(self, context: bpy.types.Context):
        """Called when Blender drops the operator."""
        self.give_up(context)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What buttons share that wait for taps or for the mouse."""

from ...scene.music import beat_draw
from .buttons import Button

_modal: list = []  # operators that wait for the person; ended when the add-on goes


def end() -> None:
    """Forget what waits: another file, or the add-on is going. The operators see it at their next event."""
    _modal.clear()
    beat_draw.hold()


class ByHand(Button):
    """Mixin: waits for taps or for the mouse; one undo step at its end, nothing changed without it."""

    bl_options = {"REGISTER", "UNDO"}

    @property
    def is_waiting(self) -> bool:
        """Whether nothing has ended it from outside."""
        return self in _modal

    def wait(self, context, text: str) -> set:
        _modal.append(self)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set(text)
        return {"RUNNING_MODAL"}

    def stop(self, context) -> None:
        """Stop waiting."""
        if self in _modal:
            _modal.remove(self)
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def give_up(self, context) -> set:
        """Nothing was changed."""
        self.stop(context)
        return {"CANCELLED"}

    def done(self, context) -> set:
        """Write; the scene stays as it was when that fails."""
        self.stop(context)
        try:
            return self.succeed(self.write(context))
        except Exception as problem:
            return self.fail(problem)

    def write(self, context) -> str:
        raise NotImplementedError

    def execute(self, context):
        return self.done(context)

    def cancel(self, context):
        """Blender takes the operator away."""
        self.give_up(context)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The last message to the user, for the panel. Kept outside the scene, which errors must not change."""

import bpy

text = ""
is_error = False


def say(message: str, error: bool = False) -> None:
    """Show this in the panel."""
    global text, is_error
    text, is_error = message, error


@bpy.app.handlers.persistent
def _after_undo(*_args: object) -> None:
    """Forget the message: it no longer holds."""
    say("")


def add() -> None:
    """Start forgetting at undo and redo."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(_after_undo)


def remove() -> None:
    """Leave nothing behind."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        if _after_undo in handlers:
            handlers.remove(_after_undo)

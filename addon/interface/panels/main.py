# SPDX-License-Identifier: GPL-3.0-or-later
"""The state in one place of constant height: server, last message, progress, *Generate*, *Accept*."""

import bpy

from ...model.dance.progress import in_words
from ...model.server import background_task, environment, server_process
from ...scene import language, notes, reading
from ...scene.language import translate
from ...scene.reading import Reading
from ...scene.server import connection
from .. import preferences
from ..operators import setup
from ..operators.dance import TEMPOSE_OT_generate
from .layout import say_in

LINES = 4  # lines of the message, whatever its length, so that nothing below it moves

THEN = "Add Song…, Generate, and go through the steps below"


class MainPanel:
    bl_label = "Tempose"

    def draw(self, context: bpy.types.Context):
        language.follow()
        layout = self.layout
        now = reading.of_redraw(context)
        row = layout.row(align=True)
        if now.no_server:
            _no_server(row, context)
        else:
            device = connection.current.health.device or "cpu"
            row.label(text=translate(f"Server on {device.upper()}"), icon="CHECKMARK")
            row.operator("tempose.stop_server", text="", icon="PANEL_CLOSE")
        row.operator("tempose.copy_diagnostics", text="", icon="COPYDOWN")
        box = layout.column(align=True)
        running = background_task.current
        if running is not None:
            say_in(box, running.text, "TIME", LINES)
        elif notes.text:
            say_in(box, notes.text, "ERROR" if notes.is_error else "INFO", LINES)
        else:
            say_in(box, f"{_next_step(context, now).rstrip('.')}.", "INFO", LINES)
        row = layout.row(align=True)
        if running is not None and running.share is not None:
            left = in_words(running.left)
            text = f"{running.share:.0%}" + (f", {left}" if left else "")
            row.progress(factor=running.share, text=translate(text))
            if running.keeps_parts:
                row.operator("tempose.keep_danced", text="", icon="CHECKMARK")
        else:
            row.progress(factor=0.0, text="")
        row = layout.row(align=True)
        row.scale_y = 1.3
        row.operator("tempose.generate", icon="ARMATURE_DATA")
        row.operator("tempose.cancel", icon="CANCEL")
        row = layout.row(align=True)
        row.operator("tempose.accept_take", icon="CHECKMARK")
        row.operator("tempose.undo_accept", icon="LOOP_BACK")
        row.operator("tempose.discard_take", text="", icon="TRASH")


def _next_step(context: bpy.types.Context, now: Reading) -> str:
    """Draw what to do next, before anything has been done."""
    if now.no_server:
        if _is_there(context):
            return f"Start the server, or connect to one. Then {THEN}"
        reason = setup.TEMPOSE_OT_set_up_server.disabled_reason(now)
        return reason or f"Set up the server, or connect to one. {environment.in_words(setup.index(context))}"
    if reason := TEMPOSE_OT_generate.disabled_reason(now):
        return reason
    return "Generate makes a dancer for the song" if now.needs_dancer else "Generate dances to the song"


def _is_there(context: bpy.types.Context) -> bool:
    return server_process.is_there(preferences.get(context).python_path, setup.own_python())


def _no_server(row: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the buttons that lead to a server."""
    if _is_there(context):
        begin = "Start Server" if connection.current is None else "Restart Server"  # gone while it was in use
        row.operator("tempose.start_server", text=begin, icon="PLAY")
        if setup.outdated():
            row.operator("tempose.set_up_server", text="Update", icon="IMPORT")
    else:
        if setup.is_offline(context):
            row.operator("tempose.allow_online_access", text="", icon="INTERNET")
        row.operator("tempose.set_up_server", icon="IMPORT")
    row.operator("tempose.connect", icon="LINKED")

# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of things: server, progress, the last message."""

from ...model.dance.progress import in_words
from ...model.server import environment, job, server_process
from ...scene import notes, reading
from ...scene.server import connection
from .. import preferences
from ..operators import setup
from .layout import say, why


class Main:
    bl_label = "Tempose"

    def draw(self, context):
        layout = self.layout
        now = reading.of_redraw(context)
        missing = now.no_server
        there = missing and server_process.is_there(preferences.get(context).python_path, setup.made())
        if job.current is not None:
            running = job.current
            if running.share is None:
                say(layout, running.text, "TIME")
            else:
                left = in_words(running.left)
                text = f"{running.text} {running.share:.0%}" + (f", {left}" if left else "")
                layout.progress(factor=running.share, text=text)
            row = layout.row(align=True)
            if running.keeps_parts:
                row.operator("tempose.keep_danced", icon="CHECKMARK")
            row.operator("tempose.cancel", icon="CANCEL")
        elif notes.text:
            say(layout, notes.text, "ERROR" if notes.is_error else "INFO")
        elif connection.current is None:
            begin = "Start" if there else "Set up"
            say(layout, f"{begin} the server, or connect to one. Then put a song on the timeline and go through the "
                "panels from top to bottom.", "INFO")  # fmt: skip
        row = layout.row(align=True)
        if missing:
            if there:
                ended = connection.current is not None  # while it was in use
                begin = "Restart Server" if ended else "Start Server"
                row.operator("tempose.start_server", text=begin, icon="PLAY")
                if setup.outdated():
                    row.operator("tempose.set_up_server", text="Update Server", icon="IMPORT")
            else:
                if job.current is None:
                    self._before_set_up(context, now)
                row.operator("tempose.set_up_server", icon="IMPORT")
            row.operator("tempose.connect", icon="LINKED")
        else:
            current = connection.current
            row.label(text=f"Server on {(current.health.device or 'cpu').upper()}", icon="CHECKMARK")
            row.operator("tempose.stop_server", text="", icon="PANEL_CLOSE")
        row.operator("tempose.copy_diagnostics", text="", icon="COPYDOWN")

    def _before_set_up(self, context, now):
        """What will be downloaded, or what is in the way."""
        layout = self.layout
        if setup.is_offline(context):
            layout.operator("tempose.allow_online_access", icon="INTERNET")
        if reason := setup.TEMPOSE_OT_set_up_server.disabled_reason(now):
            why(layout, reason)
        else:
            say(layout, f"{environment.in_words(setup.index(context))}.", "IMPORT")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts for a bug report, on the clipboard."""

import platform
import sys
import textwrap

import bpy

from ...model import diagnostics, errors
from ...model.server import background_task, server_process
from ...scene import notes
from ...scene.character import rig
from ...scene.language import translate
from ...scene.reading import Reading
from ...scene.server import connection
from .. import preferences
from .buttons import ActionButton


def facts(context: bpy.types.Context) -> dict:
    """Facts that help to understand a fault; numbers and kinds, no names."""
    now, current = Reading(context), connection.current
    scene, settings, take = now.scene, now.settings, now.take
    server, running = server_process.running(), background_task.current
    return {
        "Tempose": {"version": preferences.version(), "last message": notes.text, "was an error": notes.is_error,
            "unforeseen": errors.last_unexpected or "nothing"},
        "Blender": {
            "version": bpy.app.version_string, "build": bpy.app.build_platform.decode(errors="replace"),
            "background": bpy.app.background, "online access": bpy.app.online_access,
        },
        "System": {"system": platform.platform(), "Python": sys.version.split()[0]},
        "Server": {
            "in use": "none" if current is None else ("started here" if current.own else "connected"),
            "version": current.health.version if current else "",
            "device": current.health.device or "" if current else "",
            "model": current.health.model_revision or "" if current else "",
            "log": server.last_words() if server else "",
        },
        "Scene": {
            "frames per second": scene.render.fps / scene.render.fps_base,
            "range": f"{scene.frame_start} to {scene.frame_end}",
            "sound": now.song.reason or f"{now.song.strip.type}, channel {now.song.strip.channel}",
            "rigs": sum(rig.is_rig(other) for other in scene.objects), "rig chosen": now.rig is not None,
            "takes": len(settings.takes), "active take": take.state if take else "none",
            "sections": len(settings.sections), "task": running.text if running else "none",
        },
    }  # fmt: skip


class TEMPOSE_OT_copy_diagnostics(ActionButton, bpy.types.Operator):
    """Copy the facts that a bug report needs; tokens, names and folders are left out. Read them before you send them"""  # noqa: E501

    bl_idname = "tempose.copy_diagnostics"
    bl_label = "Copy Diagnostics"
    bl_options = {"REGISTER"}

    def act(self, context: bpy.types.Context):
        chosen = preferences.get(context)
        secrets = (chosen.server_token, connection.current.token if connection.current else "")
        text = diagnostics.scrub(diagnostics.report(facts(context)), secrets)
        context.window_manager.clipboard = text
        self.text = text
        return "The diagnostics are on the clipboard."


class TEMPOSE_OT_show_message(ActionButton, bpy.types.Operator):
    """Show the whole message"""

    bl_idname = "tempose.show_message"
    bl_label = "Show Message"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event):
        return context.window_manager.invoke_popup(self, width=420)

    @classmethod
    def disabled_reason(cls, now: Reading):
        return "" if notes.text else "There is no message"

    def act(self, context: bpy.types.Context):
        return notes.text

    def draw(self, context: bpy.types.Context):
        text = translate(notes.text)
        wide = any(letter > "\u2e80" for letter in text)
        for line in textwrap.wrap(text, 35 if wide else 70):
            self.layout.label(text=line)


CLASSES = (TEMPOSE_OT_show_message, TEMPOSE_OT_copy_diagnostics)

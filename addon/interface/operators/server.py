# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop and connect."""

from pathlib import Path

import bpy

from tempose_pose.local import runtime_file

from ...model.errors import Problem
from ...model.server import background_task, server_process, work
from ...scene.reading import Reading
from ...scene.server import connection
from .. import preferences
from . import setup
from .buttons import ActionButton, TaskButton


class TEMPOSE_OT_start_server(TaskButton, bpy.types.Operator):
    """Start the Tempose server on this machine. It ends with Blender, unless the preferences leave it running"""

    bl_idname = "tempose.start_server"
    bl_label = "Start Server"
    bl_options = {"REGISTER"}
    title = "Starting the server"

    def prepare(self, context: bpy.types.Context):
        chosen = preferences.get(context)
        if chosen.stays and not server_process.running() and (left := server_process.staying()):
            return lambda w: work.connect(w, left.url, left.token, pid=left.pid)
        python = server_process.choose_python(bpy.path.abspath(chosen.python_path), setup.own_python())
        connection.drop()
        server = server_process.launch(python, chosen.stays)
        return lambda w: work.start(w, server.address)

    def apply(self, context: bpy.types.Context, result: work.Report):
        connection.accept(result, own=server_process.running() is not None)
        on = "the processor" if (result.health.device or "cpu") == "cpu" else "the graphics card"
        return f"The server is ready, and dances on {on}."

    def failed(self, problem: Problem):
        server = server_process.running()
        if server is not None and problem.code not in ("server_ended",):
            problem = Problem(problem.code, f"{problem.message} {server.last_sentence()}".strip())
        server_process.stop()
        return problem


class TEMPOSE_OT_stop_server(ActionButton, bpy.types.Operator):
    """Stop the server that this Blender has started, or disconnect from another"""

    bl_idname = "tempose.stop_server"
    bl_label = "Stop Server"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return "" if connection.current or server_process.running() else "No server is in use"

    def act(self, context: bpy.types.Context):
        if background_task.current is not None:
            background_task.current.cancel()
        token = connection.current.token if connection.current else ""
        connection.drop()
        ended = server_process.stop() or server_process.stop_staying(token)
        return "The server has been stopped." if ended else "Disconnected."


class TEMPOSE_OT_connect(TaskButton, bpy.types.Operator):
    """Use a server that is already running: the one named in the preferences, or the one on this machine"""

    bl_idname = "tempose.connect"
    bl_label = "Connect"
    bl_options = {"REGISTER"}
    title = "Connecting"

    runtime_file: bpy.props.StringProperty(
        name="Runtime File",
        description="Where the server wrote its address",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def prepare(self, context: bpy.types.Context):
        chosen = preferences.get(context)
        if chosen.server_url and not self.runtime_file:
            url, token = chosen.server_url, chosen.server_token
            certificate = bpy.path.abspath(chosen.server_certificate)
            connection.check_allowed(url)
            return lambda w: work.connect(w, url, token, certificate=certificate)
        named = bpy.path.abspath(self.runtime_file) if self.runtime_file else ""
        found = runtime_file.read(Path(named) if named else server_process.default_runtime_file())
        connection.check_allowed(found.url)
        return lambda w: work.connect(w, found.url, found.token, pid=found.pid)

    def apply(self, context: bpy.types.Context, result: work.Report):
        connection.accept(result, own=False)
        return f"Connected to {result.url} ({result.health.device or 'cpu'})."


CLASSES = (TEMPOSE_OT_start_server, TEMPOSE_OT_stop_server, TEMPOSE_OT_connect)

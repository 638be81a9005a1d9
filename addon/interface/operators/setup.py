# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's environment on this machine: set up, check, remove."""

from pathlib import Path
from typing import Any

import bpy

from ...model.errors import Problem
from ...model.server import environment, server_process
from ...package import FOLDER
from ...scene import notes
from ...scene.reading import Reading
from .. import preferences
from ..preferences import server_folder as folder
from .buttons import ActionButton, TaskButton


def own_python() -> Path | None:
    """The Python of the server's environment, once that is complete; else None."""
    where = folder()
    state = environment.state(where, preferences.version())
    return environment.python_of(where) if state in ("ready", "old") else None


def outdated() -> bool:
    """Whether the server here was set up by another version of the add-on."""
    return environment.state(folder(), preferences.version()) == "old"


def package(context: bpy.types.Context) -> str:
    """The package to install: the wheel that came with the add-on, or the one named in the preferences."""
    named = preferences.get(context).package
    if named:
        full = bpy.path.abspath(named)
        if full.endswith(".whl") and not Path(full).is_file():
            raise Problem(
                "package_missing", f"There is no file {full}. Correct it in the add-on's preferences."
            )
        return f"{full}[server]" if full.endswith(".whl") else named
    found = sorted((FOLDER / "wheel").glob("tempose-*.whl"))
    if not found:
        raise Problem(
            "package_unset",
            "This zip of the add-on came without the server. Name the server's wheel file in the add-on's "
            "preferences, or connect to a server that runs already.",
        )
    return f"{found[-1]}[server]"


def index(context: bpy.types.Context) -> str:
    """The index of PyTorch builds to use."""
    chosen = preferences.get(context)
    return chosen.torch_index.strip() or ("" if chosen.package else environment.preset_index())


def is_offline(context: bpy.types.Context) -> bool:
    """Whether Blender is set to stay offline although something must be downloaded."""
    return not bpy.app.online_access and not preferences.get(context).package


class TEMPOSE_OT_allow_online_access(ActionButton, bpy.types.Operator):
    """Turn on 'Allow Online Access' in Blender's preferences, so that the server's libraries can be downloaded"""

    bl_idname = "tempose.allow_online_access"
    bl_label = "Allow Online Access"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if bpy.app.online_access:
            return "Online access is allowed already"
        if bpy.app.online_access_override:
            return "Blender was started with --offline-mode; start it without"
        return ""

    def act(self, context: bpy.types.Context):
        context.preferences.system.use_online_access = True
        context.preferences.is_dirty = True  # so that Blender saves it
        return "Online access is allowed, in Blender's preferences under System. Press Set Up Server."


class TEMPOSE_OT_set_up_server(TaskButton, bpy.types.Operator):
    """Install the server on this machine, in a folder of its own: Blender itself is not touched. An interrupted installation is resumed; a server that is already there stays in use until the new one works"""  # noqa: E501

    bl_idname = "tempose.set_up_server"
    bl_label = "Set Up Server"
    bl_options = {"REGISTER"}
    title = "Setting up the server"

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.busy:
            return now.busy
        if is_offline(now.context):
            return "Turn on 'Allow Online Access' in Blender's preferences: the server's libraries are downloaded"
        return ""

    def prepare(self, context: bpy.types.Context):
        what, where, version = package(context), folder(), preferences.version()
        lock, torch = None if preferences.get(context).package else environment.LOCK, index(context)
        server_process.stop()
        return lambda work: environment.set_up(work, where, what, version, lock=lock, torch_index=torch)

    def apply(self, context: bpy.types.Context, result: Any):
        return f"The server is set up: {environment.about(folder())['build']}. Press Start Server."


class TEMPOSE_OT_check_server(TaskButton, bpy.types.Operator):
    """Check that the installed server is complete and works, and whether it uses a graphics card"""

    bl_idname = "tempose.check_server"
    bl_label = "Check Server"
    bl_options = {"REGISTER"}
    title = "Checking the server"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if own_python() else "No server is set up here")

    def prepare(self, context: bpy.types.Context):
        where = folder()
        return lambda work: environment.verify(work, where)

    def apply(self, context: bpy.types.Context, result: Any):
        return f"The server is complete: {result}."


class TEMPOSE_OT_remove_server(ActionButton, bpy.types.Operator):
    """Delete the server's environment from this machine; it can be set up again"""

    bl_idname = "tempose.remove_server"
    bl_label = "Remove Server"
    bl_options = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.busy:
            return now.busy
        return "" if environment.state(folder(), "") != "missing" else "No server is set up here"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event):
        return context.window_manager.invoke_confirm(self, event)

    def act(self, context: bpy.types.Context):
        server_process.stop()
        environment.remove(folder())
        return "The server's environment has been deleted."


class TEMPOSE_OT_setup_log(ActionButton, bpy.types.Operator):
    """Open the log of the last Set Up Server as a text in Blender"""

    bl_idname = "tempose.setup_log"
    bl_label = "Show Setup Log"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return "" if (folder() / environment.LOG).is_file() else "Nothing has been set up here yet"

    def act(self, context: bpy.types.Context):
        text = bpy.data.texts.get("Tempose setup log") or bpy.data.texts.new("Tempose setup log")
        text.from_string((folder() / environment.LOG).read_text("utf-8", "replace")[-200_000:])
        return notes.text or "See the text 'Tempose setup log' in the Text Editor."


CLASSES = (
    TEMPOSE_OT_allow_online_access,
    TEMPOSE_OT_set_up_server,
    TEMPOSE_OT_check_server,
    TEMPOSE_OT_remove_server,
    TEMPOSE_OT_setup_log,
)

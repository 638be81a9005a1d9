# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of buttons that write a file."""

from pathlib import Path

import bpy
from bpy.props import StringProperty

from ...model.errors import Problem
from ...model.server import server_process
from ...scene.files import output
from ...scene.reading import Reading
from .. import preferences
from . import setup
from .buttons import TaskButton


def server_python(context: bpy.types.Context) -> str:
    """The Python of the server on this machine; empty without one."""
    try:
        return server_process.choose_python(preferences.get(context).python_path, setup.own_python())
    except Problem:
        return ""


class ToFile:
    """Mixin: writes a file, and asks for its path first if not given."""

    filepath: StringProperty(
        name="File", description="Where it is written", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or output.reason(now)

    def ask(self, context: bpy.types.Context, name: str):
        if not self.filepath:
            self.filepath = str(Path(bpy.data.filepath).with_name(name)) if bpy.data.filepath else name
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context):
        if bpy.app.background or context.window is None:
            return TaskButton.execute(self, context)  # pyright: ignore[reportArgumentType]
        return TaskButton.invoke(self, context, None)  # pyright: ignore[reportArgumentType]

    def path(self, ending: str) -> Path:
        """The chosen path with a suffix."""
        if not self.filepath:
            raise Problem("no_file", "Give a file to write.")
        path = Path(bpy.path.abspath(self.filepath))
        return path if not ending or path.suffix.lower() == ending else path.with_name(path.name + ending)

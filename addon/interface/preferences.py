# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences."""

import os
import tomllib
from pathlib import Path

import bpy
import rna_keymap_ui

from .. import package
from ..model.server import environment
from ..scene.language import follow, translate
from . import shortcuts


class TemposePreferences(bpy.types.AddonPreferences):
    bl_idname = package.NAME

    python_path: bpy.props.StringProperty(
        name="Python with the Server",
        description="The Python in which the package tempose[server] is installed. The environment "
        "variable TEMPOSE_PYTHON overrides it",
        subtype="FILE_PATH",
    )
    package: bpy.props.StringProperty(
        name="Server Package",
        description="The wheel file of the server that Set Up Server installs. Empty: the one in the add-on's zip",
        subtype="FILE_PATH",
    )
    torch_index: bpy.props.StringProperty(
        name="PyTorch Index",
        description="Address of another index of PyTorch builds, as listed on PyTorch's site: smaller "
        "builds without graphics card, or builds for a certain card. Empty: the build for the"
        " card that is found; without one, PyTorch's own index of builds for processors",
    )
    stays: bpy.props.BoolProperty(
        name="Leave Server Running",
        description="The server keeps running when Blender is closed, so that the next Start Server finds"
        " it at once. Stop Server ends it",
    )
    server_url: bpy.props.StringProperty(
        name="Server Address",
        description="A server to connect to, such as http://127.0.0.1:8000. "
        "Leave empty to find the one that runs on this machine",
    )
    server_token: bpy.props.StringProperty(
        name="Server Token", description="The token of that server", subtype="PASSWORD"
    )
    server_certificate: bpy.props.StringProperty(
        name="Server Certificate",
        description="For https with the studio's own certificate: its file (PEM). Empty: the certificates"
        " that this computer trusts",
        subtype="FILE_PATH",
    )
    tap_delay: bpy.props.FloatProperty(
        name="Tap Delay",
        description="How many milliseconds your taps come after the beats, by the sound device and your "
        "hand. Tap Tempo takes them off; the button beside it measures them",
        default=0.0,
        min=-250.0,
        max=1000.0,
        precision=0,
        step=500,
    )

    show_keys: bpy.props.BoolProperty(
        name="Shortcuts",
        description="Show the keys of the add-on, to be changed or switched off",
        options=set(),
    )

    def draw(self, context: bpy.types.Context) -> None:
        follow()
        layout = self.layout
        layout.use_property_split = True
        row = layout.row(align=True)
        row.operator("tempose.set_up_server", icon="IMPORT")
        row.operator("tempose.check_server", text="", icon="CHECKMARK")
        row.operator("tempose.remove_server", text="", icon="TRASH")
        row.operator("tempose.setup_log", text="", icon="TEXT")
        if build := environment.about(server_folder()).get("build"):
            layout.label(text=translate(f"{build}."), icon="INFO")
        layout.prop(self, "torch_index")
        if not self.torch_index and (preset := environment.preset_index()):
            layout.label(text=translate(f"No NVIDIA card is found here: {preset}"), icon="INFO")
        layout.prop(self, "package")
        layout.prop(self, "python_path")
        if named := os.environ.get("TEMPOSE_PYTHON"):
            layout.label(text=translate(f"TEMPOSE_PYTHON is set and goes before this: {named}"), icon="INFO")
        layout.prop(self, "stays")
        layout.separator()
        layout.prop(self, "server_url")
        layout.prop(self, "server_token")
        if self.server_url.startswith("https"):
            layout.prop(self, "server_certificate")
        layout.prop(self, "show_keys", toggle=True)
        if self.show_keys:
            column = layout.column()
            for config, keymap, item in shortcuts.user_items(context):
                rna_keymap_ui.draw_kmi([], config, keymap, item, column, 0)


def server_folder() -> Path:
    """The folder of the server's environment: the add-on's own data folder, which updates leave alone."""
    return Path(bpy.utils.extension_path_user(package.NAME, path="server"))


def version() -> str:
    """The add-on's version, from the manifest."""
    with (package.FOLDER / "blender_manifest.toml").open("rb") as file:
        return tomllib.load(file)["version"]


def get(context: bpy.types.Context) -> TemposePreferences:
    """The preferences; they exist while the add-on is enabled."""
    return context.preferences.addons[package.NAME].preferences

# SPDX-License-Identifier: GPL-3.0-or-later
"""An example scene to try everything on, and the add-on's help pages."""

import json
import webbrowser

import bpy
from bpy.props import StringProperty

from tempose_pose.reference import Reference

from ... import package
from ...model.errors import Problem
from ...model.music import beats
from ...scene import compat
from ...scene.character import rig
from ...scene.language import translate
from ...scene.music import song_grid
from ...scene.reading import Reading
from ...scene.window import window_of
from . import editors
from .buttons import ActionButton
from .character import make_dancer

EXAMPLE = package.FOLDER / "example"
HELP = package.FOLDER / "help"
FIRST = "two-minutes"
FPS = 30


class TEMPOSE_OT_open_example(ActionButton, bpy.types.Operator):
    """Make a scene with a song, its beats and two dancers to try everything on. Your own scenes stay as they are"""

    bl_idname = "tempose.open_example"
    bl_label = "Open Example"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy

    def act(self, context: bpy.types.Context):
        song, about = EXAMPLE / "demo_song.ogg", EXAMPLE / "demo_song.json"
        if not (song.is_file() and about.is_file()):
            raise Problem(
                "no_example", "This copy of the add-on came without the example. Add a song instead."
            )
        scene = bpy.data.scenes.new("Tempose Example")
        if context.window is not None:
            window_of(context).scene = scene
        if context.workspace is not None and hasattr(context.workspace, "sequencer_scene"):
            context.workspace.sequencer_scene = scene
        with context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            _song(scene, str(song))
            found = json.loads(about.read_text("utf-8"))
            now = song_grid.current(bpy.context)
            song_grid.put(scene, now, beats.from_times(found["beats"], found["beats"][::4]))
            _dancers(bpy.context, scene)
        return "The example is ready: press Generate, or Dance Together for both."


def _song(scene: bpy.types.Scene, path: str) -> None:
    """Put the song on channel 1, packed into the file, and fit the scene's length to it."""
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    strip = compat.new_sound_strip(scene, "Example Song", path, 1, 1)
    strip.sound.pack()  # an update of the add-on deletes its files
    scene.sequence_editor.active_strip = strip
    scene.frame_start, scene.frame_end = 1, round(compat.strip_time(strip, "right_handle")) - 1
    scene.sync_mode = "AUDIO_SYNC"
    scene.frame_set(1)


def _dancers(context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    """Make an adult and a child side by side in front of a camera, both selected; the adult leads."""
    made = []
    for look in ("CHILD", "ADULT"):
        scene.tempose.proportions = look
        made.append(make_dancer(context, Reference.standing(look.lower()))[0])
    child, adult = made
    scene.tempose.rig = None  # the active one dances
    child.select_set(True)
    editors.frame_character(context, adult)  # everything selected
    camera = rig.camera_before(scene, adult)
    camera.location.x = (child.location.x + adult.location.x) / 2


class TEMPOSE_OT_help(bpy.types.Operator):
    """Open the page about this in the browser. It came with the add-on"""

    bl_idname = "tempose.help"
    bl_label = "Help"
    bl_options = {"INTERNAL"}

    topic: StringProperty(name="Page", description="Which page", default=FIRST, options={"SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context):
        page = next((page for page in HELP.glob("*.html") if page.stem == self.topic), None)
        if page is None:
            self.report({"ERROR"}, translate("This copy of the add-on came without pages. Install the zip."))
            return {"CANCELLED"}
        webbrowser.open(page.as_uri())
        return {"FINISHED"}


CLASSES = (TEMPOSE_OT_open_example, TEMPOSE_OT_help)

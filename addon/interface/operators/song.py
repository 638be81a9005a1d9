# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding a song from a file to the timeline."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...model.errors import Problem
from ...scene import compat
from ...scene.language import translate
from ...scene.music import strips
from ...scene.reading import Reading
from ...scene.window import scene_of
from .buttons import ActionButton

SOUNDS = "*.wav;*.flac;*.ogg;*.mp3;*.m4a;*.aac;*.opus;*.webm;*.aif;*.aiff;*.mp4;*.mov;*.mkv"


class TEMPOSE_OT_add_song(ActionButton, bpy.types.Operator):
    """Choose a song: it begins at frame 1, and the scene ends with it"""

    bl_idname = "tempose.add_song"
    bl_label = "Add Song…"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", description="The song", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=SOUNDS, options={"HIDDEN"})
    fit_end: BoolProperty(
        name="Set Scene End",
        description="The scene ends where the song does, and begins at frame 1",
        default=True,
    )
    rate: EnumProperty(
        name="Frame Rate",
        description="Frames per second of the scene, best chosen before anything is animated",
        items=[("KEEP", "As It Is", "The scene keeps its frame rate")]
        + [(str(n), str(n), f"{n} frames per second") for n in (24, 25, 30, 60)],
        default="KEEP",
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, context: bpy.types.Context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "fit_end")
        layout.prop(self, "rate")
        if self.rate == "KEEP":
            layout.label(
                text=translate(f"Now {compat.rate_of(Reading(context).scene):.6g} frames per second")
            )

    def act(self, context: bpy.types.Context):
        path = Path(bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise Problem("song_missing", f"There is no file {path.name or 'chosen'}. Choose a song.")
        scene = scene_of(context)
        before = scene.render.fps, scene.render.fps_base
        if self.rate != "KEEP":
            scene.render.fps, scene.render.fps_base = int(self.rate), 1.0
        strip = compat.new_sound_strip(scene, path.name, str(path), strips.free_channel(scene), 1)
        if strip.sound is None or strip.sound.samplerate == 0:
            compat.remove_strip(scene, strip)
            scene.render.fps, scene.render.fps_base = before
            raise Problem("song_unreadable", f"Blender cannot play {path.name}. Convert it to WAV or FLAC.")
        scene.sequence_editor.active_strip = strip
        scene.tempose.strip = ""
        last = round(compat.strip_time(strip, "right_handle")) - 1
        if self.fit_end:
            scene.frame_start, scene.frame_end = 1, last
        scene.frame_set(1)
        scene.sync_mode = "AUDIO_SYNC"  # the picture keeps up with the sound
        return (
            f"'{strip.name}' plays from frame 1 to {last}, at {compat.rate_of(scene):.6g} frames per second."
        )


CLASSES = (TEMPOSE_OT_add_song,)

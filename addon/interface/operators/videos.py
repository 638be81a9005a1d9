# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes from videos."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from tempose_pose.dance import Dance

from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.server import work
from ...model.server.work import Work
from ...scene import compat
from ...scene.character import selection
from ...scene.dance import audition, placement
from ...scene.files import output, rig_reading, video_takes
from ...scene.keys import background_keys, take_keys
from ...scene.reading import Reading
from ...scene.server import connection
from ...scene.window import scene_of
from .buttons import TaskButton


class TEMPOSE_OT_take_from_video(TaskButton, bpy.types.Operator):
    """Read the dance in a video as a take: from the active movie strip or, without one, from a file. ESC cancels"""

    bl_idname = "tempose.take_from_video"
    bl_label = "Take from Video…"
    bl_options = {"REGISTER", "UNDO"}
    title = "Reading the video"

    filepath: StringProperty(
        name="Video", description="The video with the dance", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(
        default="*.mp4;*.mov;*.mkv;*.webm;*.avi;*.m4v;*.mpg;*.mpeg;*.ts", options={"HIDDEN"}
    )
    frame: IntProperty(
        name="Start Frame",
        description="Where the dance begins; 0: at the movie strip's start, or the current frame",
        default=0,
        options={"SKIP_SAVE"},
    )
    person: IntProperty(
        name="Person",
        description="Which person to read: 1 is the one seen longest and largest, 2 the next",
        default=1,
        min=1,
        max=20,
    )
    sound: BoolProperty(
        name="With Its Sound",
        description="Put the video's sound under the dance, with its beats, unless it is there already",
        default=True,
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := now.busy or now.no_estimator:
            return reason
        return "" if now.rig else "Select the character that is to dance, or make one"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        if video_takes.movie(context) is not None and not self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context):
        if bpy.app.background or context.window is None:
            return TaskButton.execute(self, context)
        return TaskButton.invoke(self, context, None)

    def prepare(self, context: bpy.types.Context):
        strip = video_takes.movie(context) if not self.filepath else None
        if strip is None and not self.filepath:
            raise Problem("no_file", "Select a movie strip, or give a video file.")
        path = Path(strip[0] if strip else bpy.path.abspath(self.filepath))
        if not path.is_file():
            raise Problem("video_missing", f"There is no file {path.name}. Choose the video again.")
        scene, rig = scene_of(context), selection.pick_rig(context)
        frame = self.frame or (strip[1] if strip else scene.frame_current)
        self._path, self._frame = path, frame
        self._scene, self._rig, self._sounds = scene.name, rig.name, compat.sound_scene(context).name
        name, own, client, person = scene.name, rig.name, connection.client(), self.person

        def plan(data: Take):
            there, ob = rig_reading.both(name, own)
            return take_keys.plan(data, ob, placement.span_of_import(there, data), there.tempose)

        def task(on: Work):
            dance, heard = work.dance_in_video(on, client, path, person)
            data = output.as_take(dance, path.name, frame)
            return dance, heard, data, background_keys.make_ready(on, lambda: plan(data))

        return task

    def apply(
        self, context: bpy.types.Context, result: tuple[Dance, float | None, Take, background_keys.Ready]
    ):
        dance, heard, data, ready = result
        scene, ob = rig_reading.both(self._scene, self._rig)
        span = placement.span_of_import(scene, data)
        sounds = bpy.data.scenes.get(self._sounds) or scene
        said, strip = "", None
        if heard is not None and self.sound:
            strip = video_takes.sound_of(sounds, self._path, self._frame - heard * compat.rate_of(sounds))
        if strip is not None:
            data, _ = video_takes.with_sound(data, sounds, strip)
            count = video_takes.lay_beats(scene, sounds, strip, dance, data.song_start)
            said = f" Its sound is '{strip.name}'" + (
                f", with {count} beats." if count else ", without beats."
            )
        take = audition.add(scene.tempose, ob, data, span, ready=ready)
        open_frames = int((dance.poses.scores.max(1) == 0).sum())
        text = f"{take.name}, {dance.poses.seconds:.1f} seconds out of {self._path.name}, is shown on '{ob.name}'."
        text += said
        if len(dance.seams):
            text += f" The video cuts {len(dance.seams)} times: look there."
        if open_frames:
            text += f" In {open_frames} frames the dancer is not seen: the pose before leads over to the pose after."
        return text


CLASSES = (TEMPOSE_OT_take_from_video,)

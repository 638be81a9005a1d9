# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses as files and as drawn video, and files as takes."""

from pathlib import Path

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from tempose_pose import drawing
from tempose_pose.sequence import PoseSequence, to_openpose18

from ...model.character.mapping import BODY
from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.files import pose_files
from ...model.server.work import Work
from ...scene import compat
from ...scene.character import selection
from ...scene.dance import audition, placement
from ...scene.files import face_video, other_blender, output, rig_reading, video
from ...scene.keys import background_keys, take_keys
from ...scene.reading import Reading
from ...scene.window import scene_of
from .buttons import TaskButton
from .to_file import ToFile, server_python

ENDINGS = {"OPENPOSE": ".json", "FOLDER": "", "CONTROLNET": ".json", "COCO": ".json", "NPZ": ".npz"}


class TEMPOSE_OT_export_poses(ToFile, TaskButton, bpy.types.Operator):
    """Write the poses to a file that other programs can read"""

    bl_idname = "tempose.export_poses"
    bl_label = "Export Poses…"
    bl_options = {"REGISTER"}
    title = "Writing poses"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        ending = ENDINGS[context.scene.tempose.output.kind]
        return self.ask(context, f"dance{ending}")

    def prepare(self, context: bpy.types.Context):
        kind = context.scene.tempose.output.kind
        self._path = path = self.path(ENDINGS[kind])
        read = output.reading(Reading(context))

        def task(work: Work):
            work.status("Reading poses")
            dance = work.main(read)
            work.status(f"Writing {path.name}")
            pose_files.save(dance, str(path), kind)
            return dance.poses

        return task

    def apply(self, context: bpy.types.Context, poses: PoseSequence):
        return f"{len(poses)} poses are in {self._path.name}, at {poses.fps:g} frames per second."


class TEMPOSE_OT_export_video(ToFile, TaskButton, bpy.types.Operator):
    """Draw the poses on black, as ControlNet, AnimateAnyone and Wan-Animate take them"""

    bl_idname = "tempose.export_video"
    bl_label = "Export Pose Video…"
    bl_options = {"REGISTER"}
    title = "Drawing"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        choice = context.scene.tempose.output
        whole = choice.video == "MP4" and not drawing.manner(choice.manner).face
        return self.ask(context, "dance.mp4" if whole else "dance")

    def prepare(self, context: bpy.types.Context):
        choice = context.scene.tempose.output
        encoders = self.encoders(context) if choice.video == "MP4" else None
        manner = drawing.manner(choice.manner)
        whole = encoders is not None and not manner.face
        self._path = path = self.path(".mp4" if whole else "")
        if path.is_file() and not whole:
            raise Problem("is_a_file", f"{path.name} is a file; give a folder for the pictures.")
        now = Reading(context)
        asked, read, heard = tuple(choice.size), output.reading(now, manner.rate), output.heard(now)
        sounds, first = compat.sound_scene(context).name, output.begins(now)
        shown = choice.face if manner.face and encoders else ""

        def task(work: Work):
            work.status("Reading poses")
            poses = work.main(read).poses
            size = video.picture_size(poses, asked, manner)
            sound = work.main(heard) if encoders else None
            face = None
            if shown:
                face = work.main(lambda: face_video.face_of(bpy.data.scenes[sounds], shown, first()))
            return video.write(work, poses, size, path, encoders, sound, manner, face), size

        return task

    @staticmethod
    def encoders(context: bpy.types.Context) -> video.Encoders:
        """The available encoders for an MP4."""
        return video.Encoders(server_python(context), other_blender.command(bpy.app.binary_path))

    def apply(self, context: bpy.types.Context, result: tuple):
        count, size = result
        return f"{count} pictures of {size[0]} × {size[1]} are in {self._path.name}."


class TEMPOSE_OT_import_poses(TaskButton, bpy.types.Operator):
    """Read a dance from OpenPose or COCO files or an .npz, as a take. No server is needed"""

    bl_idname = "tempose.import_poses"
    bl_label = "Import Poses…"
    bl_options = {"REGISTER", "UNDO"}
    title = "Reading poses"

    filepath: StringProperty(
        name="File",
        description="The dance, or a folder of frames",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    filter_glob: StringProperty(default="*.json;*.npz", options={"HIDDEN"})
    frame: IntProperty(
        name="Start Frame",
        description="Where the dance begins; 0: at the current frame",
        default=0,
        options={"SKIP_SAVE"},
    )
    rate: FloatProperty(
        name="Frame Rate",
        description="Poses per second, for a file that does not say. 0: one pose for each frame of the scene",
        default=0,
        min=0,
        max=1000,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if now.rig else "Select the character that is to dance, or make one")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context):
        if bpy.app.background or context.window is None:
            return TaskButton.execute(self, context)
        return TaskButton.invoke(self, context, None)

    def prepare(self, context: bpy.types.Context):
        if not self.filepath:
            raise Problem("no_file", "Give a file to read.")
        scene, rig = scene_of(context), selection.pick_rig(context)
        path = Path(bpy.path.abspath(self.filepath))
        self._path = path = path if path.name else path.parent  # a folder chosen with its separator
        self._scene, self._rig = name, own = scene.name, rig.name
        frame = self.frame or scene.frame_current
        rate, size = self.rate or compat.rate_of(scene), tuple(rig_reading.render_size(scene))

        def plan(data: Take):
            scene, ob = rig_reading.both(name, own)
            return take_keys.plan(data, ob, placement.span_of_import(scene, data), scene.tempose)

        def task(work: Work):
            dance, assumed = pose_files.load_assuming(str(path), rate, size)  # pyright: ignore[reportArgumentType] -- a pair
            data = output.as_take(dance, path.name, frame)
            return dance.poses, assumed, data, background_keys.make_ready(work, lambda: plan(data))

        return task

    def apply(self, context: bpy.types.Context, result: tuple):
        poses, assumed, data, ready = result
        scene, ob = rig_reading.both(self._scene, self._rig)
        take = audition.add(scene.tempose, ob, data, placement.span_of_import(scene, data), ready=ready)
        there = (to_openpose18(poses).scores > 0).any(0)
        missing = [joint for joint, seen in zip(BODY.joints, there, strict=True) if not seen]  # pyright: ignore[reportArgumentType]
        pace = f" at {poses.fps:.6g} frames per second" if len(poses) > 1 else ""
        text = f"{take.name}, {len(poses)} poses from {self._path.name}{pace}, is shown on '{ob.name}'."
        if assumed and not self.rate:
            text += " The file does not say its frame rate: the scene's was taken. Give another when you import it."
        if missing:
            text += f" Not in the file and guessed: {', '.join(missing).replace('_', ' ')}."
        return text


CLASSES = (TEMPOSE_OT_export_poses, TEMPOSE_OT_export_video, TEMPOSE_OT_import_poses)

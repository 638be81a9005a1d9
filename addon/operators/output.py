# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses as files and as drawn video, and files as takes."""

import shutil
import tempfile
from pathlib import Path

import bpy
from bpy.props import IntProperty, StringProperty

from ..character.skeleton import OPENPOSE_18
from ..errors import Problem
from ..files import output, pose_files
from ..properties import pick_rig
from .base import ActionButton, JobButton, busy

ENDINGS = {"OPENPOSE": ".json", "FOLDER": "", "COCO": ".json", "NPZ": ".npz"}


class _ToFile:
    """Mixin: asks for a file first, when it is not given."""

    filepath: StringProperty(
        name="File", description="Where it is written", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, context):
        return busy() or output.reason(context, pick_rig(context))

    def ask(self, context, name: str):
        if not self.filepath:
            self.filepath = str(Path(bpy.data.filepath).with_name(name)) if bpy.data.filepath else name
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def path(self, ending: str) -> Path:
        """The chosen path, with its ending."""
        if not self.filepath:
            raise Problem("no_file", "Give a file to write.")
        path = Path(bpy.path.abspath(self.filepath))
        return path if not ending or path.suffix.lower() == ending else path.with_name(path.name + ending)


class TEMPOSE_OT_export_poses(_ToFile, ActionButton, bpy.types.Operator):
    """Write the poses as a file that other programs read"""

    bl_idname = "tempose.export_poses"
    bl_label = "Export Poses…"
    bl_options = {"REGISTER"}

    def invoke(self, context, _event):
        ending = ENDINGS[context.scene.tempose.output.kind]
        return self.ask(context, f"dance{ending}")

    def act(self, context):
        choice, window = context.scene.tempose.output, context.window_manager
        path = self.path(ENDINGS[choice.kind])
        window.progress_begin(0, 1)
        try:
            poses = output.poses_of(context, pick_rig(context), window.progress_update)
        finally:
            window.progress_end()
        pose_files.save(poses, str(path), choice.kind)
        return f"{len(poses)} poses are in {path.name}, at {poses.fps:g} frames per second."


class TEMPOSE_OT_export_video(_ToFile, JobButton, bpy.types.Operator):
    """Draw the poses on black, as ControlNet, AnimateAnyone and Wan-Animate take them. ESC cancels"""

    bl_idname = "tempose.export_video"
    bl_label = "Export Pose Video…"
    bl_options = {"REGISTER"}
    title = "Drawing"

    def invoke(self, context, _event):
        return self.ask(context, "dance.mp4" if context.scene.tempose.output.video == "MP4" else "dance")

    def execute(self, context):
        if bpy.app.background or context.window is None:
            return JobButton.execute(self, context)
        return JobButton.invoke(self, context, None)

    def prepare(self, context):
        choice, window = context.scene.tempose.output, context.window_manager
        video = choice.video == "MP4"
        self._path = self.path(".mp4" if video else "")
        if self._path.is_file() and not video:
            raise Problem("is_a_file", f"{self._path.name} is a file; give a folder for the pictures.")
        window.progress_begin(0, 1)
        try:
            poses = output.poses_of(context, pick_rig(context), window.progress_update)
        finally:
            window.progress_end()
        self._size = size = output.picture_size(poses, choice.size)
        self._rate = poses.fps
        self._folder = folder = Path(tempfile.mkdtemp(prefix="tempose-"))

        def task(work):
            try:
                work.status("Drawing poses")
                return output.draw_all(poses, folder, size, work.progress)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

        return task

    def apply(self, context, count):
        try:
            if context.scene.tempose.output.video == "MP4":
                output.encode(self._folder, count, self._size, self._rate, self._path)
            else:
                self._path.mkdir(parents=True, exist_ok=True)
                for picture in sorted(self._folder.iterdir()):
                    shutil.move(picture, self._path / picture.name)
        except OSError as error:
            raise Problem(
                "file_unwritable",
                f"{self._path.name} cannot be written: {error.strerror or error}. Choose another place.",
            ) from None
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return f"{count} pictures of {self._size[0]} × {self._size[1]} are in {self._path.name}."


class TEMPOSE_OT_import_poses(ActionButton, bpy.types.Operator):
    """Read a dance from OpenPose or COCO files or an .npz, as a take. No server is needed"""

    bl_idname = "tempose.import_poses"
    bl_label = "Import Poses…"
    bl_options = {"REGISTER", "UNDO"}

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

    @classmethod
    def disabled_reason(cls, context):
        return busy() or ("" if pick_rig(context) else "Select the character that is to dance, or make one")

    def invoke(self, context, _event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context):
        if not self.filepath:
            raise Problem("no_file", "Give a file to read.")
        scene, ob = context.scene, pick_rig(context)
        path = Path(bpy.path.abspath(self.filepath))
        path = path if path.name else path.parent  # a folder chosen with its separator
        poses = pose_files.load(str(path), output.rate_of(scene), tuple(output.render_size(scene)))
        take = output.to_take(context, ob, poses, path.name, self.frame or scene.frame_current)
        missing = [j for j, seen in zip(OPENPOSE_18, (poses.scores > 0).any(0), strict=True) if not seen]
        text = f"{take.name}, {len(poses)} poses from {path.name}, is shown on '{ob.name}'."
        return (
            f"{text} Not in the file and guessed: {', '.join(missing).replace('_', ' ')}."
            if missing
            else text
        )


CLASSES = (TEMPOSE_OT_export_poses, TEMPOSE_OT_export_video, TEMPOSE_OT_import_poses)

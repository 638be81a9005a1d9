# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters: new rigs, and bone maps of other armatures, found, stored and read from files."""

from pathlib import Path

import bpy
from bpy.props import StringProperty

from tempose_pose.local import whole_files
from tempose_pose.reference import Reference

from ...model.character import mapping
from ...model.errors import Problem, require
from ...model.files import pose_files
from ...scene.character import bone_guess, character, limb_switches, reference_source, rig
from ...scene.reading import Reading
from ...scene.window import scene_of
from . import editors
from .buttons import ActionButton, TaskButton
from .object_selection import object_mode, select_only


def make_dancer(context: bpy.types.Context, pose: Reference):
    """Make a rig from a reference pose, selected and in view; return it with a remark on the pose."""
    settings = context.scene.tempose
    object_mode(context)
    ob = rig.new(
        scene_of(context),
        pose,
        ik_feet=settings.character.ik_feet,
        fingers=settings.character.fingers,
        look=settings.proportions,
    )
    rig.stand_clear(scene_of(context), ob)
    select_only(context, ob)
    settings.rig = ob
    editors.frame_character(context, ob)
    return ob, pose.notice


class TEMPOSE_OT_new_rig(TaskButton, bpy.types.Operator):
    """Make a 2D rig with a drawn figure from the reference pose"""

    bl_idname = "tempose.new_rig"
    bl_label = "New Rig"
    bl_options = {"REGISTER", "UNDO"}
    title = "Reading the pose"

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.busy:
            return now.busy
        settings = now.settings
        if settings.reference == "FILE" and not settings.reference_file:
            return "Choose a pose file first"
        if settings.reference == "ARMATURE" and now.rig is None:
            return "Select the character whose pose is meant, or choose the standing figure"
        if settings.reference == "IMAGE" and now.picture is None:
            return "Place joint markers on a picture first: Picture and Ink"
        return ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event | None):
        """In a window a large file is read as a task; everything else is read at once."""
        return (
            super().invoke(context, event)
            if reference_source.is_large(scene_of(context))
            else self.execute(context)
        )

    def execute(self, context: bpy.types.Context):
        if reference_source.is_large(scene_of(context)):
            return super().execute(context)
        try:
            return self.succeed(self.apply(context, reference_source.reference_for_rig(context)))
        except Exception as problem:
            return self.fail(problem)

    def prepare(self, context: bpy.types.Context):
        path = reference_source.file_of(scene_of(context))
        return lambda _work: pose_files.reference_in(path)

    def apply(self, context: bpy.types.Context, result: Reference):
        ob, notice = make_dancer(context, result)
        where = "stands at the origin" if not ob.location.x else "stands beside what is there"
        return f"The rig '{ob.name}' {where}, seen from the front. {notice}".strip()


class TEMPOSE_OT_add_camera(ActionButton, bpy.types.Operator):
    """Put a camera in front of the character that sees the whole picture of the dance"""

    bl_idname = "tempose.add_camera"
    bl_label = "Add Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_rig

    def act(self, context: bpy.types.Context):
        camera = rig.camera_before(scene_of(context), require(Reading(context).rig))
        return f"'{camera.name}' is the scene's camera now, and sees all of the dance's picture."


class _OfArmature(ActionButton):
    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.busy:
            return now.busy
        if now.armature is None:
            return "Select an armature first"
        return character.why_not(now.armature) if now.armature.library is not None else ""

    def mapped(self, ob: bpy.types.Object) -> str:
        """The gaps of a map, in words."""
        bone_map = character.map_of(ob)
        found = f"{len(bone_map.bones)} of {len(mapping.PARTS)} parts are mapped on '{ob.name}'."
        return f"{found} {character.notice(ob)}".strip()


class TEMPOSE_OT_map_bones(_OfArmature, bpy.types.Operator):
    """Find out which bone is which part of the body, by name and by shape. Replaces the current map"""

    bl_idname = "tempose.map_bones"
    bl_label = "Find Bones"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context):
        settings, ob = context.scene.tempose, require(Reading(context).armature)
        preset = settings.character.preset
        found, how = bone_guess.guess(ob, "" if preset == "AUTO" else preset)
        if not found.bones:
            raise Problem(
                "map_nothing",
                f"No bone of {ob.name} was recognised ({how}). Choose bones in the table, or load a bone map.",
            )
        character.store(ob, found)
        settings.rig = ob
        return f"Recognised {how}: {self.mapped(ob)}"


class TEMPOSE_OT_clear_map(_OfArmature, bpy.types.Operator):
    """Clear the bone map; the armature itself is not changed"""

    bl_idname = "tempose.clear_map"
    bl_label = "Clear Map"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := super().disabled_reason(now):
            return reason
        return "" if now.bone_map.bones else "No bone is mapped"

    def act(self, context: bpy.types.Context):
        ob = require(Reading(context).armature)
        character.store(ob, mapping.BoneMap())
        return f"The bone map of '{ob.name}' is empty."


class _File(_OfArmature):
    filename_ext = ".json"
    bl_options = {"REGISTER", "UNDO"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event):
        if not self.filepath:
            self.filepath = f"{Reading(context).armature.name}.bones.json"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class TEMPOSE_OT_save_map(_File, bpy.types.Operator):
    """Save the bone map to a file, for other characters with the same bones"""

    bl_idname = "tempose.save_map"
    bl_label = "Save Bone Map"
    bl_options = {"REGISTER"}
    filepath: StringProperty(name="File", description="Where the bone map is written", subtype="FILE_PATH")
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := super().disabled_reason(now):
            return reason
        return "" if now.bone_map.bones else "No bone is mapped: press Find Bones"

    def act(self, context: bpy.types.Context):
        ob, path = require(Reading(context).armature), Path(bpy.path.abspath(self.filepath))
        try:
            whole_files.write(path, mapping.to_json(character.map_of(ob), ob.name).encode())
        except OSError as error:
            raise Problem(
                "map_unwritten", f"{path.name} cannot be written: {error.strerror}. Choose another place."
            ) from None
        return f"The bone map of '{ob.name}' is in {path.name}."


class TEMPOSE_OT_load_map(_File, bpy.types.Operator):
    """Load a bone map that was saved before"""

    bl_idname = "tempose.load_map"
    bl_label = "Load Bone Map"
    bl_options = {"REGISTER", "UNDO"}
    filepath: StringProperty(name="File", description="A bone map that was saved before", subtype="FILE_PATH")
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def act(self, context: bpy.types.Context):
        ob, path = require(Reading(context).armature), Path(bpy.path.abspath(self.filepath))
        try:
            if path.stat().st_size > mapping.MAX_MAP_BYTES:
                raise Problem("map_large", f"{path.name} is too large for a bone map. Choose another file.")
            loaded, _ = mapping.from_json(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            raise Problem(
                "map_missing", f"The bone map {path.name} cannot be read. Choose another file."
            ) from None
        fitting = bone_guess.fitted(ob, loaded)
        if not fitting.bones:
            raise Problem(
                "map_foreign", f"{ob.name} has none of the bones in {path.name}. Press Find Bones instead."
            )
        character.store(ob, fitting)
        context.scene.tempose.rig = ob
        gone = [bone for part, bone in loaded.bones.items() if part not in fitting.bones]
        lost = f" Not in this armature: {', '.join(gone)}." if gone else ""
        return self.mapped(ob) + lost


class TEMPOSE_OT_limbs_to_fk(_OfArmature, bpy.types.Operator):
    """Switch arms and legs of this rig to FK, which the keys of the dance move; press again to switch them back"""

    bl_idname = "tempose.limbs_to_fk"
    bl_label = "Limbs to FK"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := super().disabled_reason(now):
            return reason
        if not limb_switches.switches(require(now.armature)):
            return f"{now.armature.name} has no switches between IK and FK"
        return ""

    def act(self, context: bpy.types.Context):
        ob = require(Reading(context).armature)
        if limb_switches.on_ik(ob):
            return (
                f"{limb_switches.to_fk(ob)} limbs of '{ob.name}' are on FK now. Press again to put them back."
            )
        return f"{limb_switches.switch_back(ob)} limbs of '{ob.name}' are as they were before."


CLASSES = (
    TEMPOSE_OT_new_rig,
    TEMPOSE_OT_add_camera,
    TEMPOSE_OT_limbs_to_fk,
    TEMPOSE_OT_map_bones,
    TEMPOSE_OT_clear_map,
    TEMPOSE_OT_save_map,
    TEMPOSE_OT_load_map,
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Puppets from pictures, and dancers in Grease Pencil."""

from collections.abc import Iterable

import bpy

from tempose_pose.skeletons import EXTREMITIES
from tempose_pose.wire.answers import FoundPerson

from ...model.character.figure_picture import CutOut, cut_out
from ...model.errors import Problem, require
from ...model.server import answers, work
from ...model.tempo.playback import Staging
from ...scene import compat
from ...scene.character import ink, puppet, selection
from ...scene.dance import audition, placement
from ...scene.music import scene_strips
from ...scene.reading import Reading
from ...scene.server import connection
from ...scene.window import scene_of
from .buttons import ActionButton, TaskButton
from .object_selection import object_mode, select_only


def _show_pictures(context: bpy.types.Context) -> None:
    """Make Solid views show textures; otherwise a picture is a grey board there."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and area.spaces.active.shading.type == "SOLID":
                area.spaces.active.shading.color_type = "TEXTURE"


class TEMPOSE_OT_lay_out_picture(ActionButton, bpy.types.Operator):
    """Put the picture into the scene with a marker on each joint, for you to drag into place"""

    bl_idname = "tempose.lay_out_picture"
    bl_label = "Place Joint Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.busy:
            return now.busy
        if now.picture is not None:
            return "There are markers already: make the puppet of them, or remove them"
        return "" if now.settings.drawing.image else "Choose a picture first"

    def act(self, context: bpy.types.Context):
        settings = context.scene.tempose.drawing
        object_mode(context)
        plane = puppet.lay_out(context, settings.image, settings.tolerance)
        select_only(context, plane.children[0])
        _show_pictures(context)
        return "Look from the front (numpad 1) and drag each marker to its joint, then press Make Puppet."


class TEMPOSE_OT_find_pose(TaskButton, bpy.types.Operator):
    """Have the server find the joints in the picture and put the markers on them"""

    bl_idname = "tempose.find_pose"
    bl_label = "Find Pose in Picture"
    bl_options = {"REGISTER", "UNDO"}
    title = "Looking for the pose"

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := now.busy or now.no_estimator:
            return reason
        return "" if cls._picture(now) else "Choose a picture first"

    @staticmethod
    def _picture(now: Reading):
        """The laid-out picture, else the chosen one; None without either."""
        if now.picture is not None:
            return bpy.data.images.get(now.picture[puppet.PICTURE])
        return now.settings.drawing.image

    def prepare(self, context: bpy.types.Context):
        image = require(self._picture(Reading(context)))
        self._name, pixels, client = image.name, puppet.to_look_at(image), connection.client()
        return lambda on: work.find_pose(on, client, pixels)

    def apply(self, context: bpy.types.Context, found: list[FoundPerson]):
        settings, image = context.scene.tempose.drawing, bpy.data.images.get(self._name)
        if image is None:
            raise Problem("picture_gone", "The picture has been deleted meanwhile: choose another one.")
        plane = puppet.laid_out(scene_of(context))
        if plane is None or plane[puppet.PICTURE] != image.name:
            object_mode(context)
            plane = puppet.lay_out(context, image, settings.tolerance)
            select_only(context, plane.children[0])
            _show_pictures(context)
        people = [answers.marked(person) for person in found]
        puppet.keep_people(plane, people)
        text = _marked(plane, people[0])
        if len(people) > 1:
            text += f" There are {len(people)} people: press Next Person until the right one is marked."
        return text


def _marked(plane: bpy.types.Object, person: dict) -> str:
    """Put the markers on a person; return the message."""
    unseen = puppet.mark(plane, person["joints"], person["doubtful"])
    doubtful = [joint for joint in person["doubtful"] if joint not in EXTREMITIES]
    text = "The markers are on the joints; correct any that are off."
    if doubtful:
        text += f" Look at the yellow ones: {_listed(doubtful)}."
    if unseen:
        text += f" Not seen, place by hand: {_listed(unseen)}."
    return text


def _listed(joints: Iterable[str]) -> str:
    return ", ".join(joint.replace("_", " ") for joint in joints)


class TEMPOSE_OT_next_person(ActionButton, bpy.types.Operator):
    """Put the markers on the next person found in the picture"""

    bl_idname = "tempose.next_person"
    bl_label = "Next Person"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.busy or now.picture is None:
            return now.busy or "Press Find Pose in Picture first"
        return "" if len(puppet.people_of(now.picture)) > 1 else "Nobody else was found in this picture"

    def act(self, context: bpy.types.Context):
        plane = require(puppet.laid_out(scene_of(context)))
        first, *others = puppet.people_of(plane)
        puppet.keep_people(plane, [*others, first])
        return _marked(plane, others[0])


class TEMPOSE_OT_make_puppet(TaskButton, bpy.types.Operator):
    """Cut the picture out and bind it to a rig with its joints at the markers"""

    bl_idname = "tempose.make_puppet"
    bl_label = "Make Puppet"
    bl_options = {"REGISTER", "UNDO"}
    title = "Cutting out the figure"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if now.picture else "Place the joint markers first")

    def prepare(self, context: bpy.types.Context):
        plane, how = require(puppet.laid_out(scene_of(context))), context.scene.tempose.drawing
        picture = self._picture = puppet.picture_of(plane, how.tolerance, how.layers)
        self._plane = plane.name
        return lambda on: cut_out(picture, on.progress)

    def apply(self, context: bpy.types.Context, result: CutOut):
        plane = scene_of(context).objects.get(self._plane)
        if plane is None or puppet.PICTURE not in plane:
            raise Problem("picture_gone", "The markers were removed meanwhile: place them again.")
        object_mode(context)
        ob = puppet.build(context, plane, self._picture, result)
        select_only(context, ob)
        _show_pictures(context)
        context.scene.tempose.rig = ob
        return f"The puppet '{ob.name}' is ready to dance."


class TEMPOSE_OT_clear_picture(ActionButton, bpy.types.Operator):
    """Remove the joint markers; the picture itself stays in the file"""

    bl_idname = "tempose.clear_picture"
    bl_label = "Remove Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return "" if now.picture else "There are no joint markers"

    def act(self, context: bpy.types.Context):
        object_mode(context)
        puppet.clear(require(puppet.laid_out(scene_of(context))))
        return "The markers are gone."


class _OfRig(ActionButton):
    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if now.rig else "Select the character to draw, or make one")


class TEMPOSE_OT_ink_figure(_OfRig, bpy.types.Operator):
    """Draw the figure once in Grease Pencil and let the bones move it"""

    bl_idname = "tempose.ink_figure"
    bl_label = "Grease Pencil Figure"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context):
        object_mode(context)
        drawn = ink.bound_figure(context, require(selection.pick_rig(context)))
        return f"'{drawn.name}' follows the bones. Redraw it as you like; its points keep their bones."


class TEMPOSE_OT_ink_dance(_OfRig, bpy.types.Operator):
    """Make a Grease Pencil drawing of each pose of the dance: ink, one drawing per key"""

    bl_idname = "tempose.ink_dance"
    bl_label = "Ink the Dance"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context):
        object_mode(context)
        scene, ob = scene_of(context), require(selection.pick_rig(context))
        settings = scene.tempose.drawing
        first, last = scene.frame_start, scene.frame_end
        if scene.use_preview_range:
            first, last = scene.frame_preview_start, scene.frame_preview_end
        elif ob.animation_data and ob.animation_data.action:
            first, last = (round(f) for f in ob.animation_data.action.frame_range)
        hits = self._beats(scene, ob) if settings.ink_beats else []
        frames = ink.ink_frames(first, last, settings.ink_step, hits)
        window = context.window_manager
        window.progress_begin(0, len(frames))
        try:
            drawn = ink.ink(context, ob, frames, lambda done, _total: window.progress_update(done))
        finally:
            window.progress_end()
        return f"'{drawn.name}' has {len(frames)} drawings from frame {first} to {last}."

    @staticmethod
    def _beats(scene: bpy.types.Scene, ob: bpy.types.Object) -> list:
        """Frames of the beats of the take that moves the character."""
        take = audition.active(scene.tempose)
        if take is None or take.rig is not ob:
            return []
        try:
            span, dance = (
                placement.span_of(compat.sound_scene(bpy.context), take),
                audition.data_of(take).dance,
            )
        except Exception:  # its strip or its data is gone: ink without beats
            return []
        span = Staging(scale=scene_strips.stretch_of(scene)).seen(span)
        return [float(span.frame_at(second)) for second in dance.beat_times.tolist()]


CLASSES = (
    TEMPOSE_OT_lay_out_picture,
    TEMPOSE_OT_find_pose,
    TEMPOSE_OT_next_person,
    TEMPOSE_OT_make_puppet,
    TEMPOSE_OT_clear_picture,
    TEMPOSE_OT_ink_figure,
    TEMPOSE_OT_ink_dance,
)

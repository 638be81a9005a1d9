# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing takes: danced again in part, mirrored, calmer or wilder, blended. Each makes a new take."""

import bpy

from ..dance import editing, ghost, known, shaping
from ..keys import making, stage
from ..server import connection, work
from .base import ActionButton, JobButton, busy


def _take_reason(context) -> str:
    take = stage.active(context.scene.tempose)
    if take is None:
        return "There is no take; generate one"
    if take.text is None:
        return "The data of this take has been deleted"
    return "" if take.rig is not None else "The character of this take has been deleted"


def _seed_reason(context) -> str:
    settings = context.scene.tempose
    take = stage.active(settings)
    if settings.lock_seed and take is not None and take.seed == str(settings.seed):
        return "The seed is locked to that of this take: unlock it or choose another"
    return ""


class _Again(JobButton):
    """A part of the chosen take danced again."""

    title = "Dancing again"
    new_seed = True

    @classmethod
    def reason(cls, context) -> str:
        return ""

    @classmethod
    def disabled_reason(cls, context):
        return (
            busy()
            or _take_reason(context)
            or connection.missing()
            or (_seed_reason(context) if cls.new_seed else "")
            or cls.reason(context)
        )

    def change(self, context, group, seed) -> editing.Change:
        raise NotImplementedError

    def prepare(self, context):
        settings = context.scene.tempose
        self._change = change = self.change(context, settings.edit, settings.seed if self.new_seed else None)
        asked, client = change.order, connection.client()

        def task(w):
            made = editing.merged(change, work.dance(w, client, asked.source, asked.body)[0])
            ready = making.ready(
                w, lambda: editing.keys_of(change, made), lambda find: editing.putting_in(change, made, find)
            )
            return made, ready

        return task

    def begun(self, context):
        change, take = self._change, stage.active(context.scene.tempose)
        ghost.begin(context.scene, take.rig, change.order.span)
        for start, stop in known.runs(change.kept.mask.all(1)):
            ghost.take_in(
                "segment", (start, change.kept.keypoints[start:stop], change.kept.scores[start:stop])
            )
        self._job.shown = ghost.take_in

    def over(self):
        ghost.end()

    def apply(self, context, result):
        said = editing.apply(self._change, *result)
        scene = bpy.data.scenes.get(self._change.order.scene)
        if self.new_seed and scene is not None and not scene.tempose.lock_seed:
            scene.tempose.seed = (scene.tempose.seed + 1) % 2**31
        return said


class TEMPOSE_OT_reroll(_Again, bpy.types.Operator):
    """Dance the range again with the seed of the Dance panel. Everything else stays key for key"""

    bl_idname = "tempose.reroll"
    bl_label = "Re-Roll"
    bl_options = {"REGISTER", "UNDO"}

    def change(self, context, group, seed):
        return editing.order(context, group, "re-rolled", seed=seed)


class TEMPOSE_OT_restyle(_Again, bpy.types.Operator):
    """Dance the range again in another style, with the take's own seed. Everything else stays key for key"""

    bl_idname = "tempose.restyle"
    bl_label = "Change Style"
    bl_options = {"REGISTER", "UNDO"}
    new_seed = False

    @classmethod
    def reason(cls, context):
        return "" if context.scene.tempose.edit.style else "Choose a new style first"

    def change(self, context, group, seed):
        return editing.order(context, group, f"as {group.style}", style=group.style)


class TEMPOSE_OT_lock_limbs(_Again, bpy.types.Operator):
    """Keep the limbs that are ticked and dance the others again, in the range"""

    bl_idname = "tempose.lock_limbs"
    bl_label = "Dance the Rest Anew"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def reason(cls, context):
        limbs = context.scene.tempose.edit.limbs
        if not limbs:
            return "Tick what is to stay first"
        return "Nothing is left to dance: untick something" if len(limbs) == len(shaping.LIMBS) else ""

    def change(self, context, group, seed):
        kept = ", ".join(limb.replace("_", " ") for limb in group.limbs)
        return editing.order(context, group, f"kept {kept}", locked=shaping.joints_of(group.limbs), seed=seed)


class TEMPOSE_OT_dance_between(_Again, bpy.types.Operator):
    """Keep the poses in the list and dance between them, in the range"""

    bl_idname = "tempose.dance_between"
    bl_label = "Dance Between Them"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def reason(cls, context):
        return "" if len(context.scene.tempose.edit.poses) else "Press Keep This Pose at a frame first"

    def change(self, context, group, seed):
        frames = [pose.frame for pose in group.poses]
        return editing.order(context, group, "between poses", frames=frames, seed=seed)


class _Shape(ActionButton):
    """A take changed at once."""

    @classmethod
    def disabled_reason(cls, context):
        return _take_reason(context) or busy()


class TEMPOSE_OT_mirror_take(_Shape, bpy.types.Operator):
    """Change left and right over, in the whole take"""

    bl_idname = "tempose.mirror_take"
    bl_label = "Mirror"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context):
        edit = context.scene.tempose.edit
        return editing.reshaped(
            context, edit, "mirrored", lambda dance, _: shaping.flipped(dance), whole=True
        )


class TEMPOSE_OT_scale_take(_Shape, bpy.types.Operator):
    """Make the movement in the range calmer or wilder"""

    bl_idname = "tempose.scale_take"
    bl_label = "Exaggerate or Calm"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        same = abs(context.scene.tempose.edit.amount - 1) < 1e-6
        return super().disabled_reason(context) or (
            "At 1 nothing changes: set Movement lower or higher" if same else ""
        )

    def act(self, context):
        edit = context.scene.tempose.edit
        what = f"{'wilder' if edit.amount > 1 else 'calmer'} {edit.amount:.0%}"
        return editing.reshaped(
            context, edit, what, lambda dance, spans: shaping.scaled(dance, edit.amount, spans)
        )


class TEMPOSE_OT_blend_take(_Shape, bpy.types.Operator):
    """Mix the whole take with the Action that moved the character before"""

    bl_idname = "tempose.blend_take"
    bl_label = "Blend"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        if reason := super().disabled_reason(context):
            return reason
        settings = context.scene.tempose
        take = stage.active(settings)
        if stage.beneath(settings, take.rig)[0] is None:
            return "Nothing else moves this character: there is nothing to blend with"
        return ""

    def act(self, context):
        return editing.blended(context, context.scene.tempose.edit.strength)


def _keep(edit, frames) -> int:
    """Put frames into the list, in order, once each; returns how many were new."""
    old = {pose.frame for pose in edit.poses}
    every = sorted(old | set(frames))
    edit.poses.clear()
    for frame in every:
        edit.poses.add().frame = frame
    edit.active_pose = max(0, len(every) - 1)
    return len(every) - len(old)


class TEMPOSE_OT_keep_pose(ActionButton, bpy.types.Operator):
    """Keep the pose at the current frame when dancing between poses"""

    bl_idname = "tempose.keep_pose"
    bl_label = "Keep This Pose"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        if _take_reason(context):
            return _take_reason(context)
        held = {pose.frame for pose in context.scene.tempose.edit.poses}
        return "This pose is kept already" if context.scene.frame_current in held else ""

    def act(self, context):
        frame = context.scene.frame_current
        _keep(context.scene.tempose.edit, [frame])
        return f"The pose at frame {frame} is kept."


class TEMPOSE_OT_keep_marked_poses(ActionButton, bpy.types.Operator):
    """Keep the poses at the selected timeline markers"""

    bl_idname = "tempose.keep_marked_poses"
    bl_label = "Keep Poses at Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        marked = any(marker.select for marker in context.scene.timeline_markers)
        return _take_reason(context) or ("" if marked else "Select timeline markers first")

    def act(self, context):
        frames = [marker.frame for marker in context.scene.timeline_markers if marker.select]
        count = _keep(context.scene.tempose.edit, frames)
        return f"{count} more pose{'s are' if count != 1 else ' is'} kept."


class TEMPOSE_OT_drop_pose(ActionButton, bpy.types.Operator):
    """Take the chosen pose off the list"""

    bl_idname = "tempose.drop_pose"
    bl_label = "Do Not Keep"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context):
        edit = context.scene.tempose.edit
        return "" if 0 <= edit.active_pose < len(edit.poses) else "No pose is kept"

    def act(self, context):
        edit = context.scene.tempose.edit
        frame = edit.poses[edit.active_pose].frame
        edit.poses.remove(edit.active_pose)
        edit.active_pose = max(0, min(edit.active_pose, len(edit.poses) - 1))
        return f"The pose at frame {frame} is not kept any more."


CLASSES = (
    TEMPOSE_OT_reroll,
    TEMPOSE_OT_restyle,
    TEMPOSE_OT_lock_limbs,
    TEMPOSE_OT_dance_between,
    TEMPOSE_OT_mirror_take,
    TEMPOSE_OT_scale_take,
    TEMPOSE_OT_blend_take,
    TEMPOSE_OT_keep_pose,
    TEMPOSE_OT_keep_marked_poses,
    TEMPOSE_OT_drop_pose,
)

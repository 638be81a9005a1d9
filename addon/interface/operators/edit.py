# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing takes: danced again in part, mirrored, calmer or wilder, blended. Each makes a new take."""

from collections.abc import Iterable
from typing import Any

import bpy

from tempose_pose.request import runs
from tempose_pose.sequence import convert
from tempose_pose.skeletons import GROUPS

from ...model.dance import reshape, styles
from ...model.errors import require
from ...model.server import work
from ...model.server.work import Work
from ...scene.dance import audition, direction, ghost, revised_dance, revised_take, revision
from ...scene.keys import background_keys
from ...scene.reading import Reading
from ...scene.server import connection
from ...scene.settings import EditSettings
from ...scene.window import scene_of
from .buttons import ActionButton, TaskButton


class _Redance(TaskButton):
    """Mixin: dances a part of the chosen take again."""

    title = "Dancing again"
    new_seed = True

    @classmethod
    def reason(cls, now: Reading) -> str:
        return ""

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_revision or (now.same_seed if cls.new_seed else "") or cls.reason(now)

    def change(self, now: Reading, group: EditSettings, seed: int | None) -> revision.Revision:
        raise NotImplementedError

    def prepare(self, context: bpy.types.Context):
        now = Reading(context)
        seed = now.settings.seed if self.new_seed else None
        self._change = change = self.change(now, now.settings.edit, seed)
        asked, client = change.order, connection.client()

        def task(w: Work):
            made = revised_dance.merge(change, work.dance(w, client, asked.source, asked.request)[0])
            ready = background_keys.make_ready(
                w,
                lambda: revised_take.keys_of(change, made),
                lambda find: revised_take.put_in_steps(change, made, find),
            )
            return made, ready

        return task

    def begun(self, context: bpy.types.Context):
        change, take = self._change, audition.active(context.scene.tempose)
        ghost.begin(scene_of(context), require(take.rig), change.order.span)
        kept = convert(change.kept.poses, connection.skeleton())
        for start, stop in runs(change.kept.mask.all(1)):
            ghost.take_in("segment", (start, kept.keypoints[start:stop], kept.scores[start:stop]))
        self._task.shown = ghost.take_in

    def over(self):
        ghost.end()

    def apply(self, context: bpy.types.Context, result: Any):
        said = revised_take.apply(self._change, *result)
        scene = bpy.data.scenes.get(self._change.order.subject.scene)
        if self.new_seed and scene is not None and not scene.tempose.lock_seed:
            scene.tempose.seed = (scene.tempose.seed + 1) % 2**31
        return said


class TEMPOSE_OT_reroll(_Redance, bpy.types.Operator):
    """Dance the range again with the seed of the Dance panel. Everything else stays key for key"""

    bl_idname = "tempose.reroll"
    bl_label = "Another Take"
    bl_options = {"REGISTER", "UNDO"}

    def change(self, now: Reading, group: EditSettings, seed: int | None):
        return revision.order(now, group, "re-rolled", seed=seed)


class TEMPOSE_OT_restyle(_Redance, bpy.types.Operator):
    """Dance the range again in another style, with the take's own seed. Everything else stays key for key"""

    bl_idname = "tempose.restyle"
    bl_label = "Change Style"
    bl_options = {"REGISTER", "UNDO"}
    new_seed = False

    @classmethod
    def reason(cls, now: Reading):
        return "" if now.settings.edit.style else "Choose a new style first"

    def change(self, now: Reading, group: EditSettings, seed: int | None):
        name = styles.style_of(group.style)
        styles.check(group.style, connection.styles())
        return revision.order(now, group, f"as {styles.name_of(name)}", style=name)


class TEMPOSE_OT_redirect(_Redance, bpy.types.Operator):
    """Dance again only the parts where the curves under Direct have changed, with the take's own seed"""

    bl_idname = "tempose.redirect"
    bl_label = "Dance as Directed"
    bl_options = {"REGISTER", "UNDO"}
    new_seed = False

    def change(self, now: Reading, group: EditSettings, seed: int | None):
        return revision.order(now, None, "as directed", directed=True)


class TEMPOSE_OT_face_front(ActionButton, bpy.types.Operator):
    """Ask the dancer to face the viewer throughout: for cut-outs and pictures, which cannot turn"""

    bl_idname = "tempose.face_front"
    bl_label = "Face Front"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if now.rig is None:
            return now.no_rig
        if direction.is_keyed(now.rig, "facing"):
            return "Facing has keys: delete them first (right-click on Facing, Clear Keyframes)"
        return ""

    def act(self, context: bpy.types.Context):
        settings = require(Reading(context).rig).data.tempose_direction
        settings.use_facing, settings.facing = True, 1.0
        return "The next dance faces you; Dance as Directed turns the one that is there."


class TEMPOSE_OT_lock_limbs(_Redance, bpy.types.Operator):
    """Keep the ticked limbs and dance the others again, in the range"""

    bl_idname = "tempose.lock_limbs"
    bl_label = "Dance the Rest Anew"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def reason(cls, now: Reading):
        limbs = now.settings.edit.limbs
        if not limbs:
            return "Tick what is to stay first"
        return "Nothing is left to dance: untick something" if len(limbs) == len(GROUPS) else ""

    def change(self, now: Reading, group: EditSettings, seed: int | None):
        kept = ", ".join(limb.replace("_", " ") for limb in group.limbs)
        return revision.order(now, group, f"kept {kept}", locked=group.limbs, seed=seed)


class TEMPOSE_OT_dance_between(_Redance, bpy.types.Operator):
    """Keep the poses in the list and dance between them, in the range"""

    bl_idname = "tempose.dance_between"
    bl_label = "Dance Between Them"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def reason(cls, now: Reading):
        return "" if len(now.settings.edit.poses) else "Press Keep This Pose at a frame first"

    def change(self, now: Reading, group: EditSettings, seed: int | None):
        frames = [pose.frame for pose in group.poses]
        return revision.order(now, group, "between poses", frames=frames, seed=seed)


class _Shape(ActionButton):
    """Mixin: changes a take at once."""

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_take or now.busy


class TEMPOSE_OT_mirror_take(_Shape, bpy.types.Operator):
    """Swap left and right throughout the take"""

    bl_idname = "tempose.mirror_take"
    bl_label = "Mirror"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context):
        edit = context.scene.tempose.edit
        return revised_take.reshape_take(
            Reading(context), edit, "mirrored", lambda dance, _: reshape.flipped(dance), whole=True
        )


class TEMPOSE_OT_scale_take(_Shape, bpy.types.Operator):
    """Make the movement in the range calmer or wilder"""

    bl_idname = "tempose.scale_take"
    bl_label = "Exaggerate or Calm"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        same = abs(now.settings.edit.amount - 1) < 1e-6
        return super().disabled_reason(now) or (
            "At 1 nothing changes: set Movement lower or higher" if same else ""
        )

    def act(self, context: bpy.types.Context):
        edit = context.scene.tempose.edit
        what = f"{'wilder' if edit.amount > 1 else 'calmer'} {edit.amount:.0%}"
        return revised_take.reshape_take(
            Reading(context), edit, what, lambda dance, spans: reshape.scaled(dance, edit.amount, spans)
        )


class TEMPOSE_OT_blend_take(_Shape, bpy.types.Operator):
    """Mix the whole take with the Action that moved the character before"""

    bl_idname = "tempose.blend_take"
    bl_label = "Blend"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        if reason := super().disabled_reason(now):
            return reason
        if audition.beneath(now.settings, require(now.take.rig))[0] is None:
            return "Nothing else moves this character: there is nothing to blend with"
        return ""

    def act(self, context: bpy.types.Context):
        return revised_take.blend_take(Reading(context), context.scene.tempose.edit.strength)


def _keep(edit: EditSettings, frames: Iterable[int]) -> int:
    """Put frames into the list, in order, once each; return how many were new."""
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
    def disabled_reason(cls, now: Reading):
        if now.no_take:
            return now.no_take
        held = {pose.frame for pose in now.settings.edit.poses}
        return "This pose is kept already" if now.scene.frame_current in held else ""

    def act(self, context: bpy.types.Context):
        frame = context.scene.frame_current
        _keep(context.scene.tempose.edit, [frame])
        return f"The pose at frame {frame} is kept."


class TEMPOSE_OT_keep_marked_poses(ActionButton, bpy.types.Operator):
    """Keep the poses at the selected timeline markers"""

    bl_idname = "tempose.keep_marked_poses"
    bl_label = "Keep Poses at Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        marked = any(marker.select for marker in now.scene.timeline_markers)
        return now.no_take or ("" if marked else "Select timeline markers first")

    def act(self, context: bpy.types.Context):
        frames = [marker.frame for marker in context.scene.timeline_markers if marker.select]
        count = _keep(context.scene.tempose.edit, frames)
        return f"{count} more pose{'s are' if count != 1 else ' is'} kept."


class TEMPOSE_OT_drop_pose(ActionButton, bpy.types.Operator):
    """Remove the chosen pose from the list"""

    bl_idname = "tempose.drop_pose"
    bl_label = "Do Not Keep"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        edit = now.settings.edit
        return "" if 0 <= edit.active_pose < len(edit.poses) else "No pose is kept"

    def act(self, context: bpy.types.Context):
        edit = context.scene.tempose.edit
        frame = edit.poses[edit.active_pose].frame
        edit.poses.remove(edit.active_pose)
        edit.active_pose = max(0, min(edit.active_pose, len(edit.poses) - 1))
        return f"The pose at frame {frame} is not kept any more."


CLASSES = (
    TEMPOSE_OT_reroll,
    TEMPOSE_OT_restyle,
    TEMPOSE_OT_redirect,
    TEMPOSE_OT_face_front,
    TEMPOSE_OT_lock_limbs,
    TEMPOSE_OT_dance_between,
    TEMPOSE_OT_mirror_take,
    TEMPOSE_OT_scale_take,
    TEMPOSE_OT_blend_take,
    TEMPOSE_OT_keep_pose,
    TEMPOSE_OT_keep_marked_poses,
    TEMPOSE_OT_drop_pose,
)

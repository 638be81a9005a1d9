# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the keys of a take again."""

import bpy
from bpy.props import EnumProperty

from ...model.errors import Problem, require
from ...model.keys import key_plan
from ...model.keys.hand_swaps import SHAPES
from ...model.server.work import Work
from ...scene import compat
from ...scene.character import facing_drawings, hand_drawings, selection
from ...scene.dance import audition, placement
from ...scene.keys import action_keys, cycles, take_keys
from ...scene.language import translate
from ...scene.reading import Reading
from ...scene.settings import ListedTake
from ...scene.tempo import tempo_preview
from .buttons import ActionButton, TaskButton


class TEMPOSE_OT_apply_keys(TaskButton, bpy.types.Operator):
    """Make the keys of the chosen take again, as set here. Asks first if you have set or changed keys"""

    bl_idname = "tempose.apply_keys"
    bl_label = "Apply Key Settings"
    bl_options = {"REGISTER", "UNDO"}
    title = "Making keys"

    by_hand: EnumProperty(
        name="Keys Set by Hand",
        description="What happens to keys that you have set or changed",
        items=[
            ("KEEP", "Keep Mine", "Keys that you have set or changed stay, with their neighbours"),
            ("REPLACE", "Replace", "All keys of the dance are made anew"),
        ],
        default="KEEP",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        take = now.take
        if take is None:
            return "There is no take; generate one"
        if take.state == "PREVIEW" and take.action is None:
            return "Show this take first"
        if take.state == "ACCEPTED" and take_keys.action_of(take) is None:
            return "The Action of this take has been deleted"
        if tempo_preview.previewing(now.settings):
            return "A tempo is previewed; take it back or dance it again first"
        return now.busy

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        found = action_keys.hand_set(
            require(take_keys.action_of(require(audition.active(context.scene.tempose))))
        )
        self._found = sum(len(frames) for frames in found.values())
        self._bones = len({path.partition('"]')[0] for path, _ in found})
        if not self._found:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(
            self, width=360, title="Keys Set by Hand", confirm_text="Apply"
        )

    def draw(self, _context: bpy.types.Context):
        layout = self.layout
        bones = "one bone" if self._bones == 1 else f"{self._bones} bones"
        layout.label(
            text=translate(f"You have set or changed {self._found} keys of {bones}."), icon="KEYFRAME"
        )
        layout.prop(self, "by_hand", expand=True)

    def execute(self, context: bpy.types.Context):
        if bpy.app.background or context.window is None:
            return TaskButton.execute(self, context)
        return TaskButton.invoke(self, context, None)

    def prepare(self, context: bpy.types.Context):
        settings = context.scene.tempose
        take = require(audition.active(settings))
        self._take, self._span = take.identity, self._lies(context, take)
        plan = take_keys.plan(audition.data_of(take), audition.rig_of(take), self._span, settings)

        def task(work: Work):
            return key_plan.make_keys(plan, lambda count: work.status(f"Making keys: {count:,} so far"))

        return task

    @staticmethod
    def _lies(context: bpy.types.Context, take: ListedTake):
        """The span of the take on the timeline now."""
        return placement.span_of(compat.sound_scene(context), take)

    def apply(self, context: bpy.types.Context, made: key_plan.Keyed):
        take = next((t for t in context.scene.tempose.takes if t.identity == self._take), None)
        action = take_keys.action_of(take) if take is not None else None
        if take is None or action is None:
            raise Problem("take_gone", "The take was hidden or discarded meanwhile: show it, then try again.")
        if self._lies(context, take) != self._span:
            raise Problem(
                "strip_moved", "The sound was moved meanwhile. Nothing was changed; press the button again."
            )
        ob = audition.rig_of(take)
        kept = action_keys.rewrite(ob, action, made.curves, self.by_hand == "KEEP", made.stepped)
        if audition.data_of(take).settings.get("loop"):
            cycles.repeat(action, self._span)
        take_keys.rest_undanced(ob, action, {keyed.id for keyed in made.curves})
        text = f"{take.name} has {made.count} keys"
        if made.count < made.dense:
            text += f", {made.count / made.dense:.0%} of one per frame"
            if not made.stepped:
                text += f"; joints are typically {made.typical:.1f} pixels off, {made.worst:.0f} at most"
        return (
            f"{text}. Of yours, {kept} {'key was' if kept == 1 else 'keys were'} kept."
            if kept
            else f"{text}."
        )


class TEMPOSE_OT_link_hand_drawings(ActionButton, bpy.types.Operator):
    """Show drawn hands as dances hold them: objects or Grease Pencil layers of the character, named as Fist.L"""

    bl_idname = "tempose.link_hand_drawings"
    bl_label = "Link Hand Drawings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if now.rig else "Select the character, or make one")

    def act(self, context: bpy.types.Context):
        ob = require(selection.pick_rig(context))
        if not hand_drawings.drawings_of(ob) and not hand_drawings.fists_of(ob):
            raise Problem(
                "no_hand_drawings",
                "No drawing of a hand hangs on this character. Add objects or layers named after a shape and a side, "
                f"as Fist.L: {', '.join(shape.capitalize() for shape in SHAPES)}.",
            )
        count = hand_drawings.link(ob)
        if not count:
            raise Problem("no_hand_bone", "No bone carries the hands. Map the forearms or the hands first.")
        return f"{count} hand drawings follow the dance. Press Apply Key Settings to give a take their keys."


class TEMPOSE_OT_link_facing_drawings(ActionButton, bpy.types.Operator):
    """Show drawings by where the dancer looks: objects, collections or layers, named as Head profile.L"""

    bl_idname = "tempose.link_facing_drawings"
    bl_label = "Link Facing Drawings"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or ("" if now.rig else "Select the character, or make one")

    def act(self, context: bpy.types.Context):
        ob = require(selection.pick_rig(context))
        if not facing_drawings.drawings_of(ob) and not facing_drawings.turnarounds_of(ob):
            raise Problem(
                "no_facing_drawings",
                "No drawings from several sides hang on this character. Add objects or layers named after a part and "
                "a facing, as Head front, Head three-quarter.L, Head profile.L and Head back.",
            )
        count = facing_drawings.link(ob)
        if not count:
            raise Problem("no_facing_bone", "No bone carries the drawings. Map the head and the spine first.")
        return f"{count} drawings follow the dance. Press Apply Key Settings to give a take their keys."


CLASSES = (TEMPOSE_OT_apply_keys, TEMPOSE_OT_link_hand_drawings, TEMPOSE_OT_link_facing_drawings)

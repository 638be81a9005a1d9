# SPDX-License-Identifier: GPL-3.0-or-later
"""Shaping keys by hand: hold, move to the next beat, delay or exaggerate a limb; and playing a part in a loop."""

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, FloatProperty, FloatVectorProperty, IntProperty

from ...model.errors import Problem, require
from ...model.keys import key_edits
from ...scene.character import floor
from ...scene.dance import order, pose_overlay
from ...scene.keys import curve_edits, limb_reach
from ...scene.keys.limb_bones import LIMBS
from ...scene.reading import Reading, at_press
from . import mouse
from .buttons import ActionButton
from .modal import ByHand


class _ShapeKeys(ActionButton):
    """Mixin: changes keys of the Action that moves the character."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_rig or now.no_keys


class TEMPOSE_OT_hold_pose(_ShapeKeys, bpy.types.Operator):
    """Hold the pose at the playhead for some frames; keys in between are removed"""

    bl_idname = "tempose.hold_pose"
    bl_label = "Hold Pose"

    frames: IntProperty(name="Frames", description="For how long it is held", default=6, min=1, max=10_000)

    def act(self, context: bpy.types.Context):
        frame = context.scene.frame_current
        curve_edits.hold(require(Reading(context).rig), frame, self.frames)
        return f"The pose at frame {frame} is held for {self.frames} frames."


class TEMPOSE_OT_snap_key(_ShapeKeys, bpy.types.Operator):
    """Move the keys at the playhead to the next beat; keys that they pass are removed"""

    bl_idname = "tempose.snap_key"
    bl_label = "Snap to Next Beat"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return (
            super().disabled_reason(now)
            or now.song.reason
            or ("" if now.has_beats else "Find the beats first")
        )

    def act(self, context: bpy.types.Context):
        now = at_press(context)
        frame, ob = context.scene.frame_current, require(now.rig)
        keyed = now.staging.for_keys(require(now.playback))
        beats = np.asarray(keyed.frame_at(np.asarray(require(now.beats).beats, float)))
        to = key_edits.next_beat(beats, now.staging.key_frame(frame))
        if to is None:
            raise Problem("no_beat", "No beat comes after the playhead. Move the playhead to an earlier key.")
        if not curve_edits.move(ob, frame, to):
            raise Problem("no_key", f"There is no key at frame {frame}. Move the playhead to one.")
        return f"The keys of frame {frame} are at frame {to:.0f}, on the beat."


class TEMPOSE_OT_offset_limb(_ShapeKeys, bpy.types.Operator):
    """Delay a limb by some frames, for overlap; with Follow Through, each further link by some more"""

    bl_idname = "tempose.offset_limb"
    bl_label = "Offset Limb"

    limb: EnumProperty(name="Limb", description="Which limb", items=LIMBS)
    frames: IntProperty(
        name="Frames", description="By how many; below 0 it is early", default=2, min=-100, max=100
    )
    follow: BoolProperty(name="Follow Through", description="The hand is later than the arm", default=True)

    def act(self, context: bpy.types.Context):
        if not curve_edits.offset(require(Reading(context).rig), self.limb, self.frames, self.follow):
            raise _no_limb()
        return f"{_name(self.limb)} is {abs(self.frames)} frames {'late' if self.frames >= 0 else 'early'}."


class TEMPOSE_OT_exaggerate_limb(_ShapeKeys, bpy.types.Operator):
    """Make a limb swing farther, or less far, about the middle of its movement"""

    bl_idname = "tempose.exaggerate_limb"
    bl_label = "Exaggerate Limb"

    limb: EnumProperty(name="Limb", description="Which limb", items=LIMBS)
    amount: FloatProperty(
        name="Amount", description="1 changes nothing; above it swings farther", default=1.3, min=0.0, max=4.0
    )

    def act(self, context: bpy.types.Context):
        render = context.scene.render
        rate = render.fps / render.fps_base
        if not curve_edits.exaggerate(require(Reading(context).rig), self.limb, self.amount, rate):
            raise _no_limb()
        return f"{_name(self.limb)} swings {self.amount:.0%} as far."


def _name(limb: str) -> str:
    return next(name for key, name, _ in LIMBS if key == limb)


def _no_limb() -> Problem:
    return Problem("no_limb", "This limb has no keys. Choose another one, or map its bones.")


class TEMPOSE_OT_loop_section(ActionButton, bpy.types.Operator):
    """Play the range of the Dance panel again and again, with its sound; flip through takes meanwhile. Press again to stop"""  # noqa: E501

    bl_idname = "tempose.loop_section"
    bl_label = "Play in a Loop"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason

    def act(self, context: bpy.types.Context):
        playing = any(window.screen.is_animation_playing for window in context.window_manager.windows)
        if playing:
            bpy.ops.screen.animation_cancel(restore_frame=False)
            return "Stopped."
        now = at_press(context)
        part = order.range_of(now, require(now.playback))
        left, right = now.staging.in_scene(part).ends
        scene = now.scene
        scene.use_preview_range = True
        scene.frame_preview_start, scene.frame_preview_end = (
            round(left),
            max(round(left) + 1, round(right) - 1),
        )
        scene.frame_set(scene.frame_preview_start)
        scene.sync_mode = "AUDIO_SYNC"
        if not bpy.app.background:
            bpy.ops.screen.animation_play()
        part = f"{scene.frame_preview_start} to {scene.frame_preview_end}"
        return f"Frames {part} play again and again. Flip through takes with the arrows."


class TEMPOSE_OT_drag_trail(ByHand, bpy.types.Operator):
    """Drag a dot of the trail: the limb goes there on that beat, and its keys follow. Press, drag, release"""

    bl_idname = "tempose.drag_trail"
    bl_label = "Drag a Dot"

    frame: IntProperty(name="Frame", description="The frame of the dot", options={"SKIP_SAVE"})
    place: FloatVectorProperty(
        name="Place", description="Where the limb goes, in the world", size=3, options={"SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        off = "" if now.settings.view.trail != "NONE" else "Choose a trail first"
        return now.busy or now.no_rig or now.no_keys or off

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        if bpy.app.background or context.window is None:
            return self.fail(
                Problem("no_window", "Dots are dragged in a window. Scripts give frame and place.")
            )
        self._held = False
        return self.wait(context, "Tempose: press on a dot and drag it   Esc: cancel")

    def modal(self, context: bpy.types.Context, event: bpy.types.Event):
        if not self.is_waiting or (event.value == "PRESS" and event.type in ("ESC", "RIGHTMOUSE")):
            return self.give_up(context)
        ob = Reading(context).rig
        if ob is None or event.type not in ("LEFTMOUSE", "MOUSEMOVE"):
            return {"PASS_THROUGH"}
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self._take(context, event, ob)
        if self._held and event.type == "LEFTMOUSE" and event.value == "RELEASE":
            found = mouse.in_plane(context, event, ob)
            self.place = found or (0.0, 0.0, 0.0)
            return self.done(context) if found is not None else self.give_up(context)
        return {"RUNNING_MODAL"} if self._held else {"PASS_THROUGH"}

    def _take(self, context: bpy.types.Context, event: bpy.types.Event, ob: bpy.types.Object) -> None:
        """Grab the dot under the mouse."""
        frames, places = pose_overlay.dots(context, ob)
        near = mouse.nearest(context, event, places)
        if near is not None:
            self.frame, self._held = int(frames[near]), True

    def write(self, context: bpy.types.Context):
        ob, part = require(Reading(context).rig), context.scene.tempose.view.trail
        where = floor.floor_of(ob)
        across = np.array(where.place_of(self.place)) * where.size + where.home
        if not limb_reach.reach(ob, part, self.frame, across):
            raise _no_limb()
        return f"The limb goes there at frame {self.frame}."


CLASSES = (
    TEMPOSE_OT_drag_trail,
    TEMPOSE_OT_hold_pose,
    TEMPOSE_OT_snap_key,
    TEMPOSE_OT_offset_limb,
    TEMPOSE_OT_exaggerate_limb,
    TEMPOSE_OT_loop_section,
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage: a character's way, and hands and feet that are held."""

import bpy
import numpy as np
from bpy.props import EnumProperty, FloatVectorProperty, IntProperty

from ...model.dance.pins import CHAINS
from ...model.errors import Problem, require
from ...scene import playhead
from ...scene.character import character, floor
from ...scene.dance import stage_take, waypoints
from ...scene.reading import Reading, at_press
from ..properties.stage import PARTS
from . import mouse
from .buttons import ActionButton
from .modal import ByHand
from .object_selection import object_mode

NEXT = "Generate dances there; Follow the Stage takes the take that is there along."


class _OnStage(ActionButton):
    """Mixin: changes a character's settings for the stage."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_stage


class _AtBeat(_OnStage):
    """Mixin: acts on the beat at the playhead."""

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_stage or now.song.reason


class TEMPOSE_OT_drop_waypoint(ByHand, bpy.types.Operator):
    """Set where the character should be on the beat at the playhead: press, then click on the floor. Drag the empty later to move it"""  # noqa: E501

    bl_idname = "tempose.drop_waypoint"
    bl_label = "Drop Waypoint"

    place: FloatVectorProperty(
        name="Place", description="Where on the floor, in the world", size=3, options={"SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_stage or now.song.reason

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        if bpy.app.background or context.window is None:
            return self.fail(
                Problem("no_window", "Waypoints are dropped in a window. Scripts give their place.")
            )
        now = Reading(context)
        beat = playhead.name_of(now, playhead.second_of(now))
        return self.wait(context, f"Tempose: click where the dancer is to be at {beat}   Esc: cancel")

    def modal(self, context: bpy.types.Context, event: bpy.types.Event):
        if not self.is_waiting or (event.value == "PRESS" and event.type in ("ESC", "RIGHTMOUSE")):
            return self.give_up(context)
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        ob = Reading(context).rig
        found = mouse.in_plane(context, event, ob) if ob is not None else None
        if found is None:
            return {"PASS_THROUGH"}
        self.place = found
        return self.done(context)

    def write(self, context: bpy.types.Context):
        now = at_press(context)
        ob, second = require(now.rig), playhead.second_of(now)
        beat, (across, _) = playhead.name_of(now, second), floor.floor_of(ob).place_of(self.place)
        waypoints.drop(ob, second, (across, 0.0), beat)
        return f"'{ob.name}' is to be there at {beat}. {NEXT}"


class _OfWaypoint(_OnStage):
    """Mixin: changes the chosen waypoint."""

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_stage or (
            "" if len(waypoints.stage_of(require(now.rig)).waypoints) else "There are no waypoints"
        )


class TEMPOSE_OT_remove_waypoint(_OfWaypoint, bpy.types.Operator):
    """Remove the chosen waypoint, with its empty"""

    bl_idname = "tempose.remove_waypoint"
    bl_label = "Remove Waypoint"

    def act(self, context: bpy.types.Context):
        object_mode(context)
        ob = require(Reading(context).rig)
        waypoints.remove(ob, waypoints.chosen(ob))
        return "The waypoint is gone."


class TEMPOSE_OT_time_waypoint(_OfWaypoint, bpy.types.Operator):
    """Move the chosen waypoint to the beat at the playhead"""

    bl_idname = "tempose.time_waypoint"
    bl_label = "At the Playhead Instead"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return super().disabled_reason(now) or now.song.reason

    def act(self, context: bpy.types.Context):
        now = at_press(context)
        ob, second = require(now.rig), playhead.second_of(now)
        beat = playhead.name_of(now, second)
        waypoints.retime(ob, waypoints.chosen(ob), second, beat)
        return f"'{ob.name}' is to be there at {beat}."


class TEMPOSE_OT_set_mark(_OnStage, bpy.types.Operator):
    """Mark where the character stands now, to send it back there later"""

    bl_idname = "tempose.set_mark"
    bl_label = "Set Mark"

    def act(self, context: bpy.types.Context):
        ob = require(Reading(context).rig)
        waypoints.mark(ob)
        return f"The mark of '{ob.name}' is where it stands now. Drag the empty to move it."


class TEMPOSE_OT_back_to_mark(_AtBeat, bpy.types.Operator):
    """Bring the character back to its mark on the beat at the playhead"""

    bl_idname = "tempose.back_to_mark"
    bl_label = "Back to Mark"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return super().disabled_reason(now) or (
            "" if waypoints.stage_of(require(now.rig)).home is not None else "Set a mark first"
        )

    def act(self, context: bpy.types.Context):
        now = at_press(context)
        ob, second = require(now.rig), playhead.second_of(now)
        beat = playhead.name_of(now, second)
        waypoints.drop(ob, second, waypoints.home_of(ob), beat)
        return f"'{ob.name}' is back at its mark at {beat}. {NEXT}"


SIDES = [("LEFT", "Left", "The left edge of the frame"), ("RIGHT", "Right", "The right edge of the frame")]


class _ThroughEdge(_AtBeat):
    """Mixin: enters or leaves the frame."""

    beats: IntProperty(
        name="Beats on the Way", description="How many beats the way takes", default=8, min=1, max=256
    )
    side: EnumProperty(name="Side", description="Which edge of the frame", items=SIDES)

    def stops(self, now: Reading) -> tuple[float, float, tuple[float, float], tuple[float, float]]:
        """The song seconds at the playhead and some beats before or after it, with places outside and inside."""
        ob, second = require(now.rig), playhead.second_of(now)
        beats = now.beats.beats if now.beats is not None else np.zeros(0)
        count = self.beats * self.step
        pace = float(np.median(np.diff(beats))) if len(beats) > 1 else 0.5
        at = int(np.abs(beats - second).argmin()) + count if len(beats) else -1
        other = float(beats[at]) if 0 <= at < len(beats) else second + count * pace
        inside = waypoints.place_at(ob, second) or waypoints.home_of(ob)
        return second, other, (waypoints.edge_of(now.scene, ob, self.side == "RIGHT"), 0.0), inside

    step = 1

    def act(self, context: bpy.types.Context):
        now = at_press(context)
        ob = require(now.rig)
        second, other, outside, inside = self.stops(now)
        for at, place in sorted([(second, inside), (other, outside)]):
            waypoints.drop(ob, at, place, playhead.name_of(now, at))
        return self.told(ob.name, playhead.name_of(now, second))

    def told(self, name: str, at: str) -> str:
        """What to say of a character and the beat at the playhead."""
        raise NotImplementedError


class TEMPOSE_OT_enter(_ThroughEdge, bpy.types.Operator):
    """Enter from outside the frame, to reach the mark on the beat at the playhead"""

    bl_idname = "tempose.enter"
    bl_label = "Enter From"
    step = -1

    def told(self, name: str, at: str):
        return f"'{name}' comes in and is there at {at}. {NEXT}"


class TEMPOSE_OT_leave(_ThroughEdge, bpy.types.Operator):
    """Set out on the beat at the playhead, and leave the frame"""

    bl_idname = "tempose.leave"
    bl_label = "Leave To"

    def told(self, name: str, at: str):
        return f"'{name}' sets out at {at} and leaves the frame. {NEXT}"


class TEMPOSE_OT_pin_part(_OnStage, bpy.types.Operator):
    """Hold a hand or a foot where it is now, for some beats from the playhead on: at a new empty, or at the selected object"""  # noqa: E501

    bl_idname = "tempose.pin_part"
    bl_label = "Pin"

    part: EnumProperty(name="Pinned", description="What is held", items=PARTS)
    beats: IntProperty(name="Beats", description="For how long it is held", default=8, min=1, max=256)

    def act(self, context: bpy.types.Context):
        now = at_press(context)
        ob, frame = require(now.rig), context.scene.frame_current
        last = frame + round(self.beats * _beat_frames(now)) - 1
        if self.part not in character.joints(ob, current=True) or not set(CHAINS[self.part]) <= set(
            character.joints(ob, current=False)
        ):
            raise Problem(
                "no_limb", "This character has no such limb mapped. Choose another one, or map its bones."
            )
        others = [one for one in context.selected_objects if ob not in (one, one.parent)]
        target = others[0] if len(others) == 1 else None
        waypoints.pin(ob, self.part, target, frame, last)
        held = waypoints.stage_of(ob).pins[-1].target
        return f"Held at '{require(held).name}' from frame {frame} to {last}. {NEXT}"


def _beat_frames(now: Reading) -> float:
    """Frames of a beat; half a second if no beats are known."""
    rate = now.scene.render.fps / now.scene.render.fps_base
    if now.playback is None or now.beats is None or len(now.beats.beats) < 2:
        return rate / 2
    frames = now.staging.in_scene(now.playback).frame_at(np.asarray(now.beats.beats, float))
    return float(np.median(np.diff(frames)))


class TEMPOSE_OT_unpin_part(_OnStage, bpy.types.Operator):
    """Let go of the chosen hand or foot; its empty stays"""

    bl_idname = "tempose.unpin_part"
    bl_label = "Let Go"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.no_stage or ("" if len(waypoints.stage_of(require(now.rig)).pins) else "Nothing is held")

    def act(self, context: bpy.types.Context):
        settings = waypoints.stage_of(require(Reading(context).rig))
        index = min(settings.active_pin, len(settings.pins) - 1)
        settings.pins.remove(index)
        settings.active_pin = max(0, index - 1)
        return "It is free again."


class TEMPOSE_OT_follow_stage(ActionButton, bpy.types.Operator):
    """Make a new take of the chosen one that follows the way and the pins. Nothing is danced again"""

    bl_idname = "tempose.follow_stage"
    bl_label = "Follow the Stage"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_take

    def act(self, context: bpy.types.Context):
        return stage_take.follow(at_press(context))


CLASSES = (
    TEMPOSE_OT_drop_waypoint,
    TEMPOSE_OT_remove_waypoint,
    TEMPOSE_OT_time_waypoint,
    TEMPOSE_OT_set_mark,
    TEMPOSE_OT_back_to_mark,
    TEMPOSE_OT_enter,
    TEMPOSE_OT_leave,
    TEMPOSE_OT_pin_part,
    TEMPOSE_OT_unpin_part,
    TEMPOSE_OT_follow_stage,
)

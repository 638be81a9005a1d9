# SPDX-License-Identifier: GPL-3.0-or-later
"""Tapping along with the song, and dragging beats with the mouse."""

import time

import bpy
import numpy as np
from bpy.props import StringProperty

from .. import beat_draw, beat_edit, beat_view, beats, dancing
from ..errors import Problem
from .base import Button

_modal: list = []  # operators that wait for the person; ended when the add-on goes
KEYMAPS: list = []


def end() -> None:
    """Forget what waits: another file, or the add-on is going. The operators see it at their next event."""
    _modal.clear()
    beat_draw.hold()


class _ByHand(Button):
    """Mixin: waits for taps or for the mouse; one undo step at its end, nothing changed without it."""

    bl_options = {"REGISTER", "UNDO"}

    def wait(self, context, text: str) -> set:
        _modal.append(self)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set(text)
        return {"RUNNING_MODAL"}

    def stop(self, context) -> None:
        """Stop waiting."""
        if self in _modal:
            _modal.remove(self)
        if context.workspace is not None:
            context.workspace.status_text_set(None)

    def give_up(self, context) -> set:
        """Nothing was changed."""
        self.stop(context)
        return {"CANCELLED"}

    def done(self, context) -> set:
        """Write; the scene stays as it was when that fails."""
        self.stop(context)
        try:
            return self.succeed(self.write(context))
        except Exception as problem:
            return self.fail(problem)

    def write(self, context) -> str:
        raise NotImplementedError

    def execute(self, context):
        return self.done(context)

    def cancel(self, context):
        """Blender takes the operator away."""
        self.give_up(context)


class TEMPOSE_OT_tap_tempo(_ByHand, bpy.types.Operator):
    """Play the song and tap its beats with the T key. Enter ends, Esc cancels"""

    bl_idname = "tempose.tap_tempo"
    bl_label = "Tap Tempo"
    frames: StringProperty(
        name="Frames",
        description="For scripts: the frames of the taps, with spaces between",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context):
        return dancing.strip_reason(context)

    def invoke(self, context, _event):
        self._walls, self._frames, self._played = [], [], False
        if bpy.app.background or context.window is None or self.frames:
            return self.execute(context)
        try:
            scene = beat_edit.current(context).scene
        except Problem as problem:
            return self.fail(problem)
        self._scene, self._sync = scene.name, scene.sync_mode
        scene.sync_mode = "AUDIO_SYNC"  # otherwise a heavy scene falls behind its sound
        if not context.screen.is_animation_playing:
            self._played = True
            bpy.ops.screen.animation_play()
        return self.wait(context, self._text())

    def modal(self, context, event):
        if self not in _modal:
            return self.give_up(context)
        if event.value == "PRESS" and event.type in ("ESC", "RIGHTMOUSE"):
            return self.give_up(context)
        if event.value == "PRESS" and event.type in ("RET", "NUMPAD_ENTER"):
            return self.done(context)
        if event.type != "T":
            return {"PASS_THROUGH"}
        if event.value == "PRESS" and not getattr(event, "is_repeat", False):
            self._walls.append(time.perf_counter())
            self._frames.append(bpy.data.scenes[self._scene].frame_current_final)
            context.workspace.status_text_set(self._text())
        return {"RUNNING_MODAL"}

    def _text(self) -> str:
        tempo = ""
        if len(self._walls) >= beats.MIN_TAPS:
            tempo = f", about {60 / np.median(np.diff(self._walls)):.0f} BPM"
        return f"Tempose: T: tap a beat ({len(self._walls)} taps{tempo})   Enter: use them   Esc: cancel"

    def stop(self, context):
        super().stop(context)
        scene = bpy.data.scenes.get(getattr(self, "_scene", ""))
        if scene is not None:
            scene.sync_mode = self._sync
        if (
            getattr(self, "_played", False)
            and context.screen is not None
            and context.screen.is_animation_playing
        ):
            self._played = False
            bpy.ops.screen.animation_cancel(restore_frame=False)

    def write(self, context):
        now = beat_edit.current(context)
        span = now.plan.span
        try:
            frames = [float(f) for f in self.frames.split()] if self.frames else list(self._frames)
        except (AttributeError, ValueError):
            frames = []
        timeline = heard = np.asarray(span.second_at(frames), float)
        walls = [] if self.frames else getattr(self, "_walls", [])
        if walls:
            heard = beats.tap_seconds(walls, timeline)
        song = now.plan.tempo.to_song(heard)
        try:
            taps = beats.fit_taps(song)
        except Problem:
            if walls and beats.drags(walls, timeline):
                raise Problem(
                    "taps",
                    "Blender does not keep up with the song here. Hide what is slow to draw, then tap again.",
                ) from None
            raise
        grid = beats.tapped(now.grid, taps, now.plan.song_start + now.plan.song_seconds, song)
        beat_edit.put(context.scene, now, grid)
        return f"{len(frames)} taps: {taps.bpm:.1f} BPM, within {taps.spread * 1000:.0f} ms."


def under(window, x: int, y: int):
    """The timeline under the mouse as (area, region), or None."""
    for area in window.screen.areas:
        if area.type not in beat_draw.AREAS:
            continue
        for region in area.regions:
            inside = region.x <= x < region.x + region.width and region.y <= y < region.y + region.height
            if inside and region.type == "UI":
                break  # the side bar lies on top
            if inside and region.type == "WINDOW" and getattr(region, "view2d", None) is not None:
                return area, region
    return None


class TEMPOSE_OT_drag_beat(_ByHand, bpy.types.Operator):
    """Drag a beat in the Sequencer or in the Timeline: press on its line, drag, release. Its neighbours give way.
    Shift: slide all beats. Ctrl: whole frames. Esc puts it back. Also with Ctrl Alt and the left mouse button"""

    bl_idname = "tempose.drag_beat"
    bl_label = "Drag a Beat"

    @classmethod
    def disabled_reason(cls, context):
        reason = dancing.strip_reason(context)
        return reason or ("" if beat_edit.has_beats(context) else "There are no beats yet")

    def invoke(self, context, event):
        self._grabbed = self._grid = None
        if bpy.app.background or context.window is None:
            return self.fail(
                Problem("no_window", "Beats are dragged in a window. Scripts: tempose.move_beat.")
            )
        by_key = event.type == "LEFTMOUSE" and event.value == "PRESS" and event.ctrl and event.alt
        if by_key:
            return self._text(context) if self._grab(context, event) else {"PASS_THROUGH"}
        return self.wait(context, "Tempose: press on a beat and drag it   Shift: all beats   Esc: cancel")

    def _text(self, context):
        return self.wait(
            context, "Tempose: release to put the beat down   Ctrl: whole frames   Esc: put it back"
        )

    def _grab(self, context, event) -> bool:
        """Take the beat under the mouse."""
        place = under(context.window, event.mouse_x, event.mouse_y)
        if place is None:
            return False
        area, region = place
        picture, view = beat_draw.seen(context, area, region)
        index = beat_view.grab(picture, event.mouse_x - region.x, view.scale)
        if index is None:
            return False
        try:
            now = beat_edit.current(context)
        except Problem:
            return False
        offset = now.frame(now.grid.times[index]) - view.frame(event.mouse_x - region.x)
        self._grabbed = (now, index, view, region.x, offset, bool(event.shift))
        beat_draw.hold(now.mark, now.grid, index)
        return True

    def modal(self, context, event):
        if self not in _modal:
            return self.give_up(context)
        if event.value == "PRESS" and event.type in ("ESC", "RIGHTMOUSE"):
            return self.give_up(context)
        if self._grabbed is None:
            return self._waiting(context, event)
        if event.type == "MOUSEMOVE":
            self._drag(context, event)
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            return self.done(context) if self._grid is not None else self.give_up(context)
        return {"RUNNING_MODAL"}

    def _waiting(self, context, event):
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        if self._grab(context, event):
            context.workspace.status_text_set(
                "Tempose: release to put the beat down   Ctrl: whole frames   Esc: put it back"
            )
            return {"RUNNING_MODAL"}
        return (
            {"PASS_THROUGH"}
            if under(context.window, event.mouse_x, event.mouse_y) is None
            else {"RUNNING_MODAL"}
        )

    def _drag(self, context, event) -> None:
        now, index, view, left, offset, everything = self._grabbed
        frame = view.frame(event.mouse_x - left) + offset
        frame = float(round(frame)) if event.ctrl and not event.alt else frame
        try:
            if everything:
                tempo = now.plan.tempo
                seconds = now.plan.span.second_at(frame) - tempo.to_timeline(now.grid.times[index])
                self._grid = beats.nudge(now.grid, now.later(float(seconds)))
            else:
                self._grid = beats.move_beat(now.grid, index, now.song(frame))
        except Problem as problem:  # it stays where it last fitted
            context.workspace.status_text_set(f"Tempose: {problem.message}")
            return
        beat_draw.hold(now.mark, self._grid, index)
        context.workspace.status_text_set(
            f"Tempose: frame {now.frame(self._grid.times[index]):.2f}   release: put down   Esc: put back"
        )

    def stop(self, context):
        super().stop(context)
        beat_draw.hold()

    def write(self, context):
        if self._grid is None:
            raise Problem("no_beats", "No beat was dragged.")
        now, index = self._grabbed[0], self._grabbed[1]
        beat_edit.put(context.scene, now, self._grid)
        moved = now.frame(self._grid.times[index]) - now.frame(now.grid.times[index])
        return f"The beat moved by {moved / now.plan.span.rate * 1000:+.0f} ms."

    def execute(self, context):
        return self.fail(Problem("no_window", "Beats are dragged in a window. Scripts: tempose.move_beat."))


def add_keys() -> None:
    """Ctrl Alt and the left mouse button drag a beat, where one lies under the mouse."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:  # background mode
        return
    for name, space in (("Sequencer", "SEQUENCE_EDITOR"), ("Dopesheet", "DOPESHEET_EDITOR")):
        keymap = config.keymaps.new(name=name, space_type=space)
        item = keymap.keymap_items.new(
            TEMPOSE_OT_drag_beat.bl_idname, "LEFTMOUSE", "PRESS", ctrl=True, alt=True, head=True
        )
        KEYMAPS.append((keymap, item))


def remove_keys() -> None:
    """Take our keys away: the add-on is going."""
    while KEYMAPS:
        keymap, item = KEYMAPS.pop()
        keymap.keymap_items.remove(item)


CLASSES = (TEMPOSE_OT_tap_tempo, TEMPOSE_OT_drag_beat)

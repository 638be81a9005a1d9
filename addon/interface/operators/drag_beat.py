# SPDX-License-Identifier: GPL-3.0-or-later
"""Dragging beats with the mouse."""

import bpy

from ...model.errors import Problem
from ...model.music import beat_changes, beat_view
from ...scene.language import translate
from ...scene.music import beat_draw, song_grid, timelines
from ...scene.reading import Reading
from ...scene.window import scene_of, window_of
from .modal import ByHand

KEYMAPS: list = []


def timeline_under(window: bpy.types.Window, x: int, y: int):
    """The timeline under the mouse as (area, region), or None."""
    for area in window.screen.areas:
        if area.type not in timelines.AREAS:
            continue
        for region in area.regions:
            inside = region.x <= x < region.x + region.width and region.y <= y < region.y + region.height
            if inside and region.type == "UI":
                break  # the sidebar is on top
            if inside and region.type == "WINDOW" and getattr(region, "view2d", None) is not None:
                return area, region
    return None


class TEMPOSE_OT_drag_beat(ByHand, bpy.types.Operator):
    """Drag a beat in the Sequencer or in the Timeline: press on its line, drag, release. Shift: slide all beats. Ctrl: whole frames. Esc puts it back. Also with Ctrl Alt and the left mouse button"""  # noqa: E501

    bl_idname = "tempose.drag_beat"
    bl_label = "Drag a Beat"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason or ("" if now.has_beats else "There are no beats yet")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event):
        self._grabbed = self._grid = None
        if bpy.app.background or context.window is None:
            return self.fail(
                Problem("no_window", "Beats are dragged in a window. Scripts use tempose.move_beat.")
            )
        by_key = event.type == "LEFTMOUSE" and event.value == "PRESS" and event.ctrl and event.alt
        if by_key:
            return self._text(context) if self._grab(context, event) else {"PASS_THROUGH"}
        return self.wait(context, "Tempose: press on a beat and drag it   Shift: all beats   Esc: cancel")

    def _text(self, context: bpy.types.Context):
        return self.wait(
            context, "Tempose: release to put the beat down   Ctrl: whole frames   Esc: put it back"
        )

    def _grab(self, context: bpy.types.Context, event: bpy.types.Event) -> bool:
        """Grab the beat under the mouse."""
        place = timeline_under(window_of(context), event.mouse_x, event.mouse_y)
        if place is None:
            return False
        area, region = place
        picture, view = beat_draw.seen(context, area, region)
        index = beat_view.grab(picture, event.mouse_x - region.x, view.scale)
        if index is None:
            return False
        try:
            now = song_grid.current(context)
        except Problem:
            return False
        offset = now.frame(now.grid.times[index]) - view.frame(event.mouse_x - region.x)
        self._grabbed = (now, index, view, region.x, offset, bool(event.shift))
        beat_draw.hold(now.mark, now.grid, index)
        return True

    def modal(self, context: bpy.types.Context, event: bpy.types.Event):
        if not self.is_waiting:
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

    def _waiting(self, context: bpy.types.Context, event: bpy.types.Event):
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        if self._grab(context, event):
            context.workspace.status_text_set(
                translate("Tempose: release to put the beat down   Ctrl: whole frames   Esc: put it back")
            )
            return {"RUNNING_MODAL"}
        return (
            {"PASS_THROUGH"}
            if timeline_under(window_of(context), event.mouse_x, event.mouse_y) is None
            else {"RUNNING_MODAL"}
        )

    def _drag(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        assert self._grabbed is not None
        now, index, view, left, offset, everything = self._grabbed
        frame = view.frame(event.mouse_x - left) + offset
        frame = float(round(frame)) if event.ctrl and not event.alt else frame
        try:
            if everything:
                tempo = now.playback.tempo
                seconds = now.playback.span.second_at(frame) - tempo.to_timeline(now.grid.times[index])
                self._grid = beat_changes.nudge(now.grid, now.later(float(seconds)))
            else:
                self._grid = beat_changes.move_beat(now.grid, index, now.song(frame))
        except Problem as problem:  # it stays at its last valid place
            context.workspace.status_text_set(translate(f"Tempose: {problem.message}"))
            return
        beat_draw.hold(now.mark, self._grid, index)
        context.workspace.status_text_set(
            translate(
                f"Tempose: frame {now.frame(self._grid.times[index]):.2f}   release: put down   Esc: put back"
            )
        )

    def stop(self, context: bpy.types.Context):
        super().stop(context)
        beat_draw.hold()

    def write(self, context: bpy.types.Context):
        if self._grid is None:
            raise Problem("no_beats", "No beat was dragged. Press on a beat's line and drag it.")
        now, index = self._grabbed[0], self._grabbed[1]
        song_grid.put(scene_of(context), now, self._grid)
        moved = now.frame(self._grid.times[index]) - now.frame(now.grid.times[index])
        return f"The beat moved by {moved / now.playback.span.rate * 1000:+.0f} ms."

    def execute(self, context: bpy.types.Context):
        return self.fail(
            Problem("no_window", "Beats are dragged in a window. Scripts use tempose.move_beat.")
        )


def add_keys() -> None:
    """Make Ctrl Alt and the left mouse button drag the beat under the mouse."""
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
    """Remove our keys: the add-on is being disabled."""
    while KEYMAPS:
        keymap, item = KEYMAPS.pop()
        keymap.keymap_items.remove(item)


CLASSES = (TEMPOSE_OT_drag_beat,)

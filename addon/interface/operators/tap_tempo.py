# SPDX-License-Identifier: GPL-3.0-or-later
"""Tapping along with the song."""

import time

import bpy
import numpy as np
from bpy.props import BoolProperty, StringProperty

from ...model.errors import Problem
from ...model.music import beat_taps, beats
from ...scene import compat
from ...scene.language import translate
from ...scene.music import song_grid
from ...scene.reading import Reading
from ...scene.window import scene_of
from .. import preferences
from .modal import ByHand


class TEMPOSE_OT_tap_tempo(ByHand, bpy.types.Operator):
    """Play the song and tap its beats with the T key. Enter ends, Esc cancels"""

    bl_idname = "tempose.tap_tempo"
    bl_label = "Tap Tempo"
    frames: StringProperty(
        name="Frames",
        description="For scripts: the frames of the taps, separated by spaces",
        options={"SKIP_SAVE"},
    )
    measure: BoolProperty(
        name="Measure the Delay",
        description="Leave the beats alone, and measure how late your taps come",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties):
        if not properties.measure:
            return translate(cls.__doc__ or "")
        return translate(
            "Play the song and tap the beats that are set: how late your taps come is kept in the preferences, "
            "and taken off from then on"
        )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event):
        self._walls, self._frames, self._played = [], [], False
        if bpy.app.background or context.window is None or self.frames:
            return self.execute(context)
        try:
            scene = song_grid.current(context).scene
        except Problem as problem:
            return self.fail(problem)
        self._scene, self._sync = scene.name, scene.sync_mode
        scene.sync_mode = "AUDIO_SYNC"  # otherwise a heavy scene lags behind its sound
        if not context.screen.is_animation_playing:
            self._played = True
            bpy.ops.screen.animation_play()
        return self.wait(context, self._text())

    def modal(self, context: bpy.types.Context, event: bpy.types.Event):
        if not self.is_waiting:
            return self.give_up(context)
        if event.value == "PRESS" and event.type in ("ESC", "RIGHTMOUSE"):
            return self.give_up(context)
        if event.value == "PRESS" and event.type in ("RET", "NUMPAD_ENTER"):
            return self.done(context)
        if event.type != "T":
            return {"PASS_THROUGH"}
        if event.value == "PRESS" and not getattr(event, "is_repeat", False):
            self._walls.append(time.perf_counter())
            self._frames.append(compat.frame_now(bpy.data.scenes[self._scene]))
            context.workspace.status_text_set(translate(self._text()))
        return {"RUNNING_MODAL"}

    def _text(self) -> str:
        tempo = ""
        if len(self._walls) >= beat_taps.MIN_TAPS:
            tempo = f", about {60 / np.median(np.diff(self._walls)):.0f} BPM"
        use = "measure the delay" if self.measure else "use them"
        return f"Tempose: T: tap a beat ({len(self._walls)} taps{tempo})   Enter: {use}   Esc: cancel"

    def stop(self, context: bpy.types.Context):
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

    def write(self, context: bpy.types.Context):
        now, settings = song_grid.current(context), preferences.get(context)
        heard, count = self._heard(now)
        if self.measure:
            at = now.playback.tempo.to_timeline(now.grid.times) if len(now.grid) else ()
            late = beat_taps.delay(beats.from_times(at), heard)  # pyright: ignore[reportArgumentType]
            settings.tap_delay = round(late * 1000)
            context.preferences.is_dirty = True  # so that Blender saves it
            side = "after" if late >= 0 else "before"
            return (
                f"Your taps come {abs(late) * 1000:.0f} ms {side} the beats. That is taken off from now on."
            )
        song = now.playback.tempo.to_song(heard - settings.tap_delay / 1000)
        taps = beat_taps.fit_taps(song)
        grid = beat_taps.tapped(now.grid, taps, now.playback.song_end, song)
        song_grid.put(scene_of(context), now, grid)
        return f"{count} taps: {taps.bpm:.1f} BPM, within {taps.spread * 1000:.0f} ms."

    def _heard(self, now: song_grid.SongGrid) -> tuple[np.ndarray, int]:
        """Timeline seconds of the taps, and their number; raises if they have no pulse."""
        try:
            frames = [float(f) for f in self.frames.split()] if self.frames else list(self._frames)
        except (AttributeError, ValueError):
            frames = []
        timeline = heard = np.asarray(now.playback.span.second_at(frames), float)
        walls = [] if self.frames else getattr(self, "_walls", [])
        if walls:
            heard = beat_taps.tap_seconds(walls, timeline)
        try:
            beat_taps.fit_taps(heard)
        except Problem:
            if walls and beat_taps.drags(walls, timeline):
                raise Problem(
                    "taps",
                    "Blender does not keep up with the song here. Hide what is slow to draw, then tap again.",
                ) from None
            raise
        return heard, len(frames)


CLASSES = (TEMPOSE_OT_tap_tempo,)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The beat grid of the current song: finding, reading and writing it. Main thread only."""

from dataclasses import dataclass
from typing import Any

import bpy

from tempose_pose.grid import BeatGrid

from ...model.errors import Problem
from ...model.music.beats import EditedGrid
from ...model.tempo.playback import Playback
from .. import compat
from ..window import scene_of
from . import grids, markers, mix, song, song_playback, sound_marks, timelines
from .mix import SoundSource


@dataclass(frozen=True)
class SongGrid:
    """A song and its beat grid.

    Parameters
    ----------
    scene : bpy.types.Scene
        The one with the sound.
    mark : str
        Of the sound that the grid belongs to.
    playback : Playback
    grid : EditedGrid
        Empty if there is none yet.
    """

    scene: Any
    mark: str
    playback: Playback
    grid: EditedGrid

    def song(self, frame: float) -> float:
        """Song second at a scene frame."""
        return float(self.playback.song_at(frame))

    def frame(self, song: float) -> float:
        """Scene frame (not rounded) of a song second."""
        return float(self.playback.frame_at(song))

    def later(self, seconds: float):
        """Shift (N,) of each beat in song seconds that delays it by so many timeline seconds."""
        tempo, times = self.playback.tempo, self.grid.times
        return tempo.to_song(tempo.to_timeline(times) + seconds) - times

    @property
    def request(self) -> BeatGrid | None:
        """The beats for a dance request; None: the server detects them."""
        return self.grid.beat_grid if len(self.grid) else None


def grid_of(scene: bpy.types.Scene, playback: Playback) -> SongGrid:
    """The grid of a song with the artist's edits of its markers; nothing is written."""
    own = sound_marks.mark_of(scene, playback)
    grid = markers.absorbed(scene, sound_marks.mark_of_grid(scene, playback, own))
    return SongGrid(scene, own, playback, EditedGrid() if grid is None else grid)


def grid_at(scene: bpy.types.Scene, original: SoundSource) -> SongGrid:
    """The grid of one strip, or of everything heard."""
    return grid_of(scene, song_playback.playback_of(scene, original))


def peek(context: bpy.types.Context) -> SongGrid | None:
    """The current grid, for drawing; None without a sound."""
    meant = song.pick(context)
    return grid_at(meant.scene, meant.original) if meant.problem is None else None


def current(context: bpy.types.Context) -> SongGrid:
    """The grid to edit; raises without a sound."""
    meant = song.pick(context)
    meant.check()
    playback = song_playback.playback_of(meant.scene, meant.original)
    markers.follow(meant.scene, playback.span, playback.tempo)
    return grid_of(meant.scene, playback)


def put(window_scene: bpy.types.Scene, now: SongGrid, grid: EditedGrid) -> None:
    """Write an edited grid, as markers too if the settings of the window's scene say so."""
    as_markers = window_scene.tempose.music.show_markers
    name = compat.file_name(now.playback.original.sound)
    markers.put(now.scene, now.mark, grid, now.playback.span, now.playback.tempo, as_markers, name)
    timelines.redraw()


def clear(now: SongGrid) -> None:
    """Forget the grid of a sound."""
    markers.clear(now.scene, now.mark)
    if grids.has(now.scene, sound_marks.mark_of_grid(now.scene, now.playback, now.mark)):
        grids.save(
            now.scene, now.mark, EditedGrid()
        )  # so that an earlier one with the same name does not come back
    timelines.redraw()


def sync(context: bpy.types.Context) -> None:
    """Place or remove markers, according to the setting."""
    try:
        now = current(context)
    except Problem:
        now = None
    if now is not None and len(now.grid):
        put(scene_of(context), now, now.grid)
    elif not context.scene.tempose.music.show_markers:
        markers.hide(scene_of(context) if now is None else now.scene)


def range_of(now: SongGrid) -> tuple[float, float] | None:
    """The preview range in song seconds, or None if it is off."""
    if not now.scene.use_preview_range:
        return None
    first, last = mix.frame_range(now.scene)
    return now.song(first), now.song(last)


def chosen_span(now: SongGrid) -> tuple[float, float] | None:
    """The chosen song seconds: the preview range, or from the first to the last selected marker."""
    chosen = sorted(m.frame for m in now.scene.timeline_markers if m.select)
    span = range_of(now)
    if span is None and len(chosen) > 1 and chosen[0] < chosen[-1]:
        # Half a frame more on either side: markers are on whole frames, beats are not.
        span = now.song(chosen[0] - 0.5), now.song(chosen[-1] + 0.5)
    return span

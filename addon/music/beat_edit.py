# SPDX-License-Identifier: GPL-3.0-or-later
"""The beat grid of the song that is meant: found, read and written. Main thread only."""

from dataclasses import dataclass

from .. import compat
from ..dance import dancing
from ..errors import Problem
from ..tempo import tempo_edit
from ..tempo.tempo_edit import Heard
from . import grids, markers, mix
from .beats import Grid


@dataclass(frozen=True)
class Current:
    """The song that is meant and its grid.

    Parameters
    ----------
    scene : bpy.types.Scene
        The one with the sound.
    mark : str
        Of the sound that the grid belongs to.
    plan : Heard
    grid : Grid
        Empty where there is none yet.
    """

    scene: object
    mark: str
    plan: Heard
    grid: Grid

    def song(self, frame: float) -> float:
        """Song second that is heard at a scene frame."""
        return float(self.plan.tempo.to_song(self.plan.span.second_at(frame)))

    def frame(self, song: float) -> float:
        """Scene frame (not rounded) at which a song second is heard."""
        return float(self.plan.span.frame_at(self.plan.tempo.to_timeline(song)))

    def later(self, seconds: float):
        """(N,) how much later in the song each beat is when it is heard so many timeline seconds later."""
        tempo, times = self.plan.tempo, self.grid.times
        return tempo.to_song(tempo.to_timeline(times) + seconds) - times


def peek(context) -> Current | None:
    """The grid as it stands, for drawing; nothing is written."""
    try:
        scene, original = dancing.chosen_original(context)
        return at(scene, original)
    except Problem:
        return None


def at(scene, original) -> Current:
    """The grid of one strip, or of everything heard."""
    grid = markers.absorbed(scene, dancing.grid_mark(scene, original))
    mark = dancing.own_mark(scene, original)
    return Current(scene, mark, tempo_edit.heard(scene, original), Grid() if grid is None else grid)


def current(context) -> Current:
    """The grid to be edited; raises when there is no sound."""
    scene, original = dancing.chosen_original(context)
    plan = tempo_edit.heard(scene, original)
    markers.follow(scene, plan.span, plan.tempo)
    return at(scene, original)


def put(window_scene, now: Current, grid: Grid) -> None:
    """Write an edited grid, as markers too where the settings of the window's scene ask for it."""
    as_markers = window_scene.tempose.music.show_markers
    name = compat.file_name(now.plan.original.sound)
    markers.put(now.scene, now.mark, grid, now.plan.span, now.plan.tempo, as_markers, name)
    _redraw()


def clear(now: Current) -> None:
    """Forget the grid of a sound."""
    markers.clear(now.scene, now.mark)
    if grids.has(now.scene, dancing.grid_mark(now.scene, now.plan.original)):
        grids.save(now.scene, now.mark, Grid())  # so that a former one of the same name does not come back
    _redraw()


def sync(context) -> None:
    """Put markers down or take them away, as the setting says."""
    try:
        now = current(context)
    except Problem:
        now = None
    if now is not None and len(now.grid):
        put(context.scene, now, now.grid)
    elif not context.scene.tempose.music.show_markers:
        markers.hide(context.scene if now is None else now.scene)


def has_beats(context) -> bool:
    """Whether there is any beat; asked for by every button."""
    now = peek(context)
    return now is not None and len(now.grid) > 0


def _redraw() -> None:
    from . import beat_draw  # draws what is found here

    beat_draw.redraw()


def range_of(now: Current) -> tuple[float, float] | None:
    """The preview range in song seconds, or None where it is off."""
    if not now.scene.use_preview_range:
        return None
    first, last = mix.frame_range(now.scene)
    return now.song(first), now.song(last)


def chosen_span(now: Current) -> tuple[float, float] | None:
    """What is marked, in song seconds: the preview range, or from the first to the last selected marker."""
    chosen = sorted(m.frame for m in now.scene.timeline_markers if m.select)
    span = range_of(now)
    if span is None and len(chosen) > 1 and chosen[0] < chosen[-1]:
        # Half a frame more on either side: markers are on whole frames, beats are not.
        span = now.song(chosen[0] - 0.5), now.song(chosen[-1] + 0.5)
    return span

# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the timeline that a panel's settings select. No bpy in here."""

from dataclasses import replace
from typing import Protocol

import numpy as np

from tempose_pose.grid import BeatGrid

from ..errors import Problem
from . import ranges
from .playback import Playback
from .timing import Span


class Area(Protocol):
    """A part of the timeline as the settings state it, in frames or bars."""

    area: str
    first_frame: int
    last_frame: int
    first_bar: int
    last_bar: int


class PreviewRange(Protocol):
    """A scene's preview range, if it is on."""

    use_preview_range: bool
    frame_preview_start: int
    frame_preview_end: int


def downbeats(playback: Playback, beats: BeatGrid | None) -> list[float]:
    """Timeline seconds at which bars begin, from the beat grid; empty without one."""
    return playback.tempo.to_timeline(beats.downbeats).tolist() if beats is not None else []


def part_of(playback: Playback, start: float, stop: float) -> Playback:
    """The part of a playback between two timeline seconds of its span."""
    tempo = ranges.cut(playback.tempo, start, stop)
    span = Span(round(float(playback.span.frame_at(start)), 6), stop - start, playback.span.rate)
    (_, first), (_, last) = tempo.points[0], tempo.points[-1]
    return replace(playback, span=span, tempo=tempo, song_start=first, song_seconds=last - first)


def seconds_of(
    scene: PreviewRange,
    group: Area,
    playback: Playback,
    beats: BeatGrid | None,
    section: tuple[float, float] | None = None,
) -> tuple[float, float] | None:
    """The selected timeline seconds (start, stop) of the playback's span; None for all of it.

    Parameters
    ----------
    scene : PreviewRange
    group : Area
    playback : Playback
    beats : BeatGrid, optional
        In song seconds, for bars.
    section : (float, float), optional
        The chosen section, in song seconds.
    """
    if group.area in ("STRIP", "TAKE"):
        return None
    if group.area == "SECTION":
        if section is None:
            raise Problem("no_section", "Find the sections of the song first, under Form, and choose one.")
        return ranges.of_seconds(playback.span, *playback.tempo.to_timeline(np.asarray(section)))
    if group.area == "PREVIEW":
        if not scene.use_preview_range:
            raise Problem("no_preview", "Set a preview range first: P in the timeline, then drag.")
        first, last = scene.frame_preview_start, scene.frame_preview_end
    elif group.area == "FRAMES":
        first, last = group.first_frame, group.last_frame
    else:
        bars = downbeats(playback, beats)
        first, last = ranges.bar_frames(playback.span, bars, group.first_bar, group.last_bar)
    return ranges.of_frames(playback.span, first, last)

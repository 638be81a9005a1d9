# SPDX-License-Identifier: GPL-3.0-or-later
"""A dance that was stopped early, kept as far as it got."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence

from ...model.tempo import ranges
from ...model.tempo.timing import Span
from .order import Order


def cut(asked: Order, seconds: float) -> Order:
    """The same order for the first seconds only."""
    tempo = ranges.cut(asked.request.tempo_map, 0.0, seconds)
    request = replace(asked.request, seconds=seconds, tempo_map=tempo)
    heard = float(tempo.to_song(seconds)) - asked.song_start
    span = Span(asked.span.left, seconds, asked.span.rate)
    return replace(asked, request=request, song_seconds=heard, span=span)


def dance_of(asked: Order, poses: PoseSequence, seed: int) -> Dance:
    """The dance of the frames that arrived before the stop, with the requested beats."""

    def within(song: npt.ArrayLike) -> np.ndarray:
        at = np.asarray(asked.request.tempo_map.to_timeline(np.asarray(song, float)))
        return at[(at >= 0) & (at < poses.seconds)]

    grid = asked.request.grid
    beats, downbeats = (
        (within(t) for t in (grid.beats, grid.downbeats)) if grid is not None else [np.zeros(0)] * 2
    )
    return Dance(poses, beats, downbeats, np.zeros(0, np.int32), seed, "")

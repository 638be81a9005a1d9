# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tempo settings request: how to play the song, and which beats to dance to.

No bpy in here.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np

from tempose_pose.grid import BeatGrid
from tempose_pose.tempo import TempoMap

from ..errors import Problem
from . import feel, tempo_sections
from .playback import Playback
from .timing import Span


class TempoSettings(Protocol):
    """The requested tempo."""

    tempo_factor: float

    @property
    def sections(self) -> Iterable[tempo_sections.TempoSection]:
        """Sections with a tempo of their own."""
        ...


def playback_for(settings: TempoSettings, now: Playback, beats: BeatGrid | None) -> Playback:
    """The song at the requested tempo; it begins where it is heard now.

    Parameters
    ----------
    now : Playback
    beats : BeatGrid, optional
        In song seconds; targets in BPM need it.
    """
    known = () if beats is None else beats.beats.tolist()
    sections = tempo_sections.speeds(settings.sections, now.song_end, settings.tempo_factor, known)
    tempo = TempoMap.from_sections(now.song_start, now.song_seconds, settings.tempo_factor, sections)
    span = Span(now.span.left, float(tempo.to_timeline(now.song_end)), now.span.rate)
    return replace(now, span=span, tempo=tempo)


def beats_for(settings: TempoSettings, playback: Playback, beats: BeatGrid | None) -> BeatGrid | None:
    """The beats for a dance request: the grid, halved or doubled in passages; None: detected."""
    passages = tempo_sections.passages(settings.sections, playback.song_end)
    if not passages:
        return beats
    if beats is None:
        raise Problem("no_beats", tempo_sections.NO_PASSAGE_BEATS)
    times, downbeats = feel.heard(beats.beats.tolist(), beats.downbeats.tolist(), passages)
    return BeatGrid(np.asarray(times, float), np.asarray(downbeats, float))

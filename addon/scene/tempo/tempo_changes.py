# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit of the tempo changes in the dance that moves a character."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from tempose_pose.grid import BeatGrid
from tempose_pose.tempo import TempoMap

from ...model.dance import retiming
from ...model.errors import Problem
from ...model.tempo import area, feel
from ...model.tempo.playback import Playback, Timing
from ...model.tempo.timing import Span
from ..keys import curve_keys, frame_rate
from ..server import connection
from ..settings import ListedTake

SAME_SONG = 0.02  # seconds by which a cut may differ and still count as the same


@dataclass(frozen=True)
class TempoChange:
    """What an edit of the tempo changes in a dance: enough for messages and for a preview.

    Parameters
    ----------
    part : (start, stop) or None
        Song seconds of a take that was made for a range and keeps it; None for a dance to the whole sound.
    """

    take: Any
    action: Any
    old: Timing
    new: Timing
    touched: list[tuple[float, float]]
    downbeats: list[float]
    part: tuple[float, float] | None

    @property
    def seconds(self) -> float:
        """Seconds to dance again, on the new timeline."""
        tempo = self.new.tempo
        return float(sum(tempo.to_timeline(b) - tempo.to_timeline(a) for a, b in self.touched))

    @property
    def is_everything(self) -> bool:
        """Whether nothing stays."""
        first, last = self.new.song_at(np.asarray(self.new.ends)).tolist()
        return (
            bool(self.touched)
            and self.touched[0][0] <= first + 1e-3
            and self.touched[-1][1] >= last - 1e-3
            and len(self.touched) == 1
        )


def head_of(take: ListedTake) -> dict | None:
    """The head of a take's data, without its poses: cheap enough for a panel. Do not modify."""
    return _head(take.text.lines[0].body) if take.text is not None and len(take.text.lines) else None


@lru_cache(16)
def _head(line: str) -> dict | None:
    try:
        head = json.loads(line)
        return head if isinstance(head["tempo_map"], list) and isinstance(head["settings"], dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def rate_in_words(old: float, new: float) -> str:
    """A warning that keys are off since the frame rate was changed, without a full stop."""
    return (
        f"The keys were made for {old:.6g} frames a second, and {new:.6g} are played now, so they are off the beat: "
        "press Fit to Frame Rate"
    )


def changes_of(
    take: ListedTake, action: bpy.types.Action, playback: Playback, beats: BeatGrid | None
) -> TempoChange | None:
    """What an edit of the tempo changes for a dance; None if it is not a dance to this sound.

    Parameters
    ----------
    take, action
        What moves the character, as returned by `base_keys.take_of`.
    playback : Playback
        The requested playback of the song.
    beats : BeatGrid or None
        The requested beats, in song seconds, with half and double time applied.
    """
    head = head_of(take) if take is not None else None
    if head is None or head["settings"].get("strip", "") != playback.original.name:
        return None
    start, seconds = head["song_start"], head["song_seconds"]
    before, behind = start - playback.song_start, playback.song_end - start - seconds
    if min(before, behind) < -SAME_SONG:
        return None
    line = take.text.lines[0].body
    tempo = _tempo(line)
    left, _, rate = action.get(curve_keys.SPAN, (playback.span.left, 0.0, playback.span.rate))
    if frame_rate.other_rate(action, playback.span.rate):
        raise Problem("frame_rate_changed", f"{rate_in_words(rate, playback.span.rate)}.")
    end = start + seconds
    old = Timing(Span(float(left), float(tempo.to_timeline(end)), playback.span.rate), tempo)
    part = (start, end) if max(before, behind) > SAME_SONG else None
    new = Timing(playback.span, playback.tempo)
    if part is not None:
        inside = area.part_of(playback, *(float(playback.tempo.to_timeline(second)) for second in part))
        new = Timing(inside.span, inside.tempo)
    wanted = None if beats is None else (tuple(beats.beats.tolist()), tuple(beats.downbeats.tolist()))
    touched = _touched(line, tuple(playback.tempo.points), wanted, connection.overlap_seconds())
    downbeats = beats.downbeats.tolist() if beats is not None else []
    if not downbeats:
        downbeats = tempo.to_song(np.asarray(head["downbeat_times"], float)).tolist()
    return TempoChange(take, action, old, new, list(touched), downbeats, part)


@lru_cache(16)
def _tempo(line: str) -> TempoMap:
    head = _head(line)
    assert head is not None
    return TempoMap(head["tempo_map"])


@lru_cache(64)
def _touched(line: str, points: tuple, beats: tuple | None, gap: float) -> tuple[tuple[float, float], ...]:
    """Song seconds that change for a dance at another tempo or with other beats. Panels ask at every redraw."""
    head = _head(line)
    assert head is not None
    start, end = head["song_start"], head["song_start"] + head["song_seconds"]
    old = _tempo(line)
    spans = retiming.tempo_differs(old, TempoMap(points), start, end)
    spans = [*spans, *_heard_anew(head, old, beats, start, end)]
    return tuple(retiming.joined(spans, start, end, gap))


def _heard_anew(head: dict, tempo: TempoMap, beats: tuple | None, start: float, end: float) -> list:
    asked = head["settings"].get("beats")
    if beats is None:
        return [(start, end)] if asked else []
    if asked:
        old = (asked["beats"], asked["downbeats"])
    else:
        old = tuple(
            tempo.to_song(np.asarray(head[k], float)).tolist() for k in ("beat_times", "downbeat_times")
        )
    return feel.differing(old, beats, start, end)

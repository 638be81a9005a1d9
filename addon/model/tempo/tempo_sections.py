# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sections in the panel request: speeds for the tempo map, and passages in half or double time.

No bpy in here.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Protocol

from tempose_pose.tempo import MAX_FACTOR, MIN_FACTOR

from ..errors import Problem
from . import feel

NO_BEATS = "A target in BPM needs to know the music's own tempo: press Find Beats first."
NO_PASSAGE_BEATS = "Half and double time need to know the beats: press Find Beats first."


class TempoSection(Protocol):
    """A part of the song with a tempo of its own, up to the next one's start."""

    start: float
    kind: str
    factor: float
    bpm: float
    ramp: bool
    last_factor: float
    last_bpm: float
    feel: str


def spans(sections: Iterable[TempoSection], end: float) -> list[tuple[TempoSection, float, float]]:
    """(section, start, stop) in song seconds, in order; each lasts until the next one starts."""
    ordered = sorted(sections, key=attrgetter("start"))
    stops = [*[s.start for s in ordered], end][1:]
    return [(s, s.start, max(stop, s.start)) for s, stop in zip(ordered, stops, strict=True)]


def speeds(
    sections: Iterable[TempoSection], end: float, factor: float, beats: Sequence[float]
) -> list[tuple[float, float, float]]:
    """Sections as `TempoMap.from_sections` takes them: (start, first factor, last factor).

    Parameters
    ----------
    sections : of TempoSection
    end : float
        Where the last one ends, in song seconds.
    factor : float
        Of the whole strip; targets in BPM take it into account, because they mean the heard tempo.
    beats : of float
        Of the music, in song seconds; needed for targets in BPM.
    """
    out = []
    for section, start, stop in spans(sections, end):
        first, last = section.factor, section.last_factor
        if section.kind == "BPM":
            own = feel.local_bpm(beats, start, stop)
            if own <= 0:
                raise Problem("no_beats", NO_BEATS)
            first, last = section.bpm / (own * factor), section.last_bpm / (own * factor)
            wanted = [(section.bpm, first), *([(section.last_bpm, last)] if section.ramp else [])]
            for bpm, needed in wanted:
                if not MIN_FACTOR <= needed <= MAX_FACTOR:
                    raise Problem(
                        "tempo_factor",
                        f"The music has {own * factor:.0f} BPM at second {start:.1f}; {bpm:.0f} BPM is out of reach "
                        f"({MIN_FACTOR:g} to {MAX_FACTOR:g} times). Set a nearer one.",
                    )
        out.append((start, first, last if section.ramp else first))
    return out


def passages(sections: Iterable[TempoSection], end: float) -> list[tuple[float, float, str]]:
    """Passages in half or double time, in song seconds."""
    return [(start, stop, s.feel) for s, start, stop in spans(sections, end) if s.feel != feel.NORMAL]

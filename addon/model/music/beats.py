# SPDX-License-Identifier: GPL-3.0-or-later
"""The beat grid that the artist edits, in song seconds. No bpy in here.

An `EditedGrid` is immutable, so values derived from its beats are computed once; `beat_changes`, `beat_taps` and
`beat_proposals` make new ones of it, and dances are requested with its `beat_grid`. It keeps apart what a detector
proposed and what the artist set. Terms: a *beat* is one tap of the foot, a *downbeat* begins a bar, the *metre* is
the number of beats in a bar, and a *pin* is a beat that the artist has placed (its neighbours give way to it).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tempose_pose.grid import BeatGrid
from tempose_pose.limits import MAX_BEATS

from ..errors import Problem

MIN_GAP = 0.08
"""Seconds between two beats at least: 750 BPM."""
DOWN, EDITED, PIN, BAR = 1, 2, 4, 8
"""Flags: begins a bar; set by the artist; pinned; the artist said that a bar begins here."""
METRES = (2, 7)
CHANGES = 1.08
"""A song whose fastest passage is this much faster than its slowest one has no single tempo."""


def none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class EditedGrid:
    """Beats of one sound.

    Parameters
    ----------
    times : (N,) float
        Song seconds, rising strictly.
    flags : (N,) int
        Sums of `DOWN`, `EDITED`, `PIN`, `BAR`.
    locks : tuple of (float, float)
        Spans in song seconds that neither operations nor detectors change.
    removed : (R,) float
        Times of beats that the artist has removed; a detector does not bring them back.
    confidence : float
        The detector's probability that its grid as a whole is right, 0 to 1; 1 for an artist's own grid.
    heard : (H, 2) float
        The detector's beats: seconds, and the probability of a beat there, 0 to 1. Empty if it gave none.
    """

    times: np.ndarray = field(default_factory=none)
    flags: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    locks: tuple = ()
    removed: np.ndarray = field(default_factory=none)
    confidence: float = 1.0
    heard: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def __post_init__(self):
        times, flags = np.asarray(self.times, float), np.asarray(self.flags, int)
        if times.ndim != 1 or times.shape != flags.shape or len(times) > MAX_BEATS:
            raise Problem(
                "beats", f"A beat grid has at most {MAX_BEATS} beats: choose a shorter part of the song."
            )
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise Problem("beats", "The beats of a grid must follow one another. Press Find Beats again.")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "flags", flags)
        heard = np.asarray(self.heard, float).reshape(-1, 2)
        if len(heard) > MAX_BEATS or not np.isfinite(heard).all() or (np.diff(heard[:, 0]) <= 0).any():
            raise Problem("beats", "The detector's beats must follow one another. Press Find Beats again.")
        object.__setattr__(self, "heard", heard)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def downbeats(self) -> np.ndarray:
        """Song seconds of the beats that begin a bar."""
        return self.times[(self.flags & DOWN) > 0]

    @cached_property
    def bpm(self) -> float:
        """Tempo by the median beat interval; 0 with fewer than two beats."""
        return self.beat_grid.bpm

    @cached_property
    def bpm_range(self) -> tuple[float, float]:
        """Slowest and fastest tempo over eight intervals in a row; both 0 with fewer than two beats."""
        gaps = np.diff(self.times)
        if not len(gaps):
            return 0.0, 0.0
        steady = np.median(np.lib.stride_tricks.sliding_window_view(gaps, min(8, len(gaps))), axis=1)
        return float(60 / steady.max()), float(60 / steady.min())

    @property
    def is_edited(self) -> bool:
        """Whether the artist has changed it."""
        return bool((self.flags & EDITED).any() or len(self.locks) or len(self.removed))

    @property
    def locked(self) -> np.ndarray:
        """(N,) bool: beats within locked spans."""
        return inside(self.times, self.locks)

    @cached_property
    def metre(self) -> int:
        """The usual number of beats in a bar; 4 with fewer than two downbeats."""
        places = np.flatnonzero(self.flags & DOWN)
        gaps = np.diff(places)
        gaps = gaps[(gaps >= METRES[0]) & (gaps <= METRES[1])]
        return int(np.bincount(gaps).argmax()) if len(gaps) else 4

    @cached_property
    def beat_grid(self) -> BeatGrid:
        """The grid that a dance request carries."""
        return BeatGrid(self.times, self.downbeats)

    def to_plain(self) -> dict:
        """For JSON; `from_plain` reads it."""
        return {
            "times": [round(t, 6) for t in self.times.tolist()],
            "flags": self.flags.tolist(),
            "locks": [list(span) for span in self.locks],
            "removed": [round(t, 6) for t in np.asarray(self.removed, float).tolist()],
            "confidence": self.confidence,
            "heard": [[round(t, 6), round(p, 3)] for t, p in self.heard.tolist()],
        }


def from_plain(value: Any) -> EditedGrid:
    """The grid that `EditedGrid.to_plain` wrote; raises `Problem` for anything else."""
    try:
        locks = tuple((float(a), float(b)) for a, b in value["locks"])
        removed = np.asarray(value["removed"], float)
        heard = value.get("heard", [])  # grids of version 0.2 and older have none
        return EditedGrid(value["times"], value["flags"], locks, removed, float(value["confidence"]), heard)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Problem("beats", "The beat grid in this file is damaged. Press Find Beats again.") from None


def from_json(text: str) -> EditedGrid:
    """As `from_plain`, from a text."""
    try:
        return from_plain(json.loads(text))
    except ValueError:
        raise Problem("beats", "The beat grid in this file is damaged. Press Find Beats again.") from None


def from_times(
    beats: Sequence[float],
    downbeats: Sequence[float] = (),
    confidence: float = 1.0,
    flags: int = 0,
    heard: Sequence[float] = (),
) -> EditedGrid:
    """A grid from seconds; a downbeat marks the beat within a millisecond of it.

    `heard` is the detector's probability of each beat, if known.
    """
    times = np.asarray(beats, float)
    down = np.zeros(len(times), bool)
    marks = np.sort(np.asarray(downbeats, float))
    if len(marks) and len(times):
        nearest = marks[np.clip(np.searchsorted(marks, times - 1e-3), 0, len(marks) - 1)]
        down = np.abs(nearest - times) <= 1.001e-3
    rows = np.stack([times, np.asarray(heard, float)], 1) if len(heard) else np.zeros((0, 2))
    return EditedGrid(times, np.where(down, DOWN, 0) | flags, confidence=float(confidence), heard=rows)


def inside(times: npt.ArrayLike, spans: Iterable[tuple[float, float]]) -> np.ndarray:
    """(N,) bool: which seconds lie in any of the spans, ends included."""
    times = np.asarray(times, float)
    found = np.zeros(times.shape, bool)
    for first, last in spans:
        found |= (times >= first - 1e-6) & (times <= last + 1e-6)
    return found


def sureness(grid: EditedGrid) -> np.ndarray:
    """Trust in each beat (N,), 0 to 1.

    The artist's beats count as sure. A detector's beats have the probability that it gives to each or, without one,
    that of the whole grid.
    """
    sure = np.full(len(grid), float(np.clip(grid.confidence, 0, 1)))
    if len(grid.heard) and len(grid):
        at, clearly = grid.heard.T
        near = np.clip(np.searchsorted(at, grid.times - 1e-3), 0, len(at) - 1)
        sure = np.where(np.abs(at[near] - grid.times) <= 1e-3, clearly[near], sure)
    sure[((grid.flags & EDITED) > 0) | grid.locked] = 1.0
    return sure


def tempo_in_words(grid: EditedGrid) -> str:
    """Beats per minute as the panel shows them: a range if the song changes its tempo."""
    slow, fast = grid.bpm_range
    return f"{slow:.0f} to {fast:.0f} BPM" if fast > CHANGES * slow else f"{grid.bpm:.1f} BPM"


def in_words(grid: EditedGrid) -> str:
    """Confidence as the panel words it."""
    if len(grid) and bool(((grid.flags & EDITED) > 0).all()):
        return "set by you"
    if (
        grid.confidence > 0.8
    ):  # measured: 98 % of such grids are right, 58 % of those in between, 27 % of those below
        return "sure"
    if grid.confidence >= 0.5:
        return "fairly sure: listen to it once"
    return "not sure: check the tempo"


def bar_numbers(grid: EditedGrid) -> tuple[np.ndarray, np.ndarray]:
    """Bar (N,) and place in the bar (N,), from 1; beats before the first downbeat are in bar 0."""
    down = (grid.flags & DOWN) > 0
    bars = np.cumsum(down)
    starts = np.maximum.accumulate(np.where(down, np.arange(len(grid)), 0)) if len(grid) else bars
    return bars, np.arange(len(grid)) - starts + 1


def nearest(grid: EditedGrid, seconds: float) -> int:
    """Index of the beat nearest to a song second; raises `Problem` if there is none."""
    if not len(grid):
        raise Problem("no_beats", "There are no beats yet. Press Find Beats, or tap the tempo.")
    return int(np.abs(grid.times - seconds).argmin())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The beat grid that the artist edits, in song seconds. No bpy in here.

A `Grid` never changes; each operation returns a new one. What a detector proposes can be told from what the artist
has set, and `merge` keeps the latter. Terms: a *beat* is one tap of the foot, a *downbeat* begins a bar, the *metre*
is the number of beats in a bar, a *pin* is a beat that the artist has put down (its neighbours give way to it).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .errors import Problem

MIN_GAP = 0.08
"""Seconds between two beats at least: 750 BPM."""
REACH = 4
"""Beats on either side that give way to one that is moved, where no pin or lock is nearer."""
MAX_BEATS = 20_000
DOWN, EDITED, PIN, BAR = 1, 2, 4, 8
"""Flags: begins a bar; set by the artist; pinned; the artist said that a bar begins here."""
METRES = (2, 7)


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True)
class Grid:
    """Beats of one sound.

    Parameters
    ----------
    times : (N,) float
        Song seconds, rising strictly.
    flags : (N,) int
        Sums of `DOWN`, `EDITED`, `PIN`, `BAR`.
    locks : tuple of (float, float)
        Spans in song seconds that no operation and no detector changes.
    removed : (R,) float
        Where the artist has taken a beat away; a detector does not bring it back.
    confidence : float
        How far the detector trusts itself, 0 to 1; an artist's own grid has 1.
    """

    times: np.ndarray = field(default_factory=_none)
    flags: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    locks: tuple = ()
    removed: np.ndarray = field(default_factory=_none)
    confidence: float = 1.0

    def __post_init__(self):
        times, flags = np.asarray(self.times, float), np.asarray(self.flags, int)
        if times.ndim != 1 or times.shape != flags.shape or len(times) > MAX_BEATS:
            raise Problem("beats", f"A beat grid has at most {MAX_BEATS} beats.")
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise Problem("beats", "The beats of a grid must follow one another.")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "flags", flags)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def downbeats(self) -> np.ndarray:
        """Song seconds of the beats that begin a bar."""
        return self.times[(self.flags & DOWN) > 0]

    @property
    def bpm(self) -> float:
        """Tempo by the median beat interval; 0 with fewer than two beats."""
        return float(60 / np.median(np.diff(self.times))) if len(self) > 1 else 0.0

    @property
    def is_edited(self) -> bool:
        """Whether the artist has had a hand in it."""
        return bool((self.flags & EDITED).any() or len(self.locks) or len(self.removed))

    @property
    def locked(self) -> np.ndarray:
        """(N,) bool: beats within locked spans."""
        return inside(self.times, self.locks)

    @property
    def metre(self) -> int:
        """The usual number of beats in a bar; 4 where there are no two downbeats."""
        places = np.flatnonzero(self.flags & DOWN)
        gaps = np.diff(places)
        gaps = gaps[(gaps >= METRES[0]) & (gaps <= METRES[1])]
        return int(np.bincount(gaps).argmax()) if len(gaps) else 4

    def to_request(self) -> dict:
        """What a dance is asked for with."""
        return {"beats": self.times.tolist(), "downbeats": self.downbeats.tolist()}

    def to_plain(self) -> dict:
        """For JSON; `from_plain` reads it."""
        return {
            "times": [round(t, 6) for t in self.times.tolist()],
            "flags": self.flags.tolist(),
            "locks": [list(span) for span in self.locks],
            "removed": [round(t, 6) for t in np.asarray(self.removed, float).tolist()],
            "confidence": self.confidence,
        }


def from_plain(value) -> Grid:
    """The grid that `Grid.to_plain` wrote; raises `Problem` for anything else."""
    try:
        locks = tuple((float(a), float(b)) for a, b in value["locks"])
        removed = np.asarray(value["removed"], float)
        return Grid(value["times"], value["flags"], locks, removed, float(value["confidence"]))
    except (KeyError, TypeError, ValueError):
        raise Problem("beats", "The beat grid in this file is damaged. Press Find Beats again.") from None


def from_json(text: str) -> Grid:
    """As `from_plain`, from a text."""
    try:
        return from_plain(json.loads(text))
    except ValueError:
        raise Problem("beats", "The beat grid in this file is damaged. Press Find Beats again.") from None


def from_times(
    beats: Sequence[float], downbeats: Sequence[float] = (), confidence: float = 1.0, flags: int = 0
) -> Grid:
    """A grid from seconds; downbeats count for the beat within a millisecond of them."""
    times = np.asarray(beats, float)
    down = np.zeros(len(times), bool)
    marks = np.sort(np.asarray(downbeats, float))
    if len(marks) and len(times):
        nearest = marks[np.clip(np.searchsorted(marks, times - 1e-3), 0, len(marks) - 1)]
        down = np.abs(nearest - times) <= 1.001e-3
    return Grid(times, np.where(down, DOWN, 0) | flags, confidence=float(confidence))


def inside(times, spans) -> np.ndarray:
    """(N,) bool: which seconds lie in any of the spans, ends included."""
    times = np.asarray(times, float)
    found = np.zeros(times.shape, bool)
    for first, last in spans:
        found |= (times >= first - 1e-6) & (times <= last + 1e-6)
    return found


def sureness(grid: Grid) -> np.ndarray:
    """(N,) 0 to 1: how far each beat is to be trusted.

    The artist's beats count as sure. The detector's have its confidence, less where the pulse is uneven: a beat whose
    interval differs by a tenth from its neighbours' keeps two thirds of it.
    """
    sure = np.full(len(grid), float(np.clip(grid.confidence, 0, 1)))
    if len(grid) >= 3:
        gaps = np.diff(grid.times)
        change = np.abs(np.diff(gaps)) / np.minimum(gaps[1:], gaps[:-1])
        sure[1:-1] *= np.exp(-np.minimum(change, 1.0) * 4)
        sure[0], sure[-1] = min(sure[0], sure[1] + 0.2), min(sure[-1], sure[-2] + 0.2)
    sure[((grid.flags & EDITED) > 0) | grid.locked] = 1.0
    return sure


def in_words(grid: Grid) -> str:
    """Confidence as the panel says it."""
    if len(grid) and bool(((grid.flags & EDITED) > 0).all()):
        return "set by you"
    if (
        grid.confidence > 0.8
    ):  # measured: 98 % of such grids are right, 58 % of those between, 27 % of those below
        return "sure"
    if grid.confidence >= 0.5:
        return "fairly sure: listen to it once"
    return "not sure: check the tempo"


def bar_numbers(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """(N,) bar and (N,) place in the bar from 1; beats before the first downbeat are bar 0."""
    down = (grid.flags & DOWN) > 0
    bars = np.cumsum(down)
    starts = np.maximum.accumulate(np.where(down, np.arange(len(grid)), 0)) if len(grid) else bars
    return bars, np.arange(len(grid)) - starts + 1


def nearest(grid: Grid, seconds: float) -> int:
    """Index of the beat nearest to a song second; raises when there is none."""
    if not len(grid):
        raise Problem("no_beats", "There are no beats yet. Press Find Beats, or tap the tempo.")
    return int(np.abs(grid.times - seconds).argmin())


# Whole grid, or what a span of it leaves free ---------------------------------------------------------------------


def _free(grid: Grid, span) -> np.ndarray:
    """(N,) bool: the beats that an operation may change."""
    free = ~grid.locked
    return free if span is None else free & inside(grid.times, [span])


def _runs(free: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of True as (first, behind)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _need(free: np.ndarray) -> None:
    if not free.any():
        raise Problem("beats_locked", "There are no beats there that may be changed: unlock the span first.")


def _joined(grid: Grid, parts: list[tuple[np.ndarray, np.ndarray]]) -> Grid:
    times = np.concatenate([p[0] for p in parts]) if parts else _none()
    flags = np.concatenate([p[1] for p in parts]) if parts else np.zeros(0, int)
    return replace(grid, times=times, flags=flags)


def _each_run(grid: Grid, span, change) -> Grid:
    """`change(times, flags, first, behind)` on each stretch that is free; the rest as it is."""
    free = _free(grid, span)
    _need(free)
    parts, at = [], 0
    for first, behind in _runs(free):
        parts.append((grid.times[at:first], grid.flags[at:first]))
        parts.append(change(grid.times[first:behind], grid.flags[first:behind], first, behind))
        at = behind
    parts.append((grid.times[at:], grid.flags[at:]))
    return _joined(grid, parts)


def _barred(flags: np.ndarray, metre: int, start: int) -> np.ndarray:
    """Flags with a bar at `start` and every `metre` beats around it; the artist's own bars begin anew."""
    flags = flags & ~DOWN
    count, own = -start, (flags & BAR) > 0
    down = np.zeros(len(flags), bool)
    for index in range(len(flags)):
        if own[index]:
            count = 0
        down[index] = count % metre == 0
        count += 1
    return flags | np.where(down, DOWN, 0)


def _first_bar(flags: np.ndarray, metre: int) -> int:
    """The bar phase (0 to metre − 1) that most downbeats agree with."""
    places = np.flatnonzero(flags & DOWN)
    return int(np.bincount(places % metre, minlength=metre).argmax()) if len(places) else 0


def half(grid: Grid, span=None) -> Grid:
    """Every second beat. The ones that stay are those on most downbeats; the metre stays, so bars last twice as long.

    Parameters
    ----------
    span : (float, float), optional
        Song seconds; the rest stays as it is. Everywhere without it.
    """
    metre = grid.metre

    def change(times, flags, _first, _behind):
        down = np.flatnonzero(flags & DOWN)
        phase = int(np.bincount(down % 2, minlength=2).argmax()) if len(down) else 0
        kept = flags[phase::2]
        start = _first_bar(kept, metre)
        return times[phase::2], _barred(kept, metre, start) | EDITED

    return _each_run(grid, span, change)


def double(grid: Grid, span=None) -> Grid:
    """A beat half-way between any two. The metre stays, so bars last half as long."""
    metre = grid.metre

    def change(times, flags, _first, behind):
        # The last interval of a stretch ends on the beat behind it, which stays.
        ends = np.append(times, grid.times[behind]) if behind < len(grid) else times
        between = (ends[:-1] + ends[1:]) / 2
        if len(ends) > 1 and np.diff(ends).min() < 2 * MIN_GAP:
            raise Problem("beats_fast", "The beats are too close to be doubled.")
        places = np.flatnonzero(~inside(between, grid.locks)) + 1
        out = np.insert(times, places, between[places - 1])
        marks = np.insert(flags, places, 0)
        return out, _barred(marks, metre, _first_bar(marks, metre)) | EDITED

    return _each_run(grid, span, change)


def nudge(grid: Grid, seconds, span=None) -> Grid:
    """All beats that are free, later by so many seconds (each its own, if an array); earlier where negative."""
    free = _free(grid, span)
    _need(free)
    times = grid.times + np.where(free, seconds, 0.0)
    return _moved(grid, times, free)


def _moved(grid: Grid, times: np.ndarray, changed: np.ndarray) -> Grid:
    """Beats at other times, where they still follow one another."""
    gaps, touched = np.diff(times), changed[1:] | changed[:-1]
    if (touched & (gaps < np.minimum(MIN_GAP, np.diff(grid.times)) - 1e-9)).any():
        raise Problem("beats_collide", "The beats would run into a beat that stays. Unlock it, or move less.")
    _keep_out(grid, times[changed])
    return replace(grid, times=times, flags=np.where(changed, grid.flags | EDITED, grid.flags))


def _keep_out(grid: Grid, times) -> None:
    if inside(times, grid.locks).any():
        raise Problem("beats_collide", "The beats would move into a locked span. Unlock it, or move less.")


def set_downbeat(grid: Grid, seconds: float, metre: int) -> Grid:
    """Let a bar begin at the nearest beat.

    Bars of `metre` beats are counted from there, up to the next bar that the artist has set or to a locked span;
    backwards too, where no such bar comes before.
    """
    if not METRES[0] <= metre <= METRES[1]:
        raise Problem("metre", f"A bar has from {METRES[0]} to {METRES[1]} beats.")
    at = nearest(grid, seconds)
    free = ~grid.locked
    if not free[at]:
        raise Problem("beats_locked", "That beat is locked. Unlock its span first.")
    first, behind = next((a, b) for a, b in _runs(free) if a <= at < b)
    own = np.flatnonzero(grid.flags & BAR)
    if (own > at).any():
        behind = min(behind, int(own[own > at][0]))
    if (own < at).any():
        first = max(first, at if own[own < at][-1] >= first else first)
    flags = grid.flags.copy()
    places = np.arange(first, behind)
    down = (places - at) % metre == 0
    flags[first:behind] = (flags[first:behind] & ~DOWN) | np.where(down, DOWN, 0)
    flags[at] |= BAR | EDITED
    return replace(grid, flags=flags)


# Single beats -----------------------------------------------------------------------------------------------------


def move_beat(grid: Grid, index: int, seconds: float, reach: int = REACH) -> Grid:
    """Move one beat and pin it; its neighbours give way, less and less, up to the next pin, lock or `reach` beats."""
    locked = grid.locked
    if locked[index]:
        raise Problem("beats_locked", "That beat is locked. Unlock its span first.")
    fixed = locked | ((grid.flags & PIN) > 0)
    distance = float(seconds) - grid.times[index]
    times, changed = grid.times.copy(), np.zeros(len(grid), bool)
    times[index], changed[index] = seconds, True
    for step in (-1, 1):
        stop = index + step
        while 0 <= stop < len(grid) and not fixed[stop] and abs(stop - index) <= reach:
            stop += step
        count = abs(stop - index)
        for k in range(1, count):
            # A cosine keeps the tempo from jumping at either end of the stretch.
            times[index + step * k] += distance * 0.5 * (1 + math.cos(math.pi * k / count))
            changed[index + step * k] = True
        if 0 <= stop < len(grid):
            room = abs(times[stop] - times[index]) - MIN_GAP * count
            if room < -1e-9 or (times[stop] - times[index]) * step < 0:
                raise Problem(
                    "beats_collide", "There is no room there: another beat that stays is in the way."
                )
        times = _spread(times, index, stop, step)
    flags = np.where(changed, grid.flags | EDITED, grid.flags)
    flags[index] |= PIN
    _keep_out(grid, times[changed])
    return replace(grid, times=times, flags=flags)


def _spread(times: np.ndarray, index: int, stop: int, step: int) -> np.ndarray:
    """Even out what a large move has pressed together between a beat and the next one that stays."""
    low, high = sorted((index, stop))
    low, high = max(low, 0), min(high, len(times) - 1)
    if high - low > 1 and np.diff(times[low : high + 1]).min() < MIN_GAP:
        if 0 <= stop < len(times):
            times[low : high + 1] = np.linspace(times[low], times[high], high - low + 1)
        else:
            gap = MIN_GAP * step
            for k in range(index + step, stop, step):
                far = (times[k] - times[k - step]) * step
                times[k] = times[k] if far >= MIN_GAP else times[k - step] + gap
    return times


def insert(grid: Grid, seconds: float) -> Grid:
    """One more beat, pinned."""
    if inside([seconds], grid.locks).any():
        raise Problem("beats_locked", "That place is locked. Unlock its span first.")
    if len(grid) and np.abs(grid.times - seconds).min() < MIN_GAP:
        raise Problem("beats_collide", "There is a beat already.")
    at = int(np.searchsorted(grid.times, seconds))
    first = DOWN if not len(grid) else 0
    return replace(
        grid,
        times=np.insert(grid.times, at, seconds),
        flags=np.insert(grid.flags, at, EDITED | PIN | first),
        removed=grid.removed[np.abs(grid.removed - seconds) > MIN_GAP],
    )


def remove(grid: Grid, index: int) -> Grid:
    """One beat less; a detector does not bring it back. A bar that began there begins at the next beat."""
    if grid.locked[index]:
        raise Problem("beats_locked", "That beat is locked. Unlock its span first.")
    flags = grid.flags.copy()
    if flags[index] & DOWN and index + 1 < len(grid):
        flags[index + 1] |= flags[index] & (DOWN | BAR)
    return replace(
        grid,
        times=np.delete(grid.times, index),
        flags=np.delete(flags, index),
        removed=np.append(grid.removed, grid.times[index]),
    )


# Locks ------------------------------------------------------------------------------------------------------------


def lock(grid: Grid, first: float, last: float) -> Grid:
    """No operation and no detector changes the beats of a span, from now on."""
    if last - first < 1e-3:
        raise Problem("span", "The span is empty.")
    spans: list[tuple[float, float]] = []
    for a, b in sorted([*grid.locks, (float(first), float(last))]):
        if spans and a <= spans[-1][1] + 1e-6:
            spans[-1] = (spans[-1][0], max(b, spans[-1][1]))
        else:
            spans.append((a, b))
    return replace(grid, locks=tuple(spans))


def unlock(grid: Grid, first: float, last: float) -> Grid:
    """Take the lock off a span."""
    spans = []
    for a, b in grid.locks:
        spans += [s for s in ((a, min(b, first)), (max(a, last), b)) if s[1] - s[0] > 1e-3]
    return replace(grid, locks=tuple(spans))


# Tapping ----------------------------------------------------------------------------------------------------------

MIN_TAPS = 4


@dataclass(frozen=True)
class Taps:
    """What taps say: beats at `phase` + n · `period` (seconds); `spread` is the median miss in seconds."""

    period: float
    phase: float
    spread: float

    @property
    def bpm(self) -> float:
        """Beats per minute."""
        return 60 / self.period


def fit_taps(seconds: Sequence[float]) -> Taps:
    """The steady pulse nearest to some taps: missed taps leave a gap, double taps and outliers do not count.

    Raises
    ------
    Problem
        With fewer than four taps, or taps that follow no pulse.
    """
    taps = np.sort(np.asarray(list(seconds), float))
    taps = taps[np.insert(np.diff(taps) > MIN_GAP, 0, True)] if len(taps) else taps
    if len(taps) < MIN_TAPS:
        raise Problem("taps", f"Tap at least {MIN_TAPS} beats.")
    # The period at which the taps agree best on a phase, near the usual distance between two; then a line through
    # the taps that agree.
    usual, length = float(np.median(np.diff(taps))), float(taps[-1] - taps[0])
    step = 0.05 * usual / max(length, usual)
    periods = usual * np.exp(np.arange(-0.35, 0.35, step))
    turns = np.exp(2j * np.pi * taps[None] / periods[:, None]).mean(1)
    best = int(np.abs(turns).argmax())
    period = float(periods[best])
    phase = float(np.angle(turns[best]) / (2 * np.pi) * period)
    keep = np.abs(_off(taps, period, phase)) < 0.2 * period
    if np.abs(turns[best]) < 0.8 or keep.sum() < MIN_TAPS:
        raise Problem("taps", "The taps follow no steady pulse. Try again, a little longer.")
    count = np.rint((taps[keep] - taps[keep][0]) / period)
    period, phase = (float(v) for v in np.polyfit(count, taps[keep], 1))
    return Taps(period, phase, float(np.median(np.abs(_off(taps[keep], period, phase)))))


def _off(times: np.ndarray, period: float, phase: float) -> np.ndarray:
    """Seconds from each time to the nearest `phase` + n · `period`."""
    return times - phase - period * np.rint((times - phase) / period)


def tap_seconds(walls: Sequence[float], timeline: Sequence[float]) -> np.ndarray:
    """Timeline seconds of taps, from the clock on the wall where that is finer.

    While a song plays, Blender tells the time in whole frames (42 ms at 24 fps); the wall clock tells the distance of
    taps to a millisecond. When playback keeps up with the clock the two are fitted; when it drags, or when it has
    jumped back to its start meanwhile, the longest stretch without a jump counts, by its frames.

    Parameters
    ----------
    walls, timeline : (N,) float
        Seconds of a clock, and of the timeline, at each tap.
    """
    walls, timeline = np.asarray(walls, float), np.asarray(timeline, float)
    if len(walls) < 2:
        return timeline
    ahead = np.diff(timeline) > -1e-6
    first, behind = max(_runs(np.concatenate([ahead, [False]])), key=lambda r: r[1] - r[0], default=(0, 0))
    walls, timeline = walls[first : behind + 1], timeline[first : behind + 1]
    if len(walls) < MIN_TAPS:
        return timeline
    delay = timeline - walls
    if np.ptp(delay) > max(0.1, 0.03 * (walls[-1] - walls[0])):
        return timeline
    return walls + delay.mean()


def drags(walls: Sequence[float], timeline: Sequence[float]) -> bool:
    """Whether playback took much longer than the clock says; arguments as for `tap_seconds`."""
    if len(walls) < 2:
        return False
    return float(timeline[-1] - timeline[0]) < 0.9 * float(walls[-1] - walls[0])


def tapped(grid: Grid, taps: Taps, seconds: float, heard: Sequence[float] = ()) -> Grid:
    """The grid at a tapped tempo.

    A finger is less exact than a detector: where the grid, its half or its double has the tapped pulse already, that
    is taken. Otherwise the beats are evenly spaced over the whole sound. Locked spans stay.

    Parameters
    ----------
    seconds : float
        Length of the sound.
    heard : of float
        The taps themselves, in song seconds.
    """
    for candidate in _octaves(grid):
        if _agrees(candidate, taps, heard):
            return replace(candidate, flags=candidate.flags | EDITED)
    metre = grid.metre
    first = math.ceil((0.0 - taps.phase) / taps.period - 1e-6)
    last = math.floor((seconds - taps.phase) / taps.period + 1e-6)
    if last - first > MAX_BEATS:
        raise Problem("beats_fast", "At this tempo there would be too many beats.")
    times = taps.phase + taps.period * np.arange(first, last + 1)
    locked = grid.locked
    kept = grid.times[locked]
    times = times[~inside(times, grid.locks)]
    if len(kept):
        times = times[np.abs(times[:, None] - kept[None]).min(1) > 0.5 * taps.period]
    flags = _barred(np.zeros(len(times), int), metre, _down_phase(grid, times, taps, metre)) | EDITED
    return _merged_sorted(replace(grid, removed=_none()), times, flags, kept, grid.flags[locked])


def _down_phase(grid: Grid, times: np.ndarray, taps: Taps, metre: int) -> int:
    """Which of the first beats begins a bar: as most old downbeats say, otherwise the first tap does."""
    downs = grid.downbeats
    if len(downs) and len(times):
        places = np.abs(times[None] - downs[:, None]).argmin(1)
        return int(np.bincount(places % metre, minlength=metre).argmax())
    return int(np.abs(times - taps.phase).argmin() % metre) if len(times) else 0


def _octaves(grid: Grid):
    if len(grid) < MIN_TAPS:
        return
    yield grid
    for change in (half, _other_half, double):
        try:
            yield change(grid)
        except Problem:
            continue


def _other_half(grid: Grid) -> Grid:
    """Every second beat, the ones that `half` drops."""
    kept = set(half(grid).times.tolist())
    metre = grid.metre

    def change(times, flags, _first, _behind):
        phase = 1 if len(times) and times[0] in kept else 0
        marks = flags[phase::2]
        return times[phase::2], _barred(marks, metre, _first_bar(marks, metre)) | EDITED

    return _each_run(grid, None, change)


def _agrees(grid: Grid, taps: Taps, heard) -> bool:
    heard = np.asarray(list(heard), float)
    if not len(heard) or len(grid) < 2:
        return False
    window = (grid.times >= heard.min() - taps.period) & (grid.times <= heard.max() + taps.period)
    if window.sum() < MIN_TAPS:
        return False
    near = np.median(np.diff(grid.times[window]))
    off = np.abs(heard[:, None] - grid.times[None]).min(1)
    return bool(abs(near / taps.period - 1) < 0.06 and np.median(off) < 0.15 * taps.period)


# What the detector says -------------------------------------------------------------------------------------------


def _merged_sorted(grid: Grid, times, flags, more, more_flags) -> Grid:
    """Two sets of beats in one; where two are too close the second set's stay."""
    times, more = np.asarray(times, float), np.asarray(more, float)
    if len(more) and len(times):
        apart = np.abs(times[:, None] - more[None]).min(1) > MIN_GAP
        times, flags = times[apart], np.asarray(flags)[apart]
    both = np.concatenate([times, more])
    order = np.argsort(both, kind="stable")
    return replace(grid, times=both[order], flags=np.concatenate([flags, more_flags]).astype(int)[order])


def merge(grid: Grid, proposal: Grid) -> Grid:
    """What a detector proposes, around everything that the artist has set.

    Beats that the artist has set, those in locked spans, beats taken away, and bars that the artist has set stay. A
    proposed beat is dropped where it lies in a locked span, nearer than half an interval to a beat that stays or to
    one that was taken away, or between two beats of the artist's that follow one another.
    """
    kept = ((grid.flags & EDITED) > 0) | grid.locked
    own, own_flags = grid.times[kept], grid.flags[kept]
    times, flags = proposal.times, proposal.flags & DOWN
    gap = float(np.median(np.diff(times))) if len(times) > 1 else 0.5
    free = ~inside(times, grid.locks)
    for places in (own, np.asarray(grid.removed, float)):
        if len(places):
            free &= _distance(times, places) > 0.5 * gap
    if len(own) > 1:
        # Neighbours in the old grid, both kept: the artist says that nothing lies between.
        places = np.flatnonzero(kept)
        spans = [(own[i], own[i + 1]) for i in np.flatnonzero(np.diff(places) == 1)]
        free &= ~inside(times, _union(spans))
    joined = _merged_sorted(grid, times[free], flags[free], own, own_flags)
    joined = replace(joined, confidence=proposal.confidence)
    bars = joined.times[(joined.flags & BAR) > 0]
    metre = grid.metre
    for at in bars.tolist():
        index = nearest(joined, at)
        if not joined.locked[index]:
            joined = set_downbeat(joined, at, metre)
    return joined


def _distance(times: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Seconds from each time to the nearest of some sorted or unsorted places."""
    places = np.sort(places)
    right = np.clip(np.searchsorted(places, times), 0, len(places) - 1)
    left = np.maximum(right - 1, 0)
    return np.minimum(np.abs(places[right] - times), np.abs(places[left] - times))


def _union(spans: list) -> list:
    out: list[tuple[float, float]] = []
    for a, b in spans:
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out

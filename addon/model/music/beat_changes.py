# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist's edits of a beat grid: half, double, nudge, bars, single beats and locks. No bpy in here."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tempose_pose.request import runs

from ..errors import Problem
from .beats import BAR, DOWN, EDITED, METRES, MIN_GAP, PIN, EditedGrid, inside, nearest, none

Change = Callable[[np.ndarray, np.ndarray, int, int], tuple[np.ndarray, np.ndarray]]
"""From seconds and flags of some beats, and the indices of the first and of the one behind them, to new ones."""
REACH = 4
"""Beats on either side that give way to one that is moved, where no pin or lock is nearer."""


def _free(grid: EditedGrid, span: tuple[float, float] | None) -> np.ndarray:
    """(N,) bool: the beats that an operation may change."""
    free = ~grid.locked
    return free if span is None else free & inside(grid.times, [span])


def _need(free: np.ndarray) -> None:
    if not free.any():
        raise Problem("beats_locked", "There are no beats there that may be changed: unlock the span first.")


def _joined(grid: EditedGrid, parts: list[tuple[np.ndarray, np.ndarray]]) -> EditedGrid:
    times = np.concatenate([p[0] for p in parts]) if parts else none()
    flags = np.concatenate([p[1] for p in parts]) if parts else np.zeros(0, int)
    return replace(grid, times=times, flags=flags)


def each_run(grid: EditedGrid, span: tuple[float, float] | None, change: Change) -> EditedGrid:
    """Apply `change(times, flags, first, behind)` to each free stretch; the rest stays."""
    free = _free(grid, span)
    _need(free)
    parts, at = [], 0
    for first, behind in runs(free):
        parts.append((grid.times[at:first], grid.flags[at:first]))
        parts.append(change(grid.times[first:behind], grid.flags[first:behind], first, behind))
        at = behind
    parts.append((grid.times[at:], grid.flags[at:]))
    return _joined(grid, parts)


def barred(flags: np.ndarray, metre: int, start: int) -> np.ndarray:
    """Flags with a bar at `start` and every `metre` beats around it; counting restarts at the artist's own bars."""
    flags = flags & ~DOWN
    count, own = -start, (flags & BAR) > 0
    down = np.zeros(len(flags), bool)
    for index in range(len(flags)):
        if own[index]:
            count = 0
        down[index] = count % metre == 0
        count += 1
    return flags | np.where(down, DOWN, 0)


def first_bar(flags: np.ndarray, metre: int) -> int:
    """The bar phase (0 to metre − 1) that most downbeats agree with."""
    places = np.flatnonzero(flags & DOWN)
    return int(np.bincount(places % metre, minlength=metre).argmax()) if len(places) else 0


def half(grid: EditedGrid, span: tuple[float, float] | None = None) -> EditedGrid:
    """Keep every second beat: those that fall on most downbeats. The metre stays, so bars last twice as long.

    Parameters
    ----------
    span : (float, float), optional
        Song seconds; the rest stays as it is. Everywhere without it.
    """
    metre = grid.metre

    def change(times: np.ndarray, flags: np.ndarray, _first: int, _behind: int):
        down = np.flatnonzero(flags & DOWN)
        phase = int(np.bincount(down % 2, minlength=2).argmax()) if len(down) else 0
        kept = flags[phase::2]
        start = first_bar(kept, metre)
        return times[phase::2], barred(kept, metre, start) | EDITED

    return each_run(grid, span, change)


def double(grid: EditedGrid, span: tuple[float, float] | None = None) -> EditedGrid:
    """Add a beat half-way between any two. The metre stays, so bars last half as long."""
    metre = grid.metre

    def change(times: np.ndarray, flags: np.ndarray, _first: int, behind: int):
        # The last interval of a stretch ends on the beat after it, which stays.
        ends = np.append(times, grid.times[behind]) if behind < len(grid) else times
        between = (ends[:-1] + ends[1:]) / 2
        if len(ends) > 1 and np.diff(ends).min() < 2 * MIN_GAP:
            raise Problem(
                "beats_fast",
                "The beats are too close to be doubled. Choose a part of them with a preview range.",
            )
        places = np.flatnonzero(~inside(between, grid.locks)) + 1
        out = np.insert(times, places, between[places - 1])
        marks = np.insert(flags, places, 0)
        return out, barred(marks, metre, first_bar(marks, metre)) | EDITED

    return each_run(grid, span, change)


def three_to_two(grid: EditedGrid, span: tuple[float, float] | None = None) -> EditedGrid:
    """Put two beats where there were three: dotted beats, as in 6/8, where the detector counted plain ones.

    The first downbeat stays a beat; bars of three beats become bars of two, other metres stay.
    """
    metre = grid.metre * 2 // 3 if grid.metre % 3 == 0 else grid.metre

    def change(times: np.ndarray, flags: np.ndarray, _first: int, _behind: int):
        down = np.flatnonzero(flags & DOWN)
        anchor = int(down[0]) if len(down) else 0
        places = anchor + 1.5 * np.arange(-(anchor // 1.5), (len(times) - 1 - anchor) // 1.5 + 1)
        out = np.interp(places, np.arange(len(times)), times)
        start = int(anchor // 1.5)  # the anchor's place among them
        return out, barred(np.zeros(len(out), int), metre, start % metre) | EDITED

    return each_run(grid, span, change)


def nudge(
    grid: EditedGrid, seconds: float | np.ndarray, span: tuple[float, float] | None = None
) -> EditedGrid:
    """Move all free beats by so many seconds (an array: one value each), later if positive."""
    free = _free(grid, span)
    _need(free)
    times = grid.times + np.where(free, seconds, 0.0)
    return _moved(grid, times, free)


def _moved(grid: EditedGrid, times: np.ndarray, changed: np.ndarray) -> EditedGrid:
    """The grid with beats at other times; raises `Problem` unless they still follow one another."""
    gaps, touched = np.diff(times), changed[1:] | changed[:-1]
    if (touched & (gaps < np.minimum(MIN_GAP, np.diff(grid.times)) - 1e-9)).any():
        raise Problem("beats_collide", "The beats would run into a beat that stays. Unlock it, or move less.")
    _keep_out(grid, times[changed])
    flags = np.where(changed, grid.flags | EDITED, grid.flags)
    inside_song = times >= 0  # beats that slide out before the song's beginning are dropped
    return replace(grid, times=times[inside_song], flags=flags[inside_song])


def _need_song(seconds: float) -> None:
    if seconds < 0:
        raise Problem("beats_before", "The sound has not begun there yet. Choose a frame on its strip.")


def _keep_out(grid: EditedGrid, times: np.ndarray) -> None:
    if inside(times, grid.locks).any():
        raise Problem("beats_collide", "The beats would move into a locked span. Unlock it, or move less.")


def set_downbeat(grid: EditedGrid, seconds: float, metre: int) -> EditedGrid:
    """Begin a bar at the nearest beat.

    Bars of `metre` beats are counted from there, up to the next bar set by the artist or a locked span; backwards
    too, unless there is such a bar before.
    """
    if not METRES[0] <= metre <= METRES[1]:
        raise Problem("metre", f"Choose from {METRES[0]} to {METRES[1]} beats to a bar.")
    at = nearest(grid, seconds)
    free = ~grid.locked
    if not free[at]:
        raise Problem("beats_locked", "That beat is locked. Unlock its span first.")
    first, behind = next((a, b) for a, b in runs(free) if a <= at < b)
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


def move_beat(grid: EditedGrid, index: int, seconds: float, reach: int = REACH) -> EditedGrid:
    """Move and pin one beat; its neighbours follow, less and less, up to the next pin or lock, or `reach` beats."""
    _need_song(seconds)
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
            # A cosine keeps the tempo from jumping at both ends of the stretch.
            times[index + step * k] += distance * 0.5 * (1 + math.cos(math.pi * k / count))
            changed[index + step * k] = True
        if 0 <= stop < len(grid):
            room = abs(times[stop] - times[index]) - MIN_GAP * count
            if room < -1e-9 or (times[stop] - times[index]) * step < 0:
                raise Problem(
                    "beats_collide",
                    "There is no room there: a beat that stays is in the way. Unlock it, or choose another place.",
                )
        times = _spread(times, index, stop, step)
    flags = np.where(changed, grid.flags | EDITED, grid.flags)
    flags[index] |= PIN
    _keep_out(grid, times[changed])
    return replace(grid, times=times[times >= 0], flags=flags[times >= 0])


def _spread(times: np.ndarray, index: int, stop: int, step: int) -> np.ndarray:
    """Even out beats that a large move has crowded between a beat and the next fixed one."""
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


def insert(grid: EditedGrid, seconds: float) -> EditedGrid:
    """Add a beat, pinned."""
    _need_song(seconds)
    if inside([seconds], grid.locks).any():
        raise Problem("beats_locked", "That place is locked. Unlock its span first.")
    if len(grid) and np.abs(grid.times - seconds).min() < MIN_GAP:
        raise Problem("beats_collide", "There is a beat there already. Move the playhead.")
    at = int(np.searchsorted(grid.times, seconds))
    first = DOWN if not len(grid) else 0
    return replace(
        grid,
        times=np.insert(grid.times, at, seconds),
        flags=np.insert(grid.flags, at, EDITED | PIN | first),
        removed=grid.removed[np.abs(grid.removed - seconds) > MIN_GAP],
    )


def remove(grid: EditedGrid, index: int) -> EditedGrid:
    """Remove a beat; a detector will not bring it back. A bar that began there begins at the next beat."""
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


def lock(grid: EditedGrid, first: float, last: float) -> EditedGrid:
    """Protect the beats of a span from every operation and detector."""
    if last - first < 1e-3:
        raise Problem("span", "The span is empty: choose one with beats in it.")
    spans: list[tuple[float, float]] = []
    for a, b in sorted([*grid.locks, (float(first), float(last))]):
        if spans and a <= spans[-1][1] + 1e-6:
            spans[-1] = (spans[-1][0], max(b, spans[-1][1]))
        else:
            spans.append((a, b))
    return replace(grid, locks=tuple(spans))


def unlock(grid: EditedGrid, first: float, last: float) -> EditedGrid:
    """Unlock a span."""
    spans = []
    for a, b in grid.locks:
        spans += [s for s in ((a, min(b, first)), (max(a, last), b)) if s[1] - s[0] > 1e-3]
    return replace(grid, locks=tuple(spans))

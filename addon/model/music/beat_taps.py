# SPDX-License-Identifier: GPL-3.0-or-later
"""Beats tapped along with the song: the pulse of the taps, and the grid at that pulse. No bpy in here."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tempose_pose.request import runs

from ..errors import Problem
from .beat_changes import barred, double, each_run, first_bar, half
from .beat_proposals import joined_with
from .beats import EDITED, MAX_BEATS, MIN_GAP, EditedGrid, inside, none

MIN_TAPS = 4
Seconds = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Taps:
    """The pulse of some taps: beats at `phase` + n · `period` (seconds); `spread` is the median error in seconds."""

    period: float
    phase: float
    spread: float

    @property
    def bpm(self) -> float:
        """Beats per minute."""
        return 60 / self.period


def fit_taps(seconds: Seconds) -> Taps:
    """The steady pulse that fits some taps best; missed taps, double taps and outliers do no harm.

    Raises
    ------
    Problem
        With fewer than four taps, or taps without a pulse.
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


def tap_seconds(walls: Seconds, timeline: Seconds) -> np.ndarray:
    """Timeline seconds of taps, from the clock on the wall where that is finer.

    During playback Blender tells the time in whole frames (42 ms at 24 fps); the wall clock tells the distance of
    taps to a millisecond. If playback keeps up with the clock, the two are fitted; if it drags, or has jumped back
    to its start, the frames of the longest stretch without a jump are used.

    Parameters
    ----------
    walls, timeline : (N,) float
        Seconds of a clock, and of the timeline, at each tap.
    """
    walls, timeline = np.asarray(walls, float), np.asarray(timeline, float)
    if len(walls) < 2:
        return timeline
    ahead = np.diff(timeline) > -1e-6
    first, behind = max(runs(np.concatenate([ahead, [False]])), key=lambda r: r[1] - r[0], default=(0, 0))
    walls, timeline = walls[first : behind + 1], timeline[first : behind + 1]
    if len(walls) < MIN_TAPS:
        return timeline
    delay = timeline - walls
    if np.ptp(delay) > max(0.1, 0.03 * (walls[-1] - walls[0])):
        return timeline
    return walls + delay.mean()


def drags(walls: Seconds, timeline: Seconds) -> bool:
    """Whether playback took much longer than the clock says; arguments as for `tap_seconds`."""
    if len(walls) < 2:
        return False
    return float(timeline[-1] - timeline[0]) < 0.9 * float(walls[-1] - walls[0])


def delay(grid: EditedGrid, heard: Seconds) -> float:
    """Seconds by which taps lag behind the beats they mean; negative if they are early.

    Taps cannot tell whole beats: the answer lies between a quarter of a beat early and three quarters late.

    Parameters
    ----------
    grid : EditedGrid
        The correct beats, in the seconds of the taps.
    heard : of float
        The taps, on every beat, every second one, or twice a beat.

    Raises
    ------
    Problem
        If the taps have no pulse, or not that of the beats.
    """
    taps, found = fit_taps(heard), []
    heard = np.asarray(list(heard), float)
    for candidate in _octaves(grid):
        if not _same_tempo(candidate, taps, heard):
            continue
        place = np.clip(np.searchsorted(candidate.times, heard, "right") - 1, 0, len(candidate) - 1)
        turn = np.exp(2j * np.pi * (heard - candidate.times[place]) / taps.period).mean()
        if abs(turn) > 0.8:
            share = float(np.angle(turn) / (2 * np.pi))
            found.append(taps.period * (share + 1 if share < -0.25 else share))
    if not found:
        raise Problem("taps", "The taps do not follow the beats that are set here. Correct the beats first.")
    beat = min(taps.period, float(np.median(np.diff(grid.times))))
    return min(found, key=lambda seconds: abs(seconds - 0.25 * beat))


def tapped(grid: EditedGrid, taps: Taps, seconds: float, heard: Seconds = ()) -> EditedGrid:
    """The grid at a tapped tempo.

    A finger is less exact than a detector: if the grid, its half or its double already has the tapped pulse, that
    is used. Otherwise the beats are evenly spaced over the whole sound. Locked spans stay.

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
        raise Problem("beats_fast", "At this tempo there would be too many beats. Tap every second one.")
    times = taps.phase + taps.period * np.arange(first, last + 1)
    locked = grid.locked
    kept = grid.times[locked]
    times = times[~inside(times, grid.locks)]
    if len(kept):
        times = times[np.abs(times[:, None] - kept[None]).min(1) > 0.5 * taps.period]
    flags = barred(np.zeros(len(times), int), metre, _down_phase(grid, times, taps, metre)) | EDITED
    return joined_with(replace(grid, removed=none()), times, flags, kept, grid.flags[locked])


def _down_phase(grid: EditedGrid, times: np.ndarray, taps: Taps, metre: int) -> int:
    """Which of the first beats begins a bar: by most of the old downbeats or, without any, by the first tap."""
    downs = grid.downbeats
    if len(downs) and len(times):
        places = np.abs(times[None] - downs[:, None]).argmin(1)
        return int(np.bincount(places % metre, minlength=metre).argmax())
    return int(np.abs(times - taps.phase).argmin() % metre) if len(times) else 0


def _octaves(grid: EditedGrid):
    if len(grid) < MIN_TAPS:
        return
    yield grid
    for change in (half, _other_half, double):
        try:
            yield change(grid)
        except Problem:
            continue


def _other_half(grid: EditedGrid) -> EditedGrid:
    """Every second beat, the ones that `half` drops."""
    kept = set(half(grid).times.tolist())
    metre = grid.metre

    def change(times: np.ndarray, flags: np.ndarray, _first: int, _behind: int):
        phase = 1 if len(times) and times[0] in kept else 0
        marks = flags[phase::2]
        return times[phase::2], barred(marks, metre, first_bar(marks, metre)) | EDITED

    return each_run(grid, None, change)


def _same_tempo(grid: EditedGrid, taps: Taps, heard: np.ndarray) -> bool:
    """Whether the beats around some taps are as far apart as the taps' pulse."""
    if not len(heard) or len(grid) < 2:
        return False
    window = (grid.times >= heard.min() - taps.period) & (grid.times <= heard.max() + taps.period)
    if window.sum() < MIN_TAPS:
        return False
    return bool(abs(np.median(np.diff(grid.times[window])) / taps.period - 1) < 0.06)


def _agrees(grid: EditedGrid, taps: Taps, heard: Iterable[float]) -> bool:
    heard = np.asarray(list(heard), float)
    if not _same_tempo(grid, taps, heard):
        return False
    off = np.abs(heard[:, None] - grid.times[None]).min(1)
    return bool(np.median(off) < 0.15 * taps.period)

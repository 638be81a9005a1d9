# SPDX-License-Identifier: GPL-3.0-or-later
"""The beats that a dance follows: those of the music, halved or doubled in passages. No bpy in here.

The sound stays as it is: a passage in *half time* is danced half as fast to the same music. All times are song
seconds.
"""

from collections.abc import Iterable, Sequence

import numpy as np

NORMAL, HALF, DOUBLE = "NORMAL", "HALF", "DOUBLE"
NEAR = 0.005  # seconds; beats nearer than this are the same


def local_bpm(all_beats: Sequence[float], start: float, stop: float) -> float:
    """Tempo of the music from start to stop by the median beat interval, or around them if there are too few beats.

    0 if unknown.
    """
    beats = np.asarray(all_beats, float)
    if len(beats) < 2:
        return 0.0
    middles, gaps = (beats[1:] + beats[:-1]) / 2, np.diff(beats)
    inside = (middles >= start) & (middles < stop)
    if not inside.any():
        inside = np.zeros(len(gaps), bool)
        inside[np.argsort(np.abs(middles - (start + min(stop, beats[-1])) / 2))[:4]] = True
    return float(60 / np.median(gaps[inside]))


def heard(
    all_beats: Sequence[float], downbeats: Sequence[float], passages: Iterable[tuple[float, float, str]]
):
    """Beats and downbeats with passages in half or double time.

    Half time keeps every second beat, including the passage's first downbeat, and every second bar line. Double
    time adds a beat between any two, and a bar line in the middle of each bar.

    Parameters
    ----------
    all_beats, downbeats : of float
        Rising.
    passages : of (start, stop, "HALF" or "DOUBLE")
        Not overlapping.

    Returns
    -------
    beats, downbeats : list of float
    """
    beats, downs = np.asarray(all_beats, float), np.asarray(downbeats, float)
    for start, stop, mode in sorted(passages):
        if mode == NORMAL or len(beats) < 2:
            continue
        inside = np.flatnonzero((beats >= start - NEAR) & (beats < stop - NEAR))
        if not len(inside):
            continue
        bars = np.flatnonzero((downs >= start - NEAR) & (downs < stop - NEAR))
        if mode == HALF:
            first = inside[np.abs(beats[inside] - downs[bars[0]]).argmin()] if len(bars) else inside[0]
            beats, downs = np.delete(beats, inside[(inside - first) % 2 == 1]), np.delete(downs, bars[1::2])
        else:
            gap = np.diff(beats)
            gap = np.append(gap, gap[-1])
            more = [_middle_of_bar(beats, downs, int(bar)) for bar in bars]
            between = beats[inside] + gap[inside] / 2
            beats = np.sort(np.concatenate([beats, between[between < stop - NEAR]]))
            downs = np.sort(np.concatenate([downs, [d for d in more if d is not None and d < stop - NEAR]]))
        downs = (
            downs[[bool(len(beats)) and np.abs(beats - d).min() < NEAR for d in downs]]
            if len(downs)
            else downs
        )
    return beats.tolist(), downs.tolist()


def _middle_of_bar(beats: np.ndarray, downs: np.ndarray, bar: int) -> float | None:
    """The middle of a bar by its beats: on one, or between two."""
    if bar + 1 >= len(downs):
        return None
    first, last = (int(np.abs(beats - d).argmin()) for d in downs[bar : bar + 2])
    return float(np.interp((first + last) / 2, np.arange(len(beats)), beats)) if last > first else None


def differing(
    old: tuple[Sequence[float], Sequence[float]],
    new: tuple[Sequence[float], Sequence[float]],
    start: float,
    stop: float,
) -> list[tuple[float, float]]:
    """Spans in which two beat grids differ: from the beat before each beat that only one has to the beat after it.

    Parameters
    ----------
    old, new : (beats, downbeats)
    start, stop : float
        Only this part of the song counts.
    """
    spans = []
    for pair in zip(old, new, strict=True):
        a, b = (np.asarray(times, float) for times in pair)
        a, b = (times[(times >= start) & (times < stop)] for times in (a, b))
        shared = _among(a, b)
        common = a[shared]
        for time in [*a[~shared], *b[~_among(b, a)]]:
            place = int(np.searchsorted(common, time))
            before = float(common[place - 1]) if place else start
            spans.append((before, float(common[place]) if place < len(common) else stop))
    return spans


def _among(times: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N,) bool: which times are also among the other, rising ones."""
    if not len(other):
        return np.zeros(len(times), bool)
    right = np.clip(np.searchsorted(other, times), 0, len(other) - 1)
    nearest = np.minimum(np.abs(other[right] - times), np.abs(other[np.maximum(right - 1, 0)] - times))
    return nearest < NEAR

"""The form of a song by self-similarity (Foote 1999): bars in a row that sound like earlier ones are a section again.

Bars are compared by correlation and stretches of them along one lag are kept, longest first. What all bars share is
taken out before, so a song that loops on one bar has no sections to speak of, rather than the same one everywhere.
"""

from __future__ import annotations

from itertools import pairwise
from string import ascii_uppercase

import numpy as np
from scipy.ndimage import uniform_filter1d

from tempose.music.features import LISTENED
from tempose.music.spectra import FPS
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.request import runs

PARTS = 8  # of a bar that are compared one by one
SHORTEST = 4  # bars of a section that returns
ALIKE = 0.4  # least correlation of bars that are the same music ...
STANDS_OUT = 0.15  # ... and by how much it lies above that of most stretches of the song
BRIDGED = 3  # bars over which this is averaged: one that differs, as a fill does, ends no section
TIMBRE = slice(1, 13)  # of the MFCC: without the first, which is loudness


def find_sections(listened: np.ndarray, grid: BeatGrid) -> tuple[Section, ...]:
    """Sections of a song in order, named A, B, …; those of one name return.

    Parameters
    ----------
    listened : (F, 35)
        See `tempose.music.features.song_features`.
    grid : BeatGrid
        In song seconds.
    """
    marks = _bars(grid, len(listened) / FPS)
    if len(marks) < 2 * SHORTEST + 1:
        return ()
    alike = _similarity(_describe(listened, marks))  # (bars, bars)
    names = np.arange(len(alike))  # each bar's own name, until it turns out to be another's
    for target, source, length in _returns(alike):
        names[target : target + length] = names[source : source + length]
    return _sections(names, _edges(names), marks)


def _bars(grid: BeatGrid, seconds: float) -> np.ndarray:
    """Song seconds of bar lines inside the song."""
    marks = grid.downbeats if len(grid.downbeats) > 1 else grid.beats[::4]
    return marks[(marks >= 0) & (marks <= seconds)]


def _describe(listened: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """(bars, D): harmony, timbre and strokes in each part of each bar, standardised over the bars."""
    mfcc = listened[:, LISTENED["mfcc"]]
    columns = np.hstack([
        _standardised(listened[:, LISTENED["chroma"]]) / 12**0.5,
        _standardised(mfcc[:, TIMBRE]) / 12**0.5,
        _standardised(listened[:, LISTENED["onset"]]),
    ])  # fmt: skip
    edges = np.concatenate(
        [np.linspace(a, b, PARTS, endpoint=False) for a, b in pairwise(marks)] + [marks[-1:]]
    )
    frames = np.clip(np.round(edges * FPS).astype(int), 0, len(listened) - 1)
    sums = np.vstack([np.zeros(columns.shape[1]), np.cumsum(columns, 0, dtype=float)])
    means = (sums[frames[1:]] - sums[frames[:-1]]) / np.maximum(np.diff(frames), 1)[:, None]
    return _standardised(means.reshape(len(marks) - 1, -1))


def _standardised(columns: np.ndarray) -> np.ndarray:
    return (columns - columns.mean(0)) / (columns.std(0) + 1e-6)


def _similarity(bars: np.ndarray) -> np.ndarray:
    """(bars, bars) correlation of bars with each other."""
    unit = bars / np.maximum(np.linalg.norm(bars, axis=1, keepdims=True), 1e-9)
    return unit @ unit.T


def _returns(alike: np.ndarray) -> list[tuple[int, int, int]]:
    """(target, source, length) in bars of what returns, longest first; no bar is a target twice."""
    diagonals = {lag: np.diagonal(alike, -lag) for lag in range(SHORTEST, len(alike) - SHORTEST + 1)}
    usual = [np.convolve(d, np.ones(SHORTEST) / SHORTEST, "valid") for d in diagonals.values()]
    enough = max(ALIKE, float(np.percentile(np.concatenate(usual), 90)) + STANDS_OUT)
    found = []
    for lag, diagonal in diagonals.items():  # [i] compares bar i + lag with bar i
        for start, stop in runs(uniform_filter1d(diagonal, BRIDGED, mode="nearest") > enough):
            length = min(stop - start, lag)  # a section does not overlap what it returns to
            if length >= SHORTEST:
                found.append((float(diagonal[start : start + length].sum()), start + lag, start, length))
    taken = np.zeros(len(alike), bool)
    chosen = []
    for _, target, source, length in sorted(found, key=lambda r: (-r[0], r[2])):
        free = ~taken[target : target + length]
        for start, stop in runs(free):
            if stop - start >= SHORTEST:
                chosen.append((target + start, source + start, stop - start))
                taken[target + start : target + stop] = True
    return sorted(chosen)  # sources are named before what returns to them


def _edges(names: np.ndarray) -> list[int]:
    """Bars at which sections begin, and the end; equal music is cut in the same places wherever it returns."""
    breaks = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1] + 1]
    cut = {int(names[i]) for i in breaks} | {int(names[i - 1]) + 1 for i in [*breaks[1:], len(names)]}
    return [i for i, name in enumerate(names) if i in breaks or int(name) in cut] + [len(names)]


def _sections(names: np.ndarray, edges: list[int], marks: np.ndarray) -> tuple[Section, ...]:
    letters: dict[int, str] = {}
    sections = []
    for start, stop in pairwise(edges):
        letter = letters.setdefault(int(names[start]), _letter(len(letters)))
        sections.append(Section(float(marks[start]), float(marks[stop]), letter))
    return tuple(sections)


def _letter(number: int) -> str:
    """A, B, … Z, AA, AB, …"""
    more, last = divmod(number, len(ascii_uppercase))
    return (_letter(more - 1) if more else "") + ascii_uppercase[last]

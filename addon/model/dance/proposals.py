# SPDX-License-Identifier: GPL-3.0-or-later
"""Directing curves as a few keys: proposed from the analysis of a song, or drawn for a part of it. No bpy in here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tempose_pose.curves import RANGES
from tempose_pose.grid import BeatGrid
from tempose_pose.request import usual_energy
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.answers import Analysis

HEARD_RATE = 10.0
"""Values per second of `Analysis.energy`."""
CALM, WILD, STILL = 0.0, 1.2, RANGES["energy"][0]
"""Energies of presets."""
DEAD = 1.0  # hits: a full stop
LOUDEST = 0.15  # energy: sections this near to the loudest are choruses too


@dataclass(frozen=True)
class Keys:
    """Keys of a directing curve.

    Parameters
    ----------
    at : (N,) float
        Song seconds, rising.
    values : (N,) float
    held : bool
        Whether each value stays until the next key; otherwise straight lines lead there.
    """

    at: np.ndarray
    values: np.ndarray
    held: bool = False


def proposed(
    heard: Analysis,
    grid: BeatGrid,
    tempo: TempoMap,
    energy: float,
    listen: float,
    tolerance: float,
    by_bar: bool = True,
) -> dict[str, Keys]:
    """The curves that a dance to this sound follows by default, as keys on beats.

    Parameters
    ----------
    grid : BeatGrid
        The artist's or the detected one, in song seconds.
    tempo : TempoMap
        The tempo of the dance.
    energy, listen : float
        Of the request.
    tolerance : float
        How far the curve may deviate from the analysis.
    by_bar : bool
        Whether to take the median over a bar; otherwise each beat counts on its own.
    """
    beats = grid.beats
    times = np.arange(len(heard.energy)) / HEARD_RATE
    found = {}
    if len(beats) > 1 and len(times):
        bpm = 60.0 / np.gradient(tempo.to_timeline(beats))
        values = usual_energy(bpm, energy) + listen * np.interp(beats, times, heard.energy)
        found["energy"] = np.clip(values, *RANGES["energy"])
    if len(beats) > 1 and len(heard.hits) > 1:
        nearest = np.abs(np.subtract.outer(beats, heard.beats)).argmin(1)
        found["hits"] = np.asarray(heard.hits)[nearest]
    wide = metre_of(grid) if by_bar else 1
    return {name: fewest(beats, median(values, wide), tolerance) for name, values in found.items()}


def metre_of(grid: BeatGrid) -> int:
    """The usual number of beats in a bar; 4 if no bars are known."""
    places = np.searchsorted(grid.beats, grid.downbeats - 1e-6)
    return int(np.clip(np.median(np.diff(places)), 1, 12)) if len(places) > 1 else 4


def median(values: np.ndarray, wide: int) -> np.ndarray:
    """Running median (N,) over `wide` values, or one more: fills and single strokes go, steps stay."""
    half = wide // 2
    padded = np.pad(values, half, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), 1)


def fewest(at: np.ndarray, values: np.ndarray, tolerance: float) -> Keys:
    """The fewest points (N,) whose straight lines miss no other by more than the tolerance (Ramer 1972)."""
    kept, open_parts = {0, len(at) - 1}, [(0, len(at) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        inside = slice(first + 1, last)
        line = np.interp(at[inside], at[[first, last]], values[[first, last]])
        missed = np.abs(values[inside] - line)
        if len(missed) and missed.max() > tolerance:
            worst = first + 1 + int(missed.argmax())
            kept.add(worst)
            open_parts += [(first, worst), (worst, last)]
    chosen = sorted(kept)
    return Keys(at[chosen], values[chosen])


def build_up(start: float, stop: float, bars: np.ndarray) -> dict[str, Keys]:
    """Keys on bar lines that go from calm to wild between two song seconds, slowly at first; hits grow with it.

    Parameters
    ----------
    bars : (N,) float
        Song seconds of bar lines.
    """
    middle = (start + stop) / 2
    inside = bars[(bars > start + 1e-3) & (bars < stop - 1e-3)]
    if len(inside):
        middle = float(inside[np.abs(inside - middle).argmin()])
    at = np.array([start, middle, stop])
    third = CALM + (WILD - CALM) / 3  # half-way: the second half rises twice as fast
    return {"energy": Keys(at, np.array([CALM, third, WILD])), "hits": Keys(at, np.array([0.1, 0.3, 0.8]))}


def freeze(start: float, stop: float) -> dict[str, Keys]:
    """Keys that hit a pose and hold it."""
    at = np.array([start, stop])
    return {"energy": Keys(at, np.full(2, STILL), held=True), "hits": Keys(at, np.full(2, DEAD), held=True)}


def choruses(sections: Sequence[tuple[str, float]]) -> set[str]:
    """Names of the loudest sections that return or, if none does, of the loudest.

    Parameters
    ----------
    sections : of (name, loudness)
        In order; loudness as energy.
    """
    loudness: dict[str, list[float]] = {}
    for name, loud in sections:
        loudness.setdefault(name, []).append(loud)
    returning = [name for name, found in loudness.items() if len(found) > 1] or list(loudness)
    mean = {name: float(np.mean(found)) for name, found in loudness.items()}
    loudest = max(returning, key=mean.__getitem__)
    near = {name for name in returning if mean[name] >= mean[loudest] - LOUDEST}
    return {loudest} if near == set(loudness) else near  # all alike: one of them is the chorus


def contrast(sections: Sequence[tuple[float, bool]]) -> dict[str, Keys]:
    """Keys for wild and calm sections, held from each start (song second, whether it is wild)."""
    at = np.array([start for start, _ in sections])
    wild = np.array([loud for _, loud in sections])
    return {
        "energy": Keys(at, np.where(wild, WILD, CALM), held=True),
        "hits": Keys(at, np.where(wild, 0.7, 0.2), held=True),
    }

"""At which level, and on which side, the beats of a steady song are counted.

Where the off-beats are heard as the beats for a while, a path that follows what is heard changes sides, and changes
back. A path that leaves the side open (`best_path`) does not: all that is left to ask is how many of its steps make a
beat, and on which side of them it lies, and both are asked of the whole song.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tempose.music.beat_places import near

if TYPE_CHECKING:
    from tempose.music.beat_ears import Heard

ENOUGH = 16  # beats from which on a song tells how it is counted
SAME, SLIP = 0.04, 0.15  # log ratios of tempi that are the same, and of steps that are no change of tempo
NEAR, MOST = 0.06, 0.8  # seconds, and the share of the beats, by which a path is explained
SLOWEST, FASTEST = 42.0, 225.0  # beats per minute
# Beats of the path in a beat, the fastest level first → where in it the first beat may lie.
PHASES = {0.5: (0.0,), 1.0: (0.0, 0.5), 2.0: (0.0, 0.5, 1.0, 1.5)}
# Logistic regressions on 250 rendered songs of drum takes that the network had not heard, and on eleven recordings in
# whole and in parts (docs/metrics.md): of each network's mean log odds at the beats of one side less the other's …
OWN_SIDE, OTHER_SIDE = 0.48, 0.10
# … and of a faster level less those of the slower one, beside how usual its tempo is: a log-normal distribution about
# `USUAL` of half an octave.
OWN_LEVEL, OTHER_LEVEL, FASTER = 1.41, 0.63, 1.85
USUAL, SPREAD = 115.0, 0.5
GUESSED = 1.2  # log odds for the level at which `beat_octave` would count the path


@dataclass(frozen=True)
class Level:
    """Beats in seconds, and the probability that they lie on the right side."""

    beats: np.ndarray
    side: float
    own: float
    other: float

    @property
    def bpm(self) -> float:
        return 60 / float(np.median(np.diff(self.beats)))


def counted(
    path: np.ndarray, open_path: np.ndarray, heard: Heard, guess: np.ndarray
) -> tuple[np.ndarray, float] | None:
    """The beats of a steady song as people count them, and the probability of that.

    Parameters
    ----------
    path, open_path : (B,) float
        Seconds of the beats that are heard, and of those of which the side is left open.
    heard : Heard
    guess : (B,) float
        Seconds of the beats at the octave that the path alone suggests.

    Returns
    -------
    (B,) float and float, or None
        None where the open path does not explain the other, but for its sides: the song is not steady.
    """
    if min(len(path), len(open_path)) < ENOUGH:
        return None
    levels = [_level(open_path, ratio, heard) for ratio in PHASES]
    levels = [level for level in levels if len(level.beats) >= ENOUGH // 2]
    levels = [level for level in levels if SLOWEST <= level.bpm <= FASTEST]
    if not any(explains(level.beats, path) for level in levels):
        return None
    odds = [0.0]  # of each level, the fastest first
    for fast, slow in pairwise(levels):
        evidence = OWN_LEVEL * (fast.own - slow.own) + OTHER_LEVEL * (fast.other - slow.other) + FASTER
        odds.append(odds[-1] - evidence - _usual(fast.bpm) + _usual(slow.bpm))
    gap = float(np.median(np.diff(guess)))
    guessed = np.array([abs(np.log(gap * level.bpm / 60)) < SAME for level in levels])
    odds = np.array(odds) + GUESSED * guessed
    p = np.exp(odds - odds.max())
    best = int(p.argmax())
    return levels[best].beats, float(p[best] / p.sum()) * levels[best].side


def explains(beats: np.ndarray, path: np.ndarray) -> bool:
    """Whether a path has these beats' tempo throughout, and lies on them or in the middle between them."""
    gap = float(np.median(np.diff(beats)))
    changed = np.abs(np.log(np.diff(path) / gap))
    if np.median(changed) > SAME or (changed < SLIP).mean() < MOST:
        return False
    middles = (beats[1:] + beats[:-1]) / 2
    around = 1.5 * beats[:1] - 0.5 * beats[1:2], 1.5 * beats[-1:] - 0.5 * beats[-2:-1]
    grid = np.sort(np.concatenate([around[0], beats, middles, around[1]]))
    after = np.clip(np.searchsorted(grid, path), 1, len(grid) - 1)
    off = np.minimum(np.abs(path - grid[after - 1]), np.abs(grid[after] - path))
    return bool((off < NEAR).mean() >= MOST)


def _level(path: np.ndarray, ratio: float, heard: Heard) -> Level:
    """The better side of a level."""
    sides = []
    for phase in PHASES[ratio]:
        count = int((len(path) - 1 - phase) / ratio + 1e-6) + 1
        beats = np.interp(phase + ratio * np.arange(count), np.arange(len(path)), path)
        sides.append((beats, *(float(near(odds[:, 0], beats).mean()) for odds in (heard.own, heard.other))))
    rating = np.array([OWN_SIDE * own + OTHER_SIDE * other for _, own, other in sides])
    best = int(rating.argmax())
    return Level(sides[best][0], float(1 / np.exp(rating - rating.max()).sum()), *sides[best][1:])


def _usual(bpm: float) -> float:
    """Log of the density of a tempo, but for a constant."""
    return -0.5 * float(np.log2(bpm / USUAL) / SPREAD) ** 2

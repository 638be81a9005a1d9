"""At which level, and on which side, the beats of a song are counted, and how sure that is.

Where the off-beats are heard as the beats for a while, a path that follows what is heard changes sides, and changes
back. A path that leaves the side open (`best_path`) does not. In a steady song, all that is left to ask of it is how
many of its steps make a beat, and on which side of them it lies; of other songs, how many beats of the path that is
heard make one. Every answer is a `Counting`, and the whole song says which is the likeliest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tempose.music.beat_places import highest_near
from tempose.music.chords import changes

if TYPE_CHECKING:
    from tempose.music.beat_ears import Heard

WEIGHTS = Path(__file__).with_name("beat_odds.json")  # by scripts/fit_beats.py
ENOUGH = 16  # beats from which on a song tells how it is counted
SAME, SLIP = 0.04, 0.15  # log ratios of tempi that are the same, and of steps that are no change of tempo
NEAR, MOST = 0.06, 0.8  # seconds, and the share of the beats, by which a path is explained
SLOWEST, FASTEST = 42.0, 225.0  # beats per minute
USUAL, FAST, SLOW = 115.0, 150.0, 75.0  # beats per minute
# Beats of the path in a beat → where in it the first beat may lie.
PHASES = {0.5: (0.0,), 1.0: (0.0, 0.5), 2.0: (0.0, 0.5, 1.0, 1.5)}
EVIDENCE = (
    "tempo", "tempo_squared", "fast", "slow", "own_beat", "other_beat", "own_bar", "other_bar",
    "own_turns", "other_turns", "guessed", "agrees", "chords",
)  # fmt: skip


@dataclass(frozen=True)
class Counting:
    """One way to count a song: beats in seconds, and what speaks for them (`evidence_of`)."""

    beats: np.ndarray
    evidence: np.ndarray


@cache
def odds() -> dict[str, Any]:
    """The numbers that weigh evidence: of a reading, of a bar, of the confidence."""
    return json.loads(WEIGHTS.read_text("utf-8"))


def counted(read: list[Counting]) -> tuple[np.ndarray, float]:
    """The (B,) beats of the likeliest of one or more readings, and its probability."""
    weights = np.array([odds()["reading"][name] for name in EVIDENCE])
    rating = np.array([reading.evidence for reading in read]) @ weights
    p = np.exp(rating - rating.max())
    best = int(p.argmax())
    return read[best].beats, float(p[best] / p.sum())


def readings(
    path: np.ndarray, heard: Heard, guess: np.ndarray, open_path: np.ndarray | None = None
) -> list[Counting]:
    """The ways to count a song; none where it is too short to tell.

    Parameters
    ----------
    path : (B,) float
        Seconds of the beats that are heard.
    heard : Heard
    guess : (B,) float
        Seconds of the beats at the octave that the path alone suggests.
    open_path : (B,) float, optional
        Seconds of beats of which the side is left open; they count where they explain the path, but for its sides.
    """
    if len(path) < ENOUGH:
        return []
    steady = open_path is not None and len(open_path) >= ENOUGH and _steady(open_path, path)
    base = open_path if steady and open_path is not None else path
    found = []
    for ratio, phases in PHASES.items():
        for phase in phases:
            if not steady and phase % 1:
                continue
            beats = _every(base, ratio, phase)
            if len(beats) >= ENOUGH // 2 and SLOWEST <= 60 / np.median(np.diff(beats)) <= FASTEST:
                found.append(Counting(beats, evidence_of(beats, heard, guess)))
    return found


def evidence_of(beats: np.ndarray, heard: Heard, guess: np.ndarray) -> np.ndarray:
    """(13,) what speaks for beats, in the order of `EVIDENCE`.

    The tempo, in octaves about `USUAL`, its square, and by how much it is beyond `FAST` and `SLOW`; of both networks
    the mean log odds at the beats, by how much every fourth one is rather a downbeat, and by how much even and odd
    ones differ; whether this is the level of the guess, and how many beats of the guess are among these; and how
    much the harmony changes rather at every fourth.
    """
    gap = float(np.median(np.diff(beats)))
    tempo = float(np.log2(60 / gap / USUAL))
    beyond = max(0.0, tempo - np.log2(FAST / USUAL)), max(0.0, np.log2(SLOW / USUAL) - tempo)
    at = [
        [highest_near(curve, beats) for curve in odds.T] for odds in (heard.own, heard.other)
    ]  # of each: beat, bar
    on = [float(beat.mean()) for beat, _ in at]
    bars = [float(max(bar[k::4].mean() for k in range(4)) - bar.mean()) for _, bar in at]
    turns = [float(abs(beat[::2].mean() - beat[1::2].mean())) for beat, _ in at]
    guessed = abs(np.log(gap / np.median(np.diff(guess)))) < SAME
    agrees = float((np.abs(guess[:, None] - beats).min(1) < NEAR).mean())
    change = changes(beats, heard.pitches)
    chords = float(max(change[k::4].mean() for k in range(4)))
    return np.array([tempo, tempo**2, *beyond, *on, *bars, *turns, float(guessed), agrees, chords])


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


def _steady(open_path: np.ndarray, path: np.ndarray) -> bool:
    levels = [_every(open_path, ratio, 0.0) for ratio in PHASES]
    return any(len(level) >= ENOUGH // 2 and explains(level, path) for level in levels)


def _every(path: np.ndarray, ratio: float, phase: float) -> np.ndarray:
    """Beats of so many of a path's steps, the first one so far behind the path's."""
    count = int((len(path) - 1 - phase) / ratio + 1e-6) + 1
    return np.interp(phase + ratio * np.arange(count), np.arange(len(path)), path)

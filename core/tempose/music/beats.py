"""Beats: where they are, which begin a bar, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tempose.music.bars import COMPOUND_METERS, METERS, downbeats
from tempose.music.beat_levels import Counting, counted, odds, readings
from tempose.music.beat_octave import at_its_octave, confidence_of, dotted, doubt_of_level
from tempose.music.beat_path import RATE, best_path
from tempose.music.beat_places import between_frames, bridged, drawn_along, evened, extended, highest_near
from tempose.music.chords import changes
from tempose.music.spectra import BEAT_RATE, SAMPLE_RATE
from tempose_pose.grid import BeatGrid

if TYPE_CHECKING:
    from tempose.music.beat_ears import Heard

QUIET = 1e-4
EDGE = 0.03  # seconds before the end of the file: where a loop ends, the next one would begin
LOOP = 12.0  # seconds: a shorter sound is rather a loop, which says too little as a whole
AT_ONCE = 4.0  # log odds that a sound which begins on a beat begins with a bar: loops do


def track_beats(samples: np.ndarray) -> BeatGrid:
    """The beat grid of a song.

    Two networks rate every moment (`beat_ears`); the best sequence of beats through these ratings is found by
    dynamic programming (`beat_path`), which follows steady tempi, drift and abrupt changes. The whole song says how
    it is counted (`beat_levels`, which also weighs what the path alone suggests, `beat_octave`); then bars are found
    (`bars`).

    Parameters
    ----------
    samples : (N,) float
        Mono at 22,050 Hz.

    Returns
    -------
    BeatGrid
        In seconds. What holds no beat (silence, a moment of sound, noise) gets an evenly spaced or empty
        grid and a confidence at or near 0.
    """
    samples = np.nan_to_num(np.asarray(samples, np.float32))
    seconds = len(samples) / SAMPLE_RATE
    if seconds < 0.5 or np.abs(samples).max() < QUIET:
        return _even(seconds)
    from tempose.music.beat_ears import hear

    return grid_of(hear(samples), seconds, sounding(samples))


def grid_of(heard: Heard, seconds: float, sounding: tuple[float, float]) -> BeatGrid:
    """The grid of what is heard in a sound of so many seconds, between whose first and last it sounds."""
    count = count_of(heard, seconds)
    return gridded(count, heard, seconds, sounding) if count else _even(seconds)


@dataclass(frozen=True)
class Count:
    """The ways to count a song (none where it is short), the beats as the path alone suggests, and its meters."""

    readings: list[Counting]
    guess: np.ndarray
    meters: tuple[int, ...]


def count_of(heard: Heard, seconds: float) -> Count | None:
    """How a sound of so many seconds may be counted; None where fewer than two beats are heard."""
    beat = heard.probability[:, 0]
    path = best_path(_rating(heard.own, seconds)) / RATE
    if len(path) < 2:
        return None
    path = evened(bridged(between_frames(path, beat), beat))
    beats = dotted(path, beat)
    guess, open_path = at_its_octave(beats, heard.probability), None
    if beats is path and seconds >= LOOP:
        open_path = best_path(_rating(heard.both, seconds), either_side=True) / RATE
        open_path = evened(drawn_along(open_path, beat))
    read = readings(beats, heard, guess, open_path)
    return Count(read, guess, METERS if beats is path else COMPOUND_METERS)


def likeliest(count: Count, heard: Heard) -> tuple[np.ndarray, float]:
    """The (B,) beats of a song counted in the likeliest way, and how probable that is."""
    beats, certainty = counted(count.readings) if count.readings else (count.guess, 1.0)
    return beats, certainty * (1 - doubt_of_level(beats, heard.probability))


def gridded(count: Count, heard: Heard, seconds: float, sounding: tuple[float, float]) -> BeatGrid:
    """The grid of a song counted in the likeliest way."""
    (begin, end), beat = sounding, heard.probability[:, 0]
    beats, certainty = likeliest(count, heard)
    confidence = confidence_of(beats, beat, end - begin, certainty)
    beats = extended(beats, begin, min(end, seconds - EDGE), beat)
    bars = bars_of(beats, count, heard, sounding, odds()["bar"])
    return BeatGrid(beats, beats[bars], confidence, highest_near(beat, beats))


def bars_of(
    beats: np.ndarray, count: Count, heard: Heard, sounding: tuple[float, float], weights: dict[str, float]
) -> np.ndarray:
    """(D,) indices of the beats that begin a bar, by what the networks and the harmony say there, so weighed."""
    told = {
        "own": highest_near(heard.own[:, 1], beats),
        "other": highest_near(heard.other[:, 1], beats),
        "chords": changes(beats, heard.pitches),
    }
    rating = np.sum([weights[name] * there for name, there in told.items()], axis=0)
    rating[0] += AT_ONCE * (max(sounding[0], beats[0]) < 0.05)
    return downbeats(rating, count.meters)


def tempo_curve(grid: BeatGrid) -> np.ndarray:
    """(B - 1, 2) seconds and beats per minute from there on, smoothed over three beats."""
    intervals = np.diff(grid.beats)
    if not len(intervals):
        return np.zeros((0, 2))
    padded = np.pad(intervals, 1, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
    return np.column_stack([grid.beats[:-1], 60 / smooth])


def loudness(samples: np.ndarray, per_second: int = 10) -> np.ndarray:
    """(N,) float root mean square of each tenth of a second, the loudest being 1; zeros for silence."""
    step = SAMPLE_RATE // per_second
    samples = np.asarray(samples, np.float32)
    count = -(-len(samples) // step)
    blocks = np.pad(samples, (0, count * step - len(samples))).reshape(count, step)
    level = np.sqrt(np.mean(blocks.astype(float) ** 2, axis=1))
    return level / max(level.max(initial=0.0), QUIET)


def _rating(odds: np.ndarray, seconds: float) -> np.ndarray:
    """(T,) log odds of a beat, at the rate of paths."""
    times = np.arange(int(seconds * RATE) + 1) / RATE
    p = np.interp(times, np.arange(len(odds)) / BEAT_RATE, 1 / (1 + np.exp(-odds[:, 0])))
    p = np.clip(p, 0.01, 0.99)
    return np.log(p / (1 - p))


def _even(seconds: float) -> BeatGrid:
    """120 beats a minute, for want of any."""
    beats = np.arange(0, seconds, 0.5) if seconds >= 0.5 else np.zeros(0)
    return BeatGrid(beats, beats[::4], 0.0)


def sounding(samples: np.ndarray) -> tuple[float, float]:
    """Seconds between which the song sounds, with a little to spare."""
    loud = np.flatnonzero(loudness(samples, 50) > 0.003) / 50
    return (loud[0] - 0.03, loud[-1] + 0.02) if len(loud) else (0.0, len(samples) / SAMPLE_RATE)

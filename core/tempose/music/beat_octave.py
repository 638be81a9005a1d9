"""The octave of a path of beats by what our own network hears there, and how sure a grid is."""

from __future__ import annotations

import numpy as np

from tempose.music.beat_path import SLOWEST
from tempose.music.beat_places import near

ENOUGH = 16  # beats from which on a song tells how it is counted
DOUBLED = 95.0  # tempo from which on every second beat may be one too many …
RATHER = 150.0  # … and from which on that is the rule: few people tap as fast
HALVE = 0.8  # how probable that must be
FAST, SLOW = 165.0, 66.0  # at tempi beyond these …
UNUSUAL = 0.35  # … the tracker counts a song of a usual tempo by another octave so often
EIGHTHS = (
    120.0  # tempo from which on beats may be the eighths of 6/8, or three in the time of two dotted beats …
)
DOTTED = 1.0  # … where one in three is rated higher than both others by so many log odds
COMPOUND = 132.0  # threes this fast may be the eighths of 6/8


def probability(odds):
    return 1 / (1 + np.exp(-odds))


def logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 0.01, 0.99)
    return np.log(p / (1 - p))


def dotted(beats: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """The beats, or the dotted ones where eighths of 6/8 were followed, or three in the time of two.

    Then one in three stands out. Where what lies in the middle between two of these is rated higher than the beats
    that were followed there, two dotted beats had been heard as three.
    """
    if len(beats) < ENOUGH or 60 / np.median(np.diff(beats)) < EIGHTHS:
        return beats
    rating = logit(near(curve, beats))
    thirds = [float(rating[k::3].mean()) for k in range(3)]
    first = int(np.argmax(thirds))
    low, middle, high = sorted(thirds)
    if high - middle < DOTTED:
        return beats
    third = beats[first::3]
    between = (third[:-1] + third[1:]) / 2
    if logit(near(curve, between)).mean() > (low + middle) / 2:
        return np.sort(np.concatenate([third, between]))
    return third if 60 / np.median(np.diff(third)) >= SLOWEST / 1.2 else beats


def at_its_octave(beats: np.ndarray, heard: np.ndarray) -> tuple[np.ndarray, float]:
    """The beats, or every second one where the tempo is rather a doubled one; and the doubt that remains.

    In a slow song the off-beats are heard as beats, too, but less clearly, and bars come every eighth "beat".
    The numbers are a logistic regression on 131 rendered songs with a steady beat (32 of them doubled) that
    the network (an earlier training of it) had not heard; in cross-validation it halved 15 of the 32, and none
    of the other 99. Beyond `RATHER` the tempo itself speaks for halving.

    Parameters
    ----------
    beats : (B,) float
    heard : (F, 2) float
        Probabilities of a beat and of a downbeat.

    Returns
    -------
    beats : (B,) or about (B / 2,) float
    doubt : float
        Probability that another octave, or the bars of a compound metre, is the right one.
    """
    if len(beats) < ENOUGH:
        return beats, 0.0
    low, middle, high = np.percentile(np.diff(beats), (10, 50, 90))
    doubt, bpm = 0.0, 60 / middle
    if bpm > DOUBLED:
        beat, bar = logit(near(heard[:, 0], beats)), near(heard[:, 1], beats)
        halves = [beat[k::2].mean() for k in (0, 1)]
        eight, four = (max(bar[k::n].mean() for k in range(n)) for n in (8, 4))
        odds = 2.9 * abs(halves[0] - halves[1]) + 20.5 * (eight - four) - 1.94 * beat.mean() - 0.6
        doubt = float(probability(odds + 6 * max(0.0, np.log2(bpm / RATHER))))
        if doubt >= HALVE and high - low <= 0.15 * middle:  # where the tempo changes, bars tell less
            return beats[int(np.argmax(halves)) :: 2], 1 - doubt
    between = logit(near(heard[:, 0], (beats[:-1] + beats[1:]) / 2)).mean()  # might be beats, too
    certain = (1 - doubt) * (1 - 0.6 * probability(1.2 * (between + 1)))
    return beats, float(1 - certain * (1 - doubt_of_level(beats, heard)))


def doubt_of_level(beats: np.ndarray, heard: np.ndarray) -> float:
    """Probability that people would count twice or three times as fast or slow as these beats, by the tempo alone.

    Few people tap so fast or so slowly; or three beats make a bar so fast that the bars are the beats.
    """
    bpm = 60 / np.median(np.diff(beats))
    unusual = UNUSUAL if bpm > FAST or bpm < SLOW else 0.0
    bar = near(heard[:, 1], beats)
    three, four = (max(bar[k::n].mean() for k in range(n)) for n in (3, 4))
    compound = UNUSUAL if three > four and bpm > COMPOUND else 0.0
    return max(unusual, compound)


def confidence_of(beats: np.ndarray, curve: np.ndarray, audible: float, doubt: float = 0.0) -> float:
    """How probable it is that the grid is right (F-measure above 0.8): how high the beats stand, how evenly
    they lie, how much of the song they cover, and how sure their octave is.

    The numbers are a logistic regression on 240 rendered songs that the network (an earlier training of it) had not
    heard; on newer ones it is rather too low (docs/metrics.md).

    Parameters
    ----------
    beats : (B,) float, as heard, before they are carried on to the song's ends
    curve : (F,) float
        Probability of a beat.
    audible : float
        Seconds that sound.
    doubt : float
        Of the octave; see `at_its_octave`.
    """
    height = logit(near(curve, beats).mean())
    steps = np.abs(np.diff(np.log(np.diff(beats))))
    unevenness = float(steps.mean()) if len(steps) else 1.0
    odds = 2.0 * height - 15.8 * unevenness - 1.67
    covered = (beats[-1] - beats[0] + np.median(np.diff(beats))) / max(audible, 1e-6)
    few = min(1.0, len(beats) / 12)  # three beats in a row may be chance
    return float((1 - doubt) * min(1.0, covered) * few * probability(odds))

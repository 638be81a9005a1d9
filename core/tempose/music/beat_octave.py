"""The octave of a path of beats by what our own network hears there, and how sure a grid is."""

from __future__ import annotations

import numpy as np

from tempose.music.beat_levels import odds
from tempose.music.beat_path import SLOWEST
from tempose.music.beat_places import highest_near

ENOUGH = 16  # beats from which on a song tells how it is counted
DOUBLED = 95.0  # tempo from which on every second beat may be one too many …
RATHER = 150.0  # … and from which on that is the rule: few people tap as fast
FAST, SLOW = 165.0, 66.0  # at tempi beyond these …
UNUSUAL = 0.35  # … a song of a usual tempo is counted by another octave so often
COMPOUND = 132.0  # threes this fast may be the eighths of 6/8
HALVE = 0.8  # how probable that must be
# Tempo from which on beats may be the eighths of 6/8, or three in the time of two dotted beats …
EIGHTHS = 120.0
DOTTED = 1.0  # … where one in three is rated higher than both others by so many log odds


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
    rating = logit(highest_near(curve, beats))
    thirds = [float(rating[k::3].mean()) for k in range(3)]
    first = int(np.argmax(thirds))
    low, middle, high = sorted(thirds)
    if high - middle < DOTTED:
        return beats
    third = beats[first::3]
    between = (third[:-1] + third[1:]) / 2
    if logit(highest_near(curve, between)).mean() > (low + middle) / 2:
        return np.sort(np.concatenate([third, between]))
    return third if 60 / np.median(np.diff(third)) >= SLOWEST / 1.2 else beats


def at_its_octave(beats: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """The beats, or every second one where the tempo is rather a doubled one.

    In a slow song the off-beats are heard as beats, too, but less clearly, and bars come every eighth "beat".
    The numbers are a logistic regression on 131 rendered songs with a steady beat (32 of them doubled) that
    the network (an earlier training of it) had not heard; in cross-validation it halved 15 of the 32, and none
    of the other 99. Beyond `RATHER` the tempo itself speaks for halving. It is a guess: `beat_levels` weighs it.

    Parameters
    ----------
    beats : (B,) float
    heard : (F, 2) float
        Probabilities of a beat and of a downbeat.

    Returns
    -------
    (B,) or about (B / 2,) float
    """
    if len(beats) < ENOUGH:
        return beats
    low, middle, high = np.percentile(np.diff(beats), (10, 50, 90))
    bpm = 60 / middle
    if bpm <= DOUBLED or high - low > 0.15 * middle:  # where the tempo changes, bars tell less
        return beats
    beat, bar = logit(highest_near(heard[:, 0], beats)), highest_near(heard[:, 1], beats)
    halves = [beat[k::2].mean() for k in (0, 1)]
    eight, four = (max(bar[k::n].mean() for k in range(n)) for n in (8, 4))
    odds = 2.9 * abs(halves[0] - halves[1]) + 20.5 * (eight - four) - 1.94 * beat.mean() - 0.6
    doubled = probability(odds + 6 * max(0.0, np.log2(bpm / RATHER))) >= HALVE
    return beats[int(np.argmax(halves)) :: 2] if doubled else beats


def doubt_of_level(beats: np.ndarray, heard: np.ndarray) -> float:
    """Probability that people would count twice or three times as fast or slow as these beats, by the tempo alone.

    Few people tap so fast or so slowly; or three beats make a bar so fast that the bars are the beats.
    """
    if len(beats) < ENOUGH:
        return 0.0
    bpm = 60 / np.median(np.diff(beats))
    bar = highest_near(heard[:, 1], beats)
    three, four = (max(bar[k::n].mean() for k in range(n)) for n in (3, 4))
    return UNUSUAL if bpm > FAST or bpm < SLOW or (three > four and bpm > COMPOUND) else 0.0


def confidence_of(beats: np.ndarray, curve: np.ndarray, sounding: float, certainty: float = 1.0) -> float:
    """How probable it is that the grid is right (F-measure above 0.8): how high the beats stand, how much of the song
    they cover, and how sure it is that they are counted so.

    Parameters
    ----------
    beats : (B,) float, as heard, before they are carried on to the song's ends
    curve : (F,) float
        Probability of a beat.
    sounding : float
        Seconds that sound.
    certainty : float
        Of the level and the side; see `beat_levels.counted` and `doubt_of_level`.
    """
    weights = odds()["confidence"]
    rating = weights["height"] * height_of(beats, curve) + weights["all"]
    return certainty * covered(beats, sounding) * float(probability(rating))


def height_of(beats: np.ndarray, curve: np.ndarray) -> float:
    """How high beats stand: log odds of their mean probability."""
    return float(logit(highest_near(curve, beats).mean()))


def covered(beats: np.ndarray, sounding: float) -> float:
    """How much of the sound beats cover, less where they are few: three in a row may be chance."""
    share = (beats[-1] - beats[0] + np.median(np.diff(beats))) / max(sounding, 1e-6)
    return float(min(1.0, share)) * min(1.0, len(beats) / 12)

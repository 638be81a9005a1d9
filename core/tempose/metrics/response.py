"""Does the dance answer what it is given: its own sound, quiet and silence, a curve, a repeat, hidden joints?

Convention
----------
Speeds are mean joint speeds in body heights per second, distances mean joint distances in body heights. Every
figure comes with what chance or another seed gives: a dance that is merely different has not responded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from tempose.metrics import curves
from tempose.metrics.curves import filled, in_body_heights, mean_speed
from tempose_pose.errors import TemposeError
from tempose_pose.reference import body_height
from tempose_pose.sequence import PoseSequence

SMOOTH = 2.0  # frames: smoothing of the speed from which stops and rests are read
STOP = 0.5  # of the dance's mean speed: slower is a stop
REST = 0.1  # body heights per second: slower is at rest
REST_SECONDS = 0.5
HIDDEN = 0.5  # confidence below which a joint counts as hidden


def validate(poses: PoseSequence) -> None:
    """Check the motion (`curves.validate`)."""
    curves.validate(poses)


def distance(
    a: PoseSequence, b: PoseSequence, starts: tuple[float, float] = (0.0, 0.0), seconds: float | None = None
) -> float:
    """Mean distance of the joints of two dances, frame by frame.

    Parameters
    ----------
    a, b : PoseSequence
        With the same skeleton, canvas and frame rate.
    starts : (float, float)
        Second of each dance from which they are compared.
    seconds : float, optional
        How long; None: as long as both last.

    Raises
    ------
    TemposeError
        `response_unlike`: the dances cannot be compared frame by frame.
    """
    for poses in (a, b):
        validate(poses)
    if a.fps != b.fps or a.skeleton != b.skeleton or a.canvas != b.canvas:
        raise TemposeError("response_unlike", "The dances differ in skeleton, picture or frame rate.")
    height = body_height(a)
    first, second = (round(start * a.fps) for start in starts)
    frames = min(len(a) - first, len(b) - second)
    if seconds is not None:
        frames = min(frames, round(seconds * a.fps))
    if frames < 1 or min(first, second) < 0:
        raise TemposeError("response_unlike", "The dances have no time in common.")
    apart = in_body_heights(a, height)[first:][:frames] - in_body_heights(b, height)[second:][:frames]
    return float(np.nanmean(np.linalg.norm(apart, axis=-1)))


def speed_between(poses: PoseSequence, start: float, end: float) -> float:
    """Mean joint speed between two seconds."""
    validate(poses)
    speed = mean_speed(in_body_heights(poses), poses.fps)
    part = speed[max(0, round(start * poses.fps)) : round(end * poses.fps)]
    return float(part.mean()) if len(part) else float("nan")


def seconds_to_rest(poses: PoseSequence, start: float, end: float) -> float:
    """Seconds from `start` until the body rests for half a second; infinite if it never does before `end`."""
    validate(poses)
    speed = gaussian_filter1d(mean_speed(in_body_heights(poses), poses.fps), SMOOTH)
    first, last = round(start * poses.fps), min(round(end * poses.fps), len(speed))
    need = round(REST_SECONDS * poses.fps)
    still = speed[first:last] < REST
    for frame in np.flatnonzero(still):
        if still[frame : frame + need].all() and frame + need <= len(still):
            return float(frame / poses.fps)
    return float("inf")


def by_beat(values: np.ndarray, rate: float, beats: np.ndarray) -> np.ndarray:
    """(B - 1,) means of a curve of `rate` values a second, from each beat to the next."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(values, float))])
    at = np.interp(np.asarray(beats) * rate, np.arange(len(total)), total)
    return np.diff(at) / np.maximum(np.diff(np.asarray(beats) * rate), 1e-9)


def speed_and_stops(poses: PoseSequence, beats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(B - 1,) mean speed from beat to beat, and (B - 1,) share of the time that is a stop."""
    validate(poses)
    speed = gaussian_filter1d(mean_speed(in_body_heights(poses), poses.fps), SMOOTH)
    stops = speed < STOP * speed.mean()
    return by_beat(speed, poses.fps, beats), by_beat(stops, poses.fps, beats)


def likeness(dance: tuple[np.ndarray, np.ndarray], sound: tuple[np.ndarray, np.ndarray]) -> float:
    """How well a dance goes with a sound, -1 to 1, by a fixed rule without fitted parameters.

    The mean of four correlations over the beats: speed with loudness and with onset strength, and moving (not
    stopping) with both.

    Parameters
    ----------
    dance : (B,), (B,)
        Speed and stops (`speed_and_stops`).
    sound : (B,), (B,)
        Loudness and onset strength.
    """
    speed, stops = dance
    return float(np.mean([correlation(a, b) for a in (speed, -stops) for b in sound]))


def whose_sound(
    dances: Sequence[tuple[np.ndarray, np.ndarray]], sounds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> dict[str, float]:
    """Of n dances to n songs on one grid: whose song does the matcher name?

    Parameters
    ----------
    dances, sounds : sequences of equal length
        As `likeness` takes them; the i-th dance was made to the i-th sound.

    Returns
    -------
    dict
        ``named`` (dances whose own song matches best), ``chance`` (1: of n songs, each dance's own would be named
        once in n), ``rank`` (mean place of the own song, 1 is best), ``rank_chance``.
    """
    n = len(dances)
    if n < 2 or n != len(sounds):
        raise TemposeError("response_songs", "The matcher needs two songs or more, and a dance to each.")
    scores = np.asarray([[likeness(dance, sound) for sound in sounds] for dance in dances])
    better = (scores > scores.diagonal()[:, None]).sum(1)
    equal = (scores == scores.diagonal()[:, None]).sum(1) - 1
    place = 1 + better + equal / 2  # identical dances name nobody
    return {
        "named": float((place == 1).sum()), "chance": 1.0, "songs": float(n),
        "rank": float(place.mean()), "rank_chance": (n + 1) / 2,
    }  # fmt: skip


def curve_followed(poses: PoseSequence, beats: np.ndarray, curve: np.ndarray, bar: int = 4) -> float:
    """Correlation, bar by bar, of the dance's speed with the curve it should follow.

    Parameters
    ----------
    poses : PoseSequence
    beats : (B,)
        Seconds, the first of them a downbeat.
    curve : (T,)
        The curve at the dance's frames.
    bar : int
        Beats in a bar.
    """
    validate(poses)
    bars = np.asarray(beats)[::bar]
    speed = by_beat(mean_speed(in_body_heights(poses), poses.fps), poses.fps, bars)
    return correlation(speed, by_beat(curve, poses.fps, bars))


def apparent_size(poses: PoseSequence, seconds: float = 1.0) -> np.ndarray:
    """Size (T,) of the figure in the picture relative to its median.

    It is the root mean square distance of the joints from their middle, averaged over `seconds`, because a crouch is
    not a zoom.
    """
    validate(poses)
    points = filled(in_body_heights(poses))
    spread = np.sqrt(((points - points.mean(1, keepdims=True)) ** 2).sum(-1).mean(1))
    frames = max(1, round(seconds * poses.fps))
    spread = uniform_filter1d(spread, frames, mode="nearest")
    return spread / max(float(np.median(spread)), 1e-9)


def zoom_followed(poses: PoseSequence, zoom: np.ndarray) -> dict[str, float]:
    """Does the figure grow and shrink as asked?

    Parameters
    ----------
    poses : PoseSequence
    zoom : (T,)
        The requested size; 1 is that of the reference.

    Returns
    -------
    dict
        ``slope`` (of the logarithms; 1 is as requested, 0 is not at all), ``correlation``, ``range`` (the largest
        apparent size over the smallest; real dance without a zoom has some range, too).
    """
    size, asked = np.log(apparent_size(poses)), np.log(np.asarray(zoom, float))
    spread = float(np.var(asked))
    slope = (
        float(np.mean((asked - asked.mean()) * (size - size.mean()))) / spread if spread > 1e-12 else np.nan
    )
    return {"slope": slope, "correlation": correlation(size, asked), "range": float(np.exp(np.ptp(size)))}


def hidden_joints(confidence: np.ndarray, hidden: np.ndarray) -> dict[str, float]:
    """Are unseen joints marked as hidden?

    Parameters
    ----------
    confidence : (T, K)
        Of a dance's joints.
    hidden : (T, K) bool
        The truth.

    Returns
    -------
    dict
        ``f1``, ``precision``, ``recall``, and ``chance``: F1 of calling every joint hidden. NaN if nothing is
        hidden and nothing was marked so.
    """
    said, hidden = np.asarray(confidence) < HIDDEN, np.asarray(hidden, bool)
    if said.shape != hidden.shape:
        raise TemposeError("response_shape", "Confidence and truth are of different frames or joints.")
    both, told, true = int((said & hidden).sum()), int(said.sum()), int(hidden.sum())
    share = true / hidden.size

    def ratio(of: float, to: float) -> float:
        return of / to if to else float("nan")

    return {
        "f1": ratio(2 * both, told + true), "precision": ratio(both, told), "recall": ratio(both, true),
        "chance": 2 * share / (1 + share),
    }  # fmt: skip


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 if one of the two is constant."""
    a, b = (np.asarray(v, float) - np.mean(v) for v in (a, b))
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 1e-12 else 0.0

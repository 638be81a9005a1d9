# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, timeline seconds and song seconds. No bpy in here.

*Timeline second* 0 is the left edge of the sound strip; *song seconds* count from the start of the sound that
was sent to the server. A `TempoMap` leads from the first to the second.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Problem

MIN_FACTOR, MAX_FACTOR = 0.25, 4.0
RAMP_ERROR = 0.0005
"""Seconds by which a ramp made of straight pieces may be off."""
RAMP_POINTS = 400


def frame_rate(fps: float, fps_base: float) -> float:
    """Frames per second of a scene: 30 over 1.001 is 29.97."""
    return fps / fps_base


class TempoMap:
    """Piecewise-linear, strictly rising map from timeline seconds to song seconds.

    Parameters
    ----------
    points : sequence of (timeline_seconds, song_seconds)
        At least two; beyond them the first and last slope go on.
    """

    def __init__(self, points: Sequence[Sequence[float]]):
        array = np.asarray(points, float)
        good = array.ndim == 2 and array.shape[1] == 2 and len(array) >= 2 and np.isfinite(array).all()
        if not good or (np.diff(array, axis=0) <= 0).any():
            raise Problem("tempo_map", "The tempo must stay above zero everywhere: set higher factors.")
        self.points = [(float(a), float(b)) for a, b in array]

    @classmethod
    def from_sections(
        cls, start: float, seconds: float, factor: float = 1.0, sections: Iterable[Sequence[float]] = ()
    ) -> "TempoMap":
        """The song from `start` for `seconds` of it, at `factor` times the section's own factor.

        Parameters
        ----------
        start, seconds : float
            Song seconds at timeline second 0, and how much of the song is played.
        factor : float
            Speed of the whole strip; 2 plays twice as fast.
        sections : of (song_start, factor) or (song_start, factor, last_factor)
            In any order; each lasts up to the next one's start. Before the first one the factor is 1. With a last
            factor the tempo changes along the section, linearly over the song.
        """
        end = start + seconds
        speeds = [(start, 1.0, 1.0), *sorted((s[0], s[1], s[2] if len(s) > 2 else s[1]) for s in sections)]
        for _, *values in [(start, factor), *speeds]:
            factors = np.asarray(values)
            if not ((factors >= MIN_FACTOR) & (factors <= MAX_FACTOR)).all():
                raise Problem(
                    "tempo_factor",
                    f"Tempo factors go from {MIN_FACTOR:g} to {MAX_FACTOR:g}: set one in between.",
                )
        timeline, points = 0.0, [(0.0, start)]
        begins = [begin for begin, _, _ in speeds] + [max(end, speeds[-1][0])]
        for (begin, first, last), stop in zip(speeds, begins[1:], strict=True):
            low, high = np.clip([begin, stop], start, end).tolist()
            if high - low <= 1e-6:
                continue
            slope = (last - first) / (stop - begin)  # of the whole section, of which a part may be heard
            v0, v1 = factor * (first + slope * (low - begin)), factor * (first + slope * (high - begin))
            song, passed = _ramp(high - low, v0, v1)
            points += [(timeline + t, low + s) for t, s in zip(passed, song, strict=True)]
            points[-1] = (points[-1][0], high)
            timeline += float(passed[-1])
        return cls(points)

    def to_song(self, timeline):
        """Song seconds at timeline seconds."""
        points = np.asarray(self.points)
        return _line(np.asarray(timeline, float), points[:, 0], points[:, 1])

    def to_timeline(self, song):
        """Timeline seconds at song seconds."""
        points = np.asarray(self.points)
        return _line(np.asarray(song, float), points[:, 1], points[:, 0])

    @property
    def is_plain(self) -> bool:
        """Whether the song plays at its own speed throughout."""
        steps = np.diff(np.asarray(self.points), axis=0)
        return bool(np.allclose(steps[:, 1], steps[:, 0], rtol=1e-6))


def _ramp(length: float, v0: float, v1: float) -> tuple[np.ndarray, np.ndarray]:
    """Song seconds from 0 to `length` and the time they take, at a speed that goes linearly from v0 to v1.

    Straight lines between the points are off by at most `RAMP_ERROR`: the time is ln(v / v0) / (dv / ds).
    """
    slope = (v1 - v0) / length
    if abs(v1 - v0) < 1e-9:
        return np.asarray([length]), np.asarray([length / v0])
    step = math.sqrt(8 * RAMP_ERROR * min(v0, v1) ** 2 / abs(slope))
    song = np.linspace(0, length, min(RAMP_POINTS, max(2, math.ceil(length / step))) + 1)[1:]
    return song, np.log1p(slope * song / v0) / slope


def _line(x, xs, ys):
    y = np.interp(x, xs, ys)
    y = np.where(x < xs[0], ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]), y)
    return np.where(x > xs[-1], ys[-1] + (x - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2]), y)


@dataclass(frozen=True)
class Span:
    """A stretch of the timeline that is danced.

    Parameters
    ----------
    left : float
        Scene frame of timeline second 0.
    seconds : float
        Timeline seconds.
    rate : float
        Scene frames per second.
    """

    left: float
    seconds: float
    rate: float

    def frame_at(self, timeline):
        """Scene frames (not rounded) at timeline seconds."""
        return self.left + np.asarray(timeline, float) * self.rate

    def second_at(self, frame):
        """Timeline seconds at scene frames."""
        return (np.asarray(frame, float) - self.left) / self.rate

    @property
    def frames(self) -> np.ndarray:
        """The whole scene frames inside the span, first to last."""
        first = math.ceil(self.left - 1e-6)
        last = math.ceil(
            self.left + self.seconds * self.rate - 1e-6
        )  # the right edge is no frame of the strip
        return np.arange(first, max(last, first + 1))


def resample(keypoints, scores, fps: float, seconds):
    """The dance at any seconds, on a smooth curve through its frames (Catmull-Rom).

    Straight lines would move every dip to the nearest frame of the dance, up to 17 ms off the beat.

    Parameters
    ----------
    keypoints : (T, K, 2) float
    scores : (T, K) float
        0 where a joint is not there; such a joint takes the nearer neighbour that is there.
    fps : float
    seconds : (N,) float

    Returns
    -------
    keypoints : (N, K, 2) float
    scores : (N, K) float
    """
    position = np.clip(np.asarray(seconds, float) * fps, 0, len(keypoints) - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, len(keypoints) - 1)
    share = np.broadcast_to((position - low)[:, None], (len(low), scores.shape[1])).copy()
    share[scores[low] <= 0] = 1.0
    share[scores[high] <= 0] = 0.0
    before, after = np.maximum(low - 1, 0), np.minimum(high + 1, len(keypoints) - 1)
    t = share[..., None]
    p0, p1, p2, p3 = (keypoints[i] for i in (before, low, high, after))
    line = p1 * (1 - t) + p2 * t
    bend = 0.5 * t * (1 - t) * ((1 - t) * (2 * p1 - p0 - p2) + t * (2 * p2 - p1 - p3))
    smooth = np.minimum(np.minimum(scores[before], scores[low]), np.minimum(scores[high], scores[after])) > 0
    mixed = np.where(smooth[..., None], line + bend, line)
    return mixed, scores[low] * (1 - share) + scores[high] * share

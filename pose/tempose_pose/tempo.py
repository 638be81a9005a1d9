"""Tempo maps: which second of the song is heard at which second of the timeline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from tempose_pose.errors import TemposeError

MIN_FACTOR, MAX_FACTOR = 0.25, 4.0
"""What a person may set, for the whole song and for a section of it; the two are multiplied ..."""
MIN_SPEED, MAX_SPEED = MIN_FACTOR**2, MAX_FACTOR**2
"""... so a map may run from 1/16 to 16 times the song's own speed."""
RAMP_ERROR = 0.0005
"""Seconds by which a ramp made of straight pieces may be off."""
RAMP_POINTS = 400


@dataclass(frozen=True)
class TempoMap:
    """Piecewise-linear, strictly increasing map from timeline seconds to song seconds.

    Parameters
    ----------
    points : sequence of (timeline_seconds, song_seconds)
        At least two, stored as a tuple. Outside, the first and last slopes continue.

    Raises
    ------
    TemposeError
        If a number is not finite, the map does not rise strictly, or a slope is outside 1/16…16.
    """

    points: Sequence[Sequence[float]] = ((0.0, 0.0), (1.0, 1.0))

    def __post_init__(self):
        points = np.asarray(self.points, float)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
            raise TemposeError("tempo_map", "A tempo map needs two or more pairs of finite numbers.")
        steps = np.diff(points, axis=0)
        if (steps <= 0).any():
            raise TemposeError("tempo_map", "The tempo must stay above zero everywhere: set higher factors.")
        slopes = steps[:, 1] / steps[:, 0]
        if slopes.min() < MIN_SPEED * (1 - 1e-6) or slopes.max() > MAX_SPEED * (1 + 1e-6):
            raise TemposeError(
                "tempo_map",
                f"The tempo must stay between 1/{1 / MIN_SPEED:.0f} and {MAX_SPEED:.0f} times the song's.",
            )
        object.__setattr__(self, "points", tuple((float(a), float(b)) for a, b in points))

    @classmethod
    def from_sections(
        cls, start: float, seconds: float, factor: float = 1.0, sections: Iterable[Sequence[float]] = ()
    ) -> TempoMap:
        """The song from `start` for `seconds` of it, at `factor` times the section's own factor.

        Parameters
        ----------
        start, seconds : float
            Song second at timeline second 0, and the song seconds to play.
        factor : float
            Speed of the whole; 2 plays twice as fast.
        sections : of (song_start, factor) or (song_start, factor, last_factor)
            In any order; each lasts until the next one starts. Before the first one the factor is 1. With a last
            factor the tempo changes along the section, linearly over the song.

        Raises
        ------
        TemposeError
            ``"tempo_factor"`` if a factor is outside `MIN_FACTOR`…`MAX_FACTOR`.
        """
        whole = tuple(sorted((s[0], s[1], s[2] if len(s) > 2 else s[1]) for s in sections))
        return _of_sections(start, seconds, factor, whole)

    @classmethod
    def constant(cls, factor: float = 1.0, start: float = 0.0) -> TempoMap:
        """The song from `start`, at one speed throughout."""
        return cls(((0.0, start), (1.0, start + factor)))

    @cached_property
    def _seconds(self) -> tuple[np.ndarray, np.ndarray]:
        """(N,) timeline and (N,) song seconds of the points."""
        points = np.asarray(self.points)
        return points[:, 0], points[:, 1]

    @property
    def is_plain(self) -> bool:
        """Whether the song plays at its own speed throughout."""
        timeline, song = self._seconds
        return bool(np.allclose(np.diff(song), np.diff(timeline), rtol=1e-6))

    def to_song(self, timeline: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Song seconds at timeline seconds."""
        return _interpolate(np.asarray(timeline, float), *self._seconds)

    def to_timeline(self, song: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Timeline seconds at song seconds (the inverse of `to_song`)."""
        return _interpolate(np.asarray(song, float), *reversed(self._seconds))

    def speed(self, timeline: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Song seconds per timeline second."""
        seconds, song = self._seconds
        slopes = np.diff(song) / np.diff(seconds)
        return slopes[np.clip(np.searchsorted(seconds, timeline, "right") - 1, 0, len(slopes) - 1)]


@lru_cache(maxsize=64)  # cached: panels ask at every redraw, and a map never changes
def _of_sections(
    start: float, seconds: float, factor: float, sections: tuple[tuple[float, float, float], ...]
) -> TempoMap:
    """The map of `TempoMap.from_sections`."""
    end = start + seconds
    speeds = [(start, 1.0, 1.0), *sections]
    for _, *factors in [(start, factor), *speeds]:
        if not all(MIN_FACTOR <= one <= MAX_FACTOR for one in factors):
            raise TemposeError(
                "tempo_factor",
                f"Tempo factors go from {MIN_FACTOR:g} to {MAX_FACTOR:g}: set one in between.",
            )
    timeline, points = 0.0, [(0.0, start)]
    begins = [begin for begin, _, _ in speeds] + [max(end, speeds[-1][0])]
    for (begin, first, last), stop in zip(speeds, begins[1:], strict=True):
        low, high = (min(max(second, start), end) for second in (begin, stop))
        if high - low <= 1e-6:
            continue
        slope = (last - first) / (stop - begin)  # of the whole section, of which only a part may be heard
        v0, v1 = factor * (first + slope * (low - begin)), factor * (first + slope * (high - begin))
        song, passed = _ramp(high - low, v0, v1)
        points += [(timeline + t, low + s) for t, s in zip(passed, song, strict=True)]
        points[-1] = (points[-1][0], high)
        timeline += float(passed[-1])
    return TempoMap(points)


def _ramp(length: float, v0: float, v1: float) -> tuple[np.ndarray, np.ndarray]:
    """Song seconds from 0 to `length` and the time they take, at a speed that changes linearly from v0 to v1.

    Straight lines between the points are off by at most `RAMP_ERROR`: the time is ln(v / v0) / (dv / ds).
    """
    slope = (v1 - v0) / length
    if abs(v1 - v0) < 1e-9:
        return np.asarray([length]), np.asarray([length / v0])
    step = math.sqrt(8 * RAMP_ERROR * min(v0, v1) ** 2 / abs(slope))
    song = np.linspace(0, length, min(RAMP_POINTS, max(2, math.ceil(length / step))) + 1)[1:]
    return song, np.log1p(slope * song / v0) / slope


def _interpolate(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Linear interpolation that extrapolates with the end slopes."""
    y = np.asarray(np.interp(x, xs, ys))
    below, above = x < xs[0], x > xs[-1]
    if below.any():
        y = np.where(below, ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]), y)
    if above.any():
        y = np.where(above, ys[-1] + (x - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2]), y)
    return y

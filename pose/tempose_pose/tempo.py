"""Tempo maps: which second of the song is heard at which second of the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tempose_pose.errors import TemposeError


@dataclass(frozen=True)
class TempoMap:
    """Piecewise-linear, strictly increasing map from timeline seconds to song seconds.

    Parameters
    ----------
    points : tuple of (timeline_seconds, song_seconds)
        At least two. Outside of them the first and last slope go on.

    Raises
    ------
    TemposeError
        When a number is not finite, the map does not rise strictly, or a slope lies outside 1/16…16.
    """

    points: tuple[tuple[float, float], ...] = ((0.0, 0.0), (1.0, 1.0))

    def __post_init__(self):
        points = np.asarray(self.points, float)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.isfinite(points).all():
            raise TemposeError("tempo_map", "A tempo map needs two or more pairs of finite numbers.")
        steps = np.diff(points, axis=0)
        if (steps <= 0).any():
            raise TemposeError(
                "tempo_map", "A tempo map must rise strictly in both timeline and song seconds."
            )
        slopes = steps[:, 1] / steps[:, 0]
        if slopes.min() < 1 / 16 or slopes.max() > 16:
            raise TemposeError("tempo_map", "Tempo factors must lie between 1/16 and 16.")
        object.__setattr__(self, "points", tuple((float(a), float(b)) for a, b in points))

    @classmethod
    def from_sections(cls, sections: Iterable[tuple[float, float]], start: float = 0.0) -> TempoMap:
        """A map from (song_start_seconds, speed_factor) sections, in order; factor 2 plays twice as fast.

        Timeline second 0 is song second `start`; each section lasts to the next one's start.
        """
        song, timeline, factor = start, 0.0, 1.0
        points = [(0.0, start)]
        for begin, speed in sections:
            if begin > song:
                timeline += (begin - song) / factor
                song = begin
                points.append((timeline, song))
            factor = speed
        points.append((timeline + 1.0 / factor, song + 1.0))
        return cls(tuple(points))

    @classmethod
    def constant(cls, factor: float = 1.0, start: float = 0.0) -> TempoMap:
        """The song from `start`, at one speed throughout."""
        return cls(((0.0, start), (1.0, start + factor)))

    def to_song(self, timeline: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Song seconds at timeline seconds."""
        points = np.asarray(self.points)
        return _interpolate(np.asarray(timeline, float), points[:, 0], points[:, 1])

    def to_timeline(self, song: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Timeline seconds at song seconds (the inverse of `to_song`)."""
        points = np.asarray(self.points)
        return _interpolate(np.asarray(song, float), points[:, 1], points[:, 0])

    def speed(self, timeline: np.ndarray | Sequence[float] | float) -> np.ndarray:
        """Song seconds per timeline second."""
        points = np.asarray(self.points)
        slopes = np.diff(points[:, 1]) / np.diff(points[:, 0])
        return slopes[np.clip(np.searchsorted(points[:, 0], timeline, "right") - 1, 0, len(slopes) - 1)]


def _interpolate(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Linear interpolation that extrapolates with the end slopes."""
    y = np.interp(x, xs, ys)
    y = np.where(x < xs[0], ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]), y)
    return np.where(x > xs[-1], ys[-1] + (x - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2]), y)

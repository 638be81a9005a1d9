# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a whole figure over the stage, beyond the picture that the model dances in. No bpy in here.

Places are positions of the hips over the floor, in picture heights: right of its middle, and up from the floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tempose_pose.curves import RANGES, Curve
from tempose_pose.sequence import PoseSequence, to_openpose18

from ..character.mapping import BODY

SURGE = 0.25  # of the distance travelled in a beat: how far the hips are ahead of the way, or behind it, on the beats
MOVES = 0.02  # picture heights a beat; below it, the figure stands
MOST = 20_000  # stops of one way
_HIPS = [BODY.at["left_hip"], BODY.at["right_hip"]]


@dataclass(frozen=True, eq=False)
class Way:
    """Where a figure should be, and when. It stands still before the first stop and after the last one.

    Parameters
    ----------
    times : (N,) float
        Seconds of the dance, rising.
    places : (N, 2) float
        Right and up.
    """

    times: np.ndarray
    places: np.ndarray

    def at(self, seconds: npt.ArrayLike) -> np.ndarray:
        """Places (T, 2): smoothly from stop to stop, without overshoot (after Fritsch and Carlson, 1980)."""
        return _smooth(self.times, self.places, np.asarray(seconds, float))

    def corrected(self, away: np.ndarray) -> "Way":
        """The way corrected for hips that are this far (N,) to the right of its stops."""
        return Way(self.times, self.places - np.stack([away, np.zeros_like(away)], 1))

    def danced(self, poses: PoseSequence) -> "Way":
        """The offset that puts the hips of a dance at each stop; between stops they sway as danced."""
        width, height = poses.canvas
        body = to_openpose18(poses)
        hips = body.pixels[:, _HIPS, 0].astype(float).mean(1)
        seen = np.flatnonzero((body.scores[:, _HIPS] > 0).all(1))
        if not len(seen):
            return self
        return self.corrected(
            np.interp(self.times * poses.fps, seen, hips[seen]) / height - width / height / 2
        )

    def begun_at(self, second: float) -> "Way":
        """The same way, cut to begin at a second of the dance."""
        return Way(self.times - second, self.places)

    def to_body(self) -> list[list[float]]:
        """For a take's settings."""
        rows = np.concatenate([self.times[:, None], self.places], 1)
        return [[round(float(value), 6) for value in row] for row in rows]


def from_body(said: Any) -> Way | None:
    """Read what `to_body` wrote; None if there is none."""
    try:
        rows = np.asarray(said, float).reshape(-1, 3)
    except (TypeError, ValueError):
        return None
    good = 1 <= len(rows) <= MOST and np.isfinite(rows).all() and (np.diff(rows[:, 0]) > 0).all()
    return Way(rows[:, 0], rows[:, 1:]) if good else None


def even(seconds: float, far: float) -> Way:
    """The way of a loop that goes so far to the right each time round: as fast at its ends as between them."""
    rounds = np.arange(-1.0, 3.0)
    return Way(seconds * rounds, np.stack([far * rounds, np.zeros_like(rounds)], 1))


@dataclass(frozen=True)
class Stop:
    """A waypoint: when it is reached, in seconds of the dance, and its place.

    Parameters
    ----------
    sets_out : float, optional
        When the figure sets out for it; None: right after the stop before.
    """

    second: float
    place: tuple[float, float]
    sets_out: float | None = None


def through(stops: Sequence[Stop], line: np.ndarray | None = None, rate: float = 15.0) -> Way | None:
    """The way through waypoints; with a line (N, 2), along it, each waypoint moved to the nearest point of the line.

    Returns
    -------
    Way or None
        None without waypoints.
    """
    rows: list[tuple[float, tuple[float, float]]] = []
    for stop in sorted(stops, key=lambda one: one.second):
        if rows and stop.second - rows[-1][0] < 1e-3:
            rows[-1] = (rows[-1][0], stop.place)  # the later one counts
            continue
        if rows and stop.sets_out is not None and rows[-1][0] + 1e-3 < stop.sets_out < stop.second - 1e-3:
            rows.append((stop.sets_out, rows[-1][1]))
        rows.append((stop.second, stop.place))
    if not rows:
        return None
    times, places = np.array([second for second, _ in rows]), np.array([place for _, place in rows], float)
    if line is None or len(line) < 2 or len(times) < 2:
        return Way(times, places)
    far = _nearest(line, places)  # (N,) how far along the line
    fine = np.arange(times[0], times[-1], 1 / rate)
    fine = np.union1d(fine[np.abs(fine[:, None] - times).min(1) > 0.3 / rate], times)
    along = _smooth(times, far[:, None], fine)[:, 0]
    return Way(fine, at_length(line, along))


def ends_of(line: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Both ends of a line."""
    (x, y), (u, v) = line[0], line[-1]
    return (float(x), float(y)), (float(u), float(v))


def at_length(line: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Points (T, 2) of a line (N, 2) at these lengths (T,) along it."""
    lengths = lengths_of(line)
    return np.stack([np.interp(far, lengths, line[:, axis]) for axis in range(2)], 1)


def lengths_of(line: np.ndarray) -> np.ndarray:
    """The distance (N,) of a line's points along it."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])


def _nearest(line: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The distance (M,) along a line (N, 2) of its points nearest to places (M, 2)."""
    lengths, start, along = lengths_of(line), line[:-1], np.diff(line, axis=0)
    size = np.maximum((along**2).sum(1), 1e-12)
    out = []
    for place in places:
        share = np.clip(((place - start) * along).sum(1) / size, 0, 1)
        away = np.hypot(*(start + share[:, None] * along - place).T)
        best = int(away.argmin())
        out.append(lengths[best] + share[best] * (lengths[best + 1] - lengths[best]))
    return np.array(out)


def steps_of(way: Way, beats: np.ndarray, seconds: float, own: Curve | None = None) -> Curve | None:
    """The *path* curve for the dancer while it travels: ahead on one beat, behind on the next.

    So it takes a step on each beat, the first in the direction of its way. While it stands, the curve asks for
    nothing.

    Parameters
    ----------
    beats : (B,) float
        Seconds of the dance.
    own : Curve, optional
        A curve to add it to.
    """
    low, high = RANGES["path"]
    beats = np.asarray(beats, float)
    beats = beats[(beats >= 0) & (beats <= seconds)]
    rows: dict[float, float] = {}
    if len(beats) > 1:
        far = np.diff(way.at(beats)[:, 0])  # (B - 1,) from beat to beat
        moving, turn = np.abs(far) > MOVES, 1.0
        for k, beat in enumerate(beats[:-1]):
            if not moving[k]:
                if k and moving[k - 1]:
                    rows[float(beat)] = 0.0
                    rows[float(beat) + 1e-3] = np.nan
                turn = 1.0
                continue
            if k == 0 or not moving[k - 1]:
                rows[float(beat)] = 0.0
            last = k + 1 == len(moving) or not moving[k + 1]
            rows[float(beats[k + 1])] = 0.0 if last else turn * SURGE * float(far[k])
            turn = -turn
        if moving[-1]:
            rows[float(beats[-1]) + 1e-3] = np.nan
    if not rows:
        return own
    times = np.array(sorted(rows))
    steps = Curve(times, np.array([rows[time] for time in times]))
    every = np.unique(np.concatenate([[0.0], times, own.times if own is not None else np.zeros(0)]))
    values = _asked(steps, every)
    if own is not None:
        values = np.nan_to_num(values) + own(every)
    return Curve(every, np.clip(values, low, high))


def directed(
    curves: Mapping[str, Curve], way: Way | None, beats: np.ndarray, seconds: float
) -> dict[str, Curve]:
    """The dancer's curves with the steps of its way added."""
    steps = None if way is None else steps_of(way, beats, seconds, curves.get("path"))
    return dict(curves) if steps is None else {**curves, "path": steps}


def _asked(curve: Curve, times: np.ndarray) -> np.ndarray:
    """The values of a curve; nan before its first point, where it asks for nothing."""
    return np.where(times < curve.times[0] - 1e-9, np.nan, curve(times))


def _smooth(times: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Monotone cubic (T, C) through values (N, C) at times (N,), level at its ends."""
    if len(times) == 1:
        return np.repeat(values, len(at), 0)
    span = np.diff(times)[:, None]
    rise = np.diff(values, axis=0) / span
    slopes = np.zeros_like(values)
    if len(times) > 2:
        before, after, left, right = rise[:-1], rise[1:], span[:-1], span[1:]
        same = before * after > 0
        one, two = 2 * right + left, right + 2 * left
        safe = np.where(same, one / np.where(same, before, 1) + two / np.where(same, after, 1), 1.0)
        slopes[1:-1] = np.where(same, (one + two) / safe, 0.0)
    at = np.clip(at, times[0], times[-1])
    k = np.clip(np.searchsorted(times, at, "right") - 1, 0, len(times) - 2)
    h = span[k]
    t = ((at - times[k])[:, None]) / h
    rises = t**2 * (3 - 2 * t)
    return (
        (1 - rises) * values[k]
        + rises * values[k + 1]
        + h * t * (1 - t) * ((1 - t) * slopes[k] - t * slopes[k + 1])
    )

"""Curves that direct the dancer from moment to moment: energy, hits, facing, path, level and zoom.

In training each is measured on the motion itself, so its meaning is exact. Any of them can be given for a dance,
for all of it or a part; the dancer chooses the rest.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tempose_pose.errors import TemposeError

RANGES: dict[str, tuple[float, float]] = {
    "energy": (
        -2.5,
        1.5,
    ),  # natural logarithm of the mean joint speed over `NORMAL_SPEED`; the lowest stands still
    "hits": (
        -1.0,
        1.0,
    ),  # share of the speed that is lost on the beat: 1 a full stop, below 0 fastest on the beat
    "facing": (-1.0, 1.0),  # 1 towards the camera, 0 in profile, −1 away from it
    "path": (-0.36, 0.36),  # of the hips from the canvas centre to the right, body heights
    "level": (
        -1.0,
        1.0,
    ),  # of the hips over standing, in leg lengths: crouching below 0, in the air above
    "zoom": (-0.3, 0.3),  # natural logarithm of the apparent size over the reference's
}
CURVES = tuple(RANGES)
MAX_POINTS = 20_000


@dataclass(frozen=True, eq=False)
class Curve:
    """Values over timeline seconds: linear between points, constant before the first and after the last.

    Parameters
    ----------
    times : (N,) float
        Strictly increasing timeline seconds.
    values : (N,) float
        NaN: not given from here to the next point.
    """

    times: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        times, values = (np.atleast_1d(np.asarray(a, float)) for a in (self.times, self.values))
        if times.ndim != 1 or times.shape != values.shape or not 1 <= len(times) <= MAX_POINTS:
            raise TemposeError("curve", f"A curve needs 1 to {MAX_POINTS} pairs of a second and a value.")
        if not np.isfinite(times).all() or np.isinf(values).any() or (np.diff(times) <= 0).any():
            raise TemposeError("curve", "The seconds of a curve must be finite and rise strictly.")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "values", values)

    def __call__(self, times: np.ndarray) -> np.ndarray:
        """Values at the given seconds; NaN where the curve is not given."""
        given = np.isfinite(self.values)
        before = np.clip(np.searchsorted(self.times, times, "right") - 1, 0, None)
        if not given.any():
            return np.full(np.shape(times), np.nan)
        values = np.interp(times, self.times[given], self.values[given])
        return np.where(given[before], values, np.nan)


def check_curve(name: str, curve: Curve) -> None:
    """Raise `TemposeError` if a curve is unknown or leaves its range."""
    if name not in RANGES:
        raise TemposeError("curve_unknown", f"There is no curve {name!r}; known are {', '.join(CURVES)}.")
    low, high = RANGES[name]
    given = curve.values[np.isfinite(curve.values)]
    if len(given) and not (low <= given.min() and given.max() <= high):
        raise TemposeError("curve_range", f"The {name} curve must lie between {low:g} and {high:g}.")


def curve_columns(
    curves: Mapping[str, Curve], times: np.ndarray, names: tuple[str, ...] = CURVES
) -> np.ndarray:
    """(T, len(names)) float32 values at timeline seconds (T,), NaN where not given."""
    columns = [curves[name](times) if name in curves else np.full(len(times), np.nan) for name in names]
    return np.stack(columns, -1).astype(np.float32) if columns else np.zeros((len(times), 0), np.float32)


def read_curve(path: str | os.PathLike) -> Curve:
    """Read a curve from CSV: a line for each point, `second,value`; an empty value means not given from there on.

    A first line of column names is skipped.

    Raises
    ------
    TemposeError
        The file is missing or is not such a list.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except OSError:
        raise TemposeError("curve_missing", f"There is no curve file {path}.") from None
    except (UnicodeDecodeError, csv.Error):
        rows = []
    try:
        if rows and not _is_number(rows[0][0]):
            rows = rows[1:]
        points = [(float(second), float(value or "nan")) for second, value in rows]
    except ValueError:
        points = []
    if not points:
        raise TemposeError(
            "curve", f"{path.name} is no curve: a CSV file with a second and a value on each line."
        )
    times, values = zip(*points, strict=True)
    return Curve(np.asarray(times), np.asarray(values))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

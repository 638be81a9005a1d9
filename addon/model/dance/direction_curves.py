# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves that direct a dancer: built from an animator's keys, and compared with the curves a take was danced to.

No bpy in here. Seconds are timeline seconds of the dance.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from tempose_pose.curves import CURVES, RANGES, Curve, curve_columns
from tempose_pose.request import runs

RATE = 15.0
"""Samples per second: the dancer takes longer than two frames for anything."""
EXACT = 1e-4
"""Values that differ by less are the same."""
MARGIN = 0.2
"""Seconds around a change that are danced again with it: nobody gets anywhere at once."""


def times_of(seconds: float) -> np.ndarray:
    """(N,) seconds at which curves are sampled over a dance."""
    return np.arange(0, seconds + 1 / RATE, 1 / RATE)


def curve_of(name: str, times: np.ndarray, values: np.ndarray) -> Curve:
    """The curve through values (N,), clamped to its range; points on a straight line between others are left out."""
    values = np.clip(values, *RANGES[name])
    bends = np.abs(np.diff(values, 2)) > EXACT
    needed = np.concatenate([[True], bends, [True]]) if len(values) > 1 else np.ones(1, bool)
    if len(values) > 1 and not bends.any() and abs(values[0] - values[-1]) <= EXACT:
        needed[1:] = False  # one value throughout
    if np.abs(np.interp(times, times[needed], values[needed]) - values).max() > EXACT:
        needed[:] = True  # a bend too slow to show in any single step
    return Curve(times[needed], values[needed])


def changed(
    before: Mapping[str, Curve], after: Mapping[str, Curve], seconds: float
) -> list[tuple[float, float]]:
    """Parts (start, stop) of a dance of so many seconds in which the curves ask for something else than before."""
    times = times_of(seconds)
    old, new = curve_columns(before, times), curve_columns(after, times)  # (N, curves)
    same = (np.abs(old - new) <= EXACT) | (np.isnan(old) & np.isnan(new))
    parts: list[tuple[float, float]] = []
    for first, stop in runs(~same.all(1)):
        start, end = max(times[first] - MARGIN, 0.0), min(times[stop - 1] + 1 / RATE + MARGIN, seconds)
        if parts and start <= parts[-1][1]:
            start = parts.pop()[0]
        parts.append((float(start), float(end)))
    return [(start, end) for start, end in parts if end > start]


def joined(
    before: Mapping[str, Curve],
    after: Mapping[str, Curve],
    parts: Iterable[tuple[float, float]],
    seconds: float,
) -> dict[str, Curve]:
    """The curves of a dance whose `parts` were danced again: `after` there, `before` elsewhere."""
    times = times_of(seconds)
    inside = np.zeros(len(times), bool)
    for start, stop in parts:
        inside |= (times >= start - 1e-6) & (times <= stop + 1e-6)
    columns = np.where(inside[:, None], curve_columns(after, times), curve_columns(before, times))
    given = {name: values.astype(float) for name, values in zip(CURVES, columns.T, strict=True)}
    return {name: Curve(times, values) for name, values in given.items() if not np.isnan(values).all()}

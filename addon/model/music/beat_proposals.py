# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging a detector's proposal with everything that the artist has set. No bpy in here."""

from dataclasses import replace

import numpy as np

from .beat_changes import set_downbeat
from .beats import BAR, DOWN, EDITED, MIN_GAP, EditedGrid, inside, nearest


def joined_with(
    grid: EditedGrid, times: np.ndarray, flags: np.ndarray, more: np.ndarray, more_flags: np.ndarray
) -> EditedGrid:
    """Two sets of beats joined; where two are too close, the second set's stays."""
    times, more = np.asarray(times, float), np.asarray(more, float)
    if len(more) and len(times):
        apart = np.abs(times[:, None] - more[None]).min(1) > MIN_GAP
        times, flags = times[apart], np.asarray(flags)[apart]
    both = np.concatenate([times, more])
    order = np.argsort(both, kind="stable")
    return replace(grid, times=both[order], flags=np.concatenate([flags, more_flags]).astype(int)[order])


def merge(grid: EditedGrid, proposal: EditedGrid) -> EditedGrid:
    """A detector's proposal merged with everything that the artist has set.

    Beats and bars set by the artist, beats in locked spans and removed beats stay as they are. A proposed beat is
    dropped if it lies in a locked span, within half an interval of a beat that stays or was removed, or between two
    consecutive beats set by the artist.
    """
    kept = ((grid.flags & EDITED) > 0) | grid.locked
    own, own_flags = grid.times[kept], grid.flags[kept]
    times, flags = proposal.times, proposal.flags & DOWN
    gap = float(np.median(np.diff(times))) if len(times) > 1 else 0.5
    free = ~inside(times, grid.locks)
    for places in (own, np.asarray(grid.removed, float)):
        if len(places):
            free &= _distance(times, places) > 0.5 * gap
    if len(own) > 1:
        # Neighbours in the old grid, both kept: the artist wants nothing in between.
        places = np.flatnonzero(kept)
        spans = [(own[i], own[i + 1]) for i in np.flatnonzero(np.diff(places) == 1)]
        free &= ~inside(times, _union(spans))
    joined = joined_with(grid, times[free], flags[free], own, own_flags)
    joined = replace(joined, confidence=proposal.confidence, heard=proposal.heard)
    bars = joined.times[(joined.flags & BAR) > 0]
    metre = grid.metre
    for at in bars.tolist():
        index = nearest(joined, at)
        if not joined.locked[index]:
            joined = set_downbeat(joined, at, metre)
    return joined


def _distance(times: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Seconds from each time to the nearest of some places, in any order."""
    places = np.sort(places)
    right = np.clip(np.searchsorted(places, times), 0, len(places) - 1)
    left = np.maximum(right - 1, 0)
    return np.minimum(np.abs(places[right] - times), np.abs(places[left] - times))


def _union(spans: list) -> list:
    out: list[tuple[float, float]] = []
    for a, b in spans:
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out

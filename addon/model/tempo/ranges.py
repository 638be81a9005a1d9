# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the timeline to dance, or to change: from frames or bars to seconds. No bpy in here."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from tempose_pose.tempo import TempoMap

from ..errors import Problem
from .timing import Span

SHORTEST = 0.5  # least seconds that a server dances


def of_frames(span: Span, first: int, last: int) -> tuple[float, float]:
    """Seconds (start, stop) of the span for the scene frames first to last, both included.

    Frames outside the span are left out; raises `Problem` if less than half a second is left.
    """
    if last < first:
        raise Problem("range_backwards", "The range ends before it begins. Set its end after its beginning.")
    start, stop = float(span.second_at(first)), float(span.second_at(last + 1))
    if min(span.seconds, stop) <= max(0.0, start):
        raise Problem(
            "range_outside",
            f"Frames {first} to {last} lie outside of what can be danced. Choose frames of the strip.",
        )
    return of_seconds(span, start, stop)


def of_seconds(span: Span, start: float, stop: float) -> tuple[float, float]:
    """The part of the span from second to second; raises `Problem` if less than half a second is left."""
    start, stop = max(0.0, float(start)), min(span.seconds, float(stop))
    if stop <= start:
        raise Problem(
            "range_outside", "This section is not heard where it can be danced. Choose another one."
        )
    if stop - start < SHORTEST - 1e-6:
        raise Problem("range_short", "The range is shorter than half a second. Make it longer.")
    return start, stop


def bar_frames(span: Span, downbeats: Sequence[float], first: int, last: int) -> tuple[int, int]:
    """Scene frames of the bars first to last, both included.

    Parameters
    ----------
    downbeats : of float
        Timeline seconds; bar 1 begins with the first of them, bar 0 is everything before.
    """
    if not downbeats:
        raise Problem("no_bars", "There are no bars yet: Find Beats first.")
    if last < first:
        raise Problem("range_backwards", "The range ends before it begins. Set its end after its beginning.")
    if first > len(downbeats):
        raise Problem("range_outside", f"The song has {len(downbeats)} bars: choose from those.")
    start = downbeats[first - 1] if first > 0 else 0.0
    stop = downbeats[last] if last < len(downbeats) else span.seconds
    begin = math.ceil(float(span.frame_at(start)) - 1e-6)
    return begin, max(begin, math.ceil(float(span.frame_at(stop)) - 1e-6) - 1)


def bar_at(downbeats: Sequence[float], second: float) -> int:
    """The bar that a timeline second lies in."""
    return bisect_right([d - 1e-6 for d in downbeats], second)


def cut(tempo: TempoMap, start: float, stop: float) -> TempoMap:
    """The tempo map of one part: its second 0 is `start`, and the song plays as before."""
    inner = [(t - start, s) for t, s in tempo.points if start + 1e-6 < t < stop - 1e-6]
    ends = [float(tempo.to_song(t)) for t in (start, stop)]
    return TempoMap([(0.0, ends[0]), *inner, (stop - start, ends[1])])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet between two stands: they rise before they go anywhere, and land after. No bpy in here.

A low foot that goes far in a frame is seen to slide. So it leaves the ground softly, is up before it goes on, and
comes down where it will stand. Who hops has no other foot that bears: both are up at once.
"""

import numpy as np

from tempose_pose.request import runs as runs_of

from .contacts import LOW

SLIDES = 0.012  # body heights in a frame: a low foot that moves farther visibly slides
CLEAR = 0.045  # body heights that a foot rises when it moves elsewhere close to the ground
RELEASE = 0.107  # seconds in which it leaves, and lands, before it goes there
HOP = 0.073  # the same of one who hops, where frames are so few that each would be a slide
LATE = 0.033  # seconds after leaving and before landing in which it moves straight up or down
SOFT = 0.011  # body heights that it is from where it stood, or will stand, in the first and the last frame
BEHIND = (1.0, 0.4, 0.1)  # of what is too far then: how much it lags in that frame, and in the next ones
NEAR = 0.016  # body heights above the ground: lower, a foot is near it though the other one bears


def swung(
    path: np.ndarray, pinned: np.ndarray, rate: float, height: float, other: np.ndarray | None = None
) -> np.ndarray:
    """An ankle's path that rises before it leaves a place where it is pinned, and lands after arriving.

    A foot that swings high above the ground anyway is left alone, and so is one that stays in place.

    Parameters
    ----------
    path : (T, 2) float
    pinned : (T,) bool
    rate, height : float
        Frames per second; the body's height.
    other : (T,) bool, optional
        Where the other foot is pinned; None: throughout.
    """
    out, count = path.copy(), len(path)
    borne = np.ones(count, bool) if other is None else other
    slow = max(RELEASE * rate, 2.0)
    quick = (
        slow if slow * SLIDES >= 1.5 * CLEAR else max(HOP * rate, 1.5)
    )  # an eased way is 1.5 times as fast
    for start, end in runs_of(~pinned):
        left, right = start > 0, end < count
        if not (left or right):
            continue
        here, there = path[start - 1] if left else path[end], path[end] if right else path[start - 1]
        way = path[max(start - 1, 0) : end + 1]
        low = way[:, 1] - min(here[1], there[1]) < LOW * height
        if (np.abs(np.diff(way[:, 0])) > SLIDES * height)[low[1:] & low[:-1]].any():
            within = [
                (slow if borne[near].all() else quick) if is_there else 0.0
                for near, is_there in ((slice(start, start + 2), left), (slice(end - 2, end), right))
            ]
            out[start:end] = _lifted(path[start:end], here, there, rate, height, within)
        leaving, landing = out[start:end], out[start:end][::-1]
        for way, place, stands, is_there in (
            (leaving, here, borne[start], left),
            (landing, there, borne[end - 1], right),
        ):
            if is_there and len(way) > 2 and way[0, 1] - place[1] < (NEAR if stands else LOW) * height:
                _soften(way, place, SOFT * height, stands)
    return out


def _soften(way: np.ndarray, place: np.ndarray, most: float, stands: bool) -> None:
    """Let a way (N, 2) begin within so much of a place, in place; if the other foot stands, it has time for that."""
    far = float(np.hypot(*(way[0] - place)))
    if far > most:
        behind = (1 - most / far) * np.array(BEHIND if stands else BEHIND[:1])[: len(way) // 2, None]
        way[: len(behind)] -= behind * (way[: len(behind)] - place)


def _lifted(
    path: np.ndarray, here: np.ndarray, there: np.ndarray, rate: float, height: float, within: list[float]
) -> np.ndarray:
    """The way (N, 2) from one stand to the next, above the ground.

    `within` so many frames it has left, and lands; 0 where there is no stand.
    """
    count = len(path)
    late = min(LATE * rate, max(count - 4, 0) / 4)
    frames = np.arange(1, count + 1), np.arange(count, 0, -1)
    risen, gone = np.ones(count), []
    for at, most in zip(frames, within, strict=True):
        shortest = min((count + 1) / 2, most)
        risen *= _eased(np.clip(at / shortest, 0, 1)) if most else 1.0
        gone.append(_eased(np.clip((at - late) / shortest, 0, 1)) if most else np.ones(count))
    leaves, lands = gone
    travel = np.abs(path[:, 0] - here[0]).max(initial=0)
    share = np.linspace(0, 1, count + 2)[1:-1]
    level = here[1] + (there[1] - here[1]) * share
    out = path.copy()
    out[:, 1] = np.maximum(path[:, 1], level + min(CLEAR * height, 0.5 * travel) * risen)
    out[:, 0] = here[0] * (1 - leaves) + there[0] * (1 - lands) + path[:, 0] * (leaves + lands - 1)
    return out


def _eased(share: np.ndarray) -> np.ndarray:
    return share**2 * (3 - 2 * share)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a travelling figure: which foot moves when, so that none is left behind. No bpy in here."""

from itertools import pairwise

import numpy as np

SWING = 0.6  # of a beat: how long a foot is in the air
LONGEST = 0.4  # seconds: the limit for slow music
STRIDE = 0.35  # body heights from step to step; a figure that goes farther in a beat takes two steps
BEHIND = 0.3  # body heights by which a foot may trail the other one without having to move
NEAR = 0.02  # body heights: moving less than this in a beat is standing


def stepping(
    contacts: np.ndarray, way: np.ndarray, beats: np.ndarray, rate: float, height: float
) -> np.ndarray:
    """Which foot carries, with a step on each beat while the figure travels.

    Parameters
    ----------
    contacts : (T, 2) bool
        Contacts of the figure dancing on the spot.
    way : (T, 2) float
        Position of the whole figure, in the unit of `height`.
    beats : (B,) float
        Frames of the dance, not whole.

    Returns
    -------
    (T, 2) bool
        A foot left far behind moves; else the one in the air anyway; else the one that moved longer ago, at first
        the one on the side to which the figure goes. It lands on the beat, and the other carries meanwhile.
    """
    out, count, last = contacts.copy(), len(contacts), -1
    stood = np.repeat(way[:1], 2, 0)  # where the figure was when each foot came to stand
    for start, stop in _intervals(way, beats, height):
        landing = min(round(stop), count)
        leaves = round(stop - min(SWING * (stop - start), LONGEST * rate))
        leaves = max(leaves, round(start) + 1, 0)
        if landing - leaves < 2:
            continue
        aloft = (~contacts[leaves:landing]).mean(0)  # (2,)
        behind = np.hypot(*(way[leaves] - stood).T) / height
        if abs(behind[0] - behind[1]) > BEHIND:
            foot = int(behind.argmax())
        elif abs(aloft[0] - aloft[1]) > 0.5:
            foot = int(aloft.argmax())
        elif last < 0:
            rightwards = way[landing - 1, 0] > way[leaves, 0]
            foot = 0 if rightwards else 1  # its left is on the viewer's right
        else:
            foot = 1 - last
        out[leaves:landing, foot] = False
        bears = slice(max(leaves - 1, 0), min(landing + 1, count))
        out[bears, 1 - foot] |= contacts[bears].any(1)  # a jump stays a jump
        out[landing : landing + 2, foot] |= contacts[landing : landing + 2].any(1)
        for side in range(2):
            new = np.flatnonzero(np.diff(out[: landing + 1, side].astype(int)) > 0)
            if len(new):
                stood[side] = way[min(int(new[-1]) + 1, count - 1)]
        stood[foot], last = way[landing - 1], foot
    return out


def _intervals(way: np.ndarray, beats: np.ndarray, height: float) -> list[tuple[float, float]]:
    """Intervals of frames from beat to beat in which the figure travels, halved where it goes far."""
    frames, out = np.arange(len(way)), []
    places = np.stack([np.interp(beats, frames, way[:, axis]) for axis in range(2)], 1)
    far = np.hypot(*np.diff(places, axis=0).T) / height
    for k, distance in enumerate(far):
        start, stop = float(beats[k]), float(beats[k + 1])
        if distance < NEAR or stop <= 0 or start >= len(way):
            continue
        parts = max(1, int(np.ceil(distance / STRIDE)))
        edges = np.linspace(start, stop, min(parts, 2) + 1)
        out += [(float(a), float(b)) for a, b in pairwise(edges)]
    return out

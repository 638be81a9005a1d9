# SPDX-License-Identifier: GPL-3.0-or-later
"""Angles that do not wind up, by choosing among turns that look alike. No bpy in here.

A limb that points at the viewer has no direction in the picture and may come out of it on either side. Taking the
nearer side each time adds up to many turns. So the dance is cut where a limb is short in the picture, and each
piece is shifted by the whole turns that keep it near rest, where that is not seen: dynamic programming over the
pieces.
"""

import numpy as np

THIN = 0.4  # of its length: a limb that appears shorter than this may go round either way
TURNS = 8  # to either side; a limb that visibly circles more often does wind up
FAR = 0.06  # what a frame costs for each radian beyond half a turn from rest
MOST = 1.9 * np.pi  # between neighbours: only a flip may go round the other way


def unwound(angles: np.ndarray, clear: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Angles that stay within half a turn of rest wherever no visible turn is needed for it.

    Parameters
    ----------
    angles : (T,) float
        Radians from rest; whole turns do not matter.
    clear : (T,) bool
        Where the angle is meaningful; elsewhere it is interpolated.
    shown : (T,) float
        How long the limb is in the picture, as a share of its length.
    """
    if not clear.any():
        return np.zeros_like(angles)
    at = np.flatnonzero(clear)
    plain, length = np.unwrap(angles[at]), np.minimum(shown[at], 1.0)
    plain = plain - 2 * np.pi * np.round(plain[0] / (2 * np.pi))
    gap = np.diff(at)  # frames from one clear one to the next
    thin = np.where(gap > 1, 0.0, np.minimum(length[1:], length[:-1]))
    starts = np.r_[0, np.flatnonzero(thin < THIN) + 1]
    if len(starts) > 1 or np.abs(plain).max() > np.pi:
        cost = thin[starts[1:] - 1], gap[starts[1:] - 1]
        turns = _turns(np.split(plain, starts[1:]), *cost)
        plain = plain + 2 * np.pi * np.repeat(turns, np.diff(np.r_[starts, len(plain)]))
    return np.interp(np.arange(len(angles)), at, plain)


def _turns(pieces: list[np.ndarray], thin: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Whole turns (P,) to add to each piece.

    Parameters
    ----------
    pieces : of angles
    thin : (P - 1,) float
        Visible length between one piece and the next.
    gap : (P - 1,) int
        Frames between them.
    """
    widest = max(float(np.abs(piece).max()) for piece in pieces)
    most = min(int(np.ceil(widest / (2 * np.pi))) + 1, TURNS)
    middle = [int(np.round(piece.mean() / (2 * np.pi))) for piece in pieces]
    choice = np.arange(-most, most + 1)
    best, origins = np.zeros(len(choice)), []
    for p, piece in enumerate(pieces):
        turns = choice - middle[p]  # around rest, however far the original angles have wound
        there = piece[:, None] + 2 * np.pi * turns
        far = FAR * np.maximum(np.abs(there) - np.pi, 0).sum(0)
        if p == 0:
            best = far
        else:
            before = pieces[p - 1][-1] + 2 * np.pi * (choice - middle[p - 1])
            jump = np.abs(there[0][None, :] - before[:, None])  # (from, to)
            seen = jump * jump * thin[p - 1] ** 2 + 1e-3 * jump
            seen[jump > MOST * gap[p - 1]] += 1e6
            total = best[:, None] + seen
            origins.append(total.argmin(0))
            best = total.min(0) + far
    picked = [int(best.argmin())]
    for origin in reversed(origins):
        picked.append(int(origin[picked[-1]]))
    return choice[np.array(picked[::-1])] - np.array(middle)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of one F-curve moved in time, or joined from kept and new ones. No bpy in here.

Kept keys stay the same, bit for bit, or move by one shift with their handles. Whatever joins them with new keys is
done among the new keys (see `seam`).
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from ..dance.retiming import Piece, new_frames, placed
from ..tempo.playback import Timing
from .artist_keys import lead
from .key_arrays import CurveKeys, concatenate, cut_at
from .seam import MEET_SECONDS, Seam, filled, firm


class Moves:
    """Where keys go at a new tempo, computed once for all curves with keys on the same frames.

    Parameters
    ----------
    old, new : Timing
    whole : bool
        Onto whole frames.
    """

    def __init__(self, old: Timing, new: Timing, whole: bool = True):
        self.old, self.new, self.whole = old, new, whole
        self._found: dict[tuple[bytes, bytes], tuple] = {}

    def of(self, keys: CurveKeys) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Exact new frames of all keys, the indices of the keys that stay, and their frames."""
        name = keys.co[:, 0].tobytes(), keys.by_hand.tobytes()
        if name not in self._found:
            exact = new_frames(keys.frames, self.old, self.new)
            self._found[name] = (exact, *placed(exact, keys.by_hand, self.whole))
        return self._found[name]


def retimed(keys: CurveKeys, moves: Moves) -> CurveKeys:
    """All keys of a curve at a new tempo; handles stretch with the tempo around their key.

    Handles that Blender computes itself just move with their key.
    """
    if not len(keys):
        return keys
    exact, index, frames = moves.of(keys)
    if keys.handles_follow:
        by = frames - keys.frames[index]
        return keys.pick(index).at(frames, keys.left[index, 0] + by, keys.right[index, 0] + by)
    slip, old, new = frames - exact[index], moves.old, moves.new
    handles = [new_frames(a[index, 0].astype(float), old, new) + slip for a in (keys.left, keys.right)]
    same = exact[index] == keys.frames[index]
    handles = [
        np.where(same & (slip == 0), a[index, 0], h)
        for a, h in zip((keys.left, keys.right), handles, strict=True)
    ]
    return keys.pick(index).at(frames, handles[0], handles[1])


def spliced(
    base: CurveKeys,
    fresh: CurveKeys,
    kept: Sequence[Piece],
    rate: float,
    fresh_at: Callable[[float], float],
    moves: Moves,
    angle: bool = False,
) -> CurveKeys:
    """Kept keys outside the part that is danced again and new ones inside, which meet at both ends.

    Parameters
    ----------
    base : CurveKeys
        The curve as it was.
    fresh : CurveKeys
        The curve of the new dance, on its own frames.
    kept : of Piece
    rate : float
        Scene frames per second.
    fresh_at : callable
        The fresh curve's value at any frame.
    moves : Moves
        For keys set by hand inside the part that is danced again: they move with the tempo and stay.
    angle : bool
        Values in radians: whole turns do not count.
    """
    parts = [_within(base, piece) for piece in kept]
    olds = [_with_ends(base.shifted(piece.shift), piece) for piece in kept]
    between: list[CurveKeys] = []
    for n, (before, after) in enumerate(pairwise(kept)):
        first, last = _next_frame(before.stop), _next_frame(after.start) - 1
        if after.start - before.stop <= 1e-6 or last < first:
            continue
        left = Seam.of(olds[n], parts[n], first, 1, fresh_at, angle)
        right = Seam.of(olds[n + 1], parts[n + 1], last, -1, fresh_at, angle)
        inside = filled(fresh, first, last, left, right, fresh_at, MEET_SECONDS * rate)
        hand = base.pick(np.flatnonzero(base.by_hand & _between(base, before, after)))
        if len(hand):
            ends = (left.frame if left else first - 1, right.frame if right else last + 1)
            inside = _through(inside, retimed(hand, moves), MEET_SECONDS * rate, ends, angle)
        between.append(inside)
        parts[n], parts[n + 1] = firm(parts[n], -1), firm(parts[n + 1], 0)
    return concatenate([*parts, *between])


def _within(base: CurveKeys, piece: Piece) -> CurveKeys:
    """The keys that lie in a piece, moved with it."""
    frames = base.frames + piece.shift
    inside = (frames >= piece.start - 1e-3) & (frames < piece.stop - 1e-3)
    return base.pick(np.flatnonzero(inside)).shifted(piece.shift)


def _with_ends(old: CurveKeys, piece: Piece) -> CurveKeys:
    """The old curve around a kept piece, with keys on the frames just outside, where new keys meet it."""
    if math.isfinite(piece.start):
        old = cut_at(old, _next_frame(piece.start) - 1)
    return cut_at(old, _next_frame(piece.stop)) if math.isfinite(piece.stop) else old


def _next_frame(edge: float) -> float:
    return math.ceil(edge - 1e-3) if math.isfinite(edge) else edge


def _through(
    inside: CurveKeys, hand: CurveKeys, reach: float, ends: tuple[float, float], angle: bool
) -> CurveKeys:
    """New keys, led through those set by hand."""
    if not len(inside):
        return hand

    def values_at(frames: np.ndarray):
        return np.interp(frames, inside.frames, inside.values)

    by, turns = lead(values_at, hand.frames, hand.values, reach, ends, angle)
    return concatenate([inside.raised(by), hand.raised(lambda _: turns)])


def _between(base: CurveKeys, before: Piece, after: Piece) -> np.ndarray:
    """The old keys in the part between two pieces, which is danced again."""
    return (base.frames >= before.stop - before.shift - 1e-3) & (
        base.frames < after.start - after.shift - 1e-3
    )

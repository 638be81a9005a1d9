# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of one F-curve as arrays: moved in time, or joined from kept and new ones. No bpy in here.

Kept keys keep their values bit for bit; where they have moved, their frames and handles have moved by one shift.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..dance.retiming import Piece, new_frames, placed
from ..tempo.playback import Timing
from .key_marks import GENERATED
from .lead import lead

FREE, ALIGNED, AUTO_CLAMPED = 0, 3, 4
THIRD = np.asarray([1 / 3, 0], np.float32)  # of a frame: handles until Blender computes them
CONSTANT, BEZIER = 0, 2
MEET_SECONDS = 0.4
"""Over this long a new curve is led to a kept one that it misses, in place or in speed (an artist's edit, say)."""
COLUMNS = {
    "interpolation": (np.int32, BEZIER), "easing": (np.int32, 0), "type": (np.int32, GENERATED),
    "handle_left_type": (np.int32, AUTO_CLAMPED), "handle_right_type": (np.int32, AUTO_CLAMPED),
    "amplitude": (np.float32, 0.0), "back": (np.float32, 0.0), "period": (np.float32, 0.0),
}  # fmt: skip
"""What a key has beside its place and handles, by its name in Blender."""


@dataclass(frozen=True, eq=False)
class CurveKeys:
    """Keys of one curve, by rising frame.

    Parameters
    ----------
    co, left, right : (N, 2) float32
        Key and handles: frame and value.
    columns : of (N,)
        See `COLUMNS`.
    by_hand : (N,) bool
        Set or changed by the artist.
    """

    co: np.ndarray
    left: np.ndarray
    right: np.ndarray
    columns: dict[str, np.ndarray]
    by_hand: np.ndarray

    @classmethod
    def new(cls, frames, values) -> "CurveKeys":
        """Generated keys with handles that Blender computes."""
        co = np.stack([frames, values], 1).astype(np.float32)
        columns = {n: np.full(len(co), value, kind) for n, (kind, value) in COLUMNS.items()}
        return cls(co, co - THIRD, co + THIRD, columns, np.zeros(len(co), bool))

    def __len__(self) -> int:
        return len(self.co)

    @property
    def frames(self) -> np.ndarray:
        return self.co[:, 0].astype(float)

    @property
    def values(self) -> np.ndarray:
        return self.co[:, 1].astype(float)

    @property
    def handles_follow(self) -> bool:
        """Whether Blender works out all the handles by itself, from the neighbours."""
        kinds = (self.columns["handle_left_type"], self.columns["handle_right_type"])
        return not any(((k == FREE) | (k == ALIGNED)).any() for k in kinds)

    def pick(self, index) -> "CurveKeys":
        """Some of the keys."""
        return CurveKeys(
            self.co[index], self.left[index], self.right[index],
            {name: column[index] for name, column in self.columns.items()}, self.by_hand[index],
        )  # fmt: skip

    def at(self, frames, left, right) -> "CurveKeys":
        """The same keys on other frames, with their handles on other frames."""
        parts = []
        for array, x in ((self.co, frames), (self.left, left), (self.right, right)):
            moved = array.copy()
            moved[:, 0] = x
            parts.append(moved)
        return CurveKeys(parts[0], parts[1], parts[2], self.columns, self.by_hand)

    def shifted(self, frames: float) -> "CurveKeys":
        """The same keys, later by so many frames; untouched for 0."""
        if frames == 0:
            return self
        x = [a[:, 0].astype(float) + frames for a in (self.co, self.left, self.right)]
        return self.at(x[0], x[1], x[2])

    def raised(self, by: Callable) -> "CurveKeys":
        """The same keys with values raised by a function of the frame, handles by what it is at theirs."""
        out = []
        for array in (self.co, self.left, self.right):
            moved = array.copy()
            moved[:, 1] = array[:, 1].astype(float) + by(array[:, 0].astype(float))
            out.append(moved)
        return CurveKeys(out[0], out[1], out[2], self.columns, self.by_hand)

    def times(self, factor: float) -> "CurveKeys":
        """The same keys with values multiplied, handles and all."""
        if factor == 1:
            return self
        by = np.asarray([1, factor], np.float32)
        return CurveKeys(self.co * by, self.left * by, self.right * by, self.columns, self.by_hand)

    def changed(self, index: int, **columns) -> "CurveKeys":
        """The same with other columns for one key."""
        new = {name: column.copy() for name, column in self.columns.items()}
        for name, value in columns.items():
            new[name][index] = value
        return CurveKeys(self.co, self.left, self.right, new, self.by_hand)


def together(parts: Sequence[CurveKeys]) -> CurveKeys:
    """Keys of several stretches in one, by frame; of two on one frame the one by hand stays, else the first."""
    co, left, right = (np.concatenate([getattr(p, n) for p in parts]) for n in ("co", "left", "right"))
    columns = {n: np.concatenate([p.columns[n] for p in parts]) for n in COLUMNS}
    hand = np.concatenate([p.by_hand for p in parts])
    order = np.lexsort((~hand, co[:, 0]))
    whole = CurveKeys(co, left, right, columns, hand).pick(order)
    first = np.append(True, np.diff(whole.frames) > 1e-3) if len(whole) else np.zeros(0, bool)
    return whole.pick(np.flatnonzero(first | whole.by_hand))


class Moves:
    """Where keys go at a new tempo. Curves with their keys on the same frames are reckoned once for all of them.

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
        """Exact new frames of all keys, which of the keys stay, and on which frames those are then."""
        name = keys.co[:, 0].tobytes(), keys.by_hand.tobytes()
        if name not in self._found:
            exact = new_frames(keys.frames, self.old, self.new)
            self._found[name] = (exact, *placed(exact, keys.by_hand, self.whole))
        return self._found[name]


def retimed(keys: CurveKeys, moves: Moves) -> CurveKeys:
    """All keys of a curve at a new tempo; handles are stretched with the tempo around their key.

    Handles that Blender works out by itself only go along with their key.
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
    """Kept keys outside of what is danced again, new ones inside, meeting at both ends.

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
        For keys by hand inside of what is danced again: they move with the tempo and stay.
    angle : bool
        Values in radians: whole turns do not count.
    """
    parts: list[CurveKeys] = []
    for piece in kept:
        frames = base.frames + piece.shift
        index = np.flatnonzero((frames >= piece.start - 1e-3) & (frames < piece.stop - 1e-3))
        first = math.ceil(piece.start - 1e-3) - piece.shift if math.isfinite(piece.start) else None
        last = math.ceil(piece.stop - 1e-3) - 1 - piece.shift if math.isfinite(piece.stop) else None
        parts.append(_cut(base, index, first, last).shifted(piece.shift))
    for number, (before, after) in enumerate(pairwise(kept)):
        start, stop = before.stop, after.start
        if stop - start <= 1e-6:
            continue
        left, right = parts[number], parts[number + 1]
        inside = _edged(fresh, start, stop, fresh_at)
        inside = _met(inside, left, right, start, stop, rate, fresh_at, angle)
        hand = base.pick(np.flatnonzero(base.by_hand & _between(base, before, after)))
        if len(hand):
            inside = _through(inside, retimed(hand, moves), MEET_SECONDS * rate, (start - 1, stop), angle)
        parts.append(inside)
    return together(parts)


def _through(
    inside: CurveKeys, hand: CurveKeys, reach: float, ends: tuple[float, float], angle: bool
) -> CurveKeys:
    """New keys, led through those set by hand."""
    if not len(inside):
        return hand

    def values_at(frames):
        return np.interp(frames, inside.frames, inside.values)

    by, turns = lead(values_at, hand.frames, hand.values, reach, ends, angle)
    return together([inside.raised(by), hand.raised(lambda _: turns)])


def _between(base: CurveKeys, before: Piece, after: Piece) -> np.ndarray:
    """Which of the old keys lie in what is danced again between two pieces."""
    return (base.frames >= before.stop - before.shift - 1e-3) & (
        base.frames < after.start - after.shift - 1e-3
    )


def _cut(base: CurveKeys, index: np.ndarray, first: float | None, last: float | None) -> CurveKeys:
    """Some keys in a row, with a key on the frame `first` and on `last`, that play as they did before they were cut.

    The outer keys' handles do not follow new neighbours, and where a frame at the edge lies between two keys, the
    curve gets a key there that does not change it.
    """
    part = base.pick(index)
    if first is not None and last is not None and last < first:
        return part
    for frame, side in ((last, 1), (first, 0)):
        if frame is None:
            continue
        if len(index):
            i = index[-1] if side else index[0]
            part = part.changed(len(part) - 1 if side else 0, handle_left_type=FREE, handle_right_type=FREE)
            low = i if side else i - 1
        else:
            low = int(np.searchsorted(base.frames, frame + 1e-3)) - 1
        if not 0 <= low < len(base) - 1 or not base.frames[low] + 0.5 < frame < base.frames[low + 1] - 0.5:
            continue
        before, key, after = split(base, low, frame)
        if len(index):
            outer = part.pick([-1 if side else 0])
            array = outer.right if side else outer.left
            array[:] = before if side else after
            rest = part.pick(np.arange(len(part))[:-1] if side else np.arange(len(part))[1:])
            part = together([rest, outer, key])
        else:
            part = together([part, key])
    return part


def split(keys: CurveKeys, low: int, frame: float) -> tuple[np.ndarray, CurveKeys, np.ndarray]:
    """A key between two that leaves the curve as it is (de Casteljau).

    Returns
    -------
    before : (2,) float
        New right handle of key `low`.
    key : CurveKeys
        The one in between.
    after : (2,) float
        New left handle of key ``low + 1``.
    """
    key = keys.pick([low])
    p0, p3 = keys.co[low].astype(float), keys.co[low + 1].astype(float)
    p1, p2 = keys.right[low].astype(float), keys.left[low + 1].astype(float)
    kind = int(keys.columns["interpolation"][low])
    if kind != BEZIER:
        share = (frame - p0[0]) / (p3[0] - p0[0])
        value = p0[1] if kind == CONSTANT else p0[1] + share * (p3[1] - p0[1])
        here, left, right, before, after = np.asarray([frame, value]), None, None, p1, p2
    else:
        width, reach = p3[0] - p0[0], (p1[0] - p0[0]) + (p3[0] - p2[0])
        if reach > width:  # as Blender does: handles that cross are shortened
            p1, p2 = p0 + (p1 - p0) * width / reach, p3 + (p2 - p3) * width / reach
        t = _time_of(p0[0], p1[0], p2[0], p3[0], frame)
        before, middle, after = p0 + (p1 - p0) * t, p1 + (p2 - p1) * t, p2 + (p3 - p2) * t
        left, right = before + (middle - before) * t, middle + (after - middle) * t
        here = left + (right - left) * t
        here[0] = frame
    key = key.changed(0, handle_left_type=FREE, handle_right_type=FREE, type=GENERATED)
    key.co[0] = here
    key.left[0] = left if left is not None else here - THIRD
    key.right[0] = right if right is not None else here + THIRD
    key.by_hand[:] = False
    return before, key, after


def _time_of(x0: float, x1: float, x2: float, x3: float, x: float) -> float:
    """The parameter at which a Bezier curve reaches x, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        t = (low + high) / 2
        u = 1 - t
        if u**3 * x0 + 3 * u * u * t * x1 + 3 * u * t * t * x2 + t**3 * x3 < x:
            low = t
        else:
            high = t
    return (low + high) / 2


def _edged(fresh: CurveKeys, start: float, stop: float, value_at: Callable[[float], float]) -> CurveKeys:
    """The new keys in [start, stop), with one on the first and the last whole frame of it."""
    inside = fresh.pick(np.flatnonzero((fresh.frames >= start - 1e-3) & (fresh.frames < stop - 1e-3)))
    first, last = math.ceil(start - 1e-3), math.ceil(stop - 1e-3) - 1
    missing = [f for f in {first, last} if first <= last and not (np.abs(inside.frames - f) < 0.5).any()]
    if missing:
        inside = together([inside, CurveKeys.new(sorted(missing), [value_at(f) for f in sorted(missing)])])
    return inside


def _met(
    inside: CurveKeys, left: CurveKeys, right: CurveKeys, start, stop, rate, fresh_at, angle
) -> CurveKeys:
    """New keys led to the kept ones on either side, in place and in speed."""
    if not len(inside):
        return inside
    ends = [
        _End.of(part, i, fresh_at, angle) if len(part) and _near(part.frames[i], edge, rate) else None
        for part, i, edge in ((left, -1, start), (right, 0, stop))
    ]
    there = [end for end in ends if end is not None]
    if not there:
        return inside
    reach = MEET_SECONDS * rate
    if len(there) == 2:
        reach = min(reach, there[1].frame - there[0].frame)
    inside = inside.raised(lambda frames: there[0].turn + sum(end.lead(frames, reach) for end in there))
    if len(there) == 2 and abs(there[0].turn - there[1].turn) > 1:
        # It has turned once more: jump, do not spin.
        inside = inside.changed(len(inside) - 1, interpolation=CONSTANT)
    return inside


@dataclass(frozen=True)
class _End:
    """Where kept keys end, and what the new curve misses them by there.

    Parameters
    ----------
    frame : float
    away : int
        1 where the new keys come after it, −1 where they come before.
    miss, speed : float
        How much more the kept curve has, and by how much more it changes per frame towards the new one.
    turn : float
        Whole turns of an angle that the kept curve has more.
    """

    frame: float
    away: int
    miss: float
    speed: float
    turn: float

    @classmethod
    def of(cls, part: CurveKeys, index: int, fresh_at: Callable[[float], float], angle: bool) -> "_End":
        frame, away = float(part.frames[index]), 1 if index else -1
        miss = float(part.values[index]) - fresh_at(frame)
        turn = 2 * math.pi * round(miss / (2 * math.pi)) if angle else 0.0
        deeper, speed = frame - away, 0.0
        if part.frames[0] <= deeper <= part.frames[-1]:
            speed = miss - (value_at(part, deeper) - fresh_at(deeper))
        return cls(frame, away, miss - turn, speed, turn)

    def lead(self, frames, reach: float):
        """What is added to the new curve at some frames: a cubic Hermite curve that ends flat."""
        share = np.clip((np.asarray(frames, float) - self.frame) * self.away / reach, 0, 1)
        return (1 - share) ** 2 * ((1 + 2 * share) * self.miss + share * reach * self.speed)


def value_at(keys: CurveKeys, frame: float) -> float:
    """A curve's value between its first and its last key, as Blender plays it."""
    low = int(np.clip(np.searchsorted(keys.frames, frame + 1e-3) - 1, 0, len(keys) - 1))
    if abs(keys.frames[low] - frame) < 1e-3 or low == len(keys) - 1:
        return float(keys.values[low])
    return float(split(keys, low, frame)[1].values[0])


def _near(frame: float, edge: float, rate: float) -> bool:
    """Whether a kept key lies close enough to an edge to say how the curve goes there."""
    return abs(frame - edge) <= MEET_SECONDS * rate

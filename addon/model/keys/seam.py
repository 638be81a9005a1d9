# SPDX-License-Identifier: GPL-3.0-or-later
"""Where new keys of a curve meet kept ones. No bpy in here.

A kept key keeps its handles, so the new key next to it does the work: it lies on the first (or last) frame of the
part that is danced again, on the old curve, with the old curve's slope, and the length of its handle towards the
kept key makes the curve between the two play as before. If no handle does that, one more key beside the kept one
does. From there the new curve leads over to the new dance.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .key_arrays import ALIGNED, CONSTANT, FREE, CurveKeys, concatenate, cut_at, value_at
from .key_marks import COMPUTED, GENERATED

MEET_SECONDS = 0.4
"""Over this long a new curve is led to a kept one that it misses, in place or in speed (an artist's edit, say)."""
VECTOR, BREAKDOWN = 2, 2  # a type of handle, a type of key
LENGTHS = np.r_[0.02, np.linspace(0.06, 1.0, 48)]  # of the stretch: lengths of handles that are tried
NEAR = 0.01  # of a curve's range: the error allowed between a kept key and a new one
BESIDE = 1.0  # frames: between keys this close nothing can be seen


@dataclass(frozen=True, eq=False)
class Seam:
    """The place where kept keys end, and the gap to the new curve there.

    Parameters
    ----------
    old : CurveKeys
        The old curve, with a key on the frame of the seam.
    frame : float
        The seam: the last kept key if it is just beside, else the first frame that is danced again.
    away : int
        1 where the new keys come after it, −1 where they come before.
    kept : CurveKeys
        The nearest kept key; empty without one.
    joins : bool
        Whether a new key on this frame meets the old curve.
    miss, speed : float
        How much higher the old curve is, and how much more it rises per frame towards the new one.
    turn : float
        Whole turns of an angle by which the old curve is ahead.
    """

    old: CurveKeys
    frame: float
    away: int
    kept: CurveKeys
    joins: bool
    miss: float
    speed: float
    turn: float

    @classmethod
    def of(
        cls, old: CurveKeys, part: CurveKeys, edge: float, away: int,
        fresh_at: Callable[[float], float], angle: bool,
    ) -> "Seam | None":  # fmt: skip
        """None if the old curve has nothing on that side. `edge`: the outermost frame that is danced again."""
        beyond = old.frames < edge - 1e-3 if away > 0 else old.frames > edge + 1e-3
        if not beyond.any():
            return None
        kept = part.pick([-1 if away > 0 else 0]) if len(part) else part
        beside = len(kept) > 0 and abs(float(kept.frames[0]) - edge) <= BESIDE + 1e-3
        frame = float(kept.frames[0]) if beside else float(edge)
        miss, turn = value_at(old, frame) - fresh_at(frame), 0.0
        if angle:
            turn = 2 * math.pi * round(miss / (2 * math.pi))
        step = 1.0 if beside else 0.1
        deeper, speed = frame - away * step, 0.0
        if old.frames[0] <= deeper <= old.frames[-1]:
            speed = (miss - value_at(old, deeper) + fresh_at(deeper)) / step
        low = max(int(np.searchsorted(old.frames, frame - 1e-3)) - 1, 0)
        if old.columns["interpolation"][low] == CONSTANT:
            miss, speed = turn, 0.0  # held poses change at once
        return cls(old, frame, away, kept, not beside, miss - turn, speed, turn)

    def lead(self, frames: npt.ArrayLike, reach: float):
        """The offset to the new curve at some frames: a cubic Hermite curve that ends flat."""
        share = np.clip((np.asarray(frames, float) - self.frame) * self.away / reach, 0, 1)
        return (1 - share) ** 2 * ((1 + 2 * share) * self.miss + share * reach * self.speed)


def filled(
    fresh: CurveKeys,
    first: float,
    last: float,
    left: Seam | None,
    right: Seam | None,
    fresh_at: Callable[[float], float],
    reach: float,
) -> CurveKeys:
    """The new keys from frame `first` to `last`, led to the kept ones on either side in value and slope."""
    seams = [seam for seam in (left, right) if seam is not None]
    if len(seams) == 2:
        reach = min(reach, max(right.frame - left.frame, 1.0))  # pyright: ignore[reportOptionalMemberAccess]
    turned = len(seams) == 2 and abs(seams[0].turn - seams[1].turn) > 1
    wanted = [f for f, seam in ((first, left), (last, right)) if seam is None or seam.joins]
    jump = last - 1 if turned and right is not None and right.joins else last
    inside = _shaped(fresh, sorted({*wanted, jump} if turned else set(wanted)), first, last, fresh_at)
    if not seams or not len(inside):
        return inside
    turn = seams[0].turn

    def by(frames: npt.ArrayLike):
        return turn + sum(seam.lead(frames, reach) for seam in seams)

    inside = inside.raised(by)
    if turned:  # the angle is a whole turn ahead: jump, do not spin
        inside = inside.changed(int(np.abs(inside.frames - jump).argmin()), interpolation=CONSTANT)
    plain = (fresh.columns["type"] == GENERATED).all()
    for seam in seams:
        index = 0 if seam.away > 0 else len(inside) - 1
        if seam.joins:
            new = not (np.abs(fresh.frames - seam.frame) < 1e-3).any()
            inside = _met(inside, index, seam, BREAKDOWN if new and not plain else None)
        else:
            inside = _reached(inside, index, seam, lambda f: fresh_at(f) + float(by(f)))
    return inside


def firm(part: CurveKeys, index: int) -> CurveKeys:
    """Kept keys whose outermost one keeps the handles that Blender gave it, whatever its neighbour is now."""
    if not len(part):
        return part
    kinds = {int(part.columns[f"handle_{side}_type"][index]) for side in ("left", "right")}
    if not kinds & set(COMPUTED):
        return part
    kind = FREE if VECTOR in kinds else ALIGNED
    return part.changed(index, handle_left_type=kind, handle_right_type=kind)


def _shaped(
    fresh: CurveKeys, wanted: list, first: float, last: float, fresh_at: Callable[[float], float]
) -> CurveKeys:
    """The new keys from `first` to `last`, with further keys on the wanted frames that do not change the curve."""
    for frame in wanted:
        fresh = cut_at(fresh, frame)
    inside = fresh.pick(np.flatnonzero((fresh.frames >= first - 1e-3) & (fresh.frames <= last + 1e-3)))
    missing = [f for f in wanted if not (np.abs(inside.frames - f) < 1e-3).any()]
    if missing:
        inside = concatenate([inside, CurveKeys.new(missing, [fresh_at(f) for f in missing])])
    return inside


def _met(inside: CurveKeys, index: int, seam: Seam, kind: int | None) -> CurveKeys:
    """New keys with an outer one on the old curve, which plays as before up to the kept key."""
    at = int(np.abs(seam.old.frames - seam.frame).argmin())
    if abs(seam.old.frames[at] - seam.frame) > 1e-3:
        return inside  # the old curve has ended before
    join = seam.old.pick([at])
    co = join.co[0].astype(float)
    outer, inner = (join.left, join.right) if seam.away > 0 else (join.right, join.left)
    away = outer[0].astype(float) - co
    if abs(away[0]) < 1e-6:
        away = co - inner[0].astype(float)
    slope = away[1] / away[0] if abs(away[0]) > 1e-6 else 0.0
    columns: dict = {"handle_left_type": ALIGNED, "handle_right_type": ALIGNED}
    if kind is not None:
        columns["type"] = kind
    if seam.away < 0:
        columns["interpolation"] = int(join.columns["interpolation"][0])
    inside = inside.changed(index, **columns).pick(np.arange(len(inside)))
    towards, back = (inside.left, inside.right) if seam.away > 0 else (inside.right, inside.left)
    reach = float(back[index, 0] - inside.co[index, 0])
    inside.co[index] = co
    back[index] = co + reach * np.array([1, slope])
    towards[index] = co + away
    if len(seam.kept) and seam.kept.co[0].tolist() in seam.old.co.tolist():
        neighbour = seam.old.pick([at - seam.away])
        frozen = seam.kept.right if seam.away > 0 else seam.kept.left
        known = neighbour.right if seam.away > 0 else neighbour.left
        if not np.allclose(frozen, known, atol=1e-4):
            handle, missed = _handle(seam, co, slope, lambda f: value_at(seam.old, f))
            if missed > NEAR:
                return _supported(inside, index, seam, at)
            towards[index] = handle
    return inside


def _supported(inside: CurveKeys, index: int, seam: Seam, at: int) -> CurveKeys:
    """New keys with one more just beside the kept key; the old curve plays on from there to the outer one."""
    beside = float(seam.kept.frames[0]) + seam.away
    old = cut_at(seam.old, beside)
    at, there = (int(np.abs(old.frames - frame).argmin()) for frame in (seam.frame, beside))
    more = old.pick([there]).changed(
        0, handle_left_type=FREE, handle_right_type=FREE, type=inside.columns["type"][index]
    )
    towards = (inside.left, old.left) if seam.away > 0 else (inside.right, old.right)
    towards[0][index] = towards[1][at]
    return concatenate([inside, more])


def _reached(inside: CurveKeys, index: int, seam: Seam, target: Callable[[float], float]) -> CurveKeys:
    """New keys with an outer one that is approached from a kept key beside the edge."""
    if not len(seam.kept) or inside.handles_follow:
        return inside
    inside = inside.pick(np.arange(len(inside)))
    towards = inside.left if seam.away > 0 else inside.right
    co = inside.co[index].astype(float)
    away = towards[index].astype(float) - co
    slope = away[1] / away[0] if abs(away[0]) > 1e-6 else 0.0
    towards[index], _ = _handle(seam, co, slope, target)
    return inside


def _handle(seam: Seam, co: np.ndarray, slope: float, target: Callable[[float], float]) -> tuple:
    """The handle of a new key at `co` towards the kept one that brings the curve nearest to `target`, and its error.

    The error is the largest on a whole frame, as a share of the curve's range there.
    """
    point = seam.kept.co[0].astype(float)
    fixed = (seam.kept.right if seam.away > 0 else seam.kept.left)[0].astype(float)
    width = abs(co[0] - point[0])
    low, high = sorted((point[0], co[0]))
    frames = np.arange(math.floor(low) + 1, math.ceil(high))
    lengths = LENGTHS * width
    handles = co - seam.away * lengths[:, None] * np.array([1, slope])
    if not len(frames):
        return co - seam.away * width / 3 * np.array([1, slope]), 0.0
    wanted = np.array([target(float(f)) for f in frames])
    ends = (point, fixed, handles, co) if seam.away > 0 else (co, handles, fixed, point)
    missed = np.abs(_played(*ends, frames) - wanted).max(1)
    best = int(missed.argmin())
    return handles[best], float(missed[best] / max(np.ptp(np.r_[wanted, point[1], co[1]]), 1e-9))


def _played(p0: np.ndarray, p1: np.ndarray, p2: np.ndarray, p3: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Values (N, T) at frames of Bezier curves, one for each handle (N, 2); crossing handles are shortened."""
    count = max(np.atleast_2d(p1).shape[0], np.atleast_2d(p2).shape[0])
    p1, p2 = (np.broadcast_to(np.atleast_2d(p), (count, 2)) for p in (p1, p2))
    width = p3[0] - p0[0]
    reach = (p1[:, 0] - p0[0]) + (p3[0] - p2[:, 0])
    share = np.minimum(1.0, width / np.maximum(reach, 1e-9))[:, None]
    p1, p2 = p0 + (p1 - p0) * share, p3 + (p2 - p3) * share
    low, high = np.zeros((count, len(frames))), np.ones((count, len(frames)))

    def at(t: np.ndarray, axis: int) -> np.ndarray:
        u = 1 - t
        a, b = p1[:, [axis]], p2[:, [axis]]
        return u**3 * p0[axis] + 3 * u * u * t * a + 3 * u * t * t * b + t**3 * p3[axis]

    for _ in range(40):
        middle = (low + high) / 2
        before = at(middle, 0) < frames
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return at((low + high) / 2, 1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of one F-curve as arrays: to pick, move, raise and join them, and to evaluate them as Blender does. No bpy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .key_marks import GENERATED

FREE, ALIGNED, AUTO_CLAMPED = 0, 3, 4
THIRD = np.asarray([1 / 3, 0], np.float32)  # of a frame: length of handles until Blender computes them
CONSTANT, BEZIER = 0, 2
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
    def new(cls, frames: npt.ArrayLike, values: npt.ArrayLike) -> "CurveKeys":
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
        """Whether Blender computes all the handles itself, from the neighbours."""
        kinds = (self.columns["handle_left_type"], self.columns["handle_right_type"])
        return not any(((k == FREE) | (k == ALIGNED)).any() for k in kinds)

    def pick(self, index: np.ndarray | slice | list[int]) -> "CurveKeys":
        """Some of the keys."""
        return CurveKeys(
            self.co[index], self.left[index], self.right[index],
            {name: column[index] for name, column in self.columns.items()}, self.by_hand[index],
        )  # fmt: skip

    def at(self, frames: np.ndarray, left: np.ndarray, right: np.ndarray) -> "CurveKeys":
        """The same keys on other frames, with their handles on other frames."""
        parts = []
        for array, x in ((self.co, frames), (self.left, left), (self.right, right)):
            moved = array.copy()
            moved[:, 0] = x
            parts.append(moved)
        return CurveKeys(parts[0], parts[1], parts[2], self.columns, self.by_hand)

    def shifted(self, frames: float) -> "CurveKeys":
        """The same keys, later by so many frames; the same object for 0."""
        if frames == 0:
            return self
        x = [a[:, 0].astype(float) + frames for a in (self.co, self.left, self.right)]
        return self.at(x[0], x[1], x[2])

    def raised(self, by: Callable) -> "CurveKeys":
        """The same keys with values and handles raised by a function of their frame."""
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

    def changed(self, index: int, **columns: int) -> "CurveKeys":
        """The same keys with other columns for one of them."""
        new = {name: column.copy() for name, column in self.columns.items()}
        for name, value in columns.items():
            new[name][index] = value
        return CurveKeys(self.co, self.left, self.right, new, self.by_hand)


def concatenate(parts: Sequence[CurveKeys]) -> CurveKeys:
    """Keys of several stretches joined, by frame; of two on one frame the one set by hand stays, else the first."""
    co, left, right = (np.concatenate([getattr(p, n) for p in parts]) for n in ("co", "left", "right"))
    columns = {n: np.concatenate([p.columns[n] for p in parts]) for n in COLUMNS}
    hand = np.concatenate([p.by_hand for p in parts])
    order = np.lexsort((~hand, co[:, 0]))
    whole = CurveKeys(co, left, right, columns, hand).pick(order)
    first = np.append(True, np.diff(whole.frames) > 1e-3) if len(whole) else np.zeros(0, bool)
    return whole.pick(np.flatnonzero(first | whole.by_hand))


def split(keys: CurveKeys, low: int, frame: float) -> tuple[np.ndarray, CurveKeys, np.ndarray]:
    """A key between two others that leaves the curve unchanged (de Casteljau).

    Returns
    -------
    before : (2,) float
        New right handle of key `low`.
    key : CurveKeys
        The key in between.
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
        if reach > width:  # as in Blender: handles that cross are shortened
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
    """The parameter at which a Bezier curve reaches x, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        t = (low + high) / 2
        u = 1 - t
        if u**3 * x0 + 3 * u * u * t * x1 + 3 * u * t * t * x2 + t**3 * x3 < x:
            low = t
        else:
            high = t
    return (low + high) / 2


def value_at(keys: CurveKeys, frame: float) -> float:
    """A curve's value as Blender plays it; constant before its first key and after its last."""
    low = int(np.clip(np.searchsorted(keys.frames, frame + 1e-3) - 1, 0, len(keys) - 1))
    if abs(keys.frames[low] - frame) < 1e-3 or low == len(keys) - 1 or frame < keys.frames[0]:
        return float(keys.values[low])
    return float(split(keys, low, frame)[1].values[0])


def cut_at(keys: CurveKeys, frame: float) -> CurveKeys:
    """The same curve with a key on a frame, if it lies between two keys and has none."""
    if not len(keys) or (np.abs(keys.frames - frame) < 1e-3).any():
        return keys
    low = int(np.searchsorted(keys.frames, frame)) - 1
    if not 0 <= low < len(keys) - 1:
        return keys
    before, key, after = split(keys, low, frame)
    whole = concatenate([keys.pick(np.arange(len(keys))), key])
    if keys.columns["interpolation"][low] == BEZIER:
        whole.right[low], whole.left[low + 2] = before, after
    return whole

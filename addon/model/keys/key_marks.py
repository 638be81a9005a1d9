# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks that tell generated keys from those an artist has set or changed. No bpy in here.

Each generated key leaves a mark: a hash of its frame, value and interpolation, and of its handles if they are set
by hand rather than computed. A key whose mark is not among those of its curve was made or changed by an artist. The
marks of an Action are a text that is kept with it.
"""

import base64
import binascii
import json
from typing import Any

import numpy as np

FORM = "tempose-keys-1"
COMPUTED = (1, 2, 4)  # AUTO, VECTOR and AUTO_CLAMPED handles follow from the neighbours
ALIGNED, AUTO_CLAMPED = 3, 4
STEP = 1e-3  # of handles, in frames and in values
CONSTANT, LINEAR, BEZIER = 0, 1, 2
GENERATED = 5  # the keyframe type of this name


def marks(
    points: np.ndarray, left: np.ndarray, right: np.ndarray, kinds: np.ndarray, interpolation: np.ndarray
) -> np.ndarray:
    """(N, 2) uint32 marks; two keys are the same when either mark is.

    Blender recomputes aligned handles now and then, which moves them by a rounding error. So handles are quantised
    in small steps, for the second mark shifted by half a step: a tiny move changes at most one of the two.

    Parameters
    ----------
    points, left, right : (N, 2) float32
        Keys and their handles: frame and value.
    kinds : (N, 2) int
        Types of the left and the right handle.
    interpolation : (N,) int
    """
    words = [np.ascontiguousarray(points[:, i], np.float32).view(np.uint32) for i in range(2)]
    words += [interpolation.astype(np.uint32)]
    handles = []
    for side, handle in enumerate((left, right)):
        by_hand = ~np.isin(kinds[:, side], COMPUTED) & (interpolation == BEZIER)
        handles += [
            np.where(by_hand, (handle[:, i] - points[:, i]).astype(float) / STEP, 0.0) for i in range(2)
        ]
    both = []
    for shift in (0.25, 0.75):
        steps = [np.floor(h + shift).astype(np.int64).astype(np.uint32) for h in handles]
        mixed = np.full(len(points), 2166136261, np.uint32)
        for word in [*words, *steps]:
            mixed = (mixed ^ word) * np.uint32(16777619)
            mixed ^= mixed >> np.uint32(15)
        both.append(mixed)
    return np.stack(both, 1)


def known(found: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """(N,) bool: keys whose mark is among the stored ones."""
    if np.array_equal(found, stored):
        return np.ones(len(found), bool)
    return np.isin(found[:, 0], stored[:, 0]) | np.isin(found[:, 1], stored[:, 1])


def to_text(by_curve: dict[tuple[str, int], np.ndarray]) -> str:
    """Marks of all curves, by path and index."""
    curves = [
        [path, i, base64.b64encode(m.astype("<u4").tobytes()).decode()] for (path, i), m in by_curve.items()
    ]
    return json.dumps({"form": FORM, "curves": curves}, separators=(",", ":"))


def from_text(text: Any) -> dict[tuple[str, int], np.ndarray]:
    """The inverse of `to_text`; empty if the text is missing or damaged."""
    try:
        data = json.loads(text)
        if data["form"] != FORM:
            return {}
        return {
            (str(path), int(i)): np.frombuffer(base64.b64decode(packed, validate=True), "<u4")
            .astype(np.uint32)
            .reshape(-1, 2)
            for path, i, packed in data["curves"]
        }
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
        return {}


def kept_beside(frames: np.ndarray, by_hand: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which keys of a curve stay and which new ones go in, such that keys set by hand play as they do now.

    A key set by hand stays, with its nearest neighbour on each side; nothing new goes between these two.

    Parameters
    ----------
    frames : (N,) float
        All keys of the curve, rising.
    by_hand : (N,) bool
    new : (M,) float
        Frames of the keys to come.

    Returns
    -------
    stays : (N,) bool
    goes_in : (M,) bool
    """
    stays, goes_in = by_hand.copy(), np.ones(len(new), bool)
    for index in np.flatnonzero(by_hand):
        first, last = max(index - 1, 0), min(index + 1, len(frames) - 1)
        stays[first] = stays[last] = True
        goes_in &= (new < frames[first] - 1e-3) | (new > frames[last] + 1e-3)
    return stays, goes_in

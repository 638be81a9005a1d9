# SPDX-License-Identifier: GPL-3.0-or-later
"""What the readers of pose files share: checked values, which figure goes on, joints by name. No bpy in here."""

import math

import numpy as np

from ..character.skeleton import EXTREMITIES, OPENPOSE_18
from ..errors import Problem
from .poses import Poses

MAX_BYTES = 256 * 2**20
FARTHEST = 1e6  # pixels


def unreadable(name: str, why: str) -> Problem:
    """The error about a file that is no pose file."""
    return Problem("file_unreadable", f"{name} cannot be read as poses: {why}. Choose another file.")


def numbers(flat, name: str, sizes: tuple[int, ...]) -> np.ndarray | None:
    """(K, 3) finite numbers of one of these sizes; None for an empty list."""
    if not isinstance(flat, list):
        raise unreadable(name, "keypoints must be a list of numbers")
    if not flat:
        return None
    try:
        rows = np.asarray(flat, float)
    except (ValueError, TypeError, OverflowError):
        raise unreadable(name, "keypoints must be a list of numbers") from None
    if rows.ndim != 1 or rows.size not in [3 * k for k in sizes]:
        raise unreadable(
            name, f"a figure must have {' or '.join(map(str, sizes))} keypoints of three numbers"
        )
    if not np.isfinite(rows).all() or np.abs(rows).max() > FARTHEST:
        raise unreadable(name, "keypoints must be sensible numbers")
    return rows.reshape(-1, 3)


def picture_size(width, height, name: str) -> tuple[int, int]:
    """Width and height in pixels, or a `Problem`."""
    if not all(isinstance(v, int | float) and math.isfinite(v) and 1 <= v <= 65536 for v in (width, height)):
        raise unreadable(name, "its picture size makes no sense")
    return int(width), int(height)


def frame_rate(value, name: str) -> float:
    """Frames per second, or a `Problem`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 1000:
        raise unreadable(name, "its frame rate makes no sense")
    return float(value)


def followed(frames: list[list[np.ndarray]]) -> list[int | None]:
    """Which figure of each frame goes on: the surest one first, then the one nearest to the last.

    Parameters
    ----------
    frames : list of list of (K, 3) float
        The rows of each figure; one with no joint there is never chosen.
    """
    chosen, last = [], None
    for people in frames:
        at = {i: rows[rows[:, 2] > 0, :2].mean(0) for i, rows in enumerate(people) if (rows[:, 2] > 0).any()}
        if not at:
            chosen.append(None)
            continue
        if last is None:
            best = max(at, key=lambda i: people[i][:, 2].sum())
        else:
            best = min(at, key=lambda i: float(np.linalg.norm(at[i] - last)))
        chosen.append(best)
        last = at[best]
    return chosen


def as_poses(figures: list, names: tuple, fps: float, canvas: tuple[int, int]) -> Poses:
    """Figures in a layout as `Poses`; a neck that is nowhere given lies between the shoulders."""
    rows = np.stack([f if f is not None else np.zeros((len(names), 3)) for f in figures])
    out = np.zeros((len(rows), len(OPENPOSE_18), 3))
    for i, joint in enumerate(OPENPOSE_18):
        if joint in names:
            out[:, i] = rows[:, names.index(joint)]
        elif joint == "neck":
            pair = rows[:, [names.index("left_shoulder"), names.index("right_shoulder")]]
            out[:, i, :2], out[:, i, 2] = pair[..., :2].mean(1), pair[..., 2].min(1)
    more = np.zeros((len(rows), len(EXTREMITIES), 3))
    for i, joint in enumerate(EXTREMITIES):
        if joint in names:
            more[:, i] = rows[:, names.index(joint)]
    for some in (out, more):
        some[some[..., 2] <= 0] = 0
        some[..., 2] = np.minimum(some[..., 2], 1)
    seen = out[..., 2] > 0
    if seen.any() and np.abs(out[seen][:, :2]).max() <= 1.5:  # shares of the picture instead of pixels
        out[..., :2] *= canvas
        more[..., :2] *= canvas
    return Poses(out[..., :2], out[..., 2], fps, canvas, more if more.any() else None)

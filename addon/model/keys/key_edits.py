# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of many keys at once: hold, move to a beat, delay in a limb, exaggerate. No bpy in here."""

from dataclasses import dataclass, replace

import numpy as np

WINDOW = 0.5  # seconds to each side over which the middle of a movement is averaged


@dataclass(frozen=True, eq=False)
class PlainKeys:
    """The keys of a curve, by frame, and whether the curve is constant until the next one.

    Parameters
    ----------
    frames, values : (N,) float
    held : (N,) bool
    """

    frames: np.ndarray
    values: np.ndarray
    held: np.ndarray


def hold(keys: PlainKeys, frame: float, value: float, count: int) -> PlainKeys:
    """Keys that hold the value at a frame for so many frames; keys in between are dropped, later ones stay."""
    last = frame + count
    stays = (keys.frames < frame - 0.5) | (keys.frames > last + 0.5)
    frames = np.append(keys.frames[stays], [frame, last])
    order = np.argsort(frames, kind="stable")
    values = np.append(keys.values[stays], [value, value])[order]
    return PlainKeys(frames[order], values, np.append(keys.held[stays], [True, False])[order])


def moved(keys: PlainKeys, frame: float, to: float) -> PlainKeys | None:
    """Keys with the one at a frame moved to another; keys that it passes are dropped. None without a key there."""
    at = np.abs(keys.frames - frame) < 0.5
    if not at.any():
        return None
    low, high = min(frame, to), max(frame, to)
    stays = ~at & ((keys.frames < low - 0.5) | (keys.frames > high + 0.5))
    k = int(np.flatnonzero(at)[0])
    frames = np.append(keys.frames[stays], to)
    order = np.argsort(frames, kind="stable")
    return PlainKeys(
        frames[order],
        np.append(keys.values[stays], keys.values[k])[order],
        np.append(keys.held[stays], keys.held[k])[order],
    )


def later(keys: PlainKeys, by: float) -> PlainKeys:
    """All keys so many frames later."""
    return replace(keys, frames=keys.frames + by)


def exaggerated(keys: PlainKeys, middle: np.ndarray, amount: float) -> PlainKeys:
    """Keys moved farther from the middle (N,) of the movement, by this amount."""
    return replace(keys, values=middle + amount * (keys.values - middle))


def next_beat(beats: np.ndarray, frame: float) -> float | None:
    """The first beat (whole frame) after a frame."""
    after = np.round(beats[np.round(beats) > frame + 0.5])
    return float(after.min()) if len(after) else None


def key_poses(frames: list[np.ndarray], share: float = 0.5) -> np.ndarray:
    """Frames (N,) on which at least this share of the curves have a key: the key poses."""
    if not frames:
        return np.zeros(0)
    every, counts = np.unique(np.round(np.concatenate(frames)), return_counts=True)
    return every[counts >= share * len(frames)]


def nearest(frames: np.ndarray, now: float, count: int) -> np.ndarray:
    """The nearest `count` frames before and after one, without itself."""
    before, after = frames[frames < now - 0.5], frames[frames > now + 0.5]
    return np.concatenate([before[-count:] if count else before[:0], after[:count]])

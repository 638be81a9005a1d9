# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and feet that are held somewhere for a while: a microphone, another hand. No bpy in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tempose_pose.limits import FPS
from tempose_pose.request import Known, frames_of
from tempose_pose.sequence import PoseSequence

from .way import Way

CHAINS = {
    f"{side}_{end}": tuple(f"{side}_{joint}" for joint in (root, middle, end))
    for side in ("left", "right")
    for root, middle, end in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
}
"""What can be held, and the limb that brings it there."""
LEANS = 0.5  # of the limb: how much farther than it reaches the body may bring it
FADE = 0.25  # seconds in which a limb goes there, and comes back


@dataclass(frozen=True, eq=False)
class Pin:
    """A joint that is held.

    Parameters
    ----------
    joint : str
        One of `CHAINS`.
    times : (N,) float
        Seconds of the dance, rising; held from the first to the last.
    places : (N, 2) float
        In picture heights, right and down from its top left corner; may lie outside.
    """

    joint: str
    times: np.ndarray
    places: np.ndarray

    def at(self, seconds: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Places (T, 2), and weights (T,) from 0, free, to 1, held."""
        seconds = np.asarray(seconds, float)
        places = np.stack([np.interp(seconds, self.times, self.places[:, axis]) for axis in range(2)], 1)
        outside = np.maximum(self.times[0] - seconds, seconds - self.times[-1])
        share = np.clip(1 - outside / FADE, 0, 1)
        return places, share**2 * (3 - 2 * share)

    def to_body(self) -> dict[str, Any]:
        """As JSON for a take's settings."""
        rows = np.concatenate([self.times[:, None], self.places], 1)
        return {"joint": self.joint, "at": [[round(float(value), 6) for value in row] for row in rows]}


def from_body(said: Any) -> tuple[Pin, ...]:
    """Pins from a take's settings; none if they are missing or damaged."""
    found = []
    for one in said if isinstance(said, list) else ():
        try:
            rows, joint = np.asarray(one["at"], float).reshape(-1, 3), str(one["joint"])
        except (TypeError, KeyError, ValueError):
            continue
        if joint in CHAINS and len(rows) and np.isfinite(rows).all() and (np.diff(rows[:, 0]) > 0).all():
            found.append(Pin(joint, rows[:, 0], rows[:, 1:]))
    return tuple(found)


def known_of(pins: Sequence[Pin], way: Way | None, reference: PoseSequence, seconds: float) -> Known | None:
    """The poses that the model must keep: held joints that the figure can reach; None without any."""
    count, bones = frames_of(seconds), reference.skeleton
    height = reference.canvas[1]
    keypoints = np.repeat(reference.keypoints[:1], count, 0).astype(np.float32)
    mask = np.zeros((count, len(bones)), bool)
    times = np.arange(count) / FPS
    gone = np.zeros((count, 2)) if way is None else way.at(times) * (1, -1)
    for pin in pins:
        if not set(CHAINS[pin.joint]) <= set(bones.joints):
            continue
        places, share = pin.at(times)
        pixels = (places - gone) * height
        root, middle, end = (
            reference.pixels[0, bones.at[joint]].astype(float) for joint in CHAINS[pin.joint]
        )
        reach = (1 + LEANS) * (np.hypot(*(middle - root)) + np.hypot(*(end - middle)))
        held = (share >= 1) & (np.hypot(*(pixels - root).T) <= reach)
        held &= ((pixels > 0) & (pixels < reference.canvas)).all(1)
        mask[held, bones.at[pin.joint]] = True
        keypoints[held, bones.at[pin.joint]] = pixels[held] / reference.canvas
    if not mask.any():
        return None
    scores = np.ones(mask.shape, np.float32)
    return Known(PoseSequence(keypoints, scores, FPS, bones, reference.canvas), mask)

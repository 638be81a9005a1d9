# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions of the ankles that stay while the rest of a dance is danced again. No bpy in here.

The poses of locked legs are kept, but where their feet stand on the rig depends on the whole dance (see
`keys.feet`): without this, they would be planted anew, elsewhere.
"""

import base64
import binascii
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tempose_pose.limits import FPS

ANKLES = ("left_ankle", "right_ankle")


@dataclass(frozen=True, eq=False)
class Stands:
    """Places of ankles at the frames of a dance.

    Parameters
    ----------
    places : (T, 2, 2) float32
        Left and right, as shares of the canvas.
    held : (T, 2) bool
        Where they are known and stay.
    """

    places: np.ndarray
    held: np.ndarray

    def within(self, mask: np.ndarray) -> "Stands":
        """Only those inside a mask (T, 2)."""
        count = min(len(mask), len(self.held))
        return Stands(self.places[:count], self.held[:count] & mask[:count])

    def at(self, seconds: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Places (N, 2, 2), and whether they are held (N, 2), at any seconds of the dance."""
        where = np.clip(np.asarray(seconds, float) * FPS, 0, len(self.held) - 1)
        low = np.floor(where + 1e-6).astype(int)
        high = np.minimum(low + 1, len(self.held) - 1)
        share = np.clip(where - low, 0, 1)[:, None, None]
        held = self.held[low] & (self.held[high] | (share[..., 0] < 1e-3))
        return self.places[low] * (1 - share) + self.places[high] * share, held

    def to_text(self) -> dict:
        """As text for a take's settings."""
        flat = np.where(self.held[..., None], self.places, np.nan).astype("<f4")
        return {"frames": len(flat), "places": base64.b64encode(flat.tobytes()).decode()}


def from_text(said: Any) -> Stands | None:
    """Read what `to_text` wrote; None if there is none."""
    try:
        flat = np.frombuffer(base64.b64decode(said["places"], validate=True), "<f4").reshape(
            said["frames"], 2, 2
        )
    except (TypeError, KeyError, ValueError, binascii.Error):
        return None
    held = np.asarray(np.isfinite(flat).all(2))
    return Stands(np.where(held[..., None], flat, 0).astype(np.float32), held) if len(flat) else None


def joined(old: Stands | None, new: Stands | None) -> Stands | None:
    """The new ones, filled up with the old ones; None without any."""
    if old is None or new is None:
        found = old if new is None else new
        return found if found is not None and found.held.any() else None
    count = min(len(old.held), len(new.held))
    held = new.held[:count]
    places = np.where(held[..., None], new.places[:count], old.places[:count])
    return Stands(places, held | old.held[:count])


def whole(frames: int, ankles: np.ndarray, joints: list[str], spans: Iterable[tuple[float, float]]) -> Stands:
    """Places (T, 2, 2) of ankles, held for these joints in these seconds [start, stop)."""
    held = np.zeros((frames, 2), bool)
    for start, stop in spans:
        for side, ankle in enumerate(ANKLES):
            held[math.floor(start * FPS) : math.ceil(stop * FPS), side] |= ankle in joints
    return Stands(ankles.astype(np.float32), held)

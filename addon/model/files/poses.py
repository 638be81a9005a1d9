# SPDX-License-Identifier: GPL-3.0-or-later
"""One figure over time: as files give it, and without its gaps. No bpy in here."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..character.skeleton import FEET

HAND = 21  # joints of a hand


@dataclass(frozen=True, eq=False)
class Poses:
    """One figure over time.

    Parameters
    ----------
    points : (T, 18, 2) float
        Pixels of the canvas, x right, y down, order `OPENPOSE_18`.
    scores : (T, 18) float
        0 where a joint is not there.
    fps : float
    canvas : (int, int)
    more : (T, 48, 3) float, optional
        Hands and feet in the order of `EXTREMITIES`: pixels and score.
    beats, downbeats : list of float
        Seconds; kept by .npz alone.
    """

    points: np.ndarray
    scores: np.ndarray
    fps: float
    canvas: tuple[int, int]
    more: np.ndarray | None = None
    beats: list = field(default_factory=list)
    downbeats: list = field(default_factory=list)
    seed: int = 0
    revision: str = "file"

    def __len__(self) -> int:
        return len(self.points)

    @property
    def hands(self) -> np.ndarray | None:
        """(T, 2, 21, 3) left and right; None without hands."""
        if self.more is None or not self.more[:, len(FEET) :, 2].any():
            return None
        return self.more[:, len(FEET) :].reshape(len(self), 2, HAND, 3)

    @property
    def feet(self) -> np.ndarray | None:
        """(T, 6, 3); None without feet."""
        return (
            None if self.more is None or not self.more[:, : len(FEET), 2].any() else self.more[:, : len(FEET)]
        )


def triples(poses: Poses) -> np.ndarray:
    """(T, 18, 3) pixels and score, zeros where a joint is not there."""
    triples = np.concatenate([poses.points, poses.scores[..., None]], 2).astype(float)
    triples[poses.scores <= 0] = 0
    return triples


def whole(poses: Poses, complete: Callable) -> tuple[np.ndarray, np.ndarray]:
    """Points and scores without gaps in time: a joint that is missing for a while goes straight to where it is again.

    A joint that is never there is completed by `complete` from the first pose that can be.
    """
    points, scores = bridged(poses.points, poses.scores)
    never = (poses.scores <= 0).all(0)
    if never.any():
        for t in range(len(points)):
            points[t, never] = complete(points[t], scores[t])[never]
        scores[:, never] = 0.3
    return points, scores


def bridged(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (T, K, 2) and scores (T, K) without gaps: a missing joint goes straight to where it is again."""
    points, bridge = points.copy(), scores.copy()
    at = np.arange(len(points))
    for k in range(points.shape[1]):
        seen = scores[:, k] > 0
        if seen.any() and not seen.all():
            for i in range(2):
                points[:, k, i] = np.interp(at, at[seen], points[seen, k, i])
            bridge[~seen, k] = 0.3
    return points, bridge

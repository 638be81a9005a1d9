# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, timeline seconds and song seconds. No bpy in here.

*Timeline second* 0 is the left edge of the sound strip; *song seconds* count from the start of the sound that
was sent to the server. A `TempoMap` (`tempose_pose.tempo`) leads from the first to the second.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


def frame_rate(fps: float, fps_base: float) -> float:
    """Frames per second of a scene: 30 over 1.001 is 29.97."""
    return fps / fps_base


@dataclass(frozen=True)
class Span:
    """A stretch of the timeline to dance.

    Parameters
    ----------
    left : float
        Scene frame of timeline second 0.
    seconds : float
        Timeline seconds.
    rate : float
        Scene frames per second.
    """

    left: float
    seconds: float
    rate: float

    def frame_at(self, timeline: npt.ArrayLike):
        """Scene frames (not rounded) at timeline seconds."""
        return self.left + np.asarray(timeline, float) * self.rate

    def second_at(self, frame: npt.ArrayLike):
        """Timeline seconds at scene frames."""
        return (np.asarray(frame, float) - self.left) / self.rate

    @property
    def frames(self) -> np.ndarray:
        """The whole scene frames within the span, first and last."""
        first = math.ceil(self.left - 1e-6)
        last = math.ceil(
            self.left + self.seconds * self.rate - 1e-6
        )  # the right edge is not a frame of the strip
        return np.arange(first, max(last, first + 1))


def resample(keypoints: np.ndarray, scores: np.ndarray, fps: float, seconds: npt.ArrayLike):
    """The dance at any seconds, on a smooth (Catmull-Rom) curve through its frames.

    Linear interpolation would move every dip to the nearest frame of the dance, up to 17 ms off the beat.

    Parameters
    ----------
    keypoints : (T, K, 2) float
    scores : (T, K) float
        0 where a joint is missing; it then takes the nearer neighbour that is there.
    fps : float
    seconds : (N,) float

    Returns
    -------
    keypoints : (N, K, 2) float
    scores : (N, K) float
    """
    position = np.clip(np.asarray(seconds, float) * fps, 0, len(keypoints) - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, len(keypoints) - 1)
    share = np.broadcast_to((position - low)[:, None], (len(low), scores.shape[1])).copy()
    share[scores[low] <= 0] = 1.0
    share[scores[high] <= 0] = 0.0
    before, after = np.maximum(low - 1, 0), np.minimum(high + 1, len(keypoints) - 1)
    t = share[..., None]
    p0, p1, p2, p3 = (keypoints[i] for i in (before, low, high, after))
    line = p1 * (1 - t) + p2 * t
    bend = 0.5 * t * (1 - t) * ((1 - t) * (2 * p1 - p0 - p2) + t * (2 * p2 - p1 - p3))
    smooth = np.minimum(np.minimum(scores[before], scores[low]), np.minimum(scores[high], scores[after])) > 0
    mixed = np.where(smooth[..., None], line + bend, line)
    return mixed, scores[low] * (1 - share) + scores[high] * share

# SPDX-License-Identifier: GPL-3.0-or-later
"""A dance in the making: the frames that have arrived, as lines to draw, and the time left. No bpy in here."""

import colorsys
from dataclasses import dataclass, field

import numpy as np

from tempose_pose.limits import FPS
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import Skeleton


def limb_colours(bones: Skeleton) -> np.ndarray:
    """Colours (L, 3) of the limbs, around the colour wheel as in OpenPose."""
    count = len(bones.limbs) + 1
    return np.asarray([colorsys.hsv_to_rgb(i / count, 1.0, 1.0) for i in range(len(bones.limbs))])


@dataclass(eq=False)
class Arriving:
    """Frames of one dance as they arrive.

    Parameters
    ----------
    seconds : float
        Of the whole dance.
    skeleton : Skeleton
        The skeleton of the dance.
    fps : float
    """

    seconds: float
    skeleton: Skeleton
    fps: float = FPS
    count: int = 0
    keypoints: np.ndarray = field(init=False)
    scores: np.ndarray = field(init=False)
    there: np.ndarray = field(init=False)

    def __post_init__(self):
        frames = max(1, round(self.seconds * self.fps))
        self.keypoints = np.zeros((frames, len(self.skeleton), 2), np.float32)
        self.scores = np.zeros((frames, len(self.skeleton)), np.float32)
        self.there = np.zeros(frames, bool)

    def clear(self) -> None:
        """Start over, for the next take."""
        self.there[:] = False
        self.count += 1

    def add(self, start: int, keypoints: np.ndarray, scores: np.ndarray) -> None:
        """Add frames from `start` on; frames beyond the end or of another skeleton are ignored."""
        if keypoints.shape[1:] != self.keypoints.shape[1:]:
            return
        stop = min(start + len(keypoints), len(self.there))
        if start < stop:
            self.keypoints[start:stop] = keypoints[: stop - start]
            self.scores[start:stop] = scores[: stop - start]
            self.there[start:stop] = True
        self.count += 1

    def so_far(self) -> PoseSequence:
        """The frames up to the first gap."""
        count = round(self.until * self.fps)
        scores = np.clip(self.scores[:count], 0, 1)
        return PoseSequence(self.keypoints[:count].copy(), scores, self.fps, self.skeleton)

    @property
    def share(self) -> float:
        """The share of the dance that has arrived."""
        return float(self.there.mean())

    @property
    def until(self) -> float:
        """Timeline second up to which the dance has arrived without a gap."""
        return float(len(self.there) if self.there.all() else np.argmin(self.there)) / self.fps

    def pose_at(self, second: float) -> tuple[np.ndarray, np.ndarray, bool] | None:
        """Keypoints (K, 2) and scores (K,) of the nearest frame that has arrived, and whether it is exact."""
        at = np.flatnonzero(self.there)
        if not len(at):
            return None
        frame = round(second * self.fps)
        nearest = int(at[np.abs(at - frame).argmin()])
        return self.keypoints[nearest], self.scores[nearest], nearest == frame

    def lines_at(self, second: float) -> tuple[np.ndarray, np.ndarray, bool] | None:
        """Ends (2N, 2) in shares of the canvas and colours (2N, 3) of the visible limbs, and whether exact."""
        pose = self.pose_at(second)
        if pose is None:
            return None
        keypoints, scores, exact = pose
        pairs = np.asarray(self.skeleton.limbs)
        seen = (scores[pairs] > 0).all(1)
        ends = keypoints[pairs[seen]].reshape(-1, 2)
        return ends, np.repeat(limb_colours(self.skeleton)[seen], 2, 0), exact


@dataclass
class Clock:
    """An estimate of the time left, from the pace so far.

    The first share reported sets the start: earlier work (waiting, sending) says nothing about the pace.
    """

    begun: tuple[float, float] | None = None
    left: float | None = None
    last: float = 0.0

    def tell(self, now: float, share: float) -> float | None:
        """Seconds left, or None while it is too early to say."""
        if self.begun is None or share < self.last:
            self.begun, self.left, self.last = (now, share), None, share
            return None
        self.last = share
        start, first = self.begun
        done, passed = share - first, now - start
        if done > 0.02 and passed > 0.5:
            self.left = passed * (1 - share) / done
        return self.left


def in_words(seconds: float | None) -> str:
    """The rough time left, for people; empty while it is not known."""
    if seconds is None:
        return ""
    if seconds < 1.5:
        return "a moment left"
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        return f"about {max(step, round(seconds / step) * step)} s left"
    return f"about {round(seconds / 60)} min left"

"""A pose sequence: keypoints with confidence on a canvas, at a stated frame rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.skeletons import BODY_67, HANDS, OPENPOSE_18, OPENPOSE_60, Skeleton

BRIDGED = 0.3
"""Score of a joint that was not seen, between frames in which it was."""


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """T poses of one figure.

    Parameters
    ----------
    keypoints : (T, K, 2) float32
        x / canvas width and y / canvas height; x right, y down. Values outside [0, 1] lie off the canvas.
    scores : (T, K) float32
        Confidence in [0, 1]; 0 means "missing", and the keypoint's coordinates then have no meaning.
    fps : float
    skeleton : Skeleton
    canvas : (int, int)
        Width and height in pixels. Needed because the coordinates alone are not isotropic.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    fps: float
    skeleton: Skeleton
    canvas: tuple[int, int] = (1000, 1000)

    def __post_init__(self):
        keypoints = np.asarray(self.keypoints, np.float32)
        scores = np.asarray(self.scores, np.float32)
        if keypoints.ndim != 3 or keypoints.shape[1:] != (len(self.skeleton), 2):
            raise TemposeError(
                "pose_shape",
                f"Keypoints must have shape (frames, {len(self.skeleton)}, 2), not {keypoints.shape}.",
            )
        if scores.shape != keypoints.shape[:2]:
            raise TemposeError(
                "pose_shape", f"Scores must have shape {keypoints.shape[:2]}, not {scores.shape}."
            )
        if not (np.isfinite(keypoints).all() and np.isfinite(scores).all()):
            raise TemposeError("pose_not_finite", "The pose holds values that are not numbers.")
        if not (0 < self.fps <= 1000) or min(self.canvas) <= 0:
            raise TemposeError("pose_shape", "Frame rate and canvas size must be positive.")
        object.__setattr__(self, "keypoints", keypoints)
        object.__setattr__(self, "scores", np.clip(scores, 0, 1))

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    @property
    def pixels(self) -> np.ndarray:
        """(T, K, 2) keypoints in pixels, which are square."""
        return self.keypoints * np.asarray(self.canvas, np.float32)

    def __getitem__(self, frames: slice) -> PoseSequence:
        return replace(self, keypoints=self.keypoints[frames], scores=self.scores[frames])


_BETWEEN = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}


def convert(poses: PoseSequence, target: Skeleton) -> PoseSequence:
    """The same poses on another skeleton.

    Joints with the same name keep their numbers exactly; a missing neck becomes the middle of the shoulders, a
    missing middle of the hips that of the hips (with the lower score of the two); all other missing joints have
    score 0.
    """
    if poses.skeleton is target:
        return poses
    given = {joint: i for i, joint in enumerate(poses.skeleton.joints)}
    keypoints = np.zeros((len(poses), len(target), 2), np.float32)
    scores = np.zeros((len(poses), len(target)), np.float32)
    for k, joint in enumerate(target.joints):
        ends = [given[j] for j in _BETWEEN.get(joint, ()) if j in given]
        if joint in given:
            keypoints[:, k], scores[:, k] = poses.keypoints[:, given[joint]], poses.scores[:, given[joint]]
        elif len(ends) == 2:
            keypoints[:, k], scores[:, k] = poses.keypoints[:, ends].mean(1), poses.scores[:, ends].min(1)
    return replace(poses, keypoints=keypoints, scores=scores, skeleton=target)


def to_openpose18(poses: PoseSequence) -> PoseSequence:
    """The same poses on the model's layout; joints without a place there (hands, feet) are left out."""
    if not set(OPENPOSE_18.joints) - {"neck"} <= set(poses.skeleton.joints):
        raise TemposeError("skeleton_unsupported", f"Cannot turn {poses.skeleton.name} into openpose18.")
    return convert(poses, OPENPOSE_18)


def of_joints(
    joints: Sequence[str], pixels: np.ndarray, scores: np.ndarray, fps: float, canvas: tuple[int, int]
) -> PoseSequence:
    """Poses from joints in any order, on the smallest layout that holds all that are seen.

    Parameters
    ----------
    joints : sequence of str
        K names: those of openpose18, and of its hands and feet.
    pixels : (T, K, 2)
    scores : (T, K)
    """
    bare = Skeleton("joints", tuple(joints), (-1,) * len(joints), ())
    shares = np.where(scores[..., None] > 0, pixels, 0) / np.asarray(canvas, float)
    return on_layout(PoseSequence(shares, scores, fps, bare, canvas))


def on_layout(poses: PoseSequence) -> PoseSequence:
    """The same poses on the smallest layout for the seen joints: openpose18 or body25, with or without hands."""
    there = np.flatnonzero((poses.scores > 0).any(0))
    seen = {poses.skeleton.joints[k] for k in there}
    layouts = (OPENPOSE_18, OPENPOSE_60, BODY_67)
    return convert(poses, next(s for s in layouts if seen <= set(s.joints)))


def hands_of(poses: PoseSequence) -> np.ndarray | None:
    """Left and right hands (T, 2, 21, 3): pixels and score; None if no frame shows any."""
    joints = [joint for side in ("left", "right") for joint in HANDS[side]]
    if not set(joints) <= set(poses.skeleton.joints):
        return None
    columns = [poses.skeleton.at[joint] for joint in joints]
    triples = np.concatenate([poses.pixels, poses.scores[..., None]], -1)[:, columns]
    return triples.reshape(len(poses), 2, 21, 3) if triples[..., 2].any() else None


def bridged(poses: PoseSequence) -> PoseSequence:
    """Poses without gaps: a joint that is missing for a while is interpolated linearly."""
    keypoints, scores = poses.keypoints.copy(), poses.scores.copy()
    frames = np.arange(len(poses))
    for k in range(len(poses.skeleton)):
        seen = poses.scores[:, k] > 0
        if seen.any() and not seen.all():
            for axis in range(2):
                keypoints[:, k, axis] = np.interp(frames, frames[seen], keypoints[seen, k, axis])
            scores[~seen, k] = BRIDGED
    return replace(poses, keypoints=keypoints, scores=scores)

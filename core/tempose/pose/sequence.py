"""A pose sequence: keypoints with confidence on a canvas, at a stated frame rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tempose.errors import TemposeError
from tempose.pose.skeletons import COCO_17, OPENPOSE_18, Skeleton


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """T poses of one figure.

    Parameters
    ----------
    keypoints : (T, K, 2) float32
        x / canvas width and y / canvas height; x right, y down. Values outside [0, 1] lie off the canvas.
    scores : (T, K) float32
        Confidence in [0, 1]; 0 means "not there", and the keypoint's coordinates then mean nothing.
    fps : float
    skeleton : Skeleton
    canvas : (int, int)
        Width and height in pixels. Needed to know what is round: coordinates alone are not isotropic.
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


def to_openpose18(poses: PoseSequence) -> PoseSequence:
    """The same poses on OpenPose-18; the neck of COCO-17 is the middle of its shoulders."""
    if poses.skeleton is OPENPOSE_18:
        return poses
    if poses.skeleton is not COCO_17:
        raise TemposeError("skeleton_unsupported", f"Cannot turn {poses.skeleton.name} into openpose18.")
    shoulders = [COCO_17.index("left_shoulder"), COCO_17.index("right_shoulder")]
    source = [COCO_17.index(j) if j in COCO_17.joints else -1 for j in OPENPOSE_18.joints]
    keypoints = poses.keypoints[:, source]  # (T, 18, 2); the neck is filled in below
    scores = poses.scores[:, source].copy()
    neck = OPENPOSE_18.index("neck")
    keypoints[:, neck] = poses.keypoints[:, shoulders].mean(1)
    scores[:, neck] = poses.scores[:, shoulders].min(1)
    return replace(poses, keypoints=keypoints, scores=scores, skeleton=OPENPOSE_18)

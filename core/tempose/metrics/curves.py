"""The basis of every metric: keypoints in body heights, and the speed of the body over time."""

from __future__ import annotations

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.reference import body_height
from tempose_pose.sequence import PoseSequence

MIN_FRAMES = 4


def validate(poses: PoseSequence) -> None:
    """Raise `TemposeError` unless motion can be measured: four frames or more, and somebody visible."""
    if not isinstance(poses, PoseSequence):
        raise TemposeError("metrics_input", "Metrics measure pose sequences.")
    if len(poses) < MIN_FRAMES:
        raise TemposeError("metrics_short", f"Motion is measured on {MIN_FRAMES} frames or more.")
    if not (poses.scores > 0).any():
        raise TemposeError("metrics_nobody", "The poses show nobody: every joint's score is 0.")


def in_body_heights(poses: PoseSequence, height: float | None = None) -> np.ndarray:
    """(T, K, 2) keypoints in body heights, NaN where a joint is missing.

    `height` is the figure's height in pixels; None measures it (`body_height`).
    """
    points = poses.pixels.astype(float) / (height or body_height(poses))
    points[poses.scores <= 0] = np.nan
    return points


def filled(points: np.ndarray) -> np.ndarray:
    """(T, K, 2) with NaNs interpolated through time, joint by joint; 0 for a joint that is never seen."""
    points, frames = points.copy(), np.arange(len(points))
    for k in range(points.shape[1]):
        known = np.flatnonzero(~np.isnan(points[:, k, 0]))
        for axis in range(2):
            points[:, k, axis] = np.interp(frames, known, points[known, k, axis]) if len(known) else 0.0
    return points


def joint_steps(points: np.ndarray) -> np.ndarray:
    """(T - 1, K) distance of each joint from frame to frame, NaN where an end is missing."""
    return np.linalg.norm(np.diff(points, axis=0), axis=-1)


def mean_speed(points: np.ndarray, fps: float, total: bool = False) -> np.ndarray:
    """(T - 1,) mean (or summed) speed of the joints; sample i lies between frames i and i + 1.

    Frames without any joint are filled from their neighbours.
    """
    steps = joint_steps(points) * fps
    there = ~np.isnan(steps)
    count = there.sum(1)
    speed = np.where(there, steps, 0).sum(1)
    if not total:
        speed = speed / np.maximum(count, 1)
    known = np.flatnonzero(count)
    if len(known) == 0:
        return np.zeros(len(steps))
    return np.interp(np.arange(len(steps)), known, speed[known])


def resampled(poses: PoseSequence, fps: float) -> PoseSequence:
    """The poses at another frame rate, interpolated linearly; a joint is present where both neighbours are."""
    from dataclasses import replace

    if poses.fps == fps:
        return poses
    frames = max(1, int(np.floor((len(poses) - 1) / poses.fps * fps + 1e-6)) + 1)
    at = np.arange(frames) / fps * poses.fps
    low = np.minimum(np.floor(at).astype(int), len(poses) - 1)
    high = np.minimum(low + 1, len(poses) - 1)
    part = (at - low)[:, None, None]
    keypoints = poses.keypoints[low] * (1 - part) + poses.keypoints[high] * part
    scores = np.where(
        part[..., 0] < 1e-6, poses.scores[low], np.minimum(poses.scores[low], poses.scores[high])
    )
    return replace(poses, keypoints=keypoints, scores=scores, fps=float(fps))

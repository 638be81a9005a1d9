# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances that run into their own beginning: the end is danced again towards the first poses. No bpy in here.

The first frames are appended to the last ones as fixed poses, and the last beats are danced again to lead there.
Nothing is averaged: position and speed meet because the dancer goes there.
"""

from dataclasses import replace

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.request import DanceRequest, frames_of

from . import kept_poses

TAIL = 16  # frames of the beginning that the end leads to: the overlap of the model's segments
BRIDGES = (1.6, 2.4)  # seconds that are danced again; the longer if the shorter leaves a step
SHARES = (0.4, 0.6)  # at most this share of a short loop
USUAL = 95  # percentile of the dance's own steps to which the one at the seam is compared


def closing(made: Dance, asked: DanceRequest, trial: int = 0) -> DanceRequest:
    """The request that makes a dance for `asked` end where it began, plus `TAIL` frames.

    `trial` is the index into `BRIDGES`.
    """
    fps, seconds = made.poses.fps, asked.seconds
    frames = frames_of(seconds) + TAIL
    bridge = min(BRIDGES[trial], SHARES[trial] * seconds)
    pieces = [(0.0, seconds - bridge, 0.0), (seconds, frames / fps, seconds)]
    return replace(asked, seconds=frames / fps, known=kept_poses.moved(made, frames, pieces, fps))


def closed(made: Dance, closing: DanceRequest, end: Dance) -> Dance:
    """The loop: the dance with the end from the answer to `closing`, and its own beats."""
    assert closing.known is not None
    whole = kept_poses.merge(closing.known, end)
    return replace(made, poses=whole.poses[: len(whole.poses) - TAIL])


def step(loop: Dance, seconds: float) -> float:
    """The step from the end of a loop to its beginning, over the 95th percentile of the dance's own steps.

    It is the larger of two: the largest step of an ankle, and the mean one of all joints.
    """
    poses = loop.poses
    points, last = poses.pixels, (len(poses) - 1) / poses.fps
    moved = np.linalg.norm(np.diff(points, axis=0), axis=2)  # (T - 1, K)
    seam = np.linalg.norm(points[0] - points[-1], axis=1) / max((seconds - last) * poses.fps, 0.5)
    feet = [k for k, joint in enumerate(poses.skeleton.joints) if joint.endswith("ankle")]
    usual = np.percentile(moved.mean(1), USUAL), np.percentile(moved[:, feet].max(1), USUAL)
    return float(max(seam.mean() / max(usual[0], 1e-9), seam[feet].max() / max(usual[1], 1e-9)))

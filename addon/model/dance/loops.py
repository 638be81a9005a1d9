# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances that run into their own beginning: the end is danced again towards the first poses. No bpy in here.

The first frames are set behind the last ones as poses that must stay, and the last beats danced again between what
leads to them and these. Nothing is averaged: position and speed meet because the dancer goes there.
"""

from dataclasses import replace

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.request import DanceRequest, frames_of

from . import kept_poses

TAIL = (
    16  # frames of the beginning that the end is danced towards: as many as the model takes over on its own
)
BRIDGES = (1.6, 2.4)  # seconds that are danced again; the longer where the shorter leaves a step
SHARES = (0.4, 0.6)  # of a short loop so much at most
USUAL = 95  # percentile of the dance's own steps that the one at the seam is held against


def closing(made: Dance, asked: DanceRequest, trial: int = 0) -> DanceRequest:
    """What to ask for, so that a dance made for `asked` ends where it began, and `TAIL` frames more.

    `trial` says which of `BRIDGES` is danced again.
    """
    fps, seconds = made.poses.fps, asked.seconds
    frames = frames_of(seconds) + TAIL
    bridge = min(BRIDGES[trial], SHARES[trial] * seconds)
    pieces = [(0.0, seconds - bridge, 0.0), (seconds, frames / fps, seconds)]
    return replace(asked, seconds=frames / fps, known=kept_poses.moved(made, frames, pieces, fps))


def closed(made: Dance, closing: DanceRequest, end: Dance) -> Dance:
    """The loop: the dance with its end, the answer to `closing`; its own beats."""
    assert closing.known is not None
    whole = kept_poses.merge(closing.known, end)
    return replace(made, poses=whole.poses[: len(whole.poses) - TAIL])


def step(loop: Dance, seconds: float) -> float:
    """The largest step of an ankle, or the mean one of all joints, from the end of a loop of so many seconds to its
    beginning, over the dance's own 95th percentile.
    """
    poses = loop.poses
    points, last = poses.pixels, (len(poses) - 1) / poses.fps
    moved = np.linalg.norm(np.diff(points, axis=0), axis=2)  # (T - 1, K)
    seam = np.linalg.norm(points[0] - points[-1], axis=1) / max((seconds - last) * poses.fps, 0.5)
    feet = [k for k, joint in enumerate(poses.skeleton.joints) if joint.endswith("ankle")]
    usual = np.percentile(moved.mean(1), USUAL), np.percentile(moved[:, feet].max(1), USUAL)
    return float(max(seam.mean() / max(usual[0], 1e-9), seam[feet].max() / max(usual[1], 1e-9)))

"""References that a model must cope with: odd start poses, children and giants, dancers off-centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

_J = OPENPOSE_18.at
HEIGHT = 0.7  # height of a standing adult, as a share of the canvas
FORESHORTENED = ("side view", "crouch", "bent over")  # limbs point at the viewer and look shorter


def _with(moved: dict[str, tuple[float, float]], base: PoseSequence | None = None) -> PoseSequence:
    """The standing figure with some joints moved: (across, above the floor) in body heights."""
    pose = base or standing_pose(HEIGHT)
    keypoints = pose.keypoints.copy()
    for joint, (across, up) in moved.items():
        keypoints[0, _J[joint]] = 0.5 + across * HEIGHT, 0.5 + HEIGHT / 2 - up * HEIGHT
    return replace(pose, keypoints=keypoints)


def _sideways(share: float) -> PoseSequence:
    pose = standing_pose(HEIGHT)
    keypoints = pose.keypoints.copy()
    keypoints[..., 0] = 0.5 + (keypoints[..., 0] - 0.5) * share
    keypoints[0, [_J["nose"], _J["left_eye"], _J["right_eye"]], 0] += 0.05 * HEIGHT
    return replace(pose, keypoints=keypoints)


def _crouching() -> PoseSequence:
    pose = standing_pose(HEIGHT)
    drop = 0.26 * HEIGHT
    keypoints = pose.keypoints.copy()
    legs = [_J[f"{s}_{p}"] for s in ("left", "right") for p in ("knee", "ankle")]
    above = [i for i in range(len(OPENPOSE_18)) if i not in legs]
    keypoints[0, above, 1] += drop
    for side, sign in (("left", 1), ("right", -1)):
        keypoints[0, _J[f"{side}_knee"]] = 0.5 + sign * 0.16 * HEIGHT, 0.5 + HEIGHT / 2 - 0.27 * HEIGHT
    return replace(pose, keypoints=keypoints)


def _child() -> PoseSequence:
    """A quarter of the canvas tall, with a child's large head and short legs."""
    pose = standing_pose(0.28, (0.5, 0.7))
    keypoints = pose.keypoints.copy()
    hips = keypoints[0, [_J["left_hip"], _J["right_hip"]]].mean(0)
    neck = keypoints[0, _J["neck"]].copy()
    for side in ("left", "right"):
        for part in ("knee", "ankle"):
            point = keypoints[0, _J[f"{side}_{part}"]]
            point[1] = hips[1] + 0.78 * (point[1] - hips[1])
    for joint in ("nose", "left_eye", "right_eye", "left_ear", "right_ear"):
        point = keypoints[0, _J[joint]]
        point[:] = neck + 1.5 * (point - neck)
    return replace(pose, keypoints=keypoints)


def references() -> dict[str, PoseSequence]:
    """Name → one-frame reference on openpose18; "standing" is the plain one to compare with."""
    crossed = {
        "left_wrist": (-0.10, 0.66), "right_wrist": (0.10, 0.66),
        "left_elbow": (0.15, 0.64), "right_elbow": (-0.15, 0.64),
    }  # fmt: skip
    one_leg = {"left_knee": (0.19, 0.42), "left_ankle": (0.06, 0.30)}
    raised = {
        f"{side}_{joint}": (sign * across, up)
        for side, sign in (("left", 1), ("right", -1))
        for joint, across, up in (("elbow", 0.16, 0.99), ("wrist", 0.13, 1.14))
    }
    bent = {
        "nose": (0.0, 0.62), "neck": (0.0, 0.66), "left_eye": (0.02, 0.635), "right_eye": (-0.02, 0.635),
        "left_ear": (0.042, 0.65), "right_ear": (-0.042, 0.65), "left_shoulder": (0.11, 0.67),
        "right_shoulder": (-0.11, 0.67), "left_elbow": (0.15, 0.50), "right_elbow": (-0.15, 0.50),
        "left_wrist": (0.14, 0.35), "right_wrist": (-0.14, 0.35),
    }  # fmt: skip
    hidden = standing_pose(HEIGHT)
    scores = hidden.scores.copy()
    scores[0, [_J["left_elbow"], _J["left_wrist"], _J["right_ankle"]]] = 0
    return {
        "standing": standing_pose(HEIGHT),
        "crouch": _crouching(),
        "side view": _sideways(0.15),
        "arms crossed": _with(crossed),
        "one-legged": _with(one_leg),
        "arms up": _with(raised),
        "bent over": _with(bent),
        "joints hidden": replace(hidden, scores=scores),
        "child": _child(),
        "giant": standing_pose(0.95),
        "far left": standing_pose(0.5, (0.18, 0.6)),
        "upper right, wide canvas": standing_pose(0.5, (0.8, 0.35), (1920, 1080)),
    }


def stature(poses: PoseSequence) -> tuple[float, float]:
    """Body height in pixels (`body_height`), and legs relative to the trunk, both by their longer frames."""
    from tempose_pose.reference import body_height, segment_lengths

    lengths = np.nanpercentile(segment_lengths(poses), 90, axis=0)
    return body_height(poses), float((lengths[2] + lengths[3]) / max(lengths[1], 1e-6))

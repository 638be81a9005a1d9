"""A single pose on the wire."""

from __future__ import annotations

from typing import Any

import numpy as np

from tempose_pose.limits import FPS
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18, skeleton
from tempose_pose.wire.arrays import decode

UNNAMED = OPENPOSE_18.name
"""The skeleton of poses that name none."""


def pose_body(pose: PoseSequence) -> dict[str, Any]:
    """The wire form of a single pose: keypoints as shares of the canvas."""
    return {
        "skeleton": pose.skeleton.name,
        "keypoints": [[round(float(x), 6), round(float(y), 6)] for x, y in pose.keypoints[0]],
        "scores": [round(float(score), 4) for score in pose.scores[0]],
        "canvas": list(pose.canvas),
    }


def pose_of(body: dict[str, Any], name: str = "reference") -> PoseSequence:
    """The inverse of `pose_body`; raises `TemposeError` if the body contradicts itself."""
    bones = skeleton(body.get("skeleton", UNNAMED))
    keypoints = decode(
        np.asarray(body["keypoints"], np.float32)[None], f"{name}.keypoints", (1, len(bones), 2)
    )
    scores = decode(np.asarray(body["scores"], np.float32)[None], f"{name}.scores", (1, len(bones)))
    width, height = body["canvas"]
    return PoseSequence(keypoints, scores, FPS, bones, (int(width), int(height)))

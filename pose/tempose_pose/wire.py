"""What is said between Blender and the server, as both write and read it (docs/server.md)."""

from __future__ import annotations

from typing import Any

from tempose_pose.sequence import PoseSequence


def pose_body(pose: PoseSequence) -> dict[str, Any]:
    """A single pose as a request says it: keypoints as shares of the canvas."""
    return {
        "skeleton": pose.skeleton.name,
        "keypoints": [[round(float(x), 6), round(float(y), 6)] for x, y in pose.keypoints[0]],
        "scores": [round(float(score), 4) for score in pose.scores[0]],
        "canvas": list(pose.canvas),
    }

"""Our own JSON: a skeleton by its name and keypoints as shares of the canvas, for one frame or more."""

from __future__ import annotations

from typing import Any

import numpy as np

from tempose_pose.formats.values import numbers, picture_size, said_rate, settle, unreadable
from tempose_pose.limits import MAX_FILE_FRAMES
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import skeleton


def from_own(data: dict, name: Any, fps: float | None) -> PoseSequence:
    """Poses from parsed JSON; `fps` if it does not state it."""
    if not isinstance(data["skeleton"], str):
        raise unreadable(name, "skeleton must be a name")
    layout = skeleton(data["skeleton"])
    keypoints = numbers(data.get("keypoints"), name)
    scores = numbers(data["scores"], name) if "scores" in data else np.ones(keypoints.shape[:-1])
    canvas = data.get("canvas", [1000, 1000])
    if not isinstance(canvas, list) or len(canvas) != 2:
        raise unreadable(name, "canvas must be width and height")
    if keypoints.ndim == 2:
        keypoints, scores = keypoints[None], np.atleast_2d(scores)
    if len(keypoints) > MAX_FILE_FRAMES:
        raise unreadable(name, f"more than {MAX_FILE_FRAMES} frames")
    fps = said_rate(data, name) or fps
    size, rate = settle(picture_size(canvas[0], canvas[1], name), fps, len(keypoints), name)
    return PoseSequence(keypoints, scores, rate, layout, size)

"""The standing figure, upright and seen from the front: the usual proportions of a body."""

from __future__ import annotations

import numpy as np

from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18

# In body heights: (distance from the middle, height above the floor).
PROPORTIONS = {
    # Shares after Drillis and Contini (1966), the face after COCO annotations.
    "adult": {
        "nose": (0.0, 0.925), "neck": (0.0, 0.820), "shoulder": (0.110, 0.820), "elbow": (0.150, 0.645),
        "wrist": (0.165, 0.495), "hip": (0.065, 0.530), "knee": (0.075, 0.285), "ankle": (0.080, 0.040),
        "eye": (0.018, 0.940), "ear": (0.042, 0.930),
    },
    # Drawn: the large head and short legs of a child of about six years.
    "child": {
        "nose": (0.0, 0.86), "neck": (0.0, 0.73), "shoulder": (0.1, 0.72), "elbow": (0.135, 0.56),
        "wrist": (0.155, 0.42), "hip": (0.06, 0.45), "knee": (0.065, 0.24), "ankle": (0.07, 0.04),
        "eye": (0.028, 0.88), "ear": (0.065, 0.865),
    },
}  # fmt: skip


def template(proportions: str = "adult") -> np.ndarray:
    """Standing figure (18, 2) in body heights, x to the viewer's right, y down, 0 at the middle of the soles."""
    points = []
    for joint in OPENPOSE_18.joints:
        side, _, part = joint.rpartition("_")
        across, up = PROPORTIONS[proportions][part]
        points.append((-across if side == "right" else across, -up))  # its right is the viewer's left
    return np.asarray(points)


def standing_pose(
    height: float = 0.7,
    center: tuple[float, float] = (0.5, 0.5),
    canvas: tuple[int, int] = (1000, 1000),
    fps: float = 30.0,
    proportions: str = "adult",
) -> PoseSequence:
    """One frame of a figure standing upright, seen from the front, on openpose18.

    Parameters
    ----------
    height : float
        Crown to sole, as a share of the canvas height.
    center : (float, float)
        Where the middle of the body goes, as shares of canvas width and height.
    canvas : (int, int)
        Width and height in pixels.
    fps : float
    proportions : str
        Of `PROPORTIONS`.

    Returns
    -------
    PoseSequence
        Keypoints (1, 18, 2), all scores 1; `body_height` of an adult is ``height * canvas[1]`` pixels.
    """
    size = np.asarray(canvas, float)
    pixels = (template(proportions) + np.asarray((0, 0.5))) * height * size[1] + np.asarray(center) * size
    return PoseSequence((pixels / size)[None], np.ones((1, len(OPENPOSE_18))), fps, OPENPOSE_18, canvas)

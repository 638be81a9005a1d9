"""The landmarks of one person in a square of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tempose.blazepose.crops import Crop, upright_turn
from tempose.blazepose.net import Net
from tempose_pose.skeletons import MEDIAPIPE_33

LARGER = 1.25  # the square that is looked at, over the circle round the person
LANDMARKS = len(MEDIAPIPE_33)
MIDDLE, RIM = (
    33,
    34,
)  # landmarks of the circle round the person: between the hips, and straight above on its rim


class BodyLandmarks(NamedTuple):
    """One person.

    Parameters
    ----------
    points : (33, 2) float
        MediaPipe's landmarks, in the picture's pixels.
    scores : (33,) float
        How likely each is there and not hidden, in [0, 1].
    presence : float
        How likely there is a person at all, in [0, 1].
    crop : Crop
        Where they were looked for ...
    circle : (2, 2) float
        ... and where to look next: middle of the hips, and a point on the circle round the person.
    """

    points: np.ndarray
    scores: np.ndarray
    presence: float
    crop: Crop
    circle: np.ndarray


class BodyNet:
    """The landmark network.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path):
        self._net = Net(path)

    def __call__(self, picture: Image.Image, crop: Crop) -> BodyLandmarks:
        """The person in a square."""
        answer = self._net(crop.cut(picture, self._net.size), "landmarks", "presence")
        marks = answer["landmarks"].reshape(-1, 5)  # x, y, z, visible, present
        points = crop.back(marks[:, :2] / self._net.size)
        sure = 1 / (1 + np.exp(-marks[:LANDMARKS, 3:5].min(1)))
        return BodyLandmarks(
            points[:LANDMARKS], sure, float(answer["presence"].item()), crop, points[[MIDDLE, RIM]]
        )

    def mask(self, picture: Image.Image, crop: Crop) -> np.ndarray:
        """(S, S) how likely each pixel of a square belongs to its person."""
        return self._net(crop.cut(picture, self._net.size), "mask")["mask"][..., 0]


def round_person(middle: np.ndarray, rim: np.ndarray, larger: float = LARGER) -> Crop:
    """The square to look at, from the circle round a person."""
    radius = float(np.hypot(*(np.asarray(rim) - middle)))
    return Crop(float(middle[0]), float(middle[1]), max(2 * radius * larger, 1.0), upright_turn(middle, rim))

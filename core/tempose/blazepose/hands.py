"""The 21 points of each hand of a person whose arms are known."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tempose.blazepose.crops import Crop, upright_turn
from tempose.blazepose.detector import Detector
from tempose.blazepose.net import Net
from tempose_pose.hands import POINTS
from tempose_pose.skeletons import MEDIAPIPE_33

ROOT, INDEX, MIDDLE, RING = 0, 5, 9, 13  # of the hand's points: its root and knuckles
STRIDES = (8, 16, 16, 16)
PALM = 0.4  # score from which on a palm is one
THERE = 0.5  # presence from which on a hand is one
AROUND = 1.3  # side of the square a palm is looked for in, in lengths of the forearm
OF_PALM, AHEAD = (
    2.6,
    0.5,
)  # side of the square round a hand, in its palm's, and how far it lies towards the fingers
OF_HAND = 2.0  # the same in the extent of its points
NEAR = 0.6  # forearms between wrist and hand, up to which it is this arm's hand


class Hand(NamedTuple):
    """One hand.

    Parameters
    ----------
    points : (21, 2) float
        In the picture's pixels: the root, then four of each finger from the palm outwards, thumb first.
    presence : float
        How likely it is one, in [0, 1].
    """

    points: np.ndarray
    presence: float


class HandNets:
    """Palm detector and hand landmarks.

    Parameters
    ----------
    palm, hand : Path
    """

    def __init__(self, palm: Path, hand: Path):
        self._palms, self._hand = Detector(palm, STRIDES, 0.0), Net(hand)

    def __call__(
        self,
        picture: Image.Image,
        points: np.ndarray,
        side: str,
        last: Hand | None = None,
        search: bool = True,
    ) -> Hand | None:
        """The hand of an arm.

        Parameters
        ----------
        points : (33, 2)
            The person's landmarks.
        side : str
            left or right.
        last : Hand, optional
            Where it was a frame ago.
        search : bool
            Whether to look for it where it was not, which takes twice as long.
        """
        at = MEDIAPIPE_33.at
        elbow, wrist = points[at[f"{side}_elbow"]], points[at[f"{side}_wrist"]]
        forearm = max(float(np.hypot(*(wrist - elbow))), 0.3 * _trunk(points))
        found = self._in(picture, round_hand(last.points)) if last else None
        if search and (found is None or not self._is_his(found, wrist, forearm)):
            knuckles = points[[at[f"{side}_{finger}"] for finger in ("index", "pinky")]].mean(0)
            found = self._searched(picture, wrist, knuckles, forearm)
        return found if found is not None and self._is_his(found, wrist, forearm) else None

    def _searched(
        self, picture: Image.Image, wrist: np.ndarray, knuckles: np.ndarray, forearm: float
    ) -> Hand | None:
        area = Crop(float(knuckles[0]), float(knuckles[1]), AROUND * forearm)
        palms = self._palms(picture, PALM, area)
        if len(palms.scores):
            near = int(np.argmin(np.hypot(*(palms.points[:, ROOT] - wrist).T)))
            return self._in(picture, round_palm(palms.boxes[near], palms.points[near]))
        reach = max(float(np.hypot(*(knuckles - wrist))), 0.15 * forearm)
        middle = wrist + 1.2 * (knuckles - wrist)
        return self._in(
            picture, Crop(float(middle[0]), float(middle[1]), 5 * reach, upright_turn(wrist, knuckles))
        )

    def _in(self, picture: Image.Image, crop: Crop) -> Hand | None:
        answer = self._hand(crop.cut(picture, self._hand.size), "landmarks", "presence")
        points = crop.back(answer["landmarks"].reshape(POINTS, 3)[:, :2] / self._hand.size)
        presence = float(answer["presence"].item())
        return Hand(points, presence) if presence >= THERE else None

    @staticmethod
    def _is_his(hand: Hand, wrist: np.ndarray, forearm: float) -> bool:
        return float(np.hypot(*(hand.points[ROOT] - wrist))) <= NEAR * forearm


def _trunk(points: np.ndarray) -> float:
    at = MEDIAPIPE_33.at
    middles = [points[[at[f"left_{j}"], at[f"right_{j}"]]].mean(0) for j in ("shoulder", "hip")]
    return float(np.hypot(*(middles[0] - middles[1])))


def round_palm(box: np.ndarray, points: np.ndarray) -> Crop:
    """The square round a hand, from its palm's box and key points (wrist first, root of the middle finger third)."""
    turn = upright_turn(points[0], points[2])
    side = float(max(box[2:] - box[:2]))
    middle = (box[:2] + box[2:]) / 2 + AHEAD * side * np.array([np.sin(turn), -np.cos(turn)])
    return Crop(float(middle[0]), float(middle[1]), max(OF_PALM * side, 1.0), turn)


def round_hand(points: np.ndarray) -> Crop:
    """The square to look for a hand in, from where its points were."""
    turn = upright_turn(points[ROOT], points[[INDEX, MIDDLE, MIDDLE, RING]].mean(0))
    cos, sin = np.cos(-turn), np.sin(-turn)
    middle = points.mean(0)
    upright = (points - middle) @ np.array([[cos, sin], [-sin, cos]])
    low, high = upright.min(0), upright.max(0)
    side = float(max(high - low))
    off = (low + high) / 2 - np.array([0, 0.1 * side])
    turned = off @ np.array([[cos, -sin], [sin, cos]])
    place = middle + turned
    return Crop(float(place[0]), float(place[1]), max(OF_HAND * side, 1.0), turn)

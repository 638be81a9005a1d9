"""Where people or palms are: a single-shot detector's boxes and key points, decoded and thinned out.

The anchors and how the answers are read follow MediaPipe's graphs ``pose_detection_cpu`` and ``palm_detection_cpu``.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tempose.blazepose.crops import Crop
from tempose.blazepose.net import Net

OVERLAP = 0.3  # of two boxes, from which on they are one find


class Found(NamedTuple):
    """What was found, the surest first.

    Parameters
    ----------
    boxes : (N, 4) float
        Left, top, right, bottom in the picture's pixels, as upright as the piece that was looked at.
    points : (N, P, 2) float
        The detector's own key points, in the picture's pixels.
    scores : (N,) float
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray


class Detector:
    """A detector of a network file.

    Parameters
    ----------
    path : Path
    strides : tuple of int
        Pixels between anchors, of each of its layers.
    low : float
        What black is in its input; white is 1.
    """

    def __init__(self, path: Path, strides: tuple[int, ...], low: float):
        self._net, self._low = Net(path), low
        self._anchors = anchors(self._net.size, strides)

    def __call__(self, picture: Image.Image, least: float, within: Crop | None = None) -> Found:
        """What is found with at least that score, in a piece of the picture or in all of it."""
        crop, size = within or Crop.whole(picture), self._net.size
        cut = crop.cut(picture, size) * (1 - self._low) + self._low
        answer = self._net(cut, "boxes", "scores")
        scores = 1 / (1 + np.exp(-np.clip(answer["scores"][:, 0].astype(float), -100, 100)))  # (A,)
        sure = np.flatnonzero(scores >= least)
        raw = (
            answer["boxes"][sure].reshape(len(sure), answer["boxes"].shape[1] // 2, 2) / size
        )  # (N, middle, size, key points…)
        middle, extent = raw[:, 0] + self._anchors[sure], raw[:, 1]
        points = raw[:, 2:] + self._anchors[sure, None]
        boxes = np.concatenate([middle - extent / 2, middle + extent / 2], 1)
        boxes, points, scores = merged(boxes, points, scores[sure])
        corners = crop.back(boxes.reshape(-1, 2, 2))
        return Found(corners.reshape(-1, 4), crop.back(points), scores)


def anchors(size: int, strides: tuple[int, ...]) -> np.ndarray:
    """(A, 2) middles of the anchors in shares of the picture: two a cell and layer, layers of one stride together."""
    out = []
    for stride in sorted(set(strides)):
        count = -(-size // stride)
        y, x = np.mgrid[:count, :count]
        cells = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / count
        out.append(np.repeat(cells, 2 * strides.count(stride), axis=0))
    return np.concatenate(out)


def merged(
    boxes: np.ndarray, points: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds of which each is the mean, weighted by score, of those that overlap it; its score is the highest."""
    kept, left = [], np.argsort(-scores)
    while len(left):
        shared = overlap(boxes[left[0]], boxes[left])
        same = left[(shared > OVERLAP) | (left == left[0])]
        weight = scores[same] / scores[same].sum()
        kept.append((weight @ boxes[same], np.tensordot(weight, points[same], 1), scores[left[0]]))
        left = left[~np.isin(left, same)]
    if not kept:
        return boxes[:0], points[:0], scores[:0]
    return np.stack([k[0] for k in kept]), np.stack([k[1] for k in kept]), np.asarray([k[2] for k in kept])


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) intersection over union of a box with others."""
    size = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return size / np.maximum((box[2:] - box[:2]).prod() + areas - size, 1e-9)

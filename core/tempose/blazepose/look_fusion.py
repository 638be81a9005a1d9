"""One figure from several looks at it: drawings are read differently in squares that differ a little.

What all looks agree on is right far more often than what the network calls sure: on drawn figures
(`scripts/measure_pictures.py`) joints on which the looks differ by less than 0.03 trunks were right in all cases,
by 0.2 to 0.4 trunks in four of ten, at equal scores. So the spread between looks makes the confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from tempose.blazepose.body import BodyLandmarks, BodyNet, round_person
from tempose.blazepose.crops import Crop
from tempose_pose.skeletons import MEDIAPIPE_33

SCALES = (0.9, 1.0, 1.15)  # of the square round a person
DOUBTFUL = 0.25  # trunks by which the looks differ where a joint is as likely right as wrong
LIMBS = MEDIAPIPE_33.indices(
    *(f"{s}_{j}" for j in ("shoulder", "hip", "elbow", "knee", "wrist", "ankle") for s in ("left", "right"))
)
FLIP = np.asarray(MEDIAPIPE_33.flip)


def looked_at(net: BodyNet, picture: Image.Image, crops: Sequence[Crop]) -> BodyLandmarks | None:
    """The person that all these squares show; None where no square shows one.

    Each is looked at twice, the second time where the first look would look next.
    """
    first = [net(picture, crop) for crop in crops]
    looks = first + [net(picture, round_person(*body.circle)) for body in first if body.presence >= 0.5]
    looks = [body for body in looks if body.presence >= 0.5]
    return fused(looks) if looks else None


def scaled(crop: Crop) -> list[Crop]:
    """A square in several sizes."""
    return [replace(crop, side=crop.side * scale) for scale in SCALES]


def fused(looks: Sequence[BodyLandmarks]) -> BodyLandmarks:
    """The median of the looks, with a confidence that falls with their spread."""
    looks = one_sided(looks)
    points = np.stack([body.points for body in looks])  # (L, 33, 2)
    weights = np.stack([body.presence * (0.05 + body.scores) for body in looks])
    middle = np.stack([_median(points[..., axis], weights) for axis in range(2)], -1)
    off = np.hypot(*np.moveaxis(points - middle, -1, 0))  # (L, 33)
    spread = np.sqrt(np.average(off**2, axis=0, weights=weights)) / max(trunk(middle), 1e-6)
    scores = np.average([body.scores for body in looks], axis=0, weights=weights)
    agreed = 1 / (1 + (spread / DOUBTFUL) ** 2)
    nearest = min(looks, key=lambda body: float(np.median(np.abs(body.points - middle))))
    presence = float(np.mean([body.presence for body in looks]))
    return nearest._replace(points=middle, scores=scores * agreed, presence=presence)


def one_sided(looks: Sequence[BodyLandmarks]) -> list[BodyLandmarks]:
    """Looks that agree which side is left: what most say, as a figure without a face looks both ways."""
    others = [body._replace(points=body.points[FLIP], scores=body.scores[FLIP]) for body in looks]
    first = looks[0].points[LIMBS]
    swapped = [
        np.abs(b.points[LIMBS] - first).sum() > np.abs(o.points[LIMBS] - first).sum()
        for b, o in zip(looks, others, strict=True)
    ]
    votes = sum((-1 if s else 1) * b.presence for b, s in zip(looks, swapped, strict=True))
    return [o if s == (votes >= 0) else b for b, o, s in zip(looks, others, swapped, strict=True)]


def trunk(points: np.ndarray) -> float:
    """Pixels from the middle of the shoulders to the middle of the hips."""
    shoulders, hips = points[LIMBS[:2]].mean(0), points[LIMBS[2:4]].mean(0)
    return float(np.hypot(*(shoulders - hips)))


def _median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(K,) weighted median over the first axis of (L, K) values."""
    order = np.argsort(values, 0)
    total = np.cumsum(np.take_along_axis(weights, order, 0), 0)
    place = (total >= total[-1] / 2).argmax(0)
    return np.take_along_axis(values, np.take_along_axis(order, place[None], 0), 0)[0]

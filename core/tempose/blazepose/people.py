"""Everybody in a picture: people, and figures that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tempose.blazepose.body import BodyLandmarks, BodyNet, round_person
from tempose.blazepose.crops import Crop
from tempose.blazepose.detector import Detector, overlap
from tempose.blazepose.figures import figure_boxes, round_box
from tempose.blazepose.hands import Hand, HandNets
from tempose.blazepose.look_fusion import FLIP, LIMBS, looked_at, scaled

HERE = Path(__file__).parent
STRIDES = (8, 16, 32, 32, 32)
SURE = 0.5  # score of the detector from which on it is a person
HINT = 0.15  # ... from which on it is worth a look where nobody is sure
SURELY = 0.75  # ... of a piece of a photograph, in which parts of people look like people
PIECE = 0.6  # of the shorter side: the side of such pieces
NEAR = 0.45  # of the larger circle's radius: finds whose middles are nearer are one person
WIDE = 1.4  # sides' ratio from which on a picture is looked at in squares too
SAME = 0.5  # overlap of two figures' boxes from which on they are one
FLAT = 10  # of 255 by which a silhouette's own colour may vary
MOST = 12  # people in one picture


class SeenPerson(NamedTuple):
    """A body with its hands, left and right, where they are seen."""

    body: BodyLandmarks
    hands: tuple[Hand | None, Hand | None]


class Nets(NamedTuple):
    """The networks that ship."""

    persons: Detector
    body: BodyNet
    hands: HandNets


@cache
def nets() -> Nets:
    """Loaded once."""
    return Nets(
        Detector(HERE / "person.safetensors", STRIDES, -1.0),
        BodyNet(HERE / "body.safetensors"),
        HandNets(HERE / "palm.safetensors", HERE / "hand.safetensors"),
    )


def find_people(picture: Image.Image) -> list[SeenPerson]:
    """Everybody in a picture (RGB), the surest first."""
    own = nets()
    circles, figures = detected(picture, SURE), figure_boxes(picture)
    if not figures:  # a photograph: people may be small in it
        circles = apart(np.concatenate([circles, detected(picture, SURELY, pieces(picture))]))
    bodies = [looked_at(own.body, picture, scaled(round_person(*c))) for c in circles[:MOST]]
    found = distinct([body for body in bodies if body is not None])
    if len(figures) > 1:  # several drawings beside each other
        alone = [looked_at(own.body, picture, round_box(box)) for box in _without(figures, found)]
        found = distinct([*found, *(body for body in alone if body is not None)])
    if not found:
        drawn = looked_at(own.body, picture, guesses(picture))
        found = [drawn] if drawn is not None else []
    found = [facing(picture, body) for body in found]
    return [SeenPerson(body, hands_of(picture, body)) for body in found]


def facing(picture: Image.Image, body: BodyLandmarks) -> BodyLandmarks:
    """The body, turned to the viewer where it is a silhouette: front and back of one look the same."""
    face, hips = body.points[:11].mean(0), body.points[LIMBS[2:4]].mean(0)
    radius = 0.1 * float(np.hypot(*(face - hips)))
    tones = [patch(picture, place, radius) for place in (face, (face + 2 * hips) / 3)]
    plain = all(len(t) and np.percentile(np.abs(t - np.median(t, 0)), 90) < FLAT for t in tones)
    away = body.points[LIMBS[0], 0] < body.points[LIMBS[1], 0]
    if not (plain and away and np.abs(np.median(tones[0], 0) - np.median(tones[1], 0)).max() < FLAT):
        return body
    return body._replace(points=body.points[FLIP], scores=body.scores[FLIP])


def patch(picture: Image.Image, middle: np.ndarray, radius: float) -> np.ndarray:
    """(N, 3) the colours round a point; none outside the picture."""
    left, top = np.maximum(middle - radius, 0).astype(int)
    right, bottom = np.minimum(middle + radius + 1, picture.size).astype(int)
    if right <= left or bottom <= top:
        return np.zeros((0, 3))
    return np.asarray(picture.crop((left, top, right, bottom)), float).reshape(-1, 3)


def detected(picture: Image.Image, least: float, within: Sequence[Crop] = ()) -> np.ndarray:
    """(N, 2, 2) the circle round each person the detector sees: middle and a point on its rim.

    Parameters
    ----------
    within : sequence of Crop
        Pieces to look at; none: all of the picture, and squares where it is long.
    """
    persons, looks = nets().persons, list(within) or [Crop.whole(picture)]
    if not within and max(picture.size) >= WIDE * min(picture.size):
        looks += squares(picture)
    found = [persons(picture, least, piece) for piece in looks]
    points = np.concatenate([f.points[:, :2] for f in found])
    return apart(points[np.argsort(-np.concatenate([f.scores for f in found]), kind="stable")])


def apart(circles: np.ndarray) -> np.ndarray:
    """Circles (N, 2, 2) without those that are round the same person as one before."""
    kept: list[np.ndarray] = []
    for circle in circles:
        radius = np.hypot(*(circle[1] - circle[0]))
        far = [np.hypot(*(o[0] - circle[0])) / max(radius, np.hypot(*(o[1] - o[0])), 1e-9) for o in kept]
        if min(far, default=1.0) > NEAR:
            kept.append(circle)
    return np.stack(kept) if kept else circles


def pieces(picture: Image.Image) -> list[Crop]:
    """Overlapping squares all over a picture, for people who are small in it."""
    side = PIECE * min(picture.size)

    def middles(extent: int) -> list[float]:
        count = int(np.ceil((extent - side) / (0.5 * side))) + 1
        return np.linspace(side / 2, extent - side / 2, count).tolist()

    return [Crop(x, y, side) for y in middles(picture.height) for x in middles(picture.width)]


def squares(picture: Image.Image) -> list[Crop]:
    """Squares that cover a long picture, overlapping."""
    width, height = picture.size
    side, long = min(width, height), max(width, height)
    count = int(np.ceil((long - side) / (0.6 * side))) + 1
    middles = np.linspace(side / 2, long - side / 2, count)
    return [
        Crop(m, side / 2, side) if width > height else Crop(side / 2, m, side) for m in map(float, middles)
    ]


def guesses(picture: Image.Image) -> list[Crop]:
    """Where to look for a figure of which the detector is not sure: its hints, and what is not background."""
    crops = [round_person(*circle) for circle in detected(picture, HINT)[:1]]
    if boxes := figure_boxes(picture):
        ends = np.stack(boxes)
        crops += round_box(np.concatenate([ends[:, :2].min(0), ends[:, 2:].max(0)]))
    return crops or [Crop.whole(picture)]


def _without(boxes: Sequence[np.ndarray], bodies: Sequence[BodyLandmarks]) -> list[np.ndarray]:
    """The boxes in which no body has the middle of its trunk."""
    middles = [body.points[LIMBS[:4]].mean(0) for body in bodies]
    return [
        box for box in boxes if not any((box[:2] <= at).all() and (at <= box[2:]).all() for at in middles)
    ]


def distinct(bodies: list[BodyLandmarks]) -> list[BodyLandmarks]:
    """Each figure once: of those in one place the surest."""
    kept: list[BodyLandmarks] = []
    for body in sorted(bodies, key=lambda b: -b.presence * b.scores.mean()):
        others = np.stack([extent(b) for b in kept]) if kept else np.zeros((0, 4))
        if not (overlap(extent(body), others) > SAME).any():
            kept.append(body)
    return kept


def extent(body: BodyLandmarks) -> np.ndarray:
    """(4,) left, top, right and bottom of what is seen of a body, else of all of it."""
    seen = body.points[body.scores > 0.3] if (body.scores > 0.3).sum() > 2 else body.points
    return np.concatenate([seen.min(0), seen.max(0)])


def hands_of(
    picture: Image.Image,
    body: BodyLandmarks,
    last: tuple[Hand | None, Hand | None] = (None, None),
    search: bool = True,
) -> tuple[Hand | None, Hand | None]:
    """The hands at the ends of a body's arms; without `search` those alone that were there a frame ago."""
    left, right = (
        nets().hands(picture, body.points, side, before, search)
        for side, before in zip(("left", "right"), last, strict=True)
    )
    return left, right

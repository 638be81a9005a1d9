"""Everybody in a picture: people, and figures that are drawn."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tempose.blazepose.body import BodyLandmarks, BodyNet, round_person
from tempose.blazepose.crops import Crop
from tempose.blazepose.detector import Detector, overlap
from tempose.blazepose.hands import Hand, HandNets
from tempose.blazepose.look_fusion import FLIP, LIMBS, looked_at, scaled

HERE = Path(__file__).parent
STRIDES = (8, 16, 32, 32, 32)
SURE = 0.5  # score of the detector from which on it is a person
HINT = 0.15  # ... from which on it is worth a look where nobody is sure
WIDE = 1.4  # sides' ratio from which on a picture is looked at in squares too
SAME = 0.5  # overlap of two figures' boxes from which on they are one
PLAIN = 24  # of 255 by which the background's colour may vary
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
    circles = detected(picture, SURE)
    bodies = [looked_at(own.body, picture, scaled(round_person(*c))) for c in circles[:MOST]]
    found = distinct([body for body in bodies if body is not None])
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


def detected(picture: Image.Image, least: float) -> np.ndarray:
    """(N, 2, 2) the circle round each person the detector sees: middle and a point on its rim."""
    persons, pieces = nets().persons, [Crop.whole(picture)]
    if max(picture.size) >= WIDE * min(picture.size):
        pieces += squares(picture)
    found = [persons(picture, least, piece) for piece in pieces]
    points = np.concatenate([f.points[:, :2] for f in found])
    return points[np.argsort(-np.concatenate([f.scores for f in found]), kind="stable")]


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
    if (box := figure_box(picture)) is not None:
        left, top, right, bottom = box
        side = float(max(right - left, bottom - top))
        whole = Crop((left + right) / 2, (top + bottom) / 2, side)
        crops += [Crop(whole.x, whole.y, side * scale) for scale in (1.0, 1.15, 1.35)]
    return crops or [Crop.whole(picture)]


def figure_box(picture: Image.Image) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of what stands before a plain background; None where there is none."""
    pixels = np.asarray(picture, np.int16)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    plain = np.median(edge, 0)
    if (np.abs(edge - plain).max(-1) <= PLAIN).mean() < 0.75:
        return None
    ys, xs = np.nonzero(np.abs(pixels - plain).max(-1) > PLAIN)
    return (float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())) if len(xs) else None


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

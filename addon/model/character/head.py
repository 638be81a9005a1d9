# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure's head from the front, the side and the back: the same shapes, placed anew for each view. No bpy.

Between views the shapes move in straight lines, so that half-way to the side is a three-quarter view.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

VIEWS = ("side right", "side left", "back")
"""What there is beside the front; right and left of the picture."""
BEHIND = 16.0  # layers: shapes that a view does not show lie behind the head
CORNERS = 40  # of a round shape
LEAN = math.radians(
    25
)  # by which a nose in profile is before its neck: so far the head is turned back upright,
BACK = 0.5  # and so many radii it is behind its nose


@dataclass
class Part:
    """One shape of a head, in radii from its middle.

    Parameters
    ----------
    colour, bone : str
    layer : float
        Nearer to the viewer is smaller.
    front : (N, 2) float
    views : dict of view → ((N, 2) float, layer)
        The views in which it differs.
    """

    colour: str
    bone: str
    layer: float
    front: np.ndarray
    views: dict = field(default_factory=dict)


def round_shape(x: float, y: float, wide: float, high: float, boxed: bool = False) -> np.ndarray:
    """An ellipse, or a box with small corners."""
    turn = np.linspace(0, 2 * math.pi, CORNERS, endpoint=False)
    way = np.stack([np.cos(turn), np.sin(turn)], 1)
    if boxed:
        way = np.clip(1.25 * way / np.abs(way).max(1, keepdims=True), -1, 1)
        way *= 1 - 0.08 * (np.abs(way) > 0.7).all(1)[:, None]
    return np.array([x, y]) + way * (wide, high)


def _mirrored(points: np.ndarray) -> np.ndarray:
    """Each half mirrored, in such an order that every point keeps its position along the outline."""
    halves = np.split(points * (-1, 1), 2)
    return np.concatenate([half[::-1] for half in halves])


def _upright(points: np.ndarray, sign: int = 1) -> np.ndarray:
    """Points of a head that looks to the right (or, with -1, to the left), placed on a leaning neck."""
    cos, sin = math.cos(LEAN), sign * math.sin(LEAN)
    return (points - (sign * BACK, 0)) @ np.array([[cos, sin], [-sin, cos]])


def _sided(part: Part, side: np.ndarray, shown: bool = True) -> Part:
    """The part with its place when the head looks to the right, and to the left."""
    layer = part.layer if shown else BEHIND
    side = _upright(side)
    part.views["side right"] = side, layer
    part.views["side left"] = _mirrored(side), layer
    return part


def _hair(boxed: bool) -> Part:
    """The hair: a fringe from the front, the back half from the side, everything from behind."""
    turn = np.linspace(-0.1, math.pi + 0.1, CORNERS // 2)
    outer = 1.04 * np.stack([np.cos(turn), 1.02 * np.sin(turn)], 1)
    if boxed:
        outer = np.clip(1.3 * outer, -1.0, 1.0)
    across = np.linspace(-1, 1, CORNERS // 2)
    fringe = np.stack([0.95 * across, 0.42 + 0.16 * np.cos(1.5 * across)], 1)
    nape = np.stack([1.0 * across, -0.75 * np.sqrt(1 - 0.9 * across**2) - 0.1], 1)
    x = np.interp(across, [-1, -0.2, 1], [-0.9, -0.35, 0.85])
    y = np.interp(across, [-1, -0.2, 0.1, 1], [-0.75, -0.4, 0.35, 0.45])
    from_side = np.stack([x, y], 1)
    part = Part("hair", "crown", -6.5, np.concatenate([outer, fringe]))
    part.views["back"] = np.concatenate([outer, nape]), -6.9
    return _sided(part, np.concatenate([outer, from_side]))


def parts(boxed: bool, tufts: Sequence[tuple[float, float, float]]) -> list[Part]:
    """The shapes of a head, back to front, without the eyes, which have bones of their own."""
    hair = round_shape(0, 0.06, 1.06, 1.08, boxed)
    found = [_sided(Part("hair", "crown", -1.5, hair), hair)]
    for x, y, r in tufts:
        tuft = Part("hair", "crown", -1.45, round_shape(x, y, r, r))
        found.append(_sided(tuft, round_shape(-0.75 if x else 0, y, r, r)))
    for x in (-1, 1):
        ear = Part("skin far", "crown", -1.6, round_shape(0.97 * x, -0.12, 0.16, 0.22, boxed))
        for way, sign in (("side right", 1), ("side left", -1)):
            side = _upright(round_shape(-0.12 * sign, -0.12, 0.17, 0.22, boxed), sign)
            ear.views[way] = side, -6.6 if x == sign else BEHIND
        found.append(ear)
    face = Part("skin", "crown", -6.0, round_shape(0, -0.08, 0.93, 0.96, boxed))
    found.append(_sided(face, round_shape(0.06, -0.08, 0.93, 0.96, boxed)))
    found.append(_hair(boxed))
    nose = Part("skin far", "crown", -6.7, round_shape(0, -0.16, 0.09, 0.11, boxed))
    nose.views["back"] = round_shape(0, -0.16, 0.09, 0.11, boxed), BEHIND
    found.append(_sided(nose, round_shape(0.98, -0.16, 0.15, 0.11, boxed)))
    mouth = Part("mouth", "crown", -6.7, _mouth(0, 0.34))
    mouth.views["back"] = _mouth(0, 0.34), BEHIND
    found.append(_sided(mouth, _mouth(0.7, 0.17)))
    return found


def _mouth(x: float, wide: float) -> np.ndarray:
    """A smile: a thin crescent."""
    across = np.linspace(-1, 1, CORNERS // 2)
    low = np.stack([x + wide * across, -0.5 - 0.16 * (1 - across**2)], 1)
    high = np.stack([x + wide * across[::-1], -0.5 - 0.06 * (1 - across[::-1] ** 2)], 1)
    return np.concatenate([low, high])


def seen_from(face: Sequence[float], apart: float, wide: float) -> dict[str, float]:
    """How much of each view a head shows, 0 to 1, as the drivers compute it (see `expressions`).

    Parameters
    ----------
    face : four of float
        Left eye, right eye, nose and neck: their x in the picture.
    apart, wide : float
        The eyes at rest, and the head.
    """
    values = {**dict(zip("lrnk", face, strict=True)), "min": min, "max": max, "abs": abs}
    return {view: eval(text, {}, values) for view, text in expressions(apart, wide).items()}


def expressions(apart: float, wide: float) -> dict[str, str]:
    """The same as driver expressions, of the eyes' positions l and r, the nose's n and the neck's k."""
    turned = f"max(0,min(1,1.15-1.2*abs(l-r)/{apart:.5g}))"
    way = f"max(0,min(1,.5{{}}(n-k)/{0.3 * wide:.5g}))"
    behind = f"max(0,min(1,(-.2-(l-r)/{apart:.5g})*4))"
    return {
        "side right": f"{turned}*{way.format('+')}",
        "side left": f"{turned}*{way.format('-')}",
        "back": behind,
    }

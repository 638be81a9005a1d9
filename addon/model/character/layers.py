# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure's picture cut apart into layers that can pass before and behind each other. No bpy in here.

At rest the layers show the original picture. Hidden areas are filled in with the colours of their own layer; limbs
and head take the ball of their joint along, so that no gap opens where they turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from . import anatomy, territories
from .anatomy import PARTS
from .backdrop import enlarged
from .cutout import CLEAR
from .depth import LEVELS
from .filling import filled
from .layer_pixels import LabelledFigure, layer_of
from .masks import blurred, depths, dilated, rim

WORKING = 240  # pixels along the figure's longer side on which it is cut apart
OUTLINE = 0.004  # of the figure's longer side: half the width of the line around a limb
TERRITORIES = 0.4  # of the work, once each pixel is assigned to a part
FRINGE = 2  # pixels at the figure's edge that may still have the colour of the removed backdrop


@dataclass(frozen=True, eq=False)
class Layer:
    """One part of a figure.

    Parameters
    ----------
    part : str
        One of `anatomy.PARTS`.
    corner : (int, int)
        x, y of its first pixel in the picture.
    pixels : (h, w, 4) float32
        Colour and alpha, the first row on top.
    level : float
        See `depth.LEVELS`.
    """

    part: str
    corner: tuple[int, int]
    pixels: np.ndarray
    level: float


def cut_apart(
    pixels: np.ndarray,
    alpha: np.ndarray,
    points: np.ndarray,
    more: dict,
    levels: Mapping[str, float] = LEVELS,
    tell: Callable[[float], None] = lambda _share: None,
) -> list[Layer]:
    """The layers of a figure, the front one first.

    Parameters
    ----------
    pixels : (H, W, 4) float
        0 to 1, the first row on top.
    alpha : (H, W) float
        How much of each pixel is the figure.
    points : (18, 2) float
        Joints in pixels.
    more : dict of joint → (2,)
        Hands and feet, where they are known.
    levels : of part
        How far in front of the trunk each part is.
    tell : callable
        Gets how much is done, from 0 to 1.
    """
    rows, columns = (np.flatnonzero((alpha > CLEAR).any(axis)) for axis in (1, 0))
    corner = np.array([columns[0], rows[0]])
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    cleared = not np.array_equal(alpha, pixels[..., 3])
    colours, alpha = pixels[box][..., :3].astype(np.float32), alpha[box].astype(np.float32)
    step = max(1, int(np.ceil(max(alpha.shape) / WORKING)))
    labels = _labels(
        colours, alpha, _scaled(points, corner, step), _all_scaled(more, corner, step), step, levels
    )
    tell(TERRITORIES)
    depth = depths(np.pad(alpha[::step, ::step] > 0.5, 1))[1:-1, 1:-1] * step
    body = anatomy.of_joints(points - corner, {j: np.subtract(p, corner) for j, p in more.items()},
                             _repeated(depth, step, alpha.shape))  # fmt: skip
    order = sorted(PARTS, key=lambda part: -levels[part])
    line = max(1, round(OUTLINE * max(alpha.shape)))
    if cleared:  # the edge is mixed with the backdrop's colour
        inner = (alpha > 0.9) & ~rim(alpha, FRINGE)
        colours, alpha = filled(colours, inner), alpha * (1 - 0.5 * rim(alpha, 1))
    labels = _with_outlines(labels, order, line)
    figure = LabelledFigure(colours, alpha, labels, body, order, line)
    out = []
    for number, part in enumerate(order):
        tell(TERRITORIES + (1 - TERRITORIES) * number / len(order))
        if (made := layer_of(figure, part)) is not None:
            (x, y), own = made
            out.append(Layer(part, (int(corner[0] + x), int(corner[1] + y)), own, levels[part]))
    return out


def _scaled(points: np.ndarray, corner: np.ndarray, step: int) -> np.ndarray:
    return (np.asarray(points, float) - corner + 0.5) / step - 0.5


def _all_scaled(more: dict, corner: np.ndarray, step: int) -> dict:
    return {joint: _scaled(point, corner, step) for joint, point in more.items()}


def _repeated(small: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.repeat(small, step, 0), step, 1)[: shape[0], : shape[1]]


def _labels(
    colours: np.ndarray,
    alpha: np.ndarray,
    points: np.ndarray,
    more: dict,
    step: int,
    levels: Mapping[str, float],
) -> np.ndarray:
    """(H, W) int: index into `PARTS` of each pixel of the figure, -1 outside."""
    rows, columns = -(-alpha.shape[0] // step), -(-alpha.shape[1] // step)
    pads = ((0, rows * step - alpha.shape[0]), (0, columns * step - alpha.shape[1]))

    def small(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, (*pads, *[(0, 0)] * (values.ndim - 2)))
        return padded.reshape(rows, step, columns, step, *values.shape[2:]).mean((1, 3))

    cover = small(alpha)
    solid = cover > 0.3
    tint = small(colours * alpha[..., None]) / np.maximum(cover, 1e-6)[..., None]
    body = anatomy.of_joints(points, more, depths(np.pad(solid, 1))[1:-1, 1:-1])
    found = territories.of_pixels(tint, solid, body, levels)
    best, labels = np.full(alpha.shape, -1.0, np.float32), np.full(alpha.shape, -1, np.int8)
    for number in range(len(PARTS)):  # smooths the steps
        share = enlarged(blurred((found == number).astype(np.float32)), (rows * step, columns * step))
        share = share[: alpha.shape[0], : alpha.shape[1]]
        better = share > np.maximum(best, 0)
        best[better], labels[better] = share[better], number
    labels[alpha <= CLEAR] = -1
    return labels


def _with_outlines(labels: np.ndarray, order: list[str], by: int) -> np.ndarray:
    """Each part widened by the outline where it is in front of another."""
    out = labels.copy()
    lower = [PARTS.index(part) for part in order]
    for part in order:
        lower.remove(PARTS.index(part))
        grown = dilated(out == PARTS.index(part), by) & np.isin(out, lower)
        out[grown] = PARTS.index(part)
    return out

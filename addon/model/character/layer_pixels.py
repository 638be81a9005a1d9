# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of one layer: the visible part, what others hide of it, and the ball that it turns on. No bpy."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .anatomy import ARMS, HEAD, LEGS, PARTS, TRUNK, Anatomy, Rod
from .cutout import CLEAR
from .filling import filled
from .masks import blurred, dilated, rim
from .territories import grid, nearness

BALL = 0.95  # radius, in half widths of the limb, of the ball that it takes along from the trunk
SOFT = 0.2  # of that, over which the ball fades
SEEN = 0.4  # share of a limb that has to be seen; below it, the other side's limb is used


@dataclass(frozen=True, eq=False)
class LabelledFigure:
    """A figure with a label for each pixel.

    Parameters
    ----------
    colours, alpha : (H, W, 3), (H, W) float32
    labels : (H, W) int
        Index into `PARTS`, -1 outside.
    body : Anatomy
    order : parts, the front one first
    line : int
        Half the width of an outline, in pixels.
    """

    colours: np.ndarray
    alpha: np.ndarray
    labels: np.ndarray
    body: Anatomy
    order: list[str]
    line: int

    def of(self, parts: Iterable[str]) -> np.ndarray:
        """(H, W) bool: where some parts are seen."""
        return np.isin(self.labels, [PARTS.index(part) for part in parts])


def layer_of(figure: LabelledFigure, part: str) -> tuple[tuple[int, int], np.ndarray] | None:
    """x, y of the first pixel, and pixels (h, w, 4), of a part; None if nothing of it is there."""
    place = figure.order.index(part)
    own, before = figure.of([part]), figure.of(figure.order[:place])
    after = figure.of(figure.order[place + 1 :])
    hidden = before & (_inside(figure, part) | dilated(own, 2))
    if part == TRUNK:
        hidden |= before & _between(own) & figure.of((*ARMS, HEAD))
    ball = (
        np.zeros(own.shape) if part == TRUNK else np.where(after, _ball(figure.body[part][0], own.shape), 0.0)
    )
    whole = own | hidden | (ball > 0)
    if not whole.any():
        return None
    rows, columns = (np.flatnonzero(whole.any(axis)) for axis in (1, 0))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    box = slice(top, rows[-1] + 2), slice(left, columns[-1] + 2)
    told = own & ~rim(figure.alpha, figure.line * 2) & ~dilated(before, figure.line * 2)
    kept = own & (figure.alpha > CLEAR) & ~dilated(before, 1)
    if told.sum() < 0.05 * own.sum():  # as thin as its outline
        told = kept
    colours = figure.colours
    if part not in (TRUNK, HEAD) and own.sum() < SEEN * whole.sum():
        colours, told = _as_the_other(figure, part, whole & ~kept, told)
    if told.sum() < 4:
        colours, told = np.broadcast_to(_usual(figure, part), colours.shape), np.ones_like(own)
    full = filled(colours[box], told[box])
    shown = kept[box] | (ball[box] > 0) & ~hidden[box]
    alpha = figure.alpha[box]
    covered = blurred(hidden[box].astype(np.float32)) * hidden[box]
    shade = np.where(own[box], alpha, np.maximum(ball[box] * alpha, covered))
    picture = np.where(shown[..., None], figure.colours[box], full)
    return (int(left), int(top)), np.concatenate([picture, shade[..., None]], 2).astype(np.float32)


def _inside(figure: LabelledFigure, part: str) -> np.ndarray:
    """(H, W) bool: inside the rods of a part."""
    out = np.zeros(figure.labels.shape, bool)
    box, at = _around(figure.body[part], out.shape)
    out[box] = (nearness(figure.body[part], at) < 1).reshape(out[box].shape)
    return out


def _around(rods: list[Rod], shape: tuple[int, ...]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The region of a picture around some rods, and x, y of its pixels (N, 2)."""
    ends = np.array([end for rod in rods for end in (rod.start, rod.end)])
    wide = max(max(rod.wide, rod.wide_end) for rod in rods) + 1
    most = np.array([shape[1], shape[0]])
    low = np.clip(np.floor(ends.min(0) - wide), 0, most).astype(int)
    high = np.clip(np.ceil(ends.max(0) + wide), low, most).astype(int)
    return (slice(low[1], high[1]), slice(low[0], high[0])), grid((high[1] - low[1], high[0] - low[0])) + low


def _ball(rod: Rod, shape: tuple[int, ...]) -> np.ndarray:
    """How much (H, W) each pixel belongs to the ball of the joint on which a limb or the head turns."""
    out = np.zeros(shape)
    box, at = _around([Rod(rod.start, rod.start, rod.wide, rod.wide)], shape)
    away = np.hypot(*(at - rod.start).T)
    out[box] = np.clip((1 - away / (BALL * rod.wide)) / SOFT, 0, 1).reshape(out[box].shape)
    return out


def _between(own: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels that have some of the part on both sides in their row."""
    left = np.logical_or.accumulate(own, 1)
    return left & np.logical_or.accumulate(own[:, ::-1], 1)[:, ::-1]


def _other(part: str) -> str:
    side, _, limb = part.partition("_")
    return f"{'right' if side == 'left' else 'left'}_{limb}"


def _as_the_other(
    figure: LabelledFigure, part: str, unseen: np.ndarray, told: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colours, and where they are known, taken from the opposite limb where this one is hidden."""
    rods, others = figure.body[part], figure.body[_other(part)]
    rows, columns = np.nonzero(unseen)
    at = np.stack([columns, rows], 1).astype(float)
    nearest = np.argmin([rod.nearness(at) for rod in rods], axis=0)
    colours, known = figure.colours.copy(), told.copy()
    there = figure.of([_other(part)]) & (figure.alpha > 0.9)
    for k, (rod, other) in enumerate(zip(rods, others, strict=True)):
        own = np.flatnonzero(nearest == k)
        x, y = np.round(other.place(rod.measured(at[own]) * (1, -1))).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < there.shape[1]) & (y < there.shape[0])
        own, x, y = own[inside], x[inside], y[inside]
        own, x, y = (values[there[y, x]] for values in (own, x, y))
        colours[rows[own], columns[own]] = figure.colours[y, x]
        known[rows[own], columns[own]] = True
    return colours, known


def _usual(figure: LabelledFigure, part: str) -> np.ndarray:
    """(3,) the colour of the limb on the other side, or of the trunk."""
    solid = figure.alpha > 0.5
    for name in (_other(part), TRUNK) if part in (*ARMS, *LEGS) else (TRUNK,):
        if (seen := figure.of([name]) & solid).any():
            return np.median(figure.colours[seen], axis=0)
    return np.median(figure.colours[solid], axis=0) if solid.any() else np.full(3, 0.5)

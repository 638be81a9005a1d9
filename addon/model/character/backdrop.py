# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling a character from the backdrop of its picture. No bpy in here."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from tempose_pose.skeletons import OPENPOSE_18

from ..errors import Problem
from .masks import depths

WORKING = 384  # pixels along the longer side, at which the backdrop is searched for
BUSY = 0.4  # share of the picture's edge that stays, from which on its background is no plain one
SOFT = 0.4  # of a mask's values, over which the figure's edge fades
ENCLOSED = (
    0.35  # mean of a mask below which what the figure encloses is backdrop: own parts have 0.4 and more
)

MIDDLE = 0.5  # of a piece's greatest depth: a bone this deep in it runs through its middle


@dataclass(frozen=True, eq=False)
class SeenFigure:
    """What is known of a figure before its backdrop is removed.

    Parameters
    ----------
    mask : (h, w) uint8
        How surely each pixel of the reduced picture belongs to the figure.
    points : (18, 2) float
        Its joints, in shares of the picture.
    """

    mask: np.ndarray
    points: np.ndarray


def alpha_of(pixels: np.ndarray, tolerance: float, known: SeenFigure | None = None) -> np.ndarray:
    """The share (H, W) of each pixel that belongs to the character.

    A picture with transparent parts has it in its alpha. In any other, the backdrop is what can be reached from the
    edge through colours like those at the edge and, where that is known, such colours enclosed by the figure, as
    between an arm and the body.

    Parameters
    ----------
    pixels : (H, W, 4) float
        0 to 1, the first row on top.
    tolerance : float
        Greatest distance of two colours that count as one, 0 to 1.
    known : SeenFigure, optional
        Without it, everything enclosed stays: it may be a white shirt.
    """
    alpha = pixels[..., 3]
    if (alpha < 0.5).mean() > 0.005:
        return alpha
    step = max(1, int(np.ceil(max(alpha.shape) / WORKING)))
    shades, most = _shades(pixels[::step, ::step, :3]), tolerance * 3**0.5
    like = np.zeros((-(-len(alpha) // step), -(-len(alpha[0]) // step)), bool)
    for shade in shades:
        like |= _all_near(pixels[..., :3], shade, most, step)
    outside = _reached(like)
    if known is not None:
        outside |= _enclosed(like & ~outside, known)
    if outside.mean() > 0.995:
        raise Problem(
            "picture_empty", "Nothing stands out from the background of this picture. Lower the tolerance."
        )
    wide, next_to = (_repeated(cells, step, alpha.shape) for cells in (outside, _beside(outside)))
    rows, columns = np.nonzero(next_to)  # the figure's edge, pixel by pixel
    for shade in shades:
        near = np.linalg.norm(pixels[rows, columns, :3] - shade, axis=-1) <= most
        wide[rows[near], columns[near]] = True
    return np.where(wide, 0.0, alpha)


def _enclosed(cells: np.ndarray, known: SeenFigure) -> np.ndarray:
    """Which of these cells (h, w) are backdrop: pieces outside the mask that no bone of the figure crosses.

    By the mask alone, the empty limbs of line drawings, which it often misses, would pass for backdrop.
    """
    sure, crossed = enlarged(known.mask.astype(float) / 255, cells.shape), _crossed(cells.shape, known.points)
    out, seen = np.zeros_like(cells), ~cells
    for start in np.argwhere(cells).tolist():
        if seen[*start]:
            continue
        piece, ahead = [], deque([start])
        seen[*start] = True
        while ahead:
            i, j = ahead.popleft()
            piece.append((i, j))
            for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                if 0 <= k < len(seen) and 0 <= m < len(seen[0]) and not seen[k, m]:
                    seen[k, m] = True
                    ahead.append([k, m])
        rows, columns = np.transpose(piece)
        if sure[rows, columns].mean() < ENCLOSED and not _along(crossed, rows, columns):
            out[rows, columns] = True
    return out


def _along(crossed: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> bool:
    """Whether a bone goes through the middle of a piece, not just along its side."""
    top, left = rows.min() - 1, columns.min() - 1
    piece = np.zeros((np.ptp(rows) + 3, np.ptp(columns) + 3), bool)
    piece[rows - top, columns - left] = True
    deep = depths(piece)[rows - top, columns - left]
    return bool((crossed[rows, columns] & (deep > MIDDLE * deep.max())).any())


def _crossed(shape: tuple[int, ...], points: np.ndarray) -> np.ndarray:
    """(h, w) bool: where the bones of a figure lie."""
    out = np.zeros(shape, bool)
    shares = np.linspace(0, 1, 2 * max(shape))[:, None]
    for one, other in OPENPOSE_18.limbs:
        across, down = ((points[one] + shares * (points[other] - points[one])) * shape[::-1]).astype(int).T
        inside = (across >= 0) & (down >= 0) & (across < shape[1]) & (down < shape[0])
        out[down[inside], across[inside]] = True
    return out


def _shades(small: np.ndarray) -> list[np.ndarray]:
    """The common colours along a picture's edge: a sleeve that touches the edge is no backdrop."""
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    found = []
    for shade in np.unique(np.round(edge * 8) / 8, axis=0):
        nearby = edge[np.abs(edge - shade).max(1) <= 1 / 8]
        if len(nearby) > 0.05 * len(edge):
            found.append(np.median(nearby, axis=0))
    return found


def _repeated(cells: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.repeat(cells, step, 0), step, 1)[: shape[0], : shape[1]]


def _beside(cells: np.ndarray) -> np.ndarray:
    """The cells next to some cells."""
    wide = cells.copy()
    wide[1:] |= cells[:-1]
    wide[:-1] |= cells[1:]
    wide[:, 1:] |= cells[:, :-1]
    wide[:, :-1] |= cells[:, 1:]
    return wide & ~cells


def cut_by_mask(alpha: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The character's alpha from the mask, where there was no plain backdrop to remove.

    Parameters
    ----------
    alpha : (H, W) float
        As `alpha_of` found it; returned unchanged if most of the picture's edge was removed.
    mask : (h, w) uint8
        How surely each pixel of the reduced picture belongs to the character.
    """
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    if (edge > 0.5).mean() < BUSY:
        return alpha
    sure = enlarged(mask.astype(float) / 255, alpha.shape)
    return alpha * np.clip((sure - 0.5) / SOFT + 0.5, 0, 1)


def _all_near(colours: np.ndarray, shade: np.ndarray, most: float, step: int) -> np.ndarray:
    """(h, w) bool: cells of `step` by `step` pixels that are all near one colour, so that no line crosses them."""
    near = np.ones((-(-colours.shape[0] // step), -(-colours.shape[1] // step)), bool)
    for i in range(step):
        for j in range(step):
            part = colours[i::step, j::step]
            near[: len(part), : len(part[0])] &= np.linalg.norm(part - shade, axis=-1) <= most
    return near


def enlarged(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) values of a small picture (h, w) over a larger one, bilinearly."""
    rows, columns = (
        np.clip((np.arange(n) + 0.5) * m / n - 0.5, 0, m - 1)
        for n, m in zip(shape, values.shape, strict=True)
    )
    top, left = (
        np.minimum(at.astype(int), max(m - 2, 0)) for at, m in zip((rows, columns), values.shape, strict=True)
    )
    down, right = (rows - top)[:, None], (columns - left)[None]
    below, beside = np.minimum(top + 1, values.shape[0] - 1), np.minimum(left + 1, values.shape[1] - 1)
    upper = values[np.ix_(top, left)] * (1 - right) + values[np.ix_(top, beside)] * right
    lower = values[np.ix_(below, left)] * (1 - right) + values[np.ix_(below, beside)] * right
    return upper * (1 - down) + lower * down


def _reached(free: np.ndarray) -> np.ndarray:
    """Which free cells are connected to the edge."""
    padded = np.pad(free, 1, constant_values=True)
    found = np.zeros_like(padded)
    found[[0, -1]] = found[:, [0, -1]] = True
    while True:
        before = int(found.sum())
        _sweep(found, padded)
        if int(found.sum()) == before:
            return found[1:-1, 1:-1]


def _sweep(found: np.ndarray, free: np.ndarray) -> None:
    """Carry `found` on through free cells, once in each of the four directions."""
    for view, open_ in ((found, free), (found[::-1], free[::-1])):
        for i in range(1, len(view)):
            view[i] |= view[i - 1] & open_[i]
    for view, open_ in ((found.T, free.T), (found.T[::-1], free.T[::-1])):
        for i in range(1, len(view)):
            view[i] |= view[i - 1] & open_[i]

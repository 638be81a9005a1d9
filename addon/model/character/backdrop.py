# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the character in a picture. No bpy in here."""

import numpy as np

from ..errors import Problem

WORKING = 384  # pixels along the longer side on which the backdrop is looked for
BUSY = 0.4  # share of the picture's edge that stays, from which on its background is no plain one
SOFT = 0.4  # of a mask's values, over which the figure's edge fades


def alpha_of(pixels: np.ndarray, tolerance: float) -> np.ndarray:
    """(H, W) which share of each pixel belongs to the character.

    A picture with clear parts says it itself. In any other, the backdrop is what can be reached from the edge
    through colours like those at the edge.

    Parameters
    ----------
    pixels : (H, W, 4) float
        0 to 1, the first row on top.
    tolerance : float
        Greatest distance of two colours that count as one, 0 to 1.
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


def _shades(small: np.ndarray) -> list[np.ndarray]:
    """The colours of a picture's edge, as far as there is much of each: a sleeve that touches it is no backdrop."""
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
    """What belongs to the character where no plain backdrop could be taken away: what the mask says.

    Parameters
    ----------
    alpha : (H, W) float
        As `alpha_of` has found it; returned as it is where most of the picture's edge was taken away.
    mask : (h, w) uint8
        How surely each part of the picture, made smaller, is the character.
    """
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    if (edge > 0.5).mean() < BUSY:
        return alpha
    sure = enlarged(mask.astype(float) / 255, alpha.shape)
    return alpha * np.clip((sure - 0.5) / SOFT + 0.5, 0, 1)


def _all_near(colours: np.ndarray, shade: np.ndarray, most: float, step: int) -> np.ndarray:
    """(h, w) bool: cells of `step` by `step` pixels that are all near a colour; no line goes through them."""
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
    """Which free cells hang together with the edge."""
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

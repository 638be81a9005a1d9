# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures packed on one page. No bpy in here, and nothing that a separate Blender lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GAP = 2  # pixels between two pictures
LARGEST = 16_384  # most pixels a side that graphics cards take


class PageTooLarge(ValueError):
    """Raised when the pictures do not fit on a page that graphics cards take."""


@dataclass(frozen=True, eq=False)
class Page:
    """One picture with all the others on it.

    Attributes
    ----------
    pixels : (H, W, 4) uint8
    places : of (x, y, width, height)
        Of each picture, from the top left corner.
    """

    pixels: np.ndarray
    places: list[tuple[int, int, int, int]]


def laid_out(pictures: Sequence[np.ndarray]) -> Page:
    """The pictures in rows, tallest first, on a roughly square page; raises `PageTooLarge`."""
    area = sum((p.shape[0] + GAP) * (p.shape[1] + GAP) for p in pictures)
    widest = max(p.shape[1] for p in pictures) + GAP
    width = max(widest, int(np.ceil(np.sqrt(area))))
    places: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * len(pictures)
    x = y = row = 0
    for k in sorted(range(len(pictures)), key=lambda k: (-pictures[k].shape[0], k)):
        high, wide = pictures[k].shape[:2]
        if x + wide > width:
            x, y, row = 0, y + row + GAP, 0
        places[k] = (x, y, wide, high)
        x, row = x + wide + GAP, max(row, high)
    height = y + row
    width = max(left + wide for left, _, wide, _ in places)
    if max(width, height) > LARGEST:
        raise PageTooLarge
    pixels = np.zeros((height, width, 4), np.uint8)
    for (left, top, wide, high), picture in zip(places, pictures, strict=True):
        pixels[top : top + high, left : left + wide] = picture
    return Page(pixels, places)

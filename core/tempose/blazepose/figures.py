"""Drawn figures that stand before a plain background: where each of them is, however many there are."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.ndimage import find_objects, label, maximum_filter

from tempose.blazepose.crops import Crop

PLAIN = 24  # of 255 by which the background's colour may vary
EDGE = 0.75  # of the picture's edge that has the background's colour
GAP = 0.012  # of the longer side: parts of a drawing that are nearer to each other belong together
LEAST = 0.4  # of the tallest figure's height: what is smaller is no figure
SIZES = (1.0, 1.15, 1.35)  # of the squares in which one is looked at


def figure_boxes(picture: Image.Image) -> list[np.ndarray]:
    """(4,) left, top, right and bottom of each figure before a plain background; nothing where there is none."""
    pixels = np.asarray(picture, np.int16)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    plain = np.median(edge, 0)
    if (np.abs(edge - plain).max(-1) <= PLAIN).mean() < EDGE:
        return []
    stands = np.abs(pixels - plain).max(-1) > PLAIN
    joined = maximum_filter(stands, max(round(GAP * max(picture.size)), 1))
    numbers = np.asarray(label(joined)[0])  # pyright: ignore[reportIndexIssue] -- a pair, by its own documentation
    boxes = []
    for number, part in enumerate(find_objects(numbers), 1):
        y, x = np.nonzero((numbers[part] == number) & stands[part])
        if len(x):
            left, top = part[1].start, part[0].start
            boxes.append(np.array([left + x.min(), top + y.min(), left + x.max(), top + y.max()], float))
    tallest = max((box[3] - box[1] for box in boxes), default=0.0)
    return [box for box in boxes if box[3] - box[1] >= LEAST * tallest]


def round_box(box: np.ndarray) -> list[Crop]:
    """Squares of several sizes round a box."""
    left, top, right, bottom = map(float, box)
    side = max(right - left, bottom - top)
    return [Crop((left + right) / 2, (top + bottom) / 2, side * size) for size in SIZES]

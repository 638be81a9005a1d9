"""Which part of a picture is a person whose joints are known: a soft mask, coarse but for any background."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tempose.blazepose.crops import Crop
from tempose.blazepose.people import nets

LONG_SIDE = 384  # pixels of the mask
AROUND = 1.35  # side of the square that is looked at, over the extent of the joints


def figure_mask(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(h, w) uint8, 255 where it is the person for sure, of a picture (H, W, 3) uint8 made smaller.

    Parameters
    ----------
    points : (N, 2)
        Joints that are seen, in the picture's pixels.
    """
    image = Image.fromarray(picture)
    low, high = points.min(0), points.max(0)
    middle, side = (low + high) / 2, AROUND * float(max(high - low))
    middle[1] -= 0.05 * side  # the head reaches above its joints
    found = nets().body.mask(image, Crop(float(middle[0]), float(middle[1]), side))
    scale = min(LONG_SIDE / max(image.size), 1.0)
    width, height = (max(round(n * scale), 1) for n in image.size)
    step = found.shape[0] / (side * scale)  # of the mask's pixels, for one of the result's
    left, top = (middle - side / 2) * scale
    matrix = (step, 0, -left * step, 0, step, -top * step)
    likely = Image.fromarray((255 * found.clip(0, 1)).astype(np.uint8))
    return np.asarray(
        likely.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    )

"""Picture files as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tempose_pose.errors import TemposeError


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB: upright, on white where it is clear."""
    if not path.is_file():
        raise TemposeError("picture_missing", f"There is no file {path}.")
    try:
        with Image.open(path) as image:
            clear = ImageOps.exif_transpose(image).convert("RGBA")
    except Exception as error:  # each format has errors of its own
        raise TemposeError("picture_unreadable", f"{path.name} cannot be read as a picture.") from error
    white = Image.new("RGBA", clear.size, "white")
    return np.asarray(Image.alpha_composite(white, clear).convert("RGB"))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a character as a sprite sheet for games, with its description. No bpy in here.

The description is the JSON array that TexturePacker and Aseprite write and most engines read, plus fields of our
own: the size of a frame, frames per second, beats, and the ground.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import Problem
from . import png

LARGEST = 16_384  # most pixels a side that graphics cards take


@dataclass(frozen=True, eq=False)
class Sprites:
    """Pictures of a character, all of one size.

    Attributes
    ----------
    frames : (T, H, W, 4) uint8
        Transparent around the figure; alpha is not premultiplied.
    rate : float
        Frames per second.
    beats : of float
        Frames (not whole, from 0) on which the beats fall.
    ground : (float, float)
        The pixel on which the character stands, from a frame's top left corner.
    cyclic : bool
        Whether the last frame leads back into the first.
    name : str
    """

    frames: np.ndarray
    rate: float
    beats: Sequence[float]
    ground: tuple[float, float]
    cyclic: bool
    name: str


def columns_of(count: int, width: int, height: int) -> int:
    """The number of columns that makes the longer side of the sheet shortest; raises if no sheet fits."""

    def longer(columns: int) -> tuple[int, int]:
        rows = math.ceil(count / columns)
        return max(columns * width, rows * height), rows

    best = min(range(1, count + 1), key=longer)
    if longer(best)[0] > LARGEST:
        raise Problem(
            "sheet_large",
            f"{count} frames of {width} × {height} pixels make too large a sheet. Set a shorter preview range, "
            "or a lower Height or Frame Rate.",
        )
    return best


def sheet_of(frames: np.ndarray) -> np.ndarray:
    """One picture with frames (T, H, W, 4) row by row; unused cells are transparent."""
    count, height, width = frames.shape[:3]
    columns = columns_of(count, width, height)
    rows = math.ceil(count / columns)
    cells = np.zeros((rows * columns, height, width, 4), np.uint8)
    cells[:count] = frames
    return cells.reshape(rows, columns, height, width, 4).swapaxes(1, 2).reshape(rows * height, -1, 4)


def durations(count: int, rate: float, unit: float) -> list[int]:
    """How long each frame is shown, in whole units of so many seconds; it is never off by more than half a unit."""
    ends = np.rint(np.arange(count + 1) / rate / unit).astype(int)
    return np.diff(ends).tolist()


def description(sprites: Sprites, image: str) -> dict:
    """The contents of the JSON file beside the sheet `image`."""
    count, height, width = sprites.frames.shape[:3]
    columns = columns_of(count, width, height)
    whole = {"x": 0, "y": 0, "w": width, "h": height}
    frames = [
        {
            "filename": f"{sprites.name} {k:04d}",
            "frame": whole | {"x": k % columns * width, "y": k // columns * height},
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": whole,
            "sourceSize": {"w": width, "h": height},
            "pivot": {"x": sprites.ground[0] / width, "y": sprites.ground[1] / height},
            "duration": milliseconds,
        }
        for k, milliseconds in enumerate(durations(count, sprites.rate, 0.001))
    ]
    size = {"w": columns * width, "h": math.ceil(count / columns) * height}
    tag = {"name": sprites.name, "from": 0, "to": count - 1, "direction": "forward"}
    meta = {"app": "Tempose", "image": image, "format": "RGBA8888", "size": size, "scale": "1"}
    return {
        "frames": frames,
        "meta": meta | {"frameTags": [tag]},
        "frameSize": {"w": width, "h": height},
        "columns": columns,
        "fps": sprites.rate,
        "loop": sprites.cyclic,
        "beats": [round(float(beat), 3) for beat in sprites.beats],
    }


def write_sheet(sprites: Sprites, path: Path) -> Path:
    """Write the sheet as a PNG with its description beside it; return the path of the description."""
    beside = path.with_suffix(".json")
    picture = png.png(sheet_of(sprites.frames))
    text = json.dumps(description(sprites, path.name), indent=1)
    path.write_bytes(picture)
    beside.write_text(text, "utf-8")
    return beside

"""Square pieces of a picture, turned and scaled as a network wants them, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Crop:
    """A square of a picture.

    Parameters
    ----------
    x, y : float
        Its middle, in pixels.
    side : float
        In pixels; the square may reach beyond the picture.
    turn : float
        Radians by which its upright is turned clockwise.
    """

    x: float
    y: float
    side: float
    turn: float = 0.0

    def cut(self, picture: Image.Image, size: int) -> np.ndarray:
        """What lies in it, as (size, size, 3) float32 in [0, 1]; black beyond the picture."""
        step = self.side / size  # of the picture's pixels, for one of the cut
        less = max(int(step), 1)
        source = picture.reduce(less) if less > 1 else picture  # averaged, so that thin lines stay
        cos, sin = np.cos(self.turn) * step, np.sin(self.turn) * step
        half = size / 2
        across = (cos, -sin, self.x - cos * half + sin * half)
        down = (sin, cos, self.y - sin * half - cos * half)
        matrix = tuple(v / less for v in (*across, *down))
        cut = source.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        return np.asarray(cut, np.float32) / 255

    def back(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) in shares of the square as pixels of the picture."""
        off = (np.asarray(points, float) - 0.5) * self.side
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        x = self.x + off[..., 0] * cos - off[..., 1] * sin
        y = self.y + off[..., 0] * sin + off[..., 1] * cos
        return np.stack([x, y], -1)

    @classmethod
    def whole(cls, picture: Image.Image) -> Crop:
        """The smallest upright square round a whole picture."""
        return cls(picture.width / 2, picture.height / 2, float(max(picture.size)))


def upright_turn(start: np.ndarray, end: np.ndarray) -> float:
    """How far the way from one point to another is turned clockwise from straight up, in (-π, π]."""
    dx, dy = np.asarray(end, float) - start
    return float(np.arctan2(dx, -dy))

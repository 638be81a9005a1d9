# SPDX-License-Identifier: GPL-3.0-or-later
"""The plane that a figure lies in, and how a picture lies in it. No bpy in here."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ALONG = np.cos(np.radians(20))  # a direction this near to an axis of the armature is taken to be that axis


@dataclass(frozen=True)
class Placement:
    """The position of the picture in the figure's plane.

    Parameters
    ----------
    canvas : (int, int)
    unit : float
        Units of the armature per pixel.
    origin : (float, float)
        The pixel that lies on the plane's origin.
    """

    canvas: tuple[int, int]
    unit: float
    origin: tuple[float, float]

    def to_plane(self, pixels: npt.ArrayLike):
        """(…, 2) pixels, y down → (…, 2) right and up in the plane."""
        return (np.asarray(pixels, float) - self.origin) * (self.unit, -self.unit)

    def to_pixels(self, plane: npt.ArrayLike):
        """The inverse of `to_plane`."""
        return np.asarray(plane, float) / (self.unit, -self.unit) + self.origin


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through an armature's origin, in the armature's space: unit vectors to the viewer's right and up."""

    right: np.ndarray
    up: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """The direction to the viewer."""
        return np.cross(self.right, self.up)

    @property
    def axes(self) -> np.ndarray:
        """(2, 3)"""
        return np.stack([self.right, self.up])

    def flat(self, points: npt.ArrayLike) -> np.ndarray:
        """(…, 3) → (…, 2)"""
        return np.asarray(points, float) @ self.axes.T

    def lifted(self, points: npt.ArrayLike) -> np.ndarray:
        """(…, 2) → (…, 3), in the plane itself."""
        return np.asarray(points, float) @ self.axes


FRONT = Plane(np.array([1.0, 0, 0]), np.array([0, 0, 1.0]))
"""XZ as seen from the front: rigs made by Tempose."""


def best_fit(
    points: npt.ArrayLike, upwards: np.ndarray | None = None, leftwards: np.ndarray | None = None
) -> Plane:
    """The plane in which bones lie.

    Parameters
    ----------
    points : (N, 3) float
        Ends of bones.
    upwards : (3,) float, optional
        Roughly from the hips to the head. Without it: the armature's Z, or its Y where Z sticks out of the plane.
    leftwards : (3,) float, optional
        Roughly from the figure's right to its left, which is the viewer's right. Without it the viewer is at −Y.

    It snaps to nearby axes of the armature, so that a figure that leans a little still stands upright.
    """
    points = np.asarray(points, float).reshape(-1, 3)
    spread = points - points.mean(0)
    _, size, axes = np.linalg.svd(spread, full_matrices=True)
    normal = np.array([0, -1.0, 0])
    if len(size) > 2 and size[1] > 1e-6 * max(size[0], 1e-12):
        thick = np.arctan2(size[2], size[1])  # a solid figure is no flatter than this
        normal = _snapped(axes[2], np.cos(min(max(2 * thick, np.radians(2)), np.radians(25))))
    if upwards is None or np.linalg.norm(upwards) < 1e-9:
        upwards = np.array([0, 0, 1.0]) if abs(normal[2]) < 0.7 else np.array([0, 1.0, 0])
    up = _in_plane(np.asarray(upwards, float), normal)
    for axis in (*np.eye(3), *-np.eye(3)):
        flat = axis - (axis @ normal) * normal
        if np.linalg.norm(flat) > 0.7 and flat @ up > ALONG * np.linalg.norm(flat):
            up = flat / np.linalg.norm(flat)
    toward = np.array([0.05, -1.0, 0.3])  # the viewer: in front, a little above
    right = np.cross(up, normal)
    flip = normal @ toward < 0
    if leftwards is not None and abs(right @ leftwards) > 0.02 * float(np.ptp(spread @ up)):
        flip = right @ leftwards < 0
    return Plane(-right if flip else right, up)


def _snapped(direction: np.ndarray, cosine: float) -> np.ndarray:
    """The axis of the armature within this angle of a direction, or the direction itself."""
    main = int(np.abs(direction).argmax())
    axis = np.sign(direction[main]) * np.eye(3)[main]
    return axis if direction @ axis > cosine else direction


def _in_plane(direction: np.ndarray, normal: np.ndarray) -> np.ndarray:
    flat = direction - (direction @ normal) * normal
    if np.linalg.norm(flat) < 1e-9:
        flat = np.eye(3)[int(np.abs(normal).argmin())]
        flat = flat - (flat @ normal) * normal
    return flat / np.linalg.norm(flat)

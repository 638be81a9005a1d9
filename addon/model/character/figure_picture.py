# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture of a figure with marked joints to the material of a puppet: layers, or one piece.

No bpy in here: it takes seconds for large pictures, so a thread does it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tempose_pose.reference import Reference

from ..errors import Problem
from . import depth, layers
from .backdrop import SeenFigure, alpha_of, cut_by_mask
from .cutout import CLEAR
from .layers import Layer

LARGEST = 2048  # pixels a side; layers of larger pictures use every second pixel, every third …
WHOLE = "whole"  # the only part of a puppet in one piece
BACKDROP, APART = 0.25, 0.95  # of the work: once the backdrop is removed, and once the layers are there


@dataclass(frozen=True, eq=False)
class FigurePicture:
    """What is to be cut out.

    Parameters
    ----------
    pixels : (H, W, 4) float
        0 to 1, the first row on top.
    pose : Reference
        The joints, on a canvas that the picture fills.
    tolerance : float
        See `alpha_of`.
    layered : bool
        Whether limbs should be able to pass before and behind the body.
    mask : (h, w) uint8, optional
        How surely each pixel of the reduced picture belongs to the figure.
    doubtful : joints that may be hidden
    """

    pixels: np.ndarray
    pose: Reference
    tolerance: float
    layered: bool = True
    mask: np.ndarray | None = None
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class CutOut:
    """What a puppet is made of.

    Parameters
    ----------
    layers : list of Layer
        Front to back; for a puppet in one piece, a single layer with the part `WHOLE`.
    scale : float
        Pixels of the pose's canvas per pixel of the layers.
    levels : dict of part → float
        See `depth.LEVELS`; empty for one piece.
    as_it_is : bool
        Whether the one piece is the picture itself.
    """

    layers: list[Layer]
    scale: float
    levels: dict[str, float]
    as_it_is: bool = False


def cut_out(picture: FigurePicture, tell: Callable[[float], None] = lambda _share: None) -> CutOut:
    """The figure without its backdrop, in layers or in one piece.

    Parameters
    ----------
    tell : callable
        Gets how much is done, from 0 to 1; what it raises ends the work.
    """
    pixels, pose, mask = picture.pixels, picture.pose, picture.mask
    known = None if mask is None else SeenFigure(mask, pose.points / np.asarray(pose.canvas, float))
    alpha = alpha_of(pixels, picture.tolerance, known)
    if mask is not None:
        alpha = cut_by_mask(alpha, mask)
    if not (alpha > CLEAR).any():
        raise Problem(
            "picture_clear",
            "This picture is transparent everywhere: there is nothing to cut out. Choose another one.",
        )
    tell(BACKDROP)
    if not picture.layered:
        own = np.concatenate([pixels[..., :3], alpha[..., None]], -1).astype(np.float32)
        whole = Layer(WHOLE, (0, 0), own, 0.0)
        return CutOut([whole], pose.canvas[1] / len(alpha), {}, np.array_equal(alpha, pixels[..., 3]))
    step = -(-max(alpha.shape) // LARGEST)
    pixels, alpha = pixels[::step, ::step], alpha[::step, ::step]
    scale, levels = pose.canvas[1] / len(alpha), depth.of_pose(pose.points, picture.doubtful)
    more = {joint: np.asarray(at) / scale for joint, at in pose.more.items()}
    made = layers.cut_apart(
        pixels, alpha, pose.points / scale, more, levels, lambda s: tell(BACKDROP + (APART - BACKDROP) * s)
    )
    return CutOut(made, scale, levels)

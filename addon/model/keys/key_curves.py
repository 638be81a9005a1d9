# SPDX-License-Identifier: GPL-3.0-or-later
"""F-curves as numbers. No bpy in here."""

from dataclasses import dataclass

import numpy as np

CurveId = tuple[str, int]
"""Data path and index."""


@dataclass(frozen=True)
class SampledCurve:
    """One F-curve sampled at whole frames; `group` is the bone.

    In a loop that travels, `farther` is the difference from one round to the next.
    """

    path: str
    index: int
    group: str
    values: np.ndarray
    farther: float = 0.0

    @property
    def id(self) -> CurveId:
        return self.path, self.index


@dataclass(frozen=True)
class KeyedCurve:
    """The keys of one F-curve.

    Parameters
    ----------
    path : str
    index : int
    group : str
        The bone.
    frames, values : (N,) float
    slopes : (N,) float, optional
        Per frame; handles are set to them. None: Blender computes the handles.
    kinds : (N,) int, optional
        Keyframe types. None: all have the type that means generated.
    held : bool
        Whether each value stays until the next key, as for drawings that are swapped.
    """

    path: str
    index: int
    group: str
    frames: np.ndarray
    values: np.ndarray
    slopes: np.ndarray | None = None
    kinds: np.ndarray | None = None
    held: bool = False

    @property
    def id(self) -> CurveId:
        return self.path, self.index

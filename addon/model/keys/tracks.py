# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracks: curves that share their keys, those of one property of one bone. No bpy in here.

A limb's angle and its length reverse at different times: keyed apart, both take fewer keys.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ..character.forward_kinematics import Layout
from .key_curves import SampledCurve

Answer = TypeVar("Answer")
Channels = dict[str, np.ndarray]
"""By track: (T, C) values."""


class Tracks:
    """The tracks of some curves.

    Attributes
    ----------
    curves : by track
    values : by track
        (T, C)
    layout : by bone
        The columns that `forward` takes.
    """

    def __init__(self, curves: Sequence[SampledCurve]):
        self.curves: dict[str, list[SampledCurve]] = {}
        self.layout: Layout = {}
        self._places: dict[str, tuple[str, list[int]]] = {}  # bone, and columns of its layout
        for curve in curves:
            prop = curve.path.rpartition(".")[2]
            name = f"{curve.group}.{prop}"
            own = self.layout.setdefault(curve.group, [])
            self._places.setdefault(name, (curve.group, []))[1].append(len(own))
            own.append((prop, curve.index))
            self.curves.setdefault(name, []).append(curve)
        self.values = {name: np.stack([c.values for c in own], 1) for name, own in self.curves.items()}

    def by_bone(self, forward: Callable[[Channels], Answer]) -> Callable[[Channels], Answer]:
        """A function of values by bone, turned into one of values by track."""

        def joined(values: Channels) -> Answer:
            count = len(next(iter(values.values())))
            bones = {bone: np.empty((count, len(own))) for bone, own in self.layout.items()}
            for name, (bone, columns) in self._places.items():
                bones[bone][:, columns] = values[name]
            return forward(bones)

        return joined

# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a loop: the first key of each curve comes again a period later. No bpy in here."""

from dataclasses import replace

import numpy as np

from .key_curves import KeyedCurve

ROTATIONS = ("rotation_euler", "rotation_axis_angle")


def closed(curve: KeyedCurve, period: float, farther: float = 0.0) -> KeyedCurve:
    """The curve with its first key again after so many frames: same value, or so much farther, and same slope.

    A rotation ends whole turns away if that is nearer: it looks the same.
    """
    end = curve.frames[0] + period
    kept = curve.frames < end - 0.25
    first, last = float(curve.values[0]), float(curve.values[kept][-1])
    turns = round((last - first) / (2 * np.pi)) if curve.path.endswith(ROTATIONS) else 0

    def again(values: np.ndarray, more: float) -> np.ndarray:
        return np.append(values[kept], np.asarray(more, values.dtype))

    return replace(
        curve,
        frames=again(np.asarray(curve.frames, float), end),
        values=again(curve.values, first + 2 * np.pi * turns + farther),
        slopes=None if curve.slopes is None else again(curve.slopes, float(curve.slopes[0])),
        kinds=None if curve.kinds is None else again(curve.kinds, float(curve.kinds[0])),
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and feet brought to the places where they are held. No bpy in here."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..character.mapping import JOINTS
from ..character.plane import Placement
from ..dance.pins import CHAINS, Pin
from .feet import reached

LONGEST = 1.05  # of a limb's length: the farthest that it stretches
_I = {joint: i for i, joint in enumerate(JOINTS)}


def pinned(points: np.ndarray, seconds: npt.ArrayLike, pins: Sequence[Pin], place: Placement) -> np.ndarray:
    """The figure (T, 19, 2) in its plane, with held hands and feet in place as far as the limbs reach."""
    out = points.copy()
    for pin in pins:
        limb = [_I[joint] for joint in CHAINS[pin.joint]]
        places, share = pin.at(seconds)
        goal = place.to_plane(places * place.canvas[1])
        root, middle, end = (out[:, joint] for joint in limb)
        most = LONGEST * (np.hypot(*(middle - root).T) + np.hypot(*(end - middle).T))
        away = goal - root
        far = np.hypot(*away.T)
        goal = root + away * np.minimum(1, most / np.maximum(far, 1e-9))[:, None]
        goal = end + share[:, None] * (goal - end)
        at = np.flatnonzero(share > 0)[:, None]
        out[at, limb] = reached(out[at, limb], goal[at[:, 0]])
    return out

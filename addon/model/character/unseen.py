# SPDX-License-Identifier: GPL-3.0-or-later
"""Limbs that a picture hides because the figure stands in profile. No bpy in here."""

from collections.abc import Mapping

import numpy as np

from .anatomy import ASIDE

LIMBS = (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
Point = tuple[float, float]


def behind(joints: Mapping[str, Point], shape: float) -> dict[str, Point]:
    """The missing joints of a far arm or leg, placed just behind those of the near one.

    Parameters
    ----------
    joints : dict of joint → (x, y)
        The joints that were found, in shares of the picture.
    shape : float
        The picture's width over its height.

    Returns
    -------
    dict of joint → (x, y)
        Empty if the figure shows both sides: a hidden limb may then be anywhere.
    """
    trunk = [f"{side}_{joint}" for joint in ("shoulder", "hip") for side in ("left", "right")]
    if not set(trunk) <= set(joints):
        return {}
    corners = np.array([joints[joint] for joint in trunk], float) * (shape, 1.0)  # (4, 2)
    high = float(np.hypot(*(corners[:2].mean(0) - corners[2:].mean(0))))
    if np.hypot(*(corners[0] - corners[1])) > ASIDE * high:
        return {}
    out: dict[str, Point] = {}
    for limb in LIMBS:
        for side, other in (("left", "right"), ("right", "left")):
            known = [joint for joint in limb if f"{side}_{joint}" in joints]
            ends = limb[len(known) :]  # from the first unknown one on
            if known == list(limb[: len(known)]) and all(f"{other}_{joint}" in joints for joint in limb):
                for joint in ends:
                    root, near = np.array(joints[f"{side}_{limb[0]}"]), np.array(joints[f"{other}_{joint}"])
                    x, y = root + near - np.array(joints[f"{other}_{limb[0]}"])
                    out[f"{side}_{joint}"] = (float(x), float(y))
    return out

# SPDX-License-Identifier: GPL-3.0-or-later
"""Squash and stretch of the trunk on hits. No bpy in here."""

import numpy as np

from ..character.mapping import JOINTS

MOST = 0.3  # of the trunk, at full strength on the first beat of a bar
OTHER = 0.6  # of that, on other beats
PRESSED, DRAWN = 0.09, 0.2  # seconds: how long it is squashed; when it is stretched, before and after
RISE = 0.45  # amount of stretch relative to the squash
_LEGS = ("hip", "knee", "ankle")
_ABOVE = [k for k, joint in enumerate(JOINTS) if joint.rpartition("_")[2] not in _LEGS]


def pulse(seconds: np.ndarray, beats: np.ndarray, downbeats: np.ndarray) -> np.ndarray:
    """Weights (T,): 1 is fully squashed, below 0 is stretched."""
    out = np.zeros(len(seconds))
    for beat in beats:
        strength = 1.0 if len(downbeats) and np.abs(downbeats - beat).min() < 1e-3 else OTHER
        away = np.abs(seconds - beat)
        pressed = np.exp(-((away / PRESSED) ** 2))
        drawn = RISE * np.exp(-(((away - DRAWN) / PRESSED) ** 2))
        out += strength * (pressed - drawn)
    return out


def squashed(
    points: np.ndarray, seconds: np.ndarray, beats: np.ndarray, downbeats: np.ndarray, amount: float
) -> np.ndarray:
    """The figure (T, 19, 2) with its trunk squashed on beats: everything above the hips moves with the neck."""
    out = points.copy()
    trunk = points[:, JOINTS.index("neck")] - points[:, JOINTS.index("mid_hip")]
    share = -MOST * amount * pulse(seconds, np.asarray(beats, float), np.asarray(downbeats, float))
    out[:, _ABOVE] += (share[:, None] * trunk)[:, None]
    return out

"""What no body does, taken out of a dance while it is drawn: limbs beyond their length, planted feet that slide.

The sampler calls this between its steps, on its estimate of the clean dance; the steps that follow fit the rest of
the movement to the correction. Everything in canonical coordinates (see `framing`), y down, OpenPose-18.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from scipy.ndimage import binary_opening, gaussian_filter1d, label

from tempose_pose.framing import HEIGHT, Framing
from tempose_pose.limits import FPS
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

SLACK = 1.05  # a limb may be drawn this much longer than the reference has it
SHARE = 0.85  # of the usual length: what a limb foreshortened in the reference may have at least
KNEE = 0.88  # share of the reach from which lengths are held back, smoothly
NEAR = 0.025 * HEIGHT  # a foot this far above the lowest joint may carry
LIFT = 0.25 * HEIGHT / FPS  # per frame: a foot that carries hardly rises or falls ...
GLIDE = 1.6 * HEIGHT / FPS  # ... nor moves faster than this to the side; faster is a slide that is meant
SHORTEST = 3  # frames a foot stays
WANDER = 0.20 * HEIGHT  # a foot that moves on further than this while down is sliding on purpose

_J = OPENPOSE_18.at
_HIPS = [_J["left_hip"], _J["right_hip"]]
# From the hips outwards: (joint, what it hangs on or None for the middle of the hips).
_BONES = [
    (_J["neck"], None), (_J["left_hip"], None), (_J["right_hip"], None), (_J["nose"], _J["neck"]),
    *[(_J[f"{s}_{joint}"], _J[parent if parent in {"neck", "nose"} else f"{s}_{parent}"])
      for s in ("left", "right") for joint, parent in (
          ("shoulder", "neck"), ("elbow", "shoulder"), ("wrist", "elbow"), ("knee", "hip"), ("ankle", "knee"),
          ("eye", "nose"), ("ear", "eye"))],
]  # fmt: skip
_FREE = {_J[f"{s}_{j}"] for s in ("left", "right") for j in ("eye", "ear")}  # a head's turn changes these


def reach(static: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(18,) the greatest length each joint may be away from what it hangs on.

    Parameters
    ----------
    static : (18, 2)
        The reference pose. Its limbs may be foreshortened: the longer of the two sides counts, and not less than
        `SHARE` of what is usual at this height.
    scores : (18,)
        0 for joints that are not seen.
    """
    standing = standing_pose().pixels[0]
    usual = _lengths(Framing.of(standing, np.ones(len(standing))).apply(standing)[None])[0]
    own = _lengths(static[None])[0]
    seen = scores > 0
    for joint, parent in _BONES:
        ends = [joint, *(_HIPS if parent is None else [parent])]
        if not seen[ends].all():
            own[joint] = 0
    own = np.maximum(own, own[list(OPENPOSE_18.flip)])
    out = SLACK * np.maximum(own, SHARE * usual)
    out[list(_FREE)] = np.inf
    return out


def _lengths(points: np.ndarray) -> np.ndarray:
    """(T, 18) distance of each joint from what it hangs on; 0 for the face's own root."""
    hips = points[:, _HIPS].mean(1)
    out = np.zeros(points.shape[:2])
    for joint, parent in _BONES:
        out[:, joint] = np.linalg.norm(
            points[:, joint] - (hips if parent is None else points[:, parent]), axis=-1
        )
    return out


def within_reach(points: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """(T, 18, 2) with each limb held back below its reach, from the hips outwards; what hangs on it moves along."""
    hips = points[:, _HIPS].mean(1)
    out = points.copy()
    for joint, parent in _BONES:
        before, after = (hips, hips) if parent is None else (points[:, parent], out[:, parent])
        vector = points[:, joint] - before
        share = np.linalg.norm(vector, axis=-1, keepdims=True) / limit[joint]  # (T, 1)
        held = KNEE + (1 - KNEE) * np.tanh((share - KNEE) / (1 - KNEE))
        factor = np.where(share > KNEE, held / np.maximum(share, 1e-9), 1.0)
        out[:, joint] = after + factor * vector
    return out


def planted(points: np.ndarray) -> np.ndarray:
    """(T, 2) bool: frames at which the left and the right foot stand still on the ground, or should."""
    ankles = points[:, [_J["left_ankle"], _J["right_ankle"]]]  # (T, 2, 2)
    smooth = gaussian_filter1d(ankles, 1.0, axis=0)
    velocity = np.gradient(smooth, axis=0)
    near = ankles[..., 1] > points[..., 1].max(1)[:, None] - NEAR
    still = (np.abs(velocity[..., 1]) < LIFT) & (np.abs(velocity[..., 0]) < GLIDE)
    return binary_opening(near & still, np.ones((SHORTEST, 1)))


def on_planted_feet(points: np.ndarray) -> np.ndarray:
    """(T, 18, 2) with planted feet held in their place; knees follow halfway, steps between are led over."""
    out = points.copy()
    frames = np.arange(len(points))
    for side, feet in zip(("left", "right"), planted(points).T, strict=True):
        x = points[:, _J[f"{side}_ankle"], 0]
        runs, count = cast("tuple[np.ndarray, int]", label(feet))
        shift = np.full(len(points), np.nan)
        for number in range(1, count + 1):
            run = np.flatnonzero(runs == number)
            if np.ptp(x[run]) < WANDER:
                shift[run] = np.median(x[run]) - x[run]
        held = np.flatnonzero(~np.isnan(shift))
        if not len(held):
            continue
        shift = np.interp(frames, held, shift[held])
        out[:, _J[f"{side}_ankle"], 0] += shift
        out[:, _J[f"{side}_knee"], 0] += shift / 2
    return out

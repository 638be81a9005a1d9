"""What the network understates, emphasized while a dance is drawn: how lively the sound asks it to be from beat to
beat, the share of the legs, the bending of the elbows.

The sampler calls this between its steps, as it calls `plausible`; the steps that follow fit the rest of the movement
to the change. Canonical coordinates (see `framing`), on any skeleton. The constants were chosen by the descriptors of
real dances in `docs/ablations.md`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from tempose_pose.framing import HEIGHT
from tempose_pose.limits import FPS
from tempose_pose.skeletons import Skeleton

FOLLOW = 0.9  # share of the way from the liveliness that is drawn to the one that is asked for ...
LIVELIER = 0.7  # ... logarithm, at most: a network that draws something else has its reasons
MOMENT = 8.0  # frames over which liveliness is measured: less would take the stops on beats for calm
SLOWEST = 0.03 * HEIGHT / FPS  # per frame: whatever is slower stands
SWAY = 15.0  # frames: what is slower is where the dancer goes, not how
LEGS = 1.06  # knees and feet move so much further about the hips, each time ...
ARMS = 0.93  # ... and elbows and hands so much less
ELBOWS = 0.45  # share by which elbows bend and stretch further than they do on the whole
WIDEST = (
    2.0  # radians from their usual angle: beyond that an arm is seen from its end, and angles mean little
)
EASE = 24  # frames from what is known to where movements are changed in full
EVEN = 4.0  # frames over which a gain is smoothed


def emphasize(points: np.ndarray, energy: np.ndarray, known: np.ndarray, bones: Skeleton) -> np.ndarray:
    """(T, K, 2) of an estimated dance, with more of what the network draws too little of.

    Parameters
    ----------
    points : (T, K, 2)
    energy : (T,)
        Logarithm of the speed that is asked for, up to a constant; NaN where nothing is.
    known : (T,) bool
        Frames that stay as they are.
    bones : Skeleton
    """
    if known.all():
        return points
    share = _ease(known)
    changed = bend_elbows(balance(follow(points, energy, share), share, bones), share, bones)
    return np.where(known[:, None, None], points, changed)


def follow(points: np.ndarray, energy: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Movements enlarged where they are calmer than asked for, and calmed where they are wilder.

    Both beside the rest of the dance: how lively it is as a whole is the network's to say. `share` (T,) is how far
    each frame may be changed.
    """
    asked = (share > 0) & ~np.isnan(energy)
    if not asked.any():
        return points
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(1)  # (T - 1,)
    speed = gaussian_filter1d(np.concatenate([steps[:1], steps]), MOMENT)
    lacking = np.where(asked, energy, 0) - np.log(np.maximum(speed, SLOWEST))
    lacking = gaussian_filter1d(np.where(asked, lacking - lacking[asked].mean(), 0), EVEN)
    gain = np.exp(share * np.clip(FOLLOW * lacking, -LIVELIER, LIVELIER))  # (T,)
    slow = _slow(points)
    return slow + gain[:, None, None] * (points - slow)


def balance(points: np.ndarray, share: np.ndarray, bones: Skeleton) -> np.ndarray:
    """Shift movement about the hips from the arms to the legs."""
    hips = points[:, bones.indices("left_hip", "right_hip")].mean(1, keepdims=True)  # (T, 1, 2)
    gain = np.ones(len(bones))
    for part, amount in (("knee", LEGS), ("elbow", ARMS)):
        for joint in bones.indices(f"left_{part}", f"right_{part}"):
            gain[[joint, *bones.beyond(joint)]] = amount
    around = points - hips
    fast = around - _slow(around)
    return points + share[:, None, None] * (gain - 1)[:, None] * fast


def bend_elbows(points: np.ndarray, share: np.ndarray, bones: Skeleton) -> np.ndarray:
    """Each elbow's angle further from what it is on the whole; hands go along."""
    out = points.copy()
    for side in ("left", "right"):
        shoulder, elbow, wrist = bones.indices(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        upper, lower = (
            points[:, end] - points[:, start] for start, end in ((shoulder, elbow), (elbow, wrist))
        )
        turn = _complex(lower) * np.conj(_complex(upper))  # (T,) its angle is the elbow's
        bent = np.angle(turn * np.conj(turn.mean()))
        more = np.exp(1j * share * ELBOWS * np.clip(gaussian_filter1d(bent, 1.0), -WIDEST, WIDEST))
        hand = [wrist, *bones.beyond(wrist)]
        turned = _complex(points[:, hand] - points[:, [elbow]]) * more[:, None]  # (T, hand)
        out[:, hand] = points[:, [elbow]] + np.stack([np.real(turned), np.imag(turned)], -1)
    return out


def _slow(points: np.ndarray) -> np.ndarray:
    """Movement slower than `SWAY`; beyond its ends it is taken to go on as it came, so that nothing changes there."""
    return (_slowing(len(points)) @ points.reshape(len(points), -1)).reshape(points.shape)


@lru_cache(maxsize=8)
def _slowing(frames: int) -> np.ndarray:
    """(T, T) the filter as a matrix, for it is wide and meets the same few lengths again and again."""
    beyond = min(round(4 * SWAY), frames - 1)
    padded = np.pad(np.eye(frames), ((beyond, beyond), (0, 0)), mode="reflect", reflect_type="odd")
    return gaussian_filter1d(padded, SWAY, axis=0)[beyond : beyond + frames]


def _ease(known: np.ndarray) -> np.ndarray:
    """(T,) from 0 at known frames to 1 away from them."""
    if not known.any():
        return np.ones(len(known))
    return np.minimum(cast("np.ndarray", distance_transform_edt(~known)) / EASE, 1)


def _complex(vectors: np.ndarray) -> np.ndarray:
    """(..., 2) → (...) complex."""
    return vectors[..., 0] + 1j * vectors[..., 1]

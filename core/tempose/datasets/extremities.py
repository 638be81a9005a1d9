"""Feet and hands for dancers that were recorded without: plausible points, to measure on larger skeletons.

Not a model of feet and hands. Points that hang on the ankles and wrists, with lengths of a body's proportions,
that turn with the shin and forearm and curl slowly, so that an autoencoder meets small, fast, crowded tracks.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tempose_pose.framing import chain_height
from tempose_pose.skeletons import COCO_17, HALPE_26, OPENPOSE_18, OPENPOSE_60, Skeleton

SKELETONS: dict[int, Skeleton] = {17: COCO_17, 18: OPENPOSE_18, 26: HALPE_26, 60: OPENPOSE_60}
_J = OPENPOSE_18.at
_FINGERS = {
    "thumb": (-0.9, 0.7),
    "index": (-0.25, 1.0),
    "middle": (0.0, 1.05),
    "ring": (0.2, 1.0),
    "little": (0.4, 0.85),
}


def _turned(v: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """Vectors (T, 2) turned by angles (T,) in the picture."""
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1]], -1)


def _wander(rng: np.random.Generator, frames: int, size: float) -> np.ndarray:
    """(T,) a slow random curve of about that size."""
    curve = gaussian_filter1d(rng.normal(size=frames + 60), 8)[30:-30]
    return size * curve / max(curve.std(), 1e-9)


def on_skeleton(
    keypoints: np.ndarray, scores: np.ndarray, joints: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """OpenPose-18 tracks (T, 18, 2), (T, 18) on a skeleton of 17, 18, 26 or 60 joints, clipped to the canvas."""
    points = {name: keypoints[:, i].astype(float) for name, i in _J.items()}
    seen = {name: scores[:, i] for name, i in _J.items()}
    height = chain_height(keypoints, np.ones_like(scores))

    def put(name: str, place: np.ndarray, parent: str) -> None:
        points[name], seen[name] = place, seen[parent]

    put("mid_hip", (points["left_hip"] + points["right_hip"]) / 2, "left_hip")
    put("head", points["nose"] + 0.45 * (points["nose"] - points["neck"]), "nose")
    for side, sign in (("left", 1.0), ("right", -1.0)):
        frames = len(keypoints)
        shin = points[f"{side}_ankle"] - points[f"{side}_knee"]
        shin = shin / np.maximum(np.linalg.norm(shin, axis=-1, keepdims=True), 1e-6)
        toes = _turned(shin, -sign * (0.9 + _wander(rng, frames, 0.15))) * 0.11 * height
        ankle = points[f"{side}_ankle"]
        put(f"{side}_big_toe", ankle + toes, f"{side}_ankle")
        put(f"{side}_small_toe", ankle + _turned(toes, -0.35 * sign) * 0.85, f"{side}_ankle")
        put(f"{side}_heel", ankle + shin * 0.035 * height - toes * 0.25, f"{side}_ankle")
        arm = points[f"{side}_wrist"] - points[f"{side}_elbow"]
        arm = arm / np.maximum(np.linalg.norm(arm, axis=-1, keepdims=True), 1e-6)
        hand = _turned(arm, _wander(rng, frames, 0.3))
        put(f"{side}_hand", points[f"{side}_wrist"].copy(), f"{side}_wrist")
        curl = np.abs(_wander(rng, frames, 0.35))
        for finger, (spread, length) in _FINGERS.items():
            place, direction = points[f"{side}_hand"], _turned(hand, sign * spread)
            for k, share in enumerate((0.45, 0.22, 0.14, 0.1), 1):
                place = place + direction * share * length * 0.11 * height
                put(f"{side}_{finger}_{k}", place, f"{side}_wrist")
                direction = _turned(direction, sign * curl)
    names = SKELETONS[joints].joints
    tracks = np.stack([points[n] for n in names], 1)
    found = np.stack([seen[n] for n in names], 1)
    found = found * np.all((tracks > -0.01) & (tracks < 1.01), axis=-1)
    return tracks.clip(0, 1).astype(np.float32), found.astype(np.float32)

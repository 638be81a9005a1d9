# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a dance without dancing it anew: mirrored, calmer or wilder. No bpy in here."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.skeletons import EXTREMITIES, Skeleton

from ..character.extremities import limb_of
from ..errors import Problem

SMOOTH_SECONDS = 0.5  # movement slower than this is the base pose, about which the dance moves
FADE_SECONDS = 0.4
RESTING, SWINGING = 0.15, 0.6  # body heights per second: a standing foot, a free foot


def _legs(bones: Skeleton) -> list[list[int]]:
    """Hip, knee and ankle, first left, then right."""
    return [bones.indices(f"{s}_hip", f"{s}_knee", f"{s}_ankle") for s in ("left", "right")]


def flipped(dance: Dance) -> Dance:
    """Left and right exchanged, in place: the right hand does on its side what the left one did.

    The mirror axis is vertical, through the hips' usual place.
    """
    poses = dance.poses
    swap, hips = list(poses.skeleton.flip), [leg[0] for leg in _legs(poses.skeleton)]
    seen = poses.scores[:, hips] > 0
    middle = poses.keypoints[:, hips, 0].astype(float)[seen.all(1)].mean(1)
    axis = float(np.median(middle)) if len(middle) else 0.5
    keypoints = poses.keypoints[:, swap].copy()
    keypoints[..., 0] = np.where(poses.scores[:, swap] > 0, 2 * axis - keypoints[..., 0], keypoints[..., 0])
    return replace(dance, poses=replace(poses, keypoints=keypoints, scores=poses.scores[:, swap].copy()))


def scaled(dance: Dance, amount: float, spans: Iterable[tuple[float, float]] | None = None) -> Dance:
    """Calmer (below 1) or wilder (above 1) movement about the smoothed pose.

    Bones keep the lengths they had in each frame, so that nothing grows. A foot that stands stays where it stands.

    Parameters
    ----------
    amount : float
        0 leaves the smoothed pose alone, 1 changes nothing.
    spans : of (start, stop), optional
        Timeline seconds; frames outside stay bit for bit the same, and the change fades in inside.
    """
    if not 0 <= amount <= 3:
        raise Problem("amount", "Set the amount between 0 and 3.")
    poses, bones = dance.poses, dance.poses.skeleton
    points = poses.keypoints.astype(float) * poses.canvas
    weight = fade(len(poses), poses.fps, spans)
    gain = 1 + (amount - 1) * weight
    changed = weight > 0
    if not changed.any() or amount == 1:
        return dance
    seen = poses.scores > 0
    smooth = _smoothed(points, seen, poses.fps)
    out = smooth + gain[:, None, None] * (points - smooth)
    _keep_lengths(out, points, seen, bones)
    height = _height(points, seen)
    for leg in _legs(bones):
        _stand(out, points, leg, height, poses.fps)
    for k, joint in enumerate(bones.joints):
        if joint in EXTREMITIES:  # as they are, at the new wrist or ankle
            end = bones.index(limb_of(joint)[1])
            out[:, k] = points[:, k] + out[:, end] - points[:, end]
    both = changed[:, None, None] & seen[..., None]
    keypoints = np.where(both, out / poses.canvas, poses.keypoints).astype(np.float32)
    return replace(dance, poses=replace(poses, keypoints=keypoints))


def fade(frames: int, rate: float, spans: Iterable[tuple[float, float]] | None = None) -> np.ndarray:
    """Weights (T,): 0 outside the spans, 1 inside, fading over `FADE_SECONDS` except at the dance's own ends."""
    if spans is None:
        return np.ones(frames)
    weight = np.zeros(frames)
    seconds = np.arange(frames) / rate
    for start, stop in spans:
        fade_in = (seconds - start) / FADE_SECONDS if start > 1e-6 else np.ones(frames)
        fade_out = (stop - seconds) / FADE_SECONDS if stop < frames / rate - 1e-6 else np.ones(frames)
        share = np.clip(np.minimum(fade_in, fade_out), 0, 1)
        weight = np.maximum(weight, share * share * (3 - 2 * share))
    return weight


def _smoothed(points: np.ndarray, seen: np.ndarray, rate: float) -> np.ndarray:
    """Each joint's path without its quick movement; unseen joints do not count."""
    sigma = SMOOTH_SECONDS * rate
    half = math.ceil(3 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    out = np.empty_like(points)
    for joint in range(points.shape[1]):
        there = seen[:, joint].astype(float)
        weight = np.convolve(np.pad(there, half), kernel, "valid")
        for axis in range(2):
            total = np.convolve(np.pad(points[:, joint, axis] * there, half), kernel, "valid")
            out[:, joint, axis] = np.where(
                weight > 1e-9, total / np.maximum(weight, 1e-9), points[:, joint, axis]
            )
    return out


def _keep_lengths(out: np.ndarray, points: np.ndarray, seen: np.ndarray, bones: Skeleton) -> None:
    """Restore the bones' lengths, so that they only turn: from the hips up to the neck and outwards."""
    legs = _legs(bones)
    hips, done = [leg[0] for leg in legs], {joint for leg in legs for joint in leg}
    mid, mid_out = points[:, hips].mean(1), out[:, hips].mean(1)
    for hip in hips:  # the hips' width too
        out[:, hip] = _along(mid_out, out[:, hip], points[:, hip] - mid)
    first = [bones.at[joint] for joint in ("mid_hip", "neck") if joint in bones.at]
    for joint in first:
        out[:, joint] = _along(mid_out, out[:, joint], points[:, joint] - mid)
    for index in bones.outwards:
        parent = bones.parents[index]
        if index not in done and index not in first and parent >= 0:
            there = (seen[:, index] & seen[:, parent])[:, None]
            placed = _along(out[:, parent], out[:, index], points[:, index] - points[:, parent])
            out[:, index] = np.where(there, placed, out[:, index])


def _along(start: np.ndarray, toward: np.ndarray, bone: np.ndarray) -> np.ndarray:
    """The point at the bone's length from `start` towards a point, or along the bone if that has no direction."""
    way = toward - start
    length = np.hypot(*way.T)[:, None]
    wanted = np.hypot(*bone.T)[:, None]
    way = np.where(length > 1e-6, way / np.maximum(length, 1e-6) * wanted, bone)
    return start + way


def _height(points: np.ndarray, seen: np.ndarray) -> float:
    """The figure's usual height in pixels."""
    y = np.where(seen, points[..., 1], np.nan)
    tall = [float(np.nanmax(row) - np.nanmin(row)) for row in y if np.isfinite(row).sum() > 1]
    return max(float(np.median(tall)) if tall else 1.0, 1e-6)


def _stand(out: np.ndarray, points: np.ndarray, leg: Sequence[int], height: float, rate: float) -> None:
    """Put a standing foot back, and the knee where both bones meet."""
    hip, knee, ankle = leg
    speed = np.zeros(len(points))
    if len(points) > 1:
        speed = np.hypot(*np.gradient(points[:, ankle], axis=0).T) * rate / height
    free = np.clip((speed - RESTING) / (SWINGING - RESTING), 0, 1)
    half = max(1, round(0.1 * rate))
    free = np.convolve(np.pad(free, half, mode="edge"), np.ones(2 * half + 1) / (2 * half + 1), "valid")
    free = free[:, None]
    goal = points[:, ankle] + free * (out[:, ankle] - points[:, ankle])
    upper = np.hypot(*(points[:, knee] - points[:, hip]).T)
    lower = np.hypot(*(points[:, ankle] - points[:, knee]).T)
    way = goal - out[:, hip]
    far = np.maximum(np.hypot(*way.T), 1e-9)
    reach = np.clip(far, np.abs(upper - lower) + 1e-6, np.maximum(upper + lower, 1e-5))
    unit = way / far[:, None]
    out[:, ankle] = out[:, hip] + unit * reach[:, None]
    along = (upper**2 - lower**2 + reach**2) / (2 * np.maximum(reach, 1e-9))
    aside = np.sqrt(np.maximum(upper**2 - along**2, 0))
    bone = points[:, ankle] - points[:, hip]
    bend = points[:, knee] - points[:, hip]
    side = np.where(bone[:, 0] * bend[:, 1] - bone[:, 1] * bend[:, 0] >= 0, 1.0, -1.0)
    normal = np.stack([-unit[:, 1], unit[:, 0]], 1) * side[:, None]
    out[:, knee] = out[:, hip] + unit * along[:, None] + normal * aside[:, None]

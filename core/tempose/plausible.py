"""What no body does, taken out of a dance while it is drawn: limbs beyond their length, planted feet that slide, a
dancer who shall stand still and fidgets.

The sampler calls this between its steps, on its estimate of the clean dance; the steps that follow fit the rest of
the movement to the correction. Everything in canonical coordinates (see `framing`), y down, on any skeleton with
hips and legs.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
from scipy.ndimage import binary_opening, gaussian_filter1d, label

from tempose_pose.framing import HEIGHT, Framing
from tempose_pose.limits import FPS
from tempose_pose.sequence import convert
from tempose_pose.skeletons import Skeleton
from tempose_pose.standing import standing_pose

SLACK = 1.05  # a limb may be drawn this much longer than the reference has it
SHARE = 0.85  # of the usual length: what a limb foreshortened in the reference may have at least
KNEE = 0.88  # share of the reach from which lengths are held back, smoothly
NEAR = 0.025 * HEIGHT  # a foot this far above the lowest joint may carry
LIFT = 0.25 * HEIGHT / FPS  # per frame: a foot that carries hardly rises or falls ...
GLIDE = 1.6 * HEIGHT / FPS  # ... nor moves faster than this to the side; faster is a slide that is meant
SHORTEST = 3  # frames a foot stays
WANDER = 0.20 * HEIGHT  # a foot that moves on further than this while down is sliding on purpose
HANGING = 0.45  # share of its length that a head has at least along the trunk; real ones rarely have less ...
BOWED = 0.75  # ... and from which on it is held up, smoothly
SETTLE = 18  # frames in which a dancer comes to rest
RESUME = 24  # ... and starts to move again
BREATH = 0.2  # share of the movement that remains at rest: nobody is a statue ...
DRIFT = 8.0  # frames: what is slower than this is no breathing
RUN_OUT = 4.0  # frames over which a movement that is known runs out

_STANDING = standing_pose()
_FACE = set(_STANDING.skeleton.groups["head"]) - {"nose"}  # a head's turn changes these
_LIMITED = tuple(joint for joint in _STANDING.skeleton.joints if joint not in _FACE)
"""Joints whose limbs have a usual length; fingers, toes and faces turn as they like."""


def _hips(bones: Skeleton) -> list[int]:
    return bones.indices("left_hip", "right_hip")


@cache
def _tree(bones: Skeleton) -> tuple[tuple[int, int | None], ...]:
    """From the hips outwards: (joint, what it hangs on, or None for the middle of the hips)."""
    first = {"neck", "mid_hip", "left_hip", "right_hip"}
    parents = [None if j in first or p < 0 else p for j, p in zip(bones.joints, bones.parents, strict=True)]
    return tuple((joint, parents[joint]) for joint in bones.outwards)


def reach(static: np.ndarray, scores: np.ndarray, bones: Skeleton = _STANDING.skeleton) -> np.ndarray:
    """(K,) the greatest length each joint may be away from what it hangs on.

    Parameters
    ----------
    static : (K, 2)
        The reference pose. Its limbs may be foreshortened: the longer of the two sides counts, and not less than
        `SHARE` of what is usual at this height.
    scores : (K,)
        0 for joints that are not seen.
    bones : Skeleton
    """
    standing = convert(_STANDING, bones)
    usual = Framing.of(_STANDING.pixels[0], _STANDING.scores[0]).apply(standing.pixels[0])
    usual, own = _lengths(usual[None], bones)[0], _lengths(static[None], bones)[0]
    seen = scores > 0
    for joint, parent in _tree(bones):
        ends = [joint, *(_hips(bones) if parent is None else [parent])]
        if not seen[ends].all():
            own[joint] = 0
    own = np.maximum(own, own[list(bones.flip)])
    limited = np.asarray([joint in _LIMITED for joint in bones.joints])
    return np.where(limited, SLACK * np.maximum(own, SHARE * usual), np.inf)


def _lengths(points: np.ndarray, bones: Skeleton) -> np.ndarray:
    """(T, K) distance of each joint from what it hangs on."""
    hips = points[:, _hips(bones)].mean(1)
    out = np.zeros(points.shape[:2])
    for joint, parent in _tree(bones):
        start = hips if parent is None else points[:, parent]
        out[:, joint] = np.linalg.norm(points[:, joint] - start, axis=-1)
    return out


def within_reach(points: np.ndarray, limit: np.ndarray, bones: Skeleton = _STANDING.skeleton) -> np.ndarray:
    """(T, K, 2) with each limb held back below its reach, from the hips outwards; what hangs on it moves along."""
    hips = points[:, _hips(bones)].mean(1)
    out = points.copy()
    for joint, parent in _tree(bones):
        before, after = (hips, hips) if parent is None else (points[:, parent], out[:, parent])
        vector = points[:, joint] - before
        share = np.linalg.norm(vector, axis=-1, keepdims=True) / limit[joint]  # (T, 1)
        held = KNEE + (1 - KNEE) * np.tanh((share - KNEE) / (1 - KNEE))
        factor = np.where(share > KNEE, held / np.maximum(share, 1e-9), 1.0)
        out[:, joint] = after + factor * vector
    return out


@cache
def head_of(bones: Skeleton) -> tuple[int, list[int]] | None:
    """The joint that the head hangs on, and the joints of the head; None where a skeleton has none."""
    nose = bones.at.get("nose")
    if nose is None or bones.parents[nose] < 0:
        return None
    return bones.parents[nose], [nose, *bones.beyond(nose)]


def heads_up(points: np.ndarray, limit: np.ndarray, bones: Skeleton = _STANDING.skeleton) -> np.ndarray:
    """(T, K, 2) with a head that hangs beyond what necks do held up along the trunk, eyes and ears with it.

    `limit` as `reach` gives it.
    """
    if (found := head_of(bones)) is None:
        return points
    root, head = found
    neck, nose = points[:, root], head[0]
    trunk = neck - points[:, _hips(bones)].mean(1)
    trunk = trunk / np.maximum(np.linalg.norm(trunk, axis=-1, keepdims=True), 1e-9)  # (T, 2)
    length = limit[nose] / SLACK
    along = ((points[:, nose] - neck) * trunk).sum(-1) / length  # (T,)
    held = BOWED - (BOWED - HANGING) * np.tanh((BOWED - along) / (BOWED - HANGING))
    lift = np.where(along < BOWED, held - along, 0) * length
    out = points.copy()
    out[:, head] += (lift[:, None] * trunk)[:, None]
    return out


def planted(points: np.ndarray, bones: Skeleton = _STANDING.skeleton) -> np.ndarray:
    """(T, 2) bool: frames at which the left and the right foot stand still on the ground, or should."""
    ankles = points[:, bones.indices("left_ankle", "right_ankle")]  # (T, 2, 2)
    body = [
        i for joint, i in bones.at.items() if joint in _STANDING.skeleton.at
    ]  # toes are lower than any ankle
    smooth = gaussian_filter1d(ankles, 1.0, axis=0)
    velocity = np.gradient(smooth, axis=0)
    near = ankles[..., 1] > points[:, body, 1].max(1)[:, None] - NEAR
    still = (np.abs(velocity[..., 1]) < LIFT) & (np.abs(velocity[..., 0]) < GLIDE)
    return binary_opening(near & still, np.ones((SHORTEST, 1)))


def on_planted_feet(points: np.ndarray, bones: Skeleton = _STANDING.skeleton) -> np.ndarray:
    """(T, K, 2) with planted feet held in their place; knees follow halfway, steps between are led over."""
    out = points.copy()
    frames = np.arange(len(points))
    for side, feet in zip(("left", "right"), planted(points, bones).T, strict=True):
        ankle = bones.index(f"{side}_ankle")
        x = points[:, ankle, 0]
        runs, count = cast("tuple[np.ndarray, int]", label(feet))
        shift = np.full(len(points), np.nan)
        for number in range(1, count + 1):
            run = np.flatnonzero(runs == number)
            places = np.sort(x[run])
            if places[-1] - places[0] < WANDER:
                middle = (places[(len(run) - 1) // 2] + places[len(run) // 2]) / 2  # np.median, sooner
                shift[run] = middle - x[run]
        held = np.flatnonzero(~np.isnan(shift))
        if not len(held):
            continue
        shift = np.interp(frames, held, shift[held])
        foot = [ankle, *bones.beyond(ankle)]
        out[:, foot, 0] += shift[:, None]
        out[:, bones.index(f"{side}_knee"), 0] += shift / 2
    return out


def at_rest(points: np.ndarray, still: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T, K, 2) with hardly any movement left where the dancer shall stand still.

    Held is the pose that the rest begins with, or what is known in it: from one known pose to the next.

    Parameters
    ----------
    points : (T, K, 2)
    still, known : (T,) bool
    """
    out = points.copy()
    runs, count = cast("tuple[np.ndarray, int]", label(still))
    for number in range(1, count + 1):
        start, stop = np.flatnonzero(runs == number)[[0, -1]] + (0, 1)
        frames = np.arange(start, min(stop + RESUME, len(points)))
        anchors = start + np.flatnonzero(known[start:stop])
        settled = anchors[0] if len(anchors) else min(start + SETTLE, stop - 1) if start else 0
        share = np.interp(frames, (min(start, settled - 1), settled, stop, stop + RESUME), (0, 1, 1, 0))
        held = _held(points, anchors if len(anchors) else np.asarray([settled]), frames)  # (R, K, 2)
        slow = gaussian_filter1d(points[frames], DRIFT, axis=0, mode="nearest")
        resting = held + BREATH * (points[frames] - slow)  # (R, K, 2)
        out[frames] += share[:, None, None] * (resting - points[frames])
    return out


def _held(points: np.ndarray, anchors: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(R, K, 2) from pose to pose of `anchors`, and after the last of them where its movement runs out."""
    place = np.interp(frames, anchors, np.arange(len(anchors)))  # (R,)
    low, part = place.astype(int), (place % 1)[:, None, None]
    held = (1 - part) * points[anchors][low] + part * points[anchors][np.minimum(low + 1, len(anchors) - 1)]
    last = anchors[-1]
    if len(anchors) < 2 or anchors[-2] != last - 1:
        return held
    after = np.maximum(frames - last, 0)[:, None, None]
    return held + (points[last] - points[last - 1]) * RUN_OUT * (1 - np.exp(-after / RUN_OUT))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The poses kept while the rest of a dance is danced again: the request's `known` poses, and the merged answer.

No bpy in here. Known poses are aligned with the requested dance: frame 0 is its timeline second 0, and their frame
rate is the server's.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.request import Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.wire.known_poses import joint_mask
from tempose_pose.wire.validation import unexpected

from ..tempo.timing import resample


def all_of(dance: Dance, frames: int | None = None) -> Known:
    """Every pose of a dance; frames beyond its end are danced again."""
    poses = dance.poses
    frames = len(poses) if frames is None else frames
    keypoints, scores, mask = _nothing(poses, frames)
    n = min(frames, len(poses))
    keypoints[:n], scores[:n], mask[:n] = poses.keypoints[:n], poses.scores[:n], True
    return Known(replace(poses, keypoints=keypoints, scores=scores), mask)


def _nothing(poses: PoseSequence, frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Empty keypoints (T, K, 2), scores and mask (T, K)."""
    keypoints = np.zeros((frames, len(poses.skeleton), 2), np.float32)
    return keypoints, np.zeros(keypoints.shape[:2], np.float32), np.zeros(keypoints.shape[:2], bool)


def part(known: Known, first: int, stop: int) -> Known:
    """Only frames [first, stop)."""
    return Known(known.poses[first:stop], known.mask[first:stop])


def with_part(times: Sequence[float], new: Sequence[float], start: float, stop: float) -> np.ndarray:
    """The seconds `times`, with those in [start, stop) replaced by `new` ones."""
    return np.asarray(sorted([t for t in times if not start <= t < stop] + list(new)), float)


def at_rate(dance: Dance, fps: float) -> Dance:
    """A dance at another frame rate; the same object if it has that rate already."""
    poses = dance.poses
    if abs(poses.fps - fps) < 1e-6:
        return dance
    seconds = np.arange(max(1, round(poses.seconds * fps))) / fps
    keypoints, scores = resample(poses.keypoints, poses.scores, poses.fps, seconds)
    seams = np.round(np.asarray(dance.seams) / poses.fps * fps).astype(np.int32)
    return replace(dance, poses=replace(poses, keypoints=keypoints, scores=scores, fps=fps), seams=seams)


def release(known: Known, spans: Sequence[tuple[float, float]], joints: Iterable[str] | None = None) -> Known:
    """Release these timeline seconds [start, stop), for these joints (None: all), to be danced again."""
    mask, fps = known.mask.copy(), known.poses.fps
    free = joint_mask(known.poses.skeleton, joints)
    for start, stop in spans:
        first, last = max(0, math.ceil(start * fps - 1e-6)), max(0, math.ceil(stop * fps - 1e-6))
        mask[first:last, free] = False
    return replace(known, mask=mask)


def keep(known: Known, seconds: Iterable[float], joints: Iterable[str] | None = None) -> Known:
    """Keep the poses at these timeline seconds (key poses) too, for these joints."""
    mask = known.mask.copy()
    for second in seconds:
        frame = round(second * known.poses.fps)
        if 0 <= frame < len(mask):
            mask[frame] |= joint_mask(known.poses.skeleton, joints)
    return replace(known, mask=mask)


def moved(dance: Dance, frames: int, pieces: Sequence[tuple[float, float, float]], fps: float) -> Known:
    """Stretches of a dance moved in time; everything else is danced again.

    Parameters
    ----------
    dance : Dance
        The dance as it was.
    frames : int
        Of the dance to come.
    pieces : of (start, stop, shift)
        Timeline seconds [start, stop) of the dance to come; there the pose is that of the old dance at
        `seconds − shift`. A piece goes no farther than the old dance; its last pose holds up to a frame and a half
        longer, so that rounding leaves nothing to be danced at the end.
    fps : float
        Of the dance to come.
    """
    poses, seconds = dance.poses, np.arange(frames) / fps
    keypoints, scores, mask = _nothing(poses, frames)
    last = (len(poses) - 1) / poses.fps
    for start, stop, shift in pieces:
        old = seconds - shift
        part = (
            (seconds >= start - 1e-6) & (seconds < stop - 1e-6) & (old > -1 / fps) & (old < last + 1.5 / fps)
        )
        frame = np.clip(np.round(old * poses.fps).astype(int), 0, len(poses) - 1)
        if not part.any():
            continue
        off = np.abs(old * poses.fps - np.round(old * poses.fps))[part].max()
        if off < 1e-6:  # on its frames: bit for bit
            keypoints[part], scores[part] = poses.keypoints[frame[part]], poses.scores[frame[part]]
        else:
            keypoints[part], scores[part] = resample(poses.keypoints, poses.scores, poses.fps, old[part])
        mask[part] = True
    return Known(replace(poses, keypoints=keypoints, scores=scores, fps=fps), mask)


def merge(known: Known, made: Dance) -> Dance:
    """The answer with everything that was kept, bit for bit, whatever the server returned there.

    It uses the skeleton of the answer: further joints of the kept poses are left out.
    """
    poses, bones = made.poses, made.poses.skeleton
    if len(poses) != len(known.mask):
        raise unexpected("a dance of another length than asked for")
    known = known.on(bones)
    keypoints = np.where(known.mask[..., None], known.poses.keypoints, poses.keypoints)
    scores = np.where(known.mask, known.poses.scores, poses.scores)
    return replace(made, poses=replace(poses, keypoints=keypoints, scores=scores))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer to a revision, merged with what stays of the take."""

import math
from dataclasses import replace

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.request import Known
from tempose_pose.sequence import PoseSequence, convert, to_openpose18

from ...model.character.extremities import extremities_of, joined, moved_along
from ...model.dance import kept_poses
from .revision import Revision


def merge(change: Revision, made: Dance) -> Dance:
    """The answer merged with everything that stays of the take, whose own hands and feet follow the new limbs."""
    before, part = change.before, slice(change.first, change.stop)
    made = kept_poses.merge(change.asked, made)
    kept, fps = convert(change.kept.poses, made.poses.skeleton), made.poses.fps
    keypoints, scores = kept.keypoints.copy(), kept.scores.copy()
    keypoints[part], scores[part] = made.poses.keypoints, made.poses.scores
    poses = replace(kept, keypoints=keypoints, scores=scores, canvas=before.poses.canvas)
    if extremities_of(poses) is None:
        poses = _unchanged(change.kept, joined(poses, _moved_along(before.poses, poses)))
    ends = change.first / fps, change.stop / fps if change.stop < len(keypoints) else math.inf
    beats, downbeats = (
        kept_poses.with_part(old.tolist(), [float(t) + change.first / fps for t in new], *ends)
        for old, new in (
            (before.beat_times, made.beat_times),
            (before.downbeat_times, made.downbeat_times),
        )
    )
    seams = np.asarray(_seams(change, made), np.int32)
    return replace(made, poses=poses, beat_times=beats, downbeat_times=downbeats, seams=seams)


def _unchanged(kept: Known, poses: PoseSequence) -> PoseSequence:
    """The same with kept whole poses bit for bit: derived joints are not computed anew."""
    if poses.skeleton != kept.poses.skeleton:
        return poses
    whole = kept.mask.all(1)
    keypoints, scores = poses.keypoints.copy(), poses.scores.copy()
    keypoints[whole], scores[whole] = kept.poses.keypoints[whole], kept.poses.scores[whole]
    return replace(poses, keypoints=keypoints, scores=scores)


def _moved_along(before: PoseSequence, after: PoseSequence) -> np.ndarray | None:
    """Hands and feet (T, 48, 3) of a dance whose limbs have been danced again; None without any."""
    more = extremities_of(before)
    if more is None:
        return None
    size, frames = np.asarray(after.canvas, float), min(len(after), len(before))
    was, now = to_openpose18(before)[:frames], to_openpose18(after)[:frames]
    own = more[:frames].astype(float) * (*size, 1.0)
    out = moved_along(own, was.keypoints * size, now.keypoints * size, now.scores) / (*size, 1.0)
    same = (now.keypoints == was.keypoints).all((1, 2))
    out[same] = more[:frames][same]  # bit for bit
    return np.concatenate([out, np.repeat(out[-1:], len(after) - frames, 0)]).astype(np.float32)


def _seams(change: Revision, made: Dance) -> list[int]:
    def again_at(seam: int) -> bool:
        return any(a <= seam / made.poses.fps < b for a, b in change.kept.spans)

    new = {int(s) + change.first for s in made.seams}
    old = {int(s) for s in change.before.seams}
    return sorted({s for s in old if not again_at(s)} | {s for s in new if again_at(s)})

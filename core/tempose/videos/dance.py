"""A video as a dance: one dancer's poses, smoothed, with the beats of the video's own sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tempose.estimator import Estimator
from tempose.music.audio import Song
from tempose.videos.frames import open_video
from tempose.videos.people import Footage, OnFrame, dancer, watch
from tempose.videos.smoothing import bridged_gaps, smooth
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.formats.layouts import COCO_LAYOUTS
from tempose_pose.sequence import BRIDGED, PoseSequence, convert
from tempose_pose.skeletons import BODY_25, BODY_67, OPENPOSE_18, OPENPOSE_60, Skeleton

REVISION = "video"
BRIDGE = 0.4  # seconds without a joint that are bridged; longer gaps are left open
MOMENT = 0.5  # seconds that somebody has to be seen in all
AT_ONCE = 16  # joints that are smoothed together, so that half an hour needs little memory
FEW = 0.05  # share of frames below which a hand counts as an error


def dance_from_video(
    path: Path,
    person: int = 1,
    estimator: Estimator | None = None,
    on_frame: OnFrame | None = None,
    *,
    name: str | None = None,
) -> Dance:
    """The dance of one person in a video.

    Parameters
    ----------
    person : int
        1 is the person seen longest and largest.
    estimator : Estimator, optional
        None: the built-in one.
    on_frame : callable, optional
        Called with the number of frames done; may raise to stop.
    name : str, optional
        Name of the video in errors; by default its file name.

    Raises
    ------
    TemposeError
        It is not a video, or nobody is seen in it.
    """
    with open_video(path) as video:
        facts = video.facts
        footage = watch(video, estimator, on_frame)
    poses = poses_of(footage, facts.fps, person, name or path.name)
    beats, downbeats = beats_heard(path, facts.heard, len(poses) / facts.fps)
    return Dance(poses, beats, downbeats, np.asarray(footage.cuts, np.int32), 0, REVISION)


def poses_of(footage: Footage, fps: float, person: int = 1, name: str = "The video") -> PoseSequence:
    """One dancer of the footage, smoothed within shots, on the smallest layout that holds everything found."""
    names, target = COCO_LAYOUTS[footage.joints]
    joints = [joint for joint in target.joints if joint in names]
    points = dancer(footage, person, [names.index(joint) for joint in joints])  # (T, K, 3)
    seen = int((points[..., 2] > 0).any(1).sum())
    if seen and seen < min(MOMENT * fps, len(points) / 2):  # a pattern that looked like a person
        raise TemposeError(
            "nobody_seen",
            f"{name} shows nobody for longer than a moment ({seen} of {len(points)} frames): choose a video in "
            "which the dancer is seen.",
        )
    if not seen:
        people = max((len(seen) for seen in footage.people), default=0)
        raise TemposeError(
            "nobody_seen",
            f"{name} shows nobody whose joints can be found."
            if people == 0
            else f"{name} shows at most {people} at once: there is no person {person}.",
        )
    xy, scores = points[..., :2], points[..., 2]
    for start, stop in footage.shots:
        part = slice(start, stop)
        some = [(part, slice(k, k + AT_ONCE)) for k in range(0, len(joints), AT_ONCE)]
        for own in some:
            xy[own], scores[own] = bridged_gaps(xy[own], scores[own], round(BRIDGE * fps), BRIDGED)
        trunk = _trunk(joints, xy[part], scores[part])
        for own in some:
            xy[own] = smooth(xy[own], scores[own] > 0, fps, trunk)
    bare = Skeleton("video", tuple(joints), (-1,) * len(joints), ())
    xy /= np.asarray(footage.size, np.float32)
    xy[scores <= 0] = 0
    poses = PoseSequence(xy, scores, fps, bare, footage.size)
    return convert(poses, _layout(poses))


def _layout(poses: PoseSequence) -> Skeleton:
    """The layout with the feet and hands that are seen often enough."""

    def shown(part: str) -> bool:
        columns = [i for i, joint in enumerate(poses.skeleton.joints) if joint.endswith(part)]
        return bool((poses.scores[:, columns] > 0).any(1).mean() > FEW)

    feet, hands = shown("big_toe"), shown("_hand")
    return {(1, 1): BODY_67, (1, 0): BODY_25, (0, 1): OPENPOSE_60}.get((feet, hands), OPENPOSE_18)


def _trunk(joints: list[str], xy: np.ndarray, scores: np.ndarray) -> float:
    """Pixels from shoulders to hips, of the frames that show them."""
    ends = [[joints.index(f"{side}_{joint}") for side in ("left", "right")] for joint in ("shoulder", "hip")]
    seen = (scores[:, ends[0] + ends[1]] > 0).all(1)
    if not seen.any():
        return float(np.ptp(xy[scores > 0], axis=0).max() / 3) if (scores > 0).any() else 1.0
    way = xy[seen][:, ends[0]].mean(1) - xy[seen][:, ends[1]].mean(1)
    return float(np.percentile(np.hypot(*way.T), 75))


def beats_heard(path: Path, heard: float | None, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Beats and downbeats of a video's sound, in seconds from its first frame; empty without music."""
    nothing = np.zeros(0)
    if heard is None:
        return nothing, nothing
    try:
        grid = Song.load(path).grid
    except TemposeError:  # silent, too short, or unreadable
        return nothing, nothing
    beats, downbeats = grid.beats - heard, grid.downbeats - heard
    return beats[(beats >= 0) & (beats < seconds)], downbeats[(downbeats >= 0) & (downbeats < seconds)]

"""Does the dance ever do anything new? The share of the motion explained by one repeated loop.

Convention
----------
Poses are read in beat time (so a loop holds through tempo changes). For loops of 1, 2, 4 and 8 beats the share
of the joints' variance that the mean loop explains, corrected for the number of repetitions (1 for an exact
loop, 0 on average for noise); the largest counts. ``variety`` is 1 less that share: 0 for a metronome or any
other exact loop, 1 for motion that never comes back. Without beats, half a second stands for one.
"""

from __future__ import annotations

import numpy as np

from tempose.metrics import curves
from tempose.metrics.curves import filled, in_body_heights
from tempose_pose.dance import Dance
from tempose_pose.grid import BeatGrid
from tempose_pose.sequence import PoseSequence

LOOPS = (1, 2, 4, 8)
DETAIL = 8  # poses per beat


def validate(poses: PoseSequence) -> None:
    """Check the motion (`curves.validate`)."""
    curves.validate(poses)


def loop_share(poses: PoseSequence, beats: np.ndarray) -> tuple[float, int]:
    """Share of the variance explained by the best loop, 0 to 1, and its length in beats.

    (1, 1) for a figure that does not move; (0, 0) if not even one beat is danced twice.
    """
    validate(poses)
    end = (len(poses) - 1) / poses.fps
    beats = np.asarray(beats, float)
    if ((beats >= 0) & (beats <= end)).sum() < 3:
        beats = np.arange(0, end + 0.5, 0.5)
    grid = BeatGrid(beats)
    first, last = (float(v) for v in grid.beat_position(np.asarray([0.0, end])))
    count = int(np.floor(last + 1e-6)) - int(np.ceil(first - 1e-6))
    if count < 2:
        return 0.0, 0
    at = np.ceil(first - 1e-6) + np.arange(count * DETAIL) / DETAIL
    frames = np.interp(at, grid.beat_position(np.arange(len(poses)) / poses.fps), np.arange(len(poses)))
    points = filled(in_body_heights(poses)).reshape(len(poses), -1)
    low = np.minimum(frames.astype(int), len(poses) - 2)
    part = (frames - low)[:, None]
    points = points[low] * (1 - part) + points[low + 1] * part
    points = points - points.mean(0)
    best = (0.0, 0)
    for loop in LOOPS:
        times = count // loop
        if times < 2:
            break
        rounds = points[: times * loop * DETAIL].reshape(times, loop * DETAIL, -1)
        total = float(((rounds - rounds.mean((0, 1))) ** 2).mean())
        if total < 1e-10:
            return 1.0, 1
        rest = float(((rounds - rounds.mean(0)) ** 2).mean()) * times / (times - 1)
        if (share := 1 - rest / total) > best[0]:
            best = (share, loop)
    return best


def evaluate(dance: Dance) -> dict[str, float]:
    """``variety``, and the length of the loop that explains most."""
    share, loop = loop_share(dance.poses, dance.beat_times)
    return {"variety": 1 - share, "loop_beats": float(loop)}

# SPDX-License-Identifier: GPL-3.0-or-later
"""One dance for several dancers: in unison, mirrored, in canon, or as call and response. No bpy in here.

Each dancer follows the lead's dance by a clock of its own, which counts beats and may pause; the pose is held
meanwhile. So nothing jumps, and whatever is danced on a beat stays on a beat.
"""

from dataclasses import replace

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.framing import Framing
from tempose_pose.grid import BeatGrid
from tempose_pose.sequence import PoseSequence, to_openpose18

from ..tempo.timing import resample
from . import reshape
from .way import Way


def dance_of(kind: str, lead: Dance, member: int, beats: int) -> Dance:
    """The dance of a member (0 is the lead) on the lead's own figure.

    Parameters
    ----------
    kind : str
        UNISON, MIRRORED (every second member), CANON (each one `beats` later), or CALL (odd members repeat, `beats`
        later, what the even ones danced, while these wait).
    beats : int
        The delay of a canon, or the length of a call.
    """
    if kind == "MIRRORED":
        return reshape.flipped(lead) if member % 2 else lead
    if kind not in ("CANON", "CALL") or (kind == "CANON" and not member):
        return lead
    grid, count = BeatGrid(lead.beat_times, lead.downbeat_times), len(lead.poses)
    at = grid.beat_position(np.arange(count) / lead.poses.fps)
    first = float(at[0])
    if kind == "CANON":
        return _replayed(lead, grid, np.maximum(at - member * beats, first))
    downbeat = float(grid.beat_position(grid.downbeats[0])) if len(grid.downbeats) else 0.0
    return _replayed(lead, grid, downbeat + _turns(at - downbeat, beats, member % 2))


def way_of(kind: str, lead: Dance, member: int, beats: int, way: Way) -> Way:
    """The lead's way as a member goes it: in a canon each one `beats` later, by the beats."""
    if kind != "CANON" or not member:
        return way
    grid = BeatGrid(lead.beat_times, lead.downbeat_times)
    return Way(_seconds_at(grid, grid.beat_position(way.times) + member * beats), way.places)


def _turns(at: np.ndarray, beats: int, answering: int) -> np.ndarray:
    """Beats (T,) of the dance at beats (T,) of the song, for a member who dances every second phrase of `beats`."""
    turn, within = np.divmod(at - answering * beats, 2 * beats)
    danced = np.minimum(within, beats)
    return turn * beats + danced


def _replayed(lead: Dance, grid: BeatGrid, clock: np.ndarray) -> Dance:
    """The dance whose frame t shows the lead at beat clock[t]; the music stays as it is."""
    poses, seconds = lead.poses, _seconds_at(grid, clock)
    keypoints, scores = resample(poses.keypoints, poses.scores, poses.fps, np.maximum(seconds, 0.0))
    return replace(
        lead, poses=replace(poses, keypoints=keypoints, scores=scores), seams=np.zeros(0, np.int32)
    )


def _seconds_at(grid: BeatGrid, clock: np.ndarray) -> np.ndarray:
    """Seconds (T,) at beats (T,), carried on evenly before the first and after the last one."""
    index = np.arange(len(grid.beats), dtype=float)
    if len(index) < 2:
        return grid.beats[0] + 0.5 * clock if len(index) else 0.5 * clock
    seconds = np.interp(clock, index, grid.beats)
    first, last = grid.beats[1] - grid.beats[0], grid.beats[-1] - grid.beats[-2]
    seconds = np.where(clock < 0, grid.beats[0] + clock * first, seconds)
    return np.where(clock > index[-1], grid.beats[-1] + (clock - index[-1]) * last, seconds)


def on_figure(dance: Dance, own: PoseSequence, other: PoseSequence) -> Dance:
    """One figure's dance for another: scaled to its height and moved to its place, by their reference poses."""
    one, two = (_framing(pose) for pose in (own, other))
    points = two.undo(one.apply(dance.poses.pixels.astype(float)))
    keypoints = (points / np.asarray(other.canvas)).astype(np.float32)
    return replace(dance, poses=replace(dance.poses, keypoints=keypoints, canvas=other.canvas))


def _framing(pose: PoseSequence) -> Framing:
    body = to_openpose18(pose)
    return Framing.of(body.pixels[0].astype(float), body.scores[0])

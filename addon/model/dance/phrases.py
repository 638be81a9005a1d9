# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances and poses from the library, danced to another song: beat by beat, at any tempo. No bpy in here."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tempose_pose.dance import Dance
from tempose_pose.limits import FPS
from tempose_pose.request import Known, frames_of

from ..errors import Problem
from ..tempo.timing import resample
from . import kept_poses


def on_beats(dance: Dance, beats: npt.ArrayLike) -> Dance:
    """The dance from its first bar on, with its beats moved to other times.

    Parameters
    ----------
    beats : (M,) float
        Seconds from the new first frame, which is on the first of them. Parts of the dance without a beat are left
        out; with fewer than two beats on either side it keeps its own tempo.
    """
    poses, own = dance.poses, np.asarray(dance.beat_times, float)
    if len(dance.downbeat_times):
        own = own[own >= float(dance.downbeat_times[0]) - 1e-6]
    new = np.asarray(beats, float)
    count = min(len(own), len(new))
    if count < 2:
        return dance
    own, new = own[:count], new[:count] - float(new[0])
    pace = (new[-1] - new[-2]) / (own[-1] - own[-2])
    after = min(
        poses.seconds - own[-1], float(own[-1] - own[-2])
    )  # the last beat lasts as long as the one before it
    seconds = np.arange(max(2, round((new[-1] + after * pace) * poses.fps))) / poses.fps
    at = np.where(seconds > new[-1], own[-1] + (seconds - new[-1]) / pace, np.interp(seconds, new, own))
    keypoints, scores = resample(poses.keypoints, poses.scores, poses.fps, at)
    bars = np.array([np.abs(dance.downbeat_times - beat).min(initial=1.0) < 1e-3 for beat in own], bool)
    return replace(
        dance,
        poses=replace(poses, keypoints=keypoints, scores=scores),
        beat_times=new,
        downbeat_times=new[bars],
        seams=np.zeros(0, np.int32),
    )


def known_of(dance: Dance, where: str, beats: np.ndarray, seconds: float, here: float) -> Known:
    """The part of a new dance that is fixed by a phrase or by a pose (a dance of one frame).

    Parameters
    ----------
    where : str
        START, END, or HERE.
    beats : (B,) float
        In seconds of the new dance, which lasts `seconds`.
    here : float
        Second of the playhead: the phrase begins on the beat nearest to it.
    """
    count = frames_of(seconds)
    beats = beats[(beats >= -1e-6) & (beats <= seconds)]
    nearest = int(np.abs(beats - here).argmin()) if len(beats) else 0
    if len(dance.poses) == 1:
        poses = kept_poses.at_rate(dance, FPS).poses
        begins = {"START": 0.0, "END": seconds}.get(where, float(beats[nearest]) if len(beats) else here)
    else:
        at = {"START": 0, "END": max(len(beats) - _own_beats(dance), 0)}.get(where, nearest)
        poses = kept_poses.at_rate(on_beats(dance, beats[at:]), FPS).poses
        late = {"START": 0.0, "END": max(seconds - poses.seconds, 0.0)}.get(where, here)
        begins = float(beats[at]) if at < len(beats) else late
    first = min(max(round(begins * FPS), 0), count - 1)
    poses = poses[: count - first]
    if len(poses) >= count:
        raise Problem(
            "phrase_long", "This dance fills the whole range. Set a longer one, or use Dance from Library."
        )
    given = slice(first, first + len(poses))
    keypoints = np.repeat(poses.keypoints[:1], count, 0)
    scores, mask = np.ones(keypoints.shape[:2], np.float32), np.zeros(keypoints.shape[:2], bool)
    keypoints[given], scores[given], mask[given] = poses.keypoints, poses.scores, poses.scores > 0
    return Known(replace(poses, keypoints=keypoints, scores=scores, fps=float(FPS)), mask)


def _own_beats(dance: Dance) -> int:
    """Number of beats of a phrase from its first bar on."""
    first = float(dance.downbeat_times[0]) if len(dance.downbeat_times) else 0.0
    return max(int(np.count_nonzero(dance.beat_times >= first - 1e-6)), 1)


def tags(dance: Dance, style: str, energy: float | None) -> list[str]:
    """Tags to search the library by: style, tempo, bars and energy."""
    bars = len(dance.downbeat_times)
    found = [style, f"{dance.bpm:.0f} BPM" if dance.bpm else "", f"{bars} bars" if bars else ""]
    if energy is not None:
        found.append("calm" if energy < 0.8 else "lively" if energy > 1.2 else "normal energy")
    return [tag for tag in found if tag]

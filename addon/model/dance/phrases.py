# SPDX-License-Identifier: GPL-3.0-or-later
"""A dance that was kept, danced to another song: beat to beat, whatever either tempo. No bpy in here."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tempose_pose.dance import Dance

from ..tempo.timing import resample


def on_beats(dance: Dance, beats: npt.ArrayLike) -> Dance:
    """The dance from its first bar on, with its beats at other times.

    Parameters
    ----------
    beats : (M,) float
        Seconds from the new first frame, which is the first of them. What of the dance has no beat is left out;
        with fewer than two on either side it keeps its own tempo.
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


def tags(dance: Dance, style: str, energy: float | None) -> list[str]:
    """What the library can be searched for: style, tempo, bars and energy."""
    bars = len(dance.downbeat_times)
    found = [style, f"{dance.bpm:.0f} BPM" if dance.bpm else "", f"{bars} bars" if bars else ""]
    if energy is not None:
        found.append("calm" if energy < 0.8 else "lively" if energy > 1.2 else "normal energy")
    return [tag for tag in found if tag]

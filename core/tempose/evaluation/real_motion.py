"""Real motion to measure against: clips with the beats they were danced to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tempose.metrics.motion import freezing
from tempose_pose.dance import Dance
from tempose_pose.grid import BeatGrid
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18

if TYPE_CHECKING:
    from tempose.datasets.clips import Clip


@dataclass(frozen=True, eq=False)
class Truth:
    """One real clip.

    Parameters
    ----------
    name : str
    poses : PoseSequence
        openpose18, 30 frames per second.
    grid : BeatGrid
        The beats it was danced to; second 0 is frame 0.
    style : str or None
    held_out : bool
        Whether it was kept away from training.
    """

    name: str
    poses: PoseSequence
    grid: BeatGrid
    style: str | None = None
    held_out: bool = True

    def dance(self, grid: BeatGrid | None = None) -> Dance:
        """The clip as a dance, to its own beats or to others."""
        heard = (grid or self.grid).within(self.poses.seconds)
        return Dance(self.poses, heard.beats, heard.downbeats, np.zeros(0, int), 0, "truth")


def from_clips(clips: Iterable[Clip], size: float = 0.6) -> list[Truth]:
    """The clips with beats, seen from the front, with a standing figure `size` of the canvas tall."""
    truths = []
    for clip in clips:
        if clip.bpm is None:
            continue
        keypoints = clip.motion[..., :2] * (size, -size) + (0.5, 0.85)
        seconds = len(clip.motion) / 30
        beats = np.arange(0, seconds, 60 / clip.bpm)
        truths.append(
            Truth(
                clip.name,
                PoseSequence(keypoints, clip.scores, 30.0, OPENPOSE_18),
                BeatGrid(beats, beats[::4]),
                clip.style,
                clip.held_out,
            )
        )
    return truths


def moving(truths: Iterable[Truth], most: float = 0.5) -> list[Truth]:
    """The clips that dance: those held still for no more than `most` of the time.

    Some 30 of the AIST++ clips (25 of 35 in street jazz) stand still most of the time; as a reference they would
    reward standing still.
    """
    return [t for t in truths if freezing(t.poses) <= most]


def shuffled(truths: list[Truth], seed: int = 0) -> list[Dance]:
    """Each clip with the beats of another one (none keeps its own), at a random place in the music."""
    random = np.random.default_rng(seed)
    order = np.roll(np.arange(len(truths)), int(random.integers(1, max(len(truths), 2))))
    dances = []
    for truth, other in zip(truths, order, strict=True):
        beat = 60 / max(truths[other].grid.bpm, 1.0)
        beats = random.uniform(0, beat) + beat * np.arange(int(truth.poses.seconds / beat) + 2)
        dances.append(truth.dance(BeatGrid(beats, beats[::4])))
    return dances


def other_music(dances: dict[tuple[str, int], Dance], seed: int = 0) -> dict[tuple[str, int], Dance]:
    """Each dance with the beats of another song, to score what a dance that does not listen would get.

    Parameters
    ----------
    dances : dict of (song, seed) → Dance
        Of one generator. With fewer than two songs the result is empty.
    """
    songs = list(dict.fromkeys(song for song, _ in dances))
    if len(songs) < 2:
        return {}
    turn = 1 + int(np.random.default_rng(seed).integers(len(songs) - 1))
    partner = {song: songs[(i + turn) % len(songs)] for i, song in enumerate(songs)}
    out = {}
    for (song, number), dance in dances.items():
        heard = dances[partner[song], number]
        keep = [t[t < dance.poses.seconds] for t in (heard.beat_times, heard.downbeat_times)]
        out[song, number] = replace(dance, beat_times=keep[0], downbeat_times=keep[1])
    return out

"""What returns in the music returns in the dance: the first version, set on the new beats and drawn anew.

How much anew is one number. The first version's latent is followed from noise down to a time of the flow, from which
on the network draws freely (SDEdit, Meng et al. 2022, arXiv 2108.01073). Late, and the dance is the same again;
early, and it is a variation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tempose.codec import TIME_STRIDE
from tempose.sampler import Earlier
from tempose.segments import SEGMENT, Segment
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.skeletons import Skeleton
from tempose_pose.tempo import TempoMap

# Distance from the first version over that of another seed's dance, and the time of the flow that gives it.
_DISTANCES = (0.0, 0.22, 0.35, 0.50, 0.67, 0.78, 0.86, 1.0)
_TIMES = (0.1, 0.2, 0.4, 0.6, 0.75, 0.85, 0.93, 1.0)


def freedom(repeat: float) -> float:
    """Time of the flow from which on a section that returns is drawn freely; `repeat` from 0 (anew) to 1 (alike)."""
    return float(np.interp(1 - repeat, _DISTANCES, _TIMES))


@dataclass(frozen=True, eq=False)
class Choreography:
    """Which frames repeat which.

    Parameters
    ----------
    source : (T,) float
        The earlier frame that each frame repeats, between two frames where the beats say so; NaN: none.
    mirrored : (T,) bool
    until : (T,) float
        See `freedom`.
    """

    source: np.ndarray
    mirrored: np.ndarray
    until: np.ndarray

    @classmethod
    def of(
        cls,
        sections: Sequence[Section],
        grid: BeatGrid,
        tempo_map: TempoMap,
        times: np.ndarray,
        repeat: float,
    ) -> Choreography:
        """From the sections of a song in song seconds, for frames at timeline seconds (T,).

        `repeat` is that of sections which have none of their own.
        """
        song = tempo_map.to_song(times)
        beats = grid.beat_position(song)  # (T,)
        source, mirrored = np.full(len(times), np.nan), np.zeros(len(times), bool)
        until = np.ones(len(times))
        first: dict[str, Section] = {}
        for section in sections:
            if section.start >= song[-1] or section.stop <= song[0]:
                continue
            original = first.setdefault(section.name, section)
            alike = repeat if section.repeat is None else section.repeat
            if original is section or len(grid.beats) < 2 or not alike:
                continue
            # beats are counted from each section's own first
            shift = np.round(grid.beat_position(section.start) - grid.beat_position(original.start))
            here = (song >= section.start) & (song < section.stop)
            frames = np.interp(beats[here] - shift, beats, np.arange(len(times)), left=np.nan, right=np.nan)
            there = np.interp(frames, np.arange(len(times)), song)
            inside = (there >= original.start - 1e-6) & (there < original.stop + 1e-6)
            source[here] = np.where(inside, frames, np.nan)
            mirrored[here] = section.mirrored != original.mirrored
            until[here] = freedom(alike)
        return cls(source, mirrored, until)

    def earlier(self, segment: Segment, keypoints: np.ndarray, skeleton: Skeleton) -> Earlier | None:
        """What a segment's own part shall resemble of the canonical keypoints (T, K, 2) drawn before it."""
        frames = np.arange(segment.start, segment.start + SEGMENT)
        source = np.full(SEGMENT, np.nan)
        n = segment.stop - segment.start
        source[:n] = self.source[segment.window]
        repeats = (frames >= segment.fresh) & (source < segment.fresh - 1)  # NaN compares false
        columns = repeats.reshape(-1, TIME_STRIDE).all(1)  # (T',)
        if not columns.any():
            return None
        low = np.floor(np.where(repeats, source, 0)).astype(int)
        share = np.where(repeats, source, 0) - low
        poses = (1 - share[:, None, None]) * keypoints[low] + share[:, None, None] * keypoints[low + 1]
        turned = np.zeros(SEGMENT, bool)
        turned[:n] = self.mirrored[segment.window]
        other_side = poses[:, list(skeleton.flip)] * (-1, 1) + (1, 0)
        poses = np.where(turned[:, None, None], other_side, poses)
        free = np.ones(SEGMENT)
        free[:n] = self.until[segment.window]
        return Earlier(poses[None], np.where(columns, free.reshape(-1, TIME_STRIDE).max(1), np.inf)[None])

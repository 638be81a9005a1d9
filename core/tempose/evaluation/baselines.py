"""Systems that a trained model has to beat: retrieval on the beat grid, mean motion, a metronome puppet.

All are generators like the model (`tempose.generator.Generator`) and draw from the *training* clips only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from tempose.evaluation.real_motion import Truth
from tempose.metrics.curves import in_body_heights
from tempose.music.audio import Song
from tempose.progress import OnSegment, OnStep
from tempose_pose.completion import complete
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.limits import FPS
from tempose_pose.reference import body_height
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18

_HIPS = [OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")]
_FEET = [OPENPOSE_18.index("left_ankle"), OPENPOSE_18.index("right_ankle")]


class Baseline:
    """The base of the baselines: frame times in beats, and motion at the reference's place and size."""

    revision = "baseline"
    skeleton = OPENPOSE_18
    device = "cpu"

    def motion(self, request: DanceRequest, grid: BeatGrid) -> np.ndarray:
        """(T, 18, 2) in body heights, x right, y down, hips about x = 0, feet about y = 0."""
        raise NotImplementedError

    def __call__(
        self,
        song: Song,
        request: DanceRequest,
        *,
        on_segment: OnSegment | None = None,
        on_step: OnStep | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> Dance:
        grid = (request.grid or song.grid).warped(request.tempo_map)
        reference, _ = complete(request.reference)
        height, pixels = body_height(reference), reference.pixels[0]
        ground = np.asarray((pixels[_HIPS, 0].mean(), pixels[_FEET, 1].max()))
        drawn = self.motion(request, grid) * height + ground
        scores = np.ones(drawn.shape[:2], np.float32)
        poses = PoseSequence(drawn / np.asarray(reference.canvas), scores, FPS, OPENPOSE_18, reference.canvas)
        heard = grid.within(request.seconds)
        return Dance(poses, heard.beats, heard.downbeats, np.zeros(0, int), request.seed, self.revision)


def _clips_digest(clips: Sequence[Truth]) -> str:
    """Eight digits that identify the clips of a baseline: another split is another baseline."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(clip.name.encode() + clip.poses.keypoints.tobytes() + clip.grid.beats.tobytes())
    return digest.hexdigest()[:8]


def _grounded(truth: Truth) -> np.ndarray:
    """(T, 18, 2) the clip in body heights, its mean hip over x = 0 and its feet on y = 0."""
    points = np.nan_to_num(in_body_heights(truth.poses))
    points[..., 0] -= np.median(points[:, _HIPS, 0])
    points[..., 1] -= np.percentile(points[:, _FEET, 1].max(1), 90)
    return points


def _at(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Linear interpolation at fractional frames, held at the ends."""
    frames = np.clip(frames, 0, len(points) - 1)
    low = np.minimum(frames.astype(int), max(len(points) - 2, 0))
    part = (frames - low)[:, None, None]
    return points[low] * (1 - part) + points[np.minimum(low + 1, len(points) - 1)] * part


class Retrieval(Baseline):
    """Training clips retimed to the song's beats, eight at a time, each joined to the next at the nearest poses.

    A strong baseline: real motion, exactly as much on the beat as its dancers were.
    """

    beats = 8

    def __init__(self, clips: list[Truth]):
        self.clips = [c for c in clips if len(c.grid.beats) > self.beats]
        if not self.clips:
            raise TemposeError("baseline_empty", "Retrieval needs training clips of more than eight beats.")
        self.points = [_grounded(c) for c in self.clips]
        self.revision = f"retrieval-2-{_clips_digest(self.clips)}"

    def motion(self, request: DanceRequest, grid: BeatGrid) -> np.ndarray:
        random = np.random.default_rng(request.seed)
        position = grid.beat_position(request.frame_times)
        candidates = self._candidates(request.style, grid.bpm)
        out = np.zeros((request.frames, len(OPENPOSE_18), 2))
        last: np.ndarray | None = None
        played_before: list[tuple[int, float]] = []
        first = int(np.floor(position[0] / self.beats))
        for block in range(first, int(np.floor(position[-1] / self.beats)) + 1):
            begin = block * self.beats
            # half a beat longer than needed, for the fade into the next block
            inside = np.flatnonzero((position >= begin) & (position < begin + self.beats + 0.5))
            if not len(inside):
                continue
            fresh = [c for c in candidates if c not in played_before[-6:]] or candidates
            clip, offset = self._next(fresh, last, random)
            played_before.append((clip, offset))
            played = self._play(clip, offset + position[inside] - begin)
            into = np.clip((position[inside] - begin) / 0.5, 0, 1)[:, None, None]
            fade = into * into * (3 - 2 * into) if last is not None else np.ones_like(into)
            out[inside] = out[inside] * (1 - fade) + played * fade
            last = self._play(clip, np.asarray([offset + self.beats]))[0]
        return out

    def _candidates(self, style: str | None, bpm: float) -> list[tuple[int, float]]:
        chosen = [i for i, c in enumerate(self.clips) if style is None or c.style == style]
        chosen = chosen or list(range(len(self.clips)))
        away = np.asarray([abs(np.log(self.clips[i].grid.bpm / max(bpm, 1))) for i in chosen])
        near = [chosen[i] for i in np.argsort(away, kind="stable")[: max(12, int((away < 0.25).sum()))]]
        return [
            (i, float(offset))
            for i in near
            for offset in range(0, len(self.clips[i].grid.beats) - self.beats + 1, 4)
        ]

    def _play(self, clip: int, beats: np.ndarray) -> np.ndarray:
        marks = self.clips[clip].grid.beats
        step = marks[-1] - marks[-2]
        seconds = np.interp(beats, np.arange(len(marks)), marks)
        seconds = np.where(beats > len(marks) - 1, marks[-1] + (beats - len(marks) + 1) * step, seconds)
        return _at(self.points[clip], seconds * self.clips[clip].poses.fps)

    def _next(
        self, candidates: list[tuple[int, float]], last: np.ndarray | None, random: np.random.Generator
    ) -> tuple[int, float]:
        if last is None:
            return candidates[random.integers(len(candidates))]
        starts = np.stack([self._play(i, np.asarray([o]))[0] for i, o in candidates])
        away = np.linalg.norm(starts - last, axis=-1).mean(1)
        return candidates[np.argsort(away)[random.integers(min(3, len(candidates)))]]


class GenreMean(Baseline):
    """The mean of all clips of the style (of all clips without one), beat by beat, over eight beats."""

    beats = 8
    detail = 16  # poses per beat

    def __init__(self, clips: list[Truth]):
        if not clips:
            raise TemposeError("baseline_empty", "Mean motion needs training clips.")
        long = [c for c in clips if len(c.grid.beats) > self.beats]
        self.loops = [(c.style, self._loop(c)) for c in long]
        self.revision = f"genre-mean-1-{_clips_digest(long)}"

    def _loop(self, clip: Truth) -> np.ndarray:
        phase = np.arange(self.beats * self.detail) / self.detail
        seconds = np.interp(phase, np.arange(len(clip.grid.beats)), clip.grid.beats)
        return _at(_grounded(clip), seconds * clip.poses.fps)

    def motion(self, request: DanceRequest, grid: BeatGrid) -> np.ndarray:
        same = [loop for style, loop in self.loops if request.style is None or style == request.style]
        loop = np.mean(same or [loop for _, loop in self.loops], axis=0)
        loop = np.concatenate([loop, loop[:1]])
        phase = grid.beat_position(request.frame_times) % self.beats
        return _at(loop, phase * self.detail)


class Metronome(Baseline):
    """A puppet that goes from one pose to its mirror image and back, stopping dead on every beat.

    It has a perfect beat score and dances like a metronome: beat scores alone would prefer it.
    """

    revision = "metronome-1"

    def motion(self, request: DanceRequest, grid: BeatGrid) -> np.ndarray:
        reference, _ = complete(request.reference)
        rest = reference.pixels[0].astype(float) / body_height(reference)
        rest = rest - (rest[_HIPS, 0].mean(), rest[_FEET, 1].max())
        position = grid.beat_position(request.frame_times)
        index = np.floor(position)
        eased = (1 - np.cos(np.pi * (position - index))) / 2
        swing = (eased + index % 2 - 2 * eased * (index % 2)) * 2 - 1  # -1 … 1, one way per beat
        lift = -rest[:, 1]
        sway = np.stack([lift[None] * 0.15 * swing[:, None], 0 * lift[None] * swing[:, None]], -1)
        return rest + sway

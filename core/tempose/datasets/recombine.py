"""Windows of dance without end: bars of clips of one style joined on a new beat, some of them made larger.

This is what a training's workers do, on the CPU and without torch; bodies, cameras and music come afterwards, on the
training's own device: see `tempose.augmentation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tempose.datasets.clips import Clip, beat_lock, joint_speed, quantised, sample
from tempose.datasets.exaggerate import Exaggeration, exaggerate
from tempose.memory import LONGEST, spread
from tempose.segments import SEGMENT
from tempose_pose.limits import FPS
from tempose_pose.request import STYLES
from tempose_pose.skeletons import Skeleton

HALF_TIME = 0.5  # of the slow windows are shown with music twice as fast, as dancers take fast music ...
HALF_BELOW = 95.0  # ... where that is below this many beats per minute
OWN_SONG = 0.6  # of the windows of clips whose own music is known are heard with it
OFF_GRID = 110.0  # clips without music are cut as if at this tempo
TIGHT = 0.9  # of the windows are made of clips whose stops were moved onto the beat
FADE = 6  # frames on either side of a join
FIRST = 0.2  # of the windows begin a dance, where earlier poses are remembered: there are none yet


@dataclass(frozen=True, eq=False)
class Window:
    """`SEGMENT` frames of dance, in body heights, y up.

    Attributes
    ----------
    motion : (T, K, 3) float32
        Flat dances have depth 0.
    seen : (T, K) bool
    beats, bpm : (T,) float
        Position of the music in beats, and its tempo.
    style : int
        Index into `STYLES` or -1.
    has_music, flat : bool
    absent : (K,) bool
        Joints that the first clip never shows, whose places are guesses.
    memory, memory_seen : (M, K, 3) float32 and (M, K) bool
        Poses of the same dance before the window, as the window's own; see `tempose.memory`.
    ago : (M,) float32
        How many seconds before it; NaN where the window begins the dance.
    song : int
        Which of the source's songs it was danced to, -1 where any will do ...
    song_frames : (T,) float
        ... and the frame of its features that is heard with each of the dance.
    """

    motion: np.ndarray
    seen: np.ndarray
    beats: np.ndarray
    bpm: np.ndarray
    style: int
    has_music: bool
    flat: bool
    absent: np.ndarray
    memory: np.ndarray
    memory_seen: np.ndarray
    ago: np.ndarray
    song: int
    song_frames: np.ndarray


class Recombiner:
    """Draws windows of clips.

    Parameters
    ----------
    clips : list of Clip
    quantise : float
        Share of the way stops are moved onto beats in nine windows of ten (see `clips.quantised`).
    larger : float
        Strength of the exaggeration (see `exaggerate`); 0 leaves all dances as recorded.
    larger_share : float
        Share of the windows in space that are made larger.
    skeleton : Skeleton
        Of the clips.
    memory : int
        Poses to be remembered of what was danced before each window.
    own_songs : dict of Path → int
        Number, among the source's songs, of those that clips were danced to.
    """

    def __init__(
        self,
        clips: list[Clip],
        skeleton: Skeleton,
        quantise: float = 1.0,
        larger: float = 0.0,
        larger_share: float = 0.75,
        memory: int = 0,
        own_songs: dict[Path, int] | None = None,
    ):
        self.memory = memory
        self.clips, self.larger, self.larger_share, self.skeleton = clips, larger, larger_share, skeleton
        self.own_songs: dict[Path, int] = own_songs or {}
        self.hips = [skeleton.index("left_hip"), skeleton.index("right_hip")]
        self.tight = [quantised(clip, quantise) for clip in clips]
        self.weights = np.asarray([_weight(clip) for clip in self.tight])
        self.weights /= self.weights.sum()
        alike: dict[tuple, list[int]] = {}
        for i, clip in enumerate(clips):
            alike.setdefault((clip.style, clip.motion.shape[-1], clip.bpm is None), []).append(i)
        self.partners = [alike[(clip.style, clip.motion.shape[-1], clip.bpm is None)] for clip in clips]

    def window(self, *seed: int) -> Window:
        """The window of a seed: the same numbers, the same window."""
        rng = np.random.default_rng(seed)
        first = int(rng.choice(len(self.clips), p=self.weights))
        clip = self.clips[first]
        song, song_frames, before = -1, np.zeros(SEGMENT), 0
        remembered = np.zeros(self.memory, int)
        if clip.bpm is not None and clip.song is not None and rng.random() < OWN_SONG:
            motion, scores, beats, bpm, song_frames = self._as_danced(rng, first)
            song = self.own_songs.get(clip.song.file, -1)
        else:
            beats, bpm = tempo_curve(rng, clip.bpm or OFF_GRID)  # (T,), (T,)
            before, remembered = self._before(rng)
            past = beats[0] - np.arange(before, 0, -1) * bpm[0] / (60 * FPS)
            motion, scores = self._dance(rng, first, np.concatenate([past, beats]))  # (before + T, ...)
        flat = motion.shape[-1] == 2
        if self.larger and not flat and rng.random() < self.larger_share:
            motion = exaggerate(motion, Exaggeration.draw(rng, self.larger), self.skeleton)
        if song < 0 and bpm.max() < HALF_BELOW and rng.random() < HALF_TIME:
            beats, bpm = 2 * beats, 2 * bpm  # those of the music
        if flat:
            motion = np.concatenate([motion, np.zeros_like(motion[..., :1])], -1)
        motion, seen = motion.astype(np.float32), scores > 0.1
        return Window(
            motion=motion[before:],
            seen=seen[before:],
            beats=beats,
            bpm=bpm,
            style=STYLES.index(clip.style) if clip.style in STYLES else -1,
            has_music=clip.bpm is not None,
            flat=flat,
            absent=clip.absent,
            memory=motion[remembered],
            memory_seen=seen[remembered],
            ago=((before - remembered) / FPS if before else np.full(self.memory, np.nan)).astype(np.float32),
            song=song,
            song_frames=song_frames,
        )

    def _as_danced(self, rng: np.random.Generator, index: int) -> tuple[np.ndarray, ...]:
        """A piece of one clip at nearly its own tempo: motion, scores, beats, tempo, frames of its own song."""
        clip = (self.tight if rng.random() < TIGHT else self.clips)[index]
        assert clip.bpm is not None and clip.song is not None
        room = len(clip.motion) - 1
        rate = min(float(np.exp(rng.uniform(-0.12, 0.12))), room / (SEGMENT - 1))
        frames = rng.uniform(0, room - rate * (SEGMENT - 1)) + rate * np.arange(SEGMENT)
        return (
            sample(clip.motion, frames),
            sample(clip.scores, frames),
            frames * clip.bpm / 1800,
            np.full(SEGMENT, clip.bpm * rate),
            clip.song.start * FPS + frames,
        )

    def _before(self, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """How many frames are danced before the window, and which of them are remembered (M,)."""
        if not self.memory or rng.random() < FIRST:
            return 0, np.zeros(self.memory, int)
        before = int(rng.integers(SEGMENT // 8, int(LONGEST * FPS) + 1))
        return before, spread(before, self.memory, rng.random(self.memory))

    def upright(self, *seed: int, count: int = 256) -> np.ndarray:
        """(count, K, 3) tall poses of clips in space, for reference poses from outside the dance; may be empty."""
        rng = np.random.default_rng(seed)
        space = [clip for clip in self.clips if clip.motion.shape[-1] == 3]
        nose = self.skeleton.index("nose")
        poses = []
        for _ in range(count if space else 0):
            clip = space[int(rng.integers(len(space)))]
            frames = rng.integers(len(clip.motion), size=8)
            poses.append(clip.motion[frames[np.argmax(clip.motion[frames][:, nose, 1])]])
        return np.asarray(poses, np.float32).reshape(-1, len(self.skeleton), 3)

    def liveliness(self) -> tuple[float, float]:
        """Mean and deviation of the logarithm of joint speed over the moments of all clips, as they are drawn."""
        logs = [np.log(np.maximum(joint_speed(c.motion[..., :2], smooth=4.0), 0.03)) for c in self.clips]
        mean = sum(w * x.mean() for w, x in zip(self.weights, logs, strict=True))
        variance = sum(w * np.square(x - mean).mean() for w, x in zip(self.weights, logs, strict=True))
        return float(mean), float(max(variance, 1e-4) ** 0.5)

    def _dance(
        self, rng: np.random.Generator, first: int, beats: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Motion and scores at the given beat positions, recombined bar by bar from clips of one style."""
        pool = self.tight if rng.random() < TIGHT else self.clips
        index, here, entry = first, 0, None
        # The beat at which the clip's own beat 0 would lie: bars of the clip stay bars of the music.
        origin = beats[0] // 4 * 4 - 4 * int(rng.integers(_bars(pool[index])))
        motion = np.zeros((len(beats), *pool[index].motion.shape[1:]), np.float32)
        scores = np.zeros(motion.shape[:2], np.float32)
        while True:
            clip = pool[index]
            frames = (beats - origin) * _frames_per_beat(clip)
            piece, seen = sample(clip.motion, frames), sample(clip.scores, frames)
            if entry is None:
                motion[:], scores[:] = piece, seen
            else:
                motion, scores = _joined(motion, scores, piece, seen, here, self.hips)
            end = origin + 4 * _bars(clip)
            if rng.random() < 0.3:  # leave a clip early, at a bar
                bars = np.arange(max(origin, beats[here] // 4 * 4) + 4, end, 4)
                end = float(rng.choice(bars)) if len(bars) else end
            later = np.flatnonzero(beats >= end)
            if not len(later) or later[0] >= len(beats) - FADE:
                return motion, scores
            here = int(later[0])
            entry = motion[here]
            index, origin = self._next(rng, index, pool, entry, end)

    def _next(
        self, rng: np.random.Generator, index: int, pool: list[Clip], pose: np.ndarray, at: float
    ) -> tuple[int, float]:
        """The clip and entry bar, of a few drawn ones, whose pose lies nearest to the present one."""
        best, best_distance = (index, at), np.inf
        for candidate in rng.choice(self.partners[index], 6):
            clip = pool[int(candidate)]
            bar = int(rng.integers(_bars(clip)))
            entry = clip.motion[min(int(4 * bar * _frames_per_beat(clip)), len(clip.motion) - 1)]
            distance = float(np.abs((entry - entry.mean(0)) - (pose - pose.mean(0))).mean())
            if distance < best_distance:
                best, best_distance = (int(candidate), at - 4 * bar), distance
        return best


def _joined(
    motion: np.ndarray, scores: np.ndarray, piece: np.ndarray, seen: np.ndarray, here: int, hips: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """A motion that goes over into another piece about frame `here`, where their hips meet on the ground."""
    fade = np.clip((np.arange(len(motion)) - here + FADE) / (2 * FADE), 0, 1)
    fade = (fade * fade * (3 - 2 * fade)).astype(np.float32)
    shift = motion[here, hips].mean(0) - piece[here, hips].mean(0)
    shift[1] = 0  # the ground stays where it is
    motion = motion + fade[:, None, None] * (piece + shift - motion)
    return motion, np.minimum(np.where(fade[:, None] > 0.5, seen, scores), 1)


def _frames_per_beat(clip: Clip) -> float:
    return 1800 / (clip.bpm or OFF_GRID)


def _bars(clip: Clip) -> int:
    """Whole bars in a clip, at least one."""
    return max(1, int(len(clip.motion) / _frames_per_beat(clip) + 0.25) // 4)


def _weight(clip: Clip) -> float:
    """How often a clip is drawn: whole dances more; still ones and those off the beat little, couples less."""
    situation = clip.choreography[1]
    speed = float(joint_speed(clip.motion).mean())
    moving = np.clip((speed - 0.08) / 0.3, 0.05, 1.3)
    on_beat = np.clip(0.4 + 3 * beat_lock(clip), 0.2, 1.6) if clip.bpm else 0.25
    whole = 2.0 if situation == "sFM" else 0.6 if situation.startswith("partner") else 1.0
    return float(moving * len(clip.motion) * on_beat * whole * (1 if clip.motion.shape[-1] == 3 else 0.7))


def tempo_curve(rng: np.random.Generator, own: float) -> tuple[np.ndarray, np.ndarray]:
    """Beat positions and tempo per frame: the clip's tempo made faster or slower, sometimes with a jump."""
    base = np.clip(own * np.exp(rng.uniform(-0.35, 0.4)), 60, 180)
    bpm = np.full(SEGMENT, base)
    if rng.random() < 0.3:
        jump = int(rng.integers(24, SEGMENT - 24))
        bpm[jump:] = np.clip(base * np.exp(rng.choice([-1, 1]) * rng.uniform(0.2, 0.6)), 55, 185)
    if rng.random() < 0.2:
        bpm = bpm * np.exp(np.linspace(0, rng.normal(0, 0.1), SEGMENT))
    beats = np.concatenate([[0], np.cumsum(bpm[:-1] / 1800)]) + rng.uniform(0, 16)
    return beats, bpm

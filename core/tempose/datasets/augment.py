"""Training examples: a clip on a new beat, in a new body, before a new camera, with a song on the same grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tempose.datasets.clips import Clip, beat_lock, joint_speed, quantised, sample
from tempose.music.features import LISTENED, beat_features
from tempose.request import FPS, NORMAL_SPEED, STYLES
from tempose.segments import SEGMENT
from tempose_pose.framing import HEIGHT, Framing, chain_height
from tempose_pose.skeletons import OPENPOSE_18

_J = {name: i for i, name in enumerate(OPENPOSE_18.joints)}
_FLIP = list(OPENPOSE_18.flip)
_FACE = [_J[j] for j in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
_LEGS = [_J[f"{s}_{j}"] for s in ("left", "right") for j in ("knee", "ankle")]
# Bones from the hips outward: (joint, what it hangs on, group whose factor stretches it).
_BONES = [
    ("neck", "hips", "torso"),
    ("left_hip", "hips", "hips"), ("right_hip", "hips", "hips"),
    ("nose", "neck", "head"),
    *[(f"{s}_{j}", p.format(s=s), g) for s in ("left", "right") for j, p, g in [
        ("shoulder", "neck", "shoulders"), ("elbow", "{s}_shoulder", "arms"), ("wrist", "{s}_elbow", "arms"),
        ("knee", "{s}_hip", "legs"), ("ankle", "{s}_knee", "legs"),
        ("eye", "nose", "face"), ("ear", "{s}_eye", "face"),
    ]],
]  # fmt: skip
_SPREAD = {"torso": 0.1, "hips": 0.15, "head": 0.2, "shoulders": 0.12, "arms": 0.1, "legs": 0.1, "face": 0.25}

HALF_TIME = 0.5  # of the slow examples are shown with music twice as fast, as dancers take fast music ...
HALF_BELOW = 95.0  # ... where that is below this many beats per minute


@dataclass(frozen=True, eq=False)
class SongBankEntry:
    """A rendered song: (F, 35) listened features at 30 fps and the (B,) times of its beats, bar-aligned."""

    features: np.ndarray
    beats: np.ndarray


@dataclass(frozen=True, eq=False)
class Example:
    """One training window of `SEGMENT` frames, in canonical coordinates.

    keypoints (T, 18, 2), scores (T, 18), reference (18, 2), reference_scores (18,), music (T, 43),
    style: index into `STYLES` or -1, energy: mean joint speed over normal, has_music: bool.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    reference: np.ndarray
    reference_scores: np.ndarray
    music: np.ndarray
    style: int
    energy: float
    has_music: bool


class Augmenter:
    """Draws examples without end.

    Parameters
    ----------
    clips : list of Clip
    songs : list of SongBankEntry
    quantise : float
        Share of the way stops are moved onto beats in nine examples of ten (see `clips.quantised`).
    """

    def __init__(self, clips: list[Clip], songs: list[SongBankEntry], quantise: float = 1.0):
        self.clips, self.songs = clips, songs
        self.tight = [quantised(clip, quantise) for clip in clips]
        self.weights = np.asarray([_weight(clip) for clip in self.tight])
        self.weights /= self.weights.sum()
        by_style: dict[tuple, list[int]] = {}
        for i, clip in enumerate(clips):
            by_style.setdefault((clip.style, clip.motion.shape[-1], clip.bpm is None), []).append(i)
        self.partners = {
            i: by_style[(clip.style, clip.motion.shape[-1], clip.bpm is None)] for i, clip in enumerate(clips)
        }

    def draw(self, rng: np.random.Generator) -> Example:
        """One example; everything random comes from `rng`."""
        first = int(rng.choice(len(self.clips), p=self.weights))
        clip = self.clips[first]
        beats, bpm = _tempo_curve(rng, clip.bpm or 110.0)  # (T,), (T,)
        motion, scores = self._dance(rng, first, beats)
        if rng.random() < 0.5:
            motion, scores = motion[:, _FLIP] * np.asarray([-1, 1, 1][: motion.shape[-1]]), scores[:, _FLIP]
        factors = {group: float(np.exp(rng.normal(0, s))) for group, s in _SPREAD.items()}
        motion = reproportion(motion, factors)
        camera = _Camera.draw(rng)
        flat = camera.project(motion)  # (T, 18, 2), y up
        if rng.random() < 0.7:
            reference = flat[int(rng.integers(len(flat)))]
        else:
            reference = self._upright(rng, first, factors, camera)
        seen = scores > 0.1
        if bpm.max() < HALF_BELOW and rng.random() < HALF_TIME:
            beats, bpm = 2 * beats, 2 * bpm  # those of the music
        return self._example(rng, clip, flat, seen, reference, beats, bpm)

    def _dance(
        self, rng: np.random.Generator, first: int, beats: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Motion and scores at the given beat positions, recombined bar by bar from clips of one style."""
        tight = rng.random() < 0.9
        pool = self.tight if tight else self.clips
        index, here, entry = first, 0, None
        # The beat at which the clip's own beat 0 would lie: bars of the clip stay bars of the music.
        origin = beats[0] // 4 * 4 - 4 * int(rng.integers(_bars(pool[index])))
        motion = np.zeros((len(beats), 18, pool[index].motion.shape[-1]), np.float32)
        scores = np.zeros(motion.shape[:2], np.float32)
        while True:
            clip = pool[index]
            frames = (beats - origin) * _frames_per_beat(clip)
            piece, seen = sample(clip.motion, frames), sample(clip.scores, frames)
            if entry is None:
                motion[:], scores[:] = piece, seen
            else:
                fade = np.clip((np.arange(len(beats)) - here + 6) / 12, 0, 1)
                fade = (fade * fade * (3 - 2 * fade)).astype(np.float32)
                shift = motion[here, [_J["left_hip"], _J["right_hip"]]].mean(0) - piece[
                    here, [_J["left_hip"], _J["right_hip"]]
                ].mean(0)
                shift[1] = 0  # the ground stays where it is
                motion = motion + fade[:, None, None] * (piece + shift - motion)
                scores = np.minimum(np.where(fade[:, None] > 0.5, seen, scores), 1)
            end = origin + 4 * _bars(clip)
            if rng.random() < 0.3:  # leave a clip early, at a bar
                bars = np.arange(max(origin, beats[here] // 4 * 4) + 4, end, 4)
                end = float(rng.choice(bars)) if len(bars) else end
            later = np.flatnonzero(beats >= end)
            if not len(later) or later[0] >= len(beats) - 6:
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

    def _upright(
        self, rng: np.random.Generator, index: int, factors: dict[str, float], camera: _Camera
    ) -> np.ndarray:
        """(18, 2) a tall pose of any clip of the same kind, in this example's body and camera."""
        same = [
            i for i, c in enumerate(self.clips) if c.motion.shape[-1] == self.clips[index].motion.shape[-1]
        ]
        clip = self.clips[int(rng.choice(same))]
        frames = rng.integers(len(clip.motion), size=8)
        tallest = clip.motion[frames[np.argmax(clip.motion[frames][:, _J["nose"], 1])]]
        return camera.project(reproportion(tallest[None], factors))[0]

    def _example(self, rng, clip: Clip, flat, seen, reference, beats, bpm) -> Example:
        height = chain_height(flat)
        speed = joint_speed(flat, smooth=0).mean() / height
        down = np.asarray([1.0, -1.0])
        framing = Framing.of(reference * down, np.ones(18))
        usual = HEIGHT / height  # a foreshortened reference must not blow the figure up without limit
        scale = float(np.clip(framing.scale, 0.85 * usual, 1.3 * usual)) * np.exp(rng.normal(0, 0.04))
        offset = framing.offset + (framing.scale - scale) * _anchor(reference * down) + rng.normal(0, 0.02, 2)
        keypoints = (flat * down) * scale + offset
        static = (reference * down) * scale + offset
        # Keep the dancer on the canvas: only as much of a wander as fits.
        hips = keypoints[:, [_J["left_hip"], _J["right_hip"]], 0].mean(1)
        keypoints[..., 0] -= (hips - np.clip(hips, 0.25, 0.75))[:, None]
        scores = seen.astype(np.float32)
        reference_scores = np.ones(18, np.float32)
        reference_scores[clip.absent] = 0
        _hide(rng, scores, reference_scores)
        scores *= ((keypoints > -0.01) & (keypoints < 1.01)).all(-1)
        reference_scores *= ((static > -0.01) & (static < 1.01)).all(-1)
        return Example(
            np.clip(keypoints, 0, 1).astype(np.float32),
            scores,
            np.clip(static, 0, 1).astype(np.float32),
            reference_scores,
            self._music(rng, beats, bpm),
            STYLES.index(clip.style) if clip.style in STYLES else -1,
            float(speed / NORMAL_SPEED),
            clip.bpm is not None,
        )

    def _music(self, rng: np.random.Generator, beats: np.ndarray, bpm: np.ndarray) -> np.ndarray:
        """(T, 43): a song of the bank read on this example's own clock, bar on bar."""
        song = self.songs[int(rng.integers(len(self.songs)))]
        needed = int(beats[-1] - beats[0]) + 8
        room = max(0, (len(song.beats) - needed) // 4)
        first = 4 * int(rng.integers(room + 1))
        position = beats - beats[0] // 4 * 4 + first
        seconds = np.interp(position, np.arange(len(song.beats)), song.beats)
        listened = song.features[
            np.clip(np.round(seconds * FPS), 0, len(song.features) - 1).astype(int)
        ].astype(np.float32)
        each = (1, LISTENED.width)
        listened = listened * np.exp(rng.normal(0, 0.08, each)) + rng.normal(0, 0.1, each)  # EQ, mix
        if rng.random() < 0.5:
            listened = listened + rng.normal(0, 0.05, listened.shape)
        chroma = LISTENED["chroma"]
        listened[:, chroma] = np.roll(listened[:, chroma], int(rng.integers(12)), 1)  # any key
        return np.hstack([listened, beat_features(beats, beats / 4, bpm)]).astype(np.float32)


def _frames_per_beat(clip: Clip) -> float:
    return 1800 / (clip.bpm or 110.0)  # clips without music are cut as if at 110


def _bars(clip: Clip) -> int:
    """Whole bars in a clip, at least one."""
    return max(1, int(len(clip.motion) / _frames_per_beat(clip) + 0.25) // 4)


def _weight(clip: Clip) -> float:
    """How often a clip is drawn: still ones and those that will not be led to the beat seldom."""
    speed = float(joint_speed(clip.motion).mean())
    moving = np.clip((speed - 0.08) / 0.3, 0.05, 1.3)
    on_beat = np.clip(0.4 + 3 * beat_lock(clip), 0.2, 1.6) if clip.bpm else 0.25
    return float(moving * len(clip.motion) * on_beat * (1 if clip.motion.shape[-1] == 3 else 0.7))


def _tempo_curve(rng: np.random.Generator, own: float) -> tuple[np.ndarray, np.ndarray]:
    """Beat positions and tempo per frame: the clip's tempo made faster or slower, at times with a jump."""
    base = np.clip(own * np.exp(rng.uniform(-0.35, 0.4)), 60, 180)
    bpm = np.full(SEGMENT, base)
    if rng.random() < 0.3:
        jump = int(rng.integers(24, SEGMENT - 24))
        bpm[jump:] = np.clip(base * np.exp(rng.choice([-1, 1]) * rng.uniform(0.2, 0.6)), 55, 185)
    if rng.random() < 0.2:
        bpm = bpm * np.exp(np.linspace(0, rng.normal(0, 0.1), SEGMENT))
    beats = np.concatenate([[0], np.cumsum(bpm[:-1] / 1800)]) + rng.uniform(0, 16)
    return beats, bpm


def reproportion(motion: np.ndarray, factors: dict[str, float]) -> np.ndarray:
    """The same motion in another body: bones stretched by group, feet kept on the ground.

    `motion` is (T, 18, 2 or 3) with y up; `factors` holds torso, hips, head, shoulders, arms, legs, face.
    """
    hips = (motion[:, _J["left_hip"]] + motion[:, _J["right_hip"]]) / 2
    moved = {"hips": hips.copy()}
    moved["hips"][:, 1] *= factors["legs"]
    out = np.empty_like(motion)
    for joint, parent, group in _BONES:
        origin = hips if parent == "hips" else motion[:, _J[parent]]
        moved[joint] = moved[parent] + factors[group] * (motion[:, _J[joint]] - origin)
        out[:, _J[joint]] = moved[joint]
    return out


@dataclass(frozen=True)
class _Camera:
    yaw: float
    pitch: float
    distance: float
    zoom: float  # change of size over the window
    pan: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Camera:
        moving = rng.random() < 0.15
        return cls(
            float(np.clip(rng.normal(0, np.radians(25)), -1.2, 1.2)),
            float(rng.normal(np.radians(4), np.radians(4))),
            float(rng.uniform(3, 10)),
            float(rng.normal(0, 0.06)) * moving,
            float(rng.normal(0, 0.05)) * moving,
        )

    def project(self, motion: np.ndarray) -> np.ndarray:
        """(T, 18, 2) body heights as seen from the front (+z), y up. 2D motion is only zoomed and panned."""
        u = np.linspace(-0.5, 0.5, len(motion))[:, None, None] if len(motion) > 1 else 0
        if motion.shape[-1] == 3:
            c, s = np.cos(self.yaw), np.sin(self.yaw)
            x = c * motion[..., 0] + s * motion[..., 2]
            z = c * motion[..., 2] - s * motion[..., 0]
            y = motion[..., 1] - 0.6
            c, s = np.cos(self.pitch), np.sin(self.pitch)
            y, z = c * y - s * z, c * z + s * y
            away = self.distance / np.maximum(self.distance - z, 0.5)
            flat = np.stack([x * away, y * away + 0.6], -1)
        else:
            flat = motion
        return flat * (1 + self.zoom * u) + np.asarray([self.pan, 0]) * u


def _anchor(pixels: np.ndarray) -> np.ndarray:
    """The point that `Framing.of` puts at the hips' x and the ground."""
    hips = pixels[[_J["left_hip"], _J["right_hip"]], 0].mean()
    return np.asarray([hips, pixels[[_J["left_ankle"], _J["right_ankle"]], 1].max()])


def _hide(rng: np.random.Generator, scores: np.ndarray, reference_scores: np.ndarray) -> None:
    """Hide joints in place: half figures, turned-away faces, limbs out of sight for a while."""
    if rng.random() < 0.08:
        for j in _LEGS:
            scores[:, j] = reference_scores[j] = 0
    if rng.random() < 0.08:
        for j in [_FACE[i] for i in ([1, 3], [2, 4], [0, 1, 2, 3, 4])[int(rng.integers(3))]]:
            scores[:, j] = reference_scores[j] = 0
    if rng.random() < 0.08:
        limb = _BONES[int(rng.integers(4, len(_BONES)))][0]
        a = int(rng.integers(0, len(scores) - 20))
        scores[a : a + int(rng.integers(8, 80)), _J[limb]] = 0

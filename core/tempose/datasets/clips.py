"""Motion clips with their beats, as read from a data folder, and the split by choreography."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.signal import argrelmin

from tempose.metrics.beats import alignment, shifted
from tempose_pose.framing import chain_height
from tempose_pose.request import STYLES
from tempose_pose.skeletons import COCO_17, HANDS, OPENPOSE_18, Skeleton

# AIST's two-letter genres as the styles users read; other clips train without a style.
GENRE_STYLES = {
    "BR": "break", "HO": "house", "JB": "ballet_jazz", "JS": "street_jazz", "KR": "krump",
    "LH": "la_hip_hop", "LO": "lock", "MH": "middle_hip_hop", "PO": "pop", "WA": "waack",
}  # fmt: skip

# Sources whose files hold pixels with y down, and confidence where there is a third number; the rest hold metres.
PIXELS = ("aistpp_raw2d", "aistpp_gd2d", "poses", "video", "projected")


@dataclass(frozen=True, eq=False)
class OwnMusic:
    """Where a clip's music is: a file of features and beats, and its second at the clip's first frame."""

    file: Path
    start: float


@dataclass(frozen=True, eq=False)
class Clip:
    """One dancer's motion at 30 fps in body heights, OpenPose-18, y up, the mean hip over the origin.

    Parameters
    ----------
    motion : (T, 18, D) float32
        D is 3 (x right as seen by the viewer, y up, z towards the viewer) or 2.
    scores : (T, 18) float32
    bpm : float or None
        Beat k lies at frame 1800 k / bpm; None where there was no music.
    """

    name: str
    motion: np.ndarray
    scores: np.ndarray
    style: str | None
    bpm: float | None
    choreography: tuple[str, str, str]
    held_out: bool = False  # kept for validation; see `held_out`
    hands: np.ndarray | None = (
        None  # (T, 42, D + 1): left and right hand and confidence, where the data has them
    )
    song: OwnMusic | None = None  # what it was danced to, where the data has that

    @cached_property
    def absent(self) -> np.ndarray:
        """(18,) bool: joints never seen in the clip, whose places are guesses."""
        return np.all(self.scores <= 0.1, axis=0)

    @property
    def beat_frames(self) -> np.ndarray:
        """(B,) frame positions of the beats inside the clip."""
        if self.bpm is None:
            return np.zeros(0)
        return np.arange(0, len(self.motion) - 1e-6, 1800 / self.bpm)


GLITCH = 0.2  # body heights per frame: no joint of a dancer moves 6 heights a second
MOST_GLITCHES = 0.01  # of a clip's frames


def load_clips(root: str | os.PathLike, skeleton: Skeleton = OPENPOSE_18) -> list[Clip]:
    """The clips listed in `root/dance/index.json` that are clean enough to learn from, on a skeleton.

    Pose estimators swap left and right for a frame or two; a clip in which more than one frame in a hundred
    holds such a jump is left out.
    """
    folder = Path(root) / "dance"
    entries = json.loads((folder / "index.json").read_text())
    clips = [load_clip(folder, entry) for entry in entries]
    clips = [widened(c, skeleton) for c in clips if glitches(c) <= MOST_GLITCHES * len(c.motion)]
    kept_away = held_out({clip.choreography for clip in clips})
    return [replace(clip, held_out=clip.choreography in kept_away) for clip in clips]


def held_out(choreographies: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """The choreographies kept for validation: of each genre one in seven, at least one of three or more.

    By choreography, never by clip: the same steps recur with other dancers and tempi. Which ones, a hash of
    their names decides. Both halves of a couple (CMU's 60 and 61) go together.
    """
    genres: dict[str, dict[str, list[tuple[str, str, str]]]] = {}
    for choreography in sorted(choreographies):
        genre, situation, name = choreography
        dance = name[-3:] if situation.startswith("partner") else f"{situation}/{name}"
        genres.setdefault(genre, {}).setdefault(dance, []).append(choreography)
    kept: set[tuple[str, str, str]] = set()
    for genre, dances in genres.items():
        order = sorted(dances, key=lambda dance: zlib.crc32(f"{genre}/{dance}".encode()))
        for dance in order[: max(round(len(dances) / 7), int(len(dances) > 2))]:
            kept.update(dances[dance])
    return kept


def glitches(clip: Clip) -> int:
    """Frames at which some joint jumps by more than `GLITCH`."""
    return int((np.linalg.norm(np.diff(clip.motion, axis=0), axis=-1).max(1) > GLITCH).sum())


def load_clip(folder: Path, entry: dict) -> Clip:
    """One clip of the index, as it is."""
    keypoints = np.load(folder / entry["file"])["kp"].astype(np.float64)  # (T, 17 or 59, 2 or 3)
    pixels = entry["source"] in PIXELS
    scores = np.ones(keypoints.shape[:2], np.float32)
    if pixels and keypoints.shape[-1] == 3:
        scores = np.clip(keypoints[..., 2], 0, 1).astype(np.float32)
    if entry["source"] == "cmu":
        keypoints, scores = keypoints[6:], scores[6:]  # takes begin in a T-pose
    dims = 2 if pixels else 3
    # A median of five frames takes out what an estimator got wrong for one or two.
    motion = median_filter(keypoints[..., :dims], (5, 1, 1)) if pixels else keypoints[..., :dims].copy()
    if pixels:
        motion[..., 1] *= -1  # y up
    hands, hand_scores = motion[:, len(COCO_17) :], scores[:, len(COCO_17) :]
    motion, scores = _with_neck(motion, scores)
    # A dancer facing the viewer has their left on the viewer's right, as +x is already in the 3D data.
    hips = motion[:, [OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")]].mean(1)
    middle = np.median(hips[:, 0])
    motion[..., 0] -= middle
    hands[..., 0] -= middle
    if dims == 3:
        deep = np.median(hips[:, 2])
        motion[..., 2] -= deep
        hands[..., 2] -= deep
    ankles = motion[:, [OPENPOSE_18.index("left_ankle"), OPENPOSE_18.index("right_ankle")], 1]
    ground = np.percentile(ankles.min(1), 10)
    motion[..., 1] -= ground
    hands[..., 1] -= ground
    height = chain_height(motion)
    motion /= height
    whole = np.concatenate([hands / height, hand_scores[..., None]], -1).astype(np.float32)
    song = entry.get("song")
    return Clip(
        entry["name"],
        motion.astype(np.float32),
        scores,
        GENRE_STYLES.get(entry["genre"], entry["genre"] if entry["genre"] in STYLES else None),
        None if entry["bpm"] is None else float(entry["bpm"]),
        (entry["genre"], entry["situation"], entry["choreo"]),
        hands=whole if hands.shape[1] else None,
        song=OwnMusic(folder / song, float(entry.get("song_start", 0.0))) if song else None,
    )


def widened(clip: Clip, skeleton: Skeleton) -> Clip:
    """A clip on a skeleton with more joints: hands as the data has them.

    Other joints, and hands that were never seen, lie on the joint they hang on.
    """
    if skeleton == OPENPOSE_18:
        return clip
    motion = np.zeros((len(clip.motion), len(skeleton), clip.motion.shape[-1]), np.float32)
    scores = np.zeros(motion.shape[:2], np.float32)
    for i, joint in enumerate(skeleton.joints):
        place = i
        while (name := skeleton.joints[place]) not in OPENPOSE_18.joints and name != "mid_hip":
            place = skeleton.parents[place]
        known = ["left_hip", "right_hip"] if name == "mid_hip" else [name]
        sources = [OPENPOSE_18.index(n) for n in known]
        motion[:, i] = clip.motion[:, sources].mean(1)
        if joint in (name, "mid_hip"):
            scores[:, i] = clip.scores[:, sources].min(1)
    if clip.hands is not None:
        names = [joint for side in ("left", "right") for joint in HANDS[side]]
        for k, joint in enumerate(names):
            if joint in skeleton.at and (clip.hands[:, k, -1] > 0.1).any():
                i = skeleton.at[joint]
                motion[:, i], scores[:, i] = clip.hands[:, k, :-1], clip.hands[:, k, -1]
    return replace(clip, motion=motion, scores=scores)


def _with_neck(motion: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    source = [COCO_17.index(j) if j != "neck" else 0 for j in OPENPOSE_18.joints]
    shoulders = [COCO_17.index("left_shoulder"), COCO_17.index("right_shoulder")]
    neck = OPENPOSE_18.index("neck")
    wide, seen = motion[:, source], scores[:, source]
    wide[:, neck], seen[:, neck] = motion[:, shoulders].mean(1), scores[:, shoulders].min(1)
    return wide, seen


def joint_speed(motion: np.ndarray, fps: float = 30.0, smooth: float = 1.5) -> np.ndarray:
    """(T-1,) mean joint speed in units per second, smoothed by `smooth` frames; sample i lies at frame i + ½."""
    speed = np.linalg.norm(np.diff(motion, axis=0), axis=-1).mean(-1) * fps
    return gaussian_filter1d(speed, smooth) if smooth and len(speed) > 8 else speed


def stops(motion: np.ndarray) -> np.ndarray:
    """(M,) frame positions at which the joints together are slowest: strict minima of smoothed mean speed."""
    return argrelmin(joint_speed(motion[..., :2], smooth=2.0), order=2)[0] + 0.5


def beat_lock(clip: Clip) -> float:
    """How much better than by chance the clip stops on its beats; 0 without music. See `metrics.beats`."""
    if clip.bpm is None:
        return 0.0
    times, beats = stops(clip.motion) / 30, clip.beat_frames / 30
    chance = [alignment(b, times) for b in shifted(beats, len(clip.motion) / 30, 40)]
    return alignment(beats, times) - float(np.mean(chance))


def quantised(clip: Clip, strength: float = 1.0) -> Clip:
    """The clip with its nearest stop moved onto each beat, as a drummer's take is quantised.

    For every beat the deepest minimum of joint speed within 0.45 beats is taken to the beat by a smooth
    monotone change of the clip's own clock (PCHIP), at most 1.8 times faster or slower between two anchors.
    The poses themselves are untouched. Real dancers in the data stop on the beat only a little more often
    than by chance; this teaches the model the beat without inventing a movement.
    """
    if clip.bpm is None:
        return clip
    speed = joint_speed(clip.motion[..., :2], smooth=2.0)
    minima = stops(clip.motion)
    beat = 1800 / clip.bpm
    source, target = [0.0], [0.0]
    for grid in clip.beat_frames[1:]:
        near = minima[np.abs(minima - grid) < 0.45 * beat]
        if not len(near):
            continue
        depth = speed[near.astype(int)] + 0.15 * speed.mean() * np.abs(near - grid) / beat
        best = float(near[np.argmin(depth)])
        moved = best + strength * (grid - best)
        rise, run = best - source[-1], moved - target[-1]
        if rise > 2 and 1 / 1.8 < run / rise < 1.8:
            source.append(best)
            target.append(moved)
    last = len(clip.motion) - 1.0
    if last - source[-1] > 2 and last - target[-1] > 2:
        source.append(last)
        target.append(last)
    if len(source) < 3:
        return clip
    clock = PchipInterpolator(target, source)(np.clip(np.arange(len(clip.motion)), 0, target[-1]))
    return replace(clip, motion=sample(clip.motion, clock), scores=np.round(sample(clip.scores, clock), 3))


def sample(values: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Values (T, ...) at fractional frames, by cubic Hermite interpolation (Catmull-Rom), held at the ends."""
    frames = np.clip(frames, 0, len(values) - 1)
    base = np.minimum(frames.astype(int), max(len(values) - 2, 0))
    u = (frames - base).reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    p0, p1, p2, p3 = (values[np.clip(base + k, 0, len(values) - 1)] for k in (-1, 0, 1, 2))
    return (
        p1 + 0.5 * u * (p2 - p0 + u * (2 * p0 - 5 * p1 + 4 * p2 - p3 + u * (3 * (p1 - p2) + p3 - p0)))
    ).astype(np.float32)

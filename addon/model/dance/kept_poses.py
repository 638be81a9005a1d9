# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a dance is kept while the rest is danced again: the request's `known` poses, and the answer put together.

No bpy in here. A `Kept` is aligned with the dance that is asked for: frame 0 is its timeline second 0, at `FPS`.
"""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tempose_pose.limits import FPS
from tempose_pose.skeletons import OPENPOSE_18

from ..errors import Problem
from ..tempo.timing import resample
from .dance import DanceData, bad_answer

OVERLAP = 16
"""Frames of a kept stretch that the model leans on; a shorter one between two others is danced again with them."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Poses of the dance to come, and which of them must stay.

    Parameters
    ----------
    keypoints : (T, 18, 2) float32
        Shares of the canvas, x right, y down.
    scores : (T, 18) float32
    mask : (T, 18) bool
        True where joint and frame are kept; the rest is danced.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    mask: np.ndarray

    def __post_init__(self):
        frames, joints = self.mask.shape
        if self.keypoints.shape != (frames, joints, 2) or self.scores.shape != (frames, joints):
            raise ValueError("keypoints, scores and mask must be of one length")

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left to be danced."""
        return bool(self.mask.all())

    @property
    def seconds(self) -> float:
        """How much of the dance has anything to be danced."""
        return float((~self.mask).any(1).sum() / FPS)

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Timeline seconds [start, stop) with anything to be danced."""
        return [(a / FPS, b / FPS) for a, b in runs((~self.mask).any(1))]


def frames_of(seconds: float) -> int:
    """Frames of a dance of that many seconds, as the server counts them."""
    return max(1, round(seconds * FPS))


def runs(flags) -> list[tuple[int, int]]:
    """Ranges [start, stop) where flags hold."""
    edges = np.flatnonzero(
        np.diff(np.concatenate([[False], np.asarray(flags, bool), [False]]).astype(np.int8))
    )
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def joint_mask(joints: Iterable[str] | None) -> np.ndarray:
    """(18,) bool: these joints, all of them for None; raises `Problem` for a name that is none."""
    if joints is None:
        return np.ones(len(OPENPOSE_18), bool)
    names = set(joints)
    if names - set(OPENPOSE_18.joints):
        raise Problem(
            "joint_unknown",
            f"Choose other joints, there are none like these: {', '.join(sorted(names - set(OPENPOSE_18.joints)))}.",
        )
    return np.asarray([name in names for name in OPENPOSE_18.joints])


def all_of(dance: DanceData, frames: int | None = None) -> Kept:
    """Every pose of a dance; frames beyond its end are danced anew.

    The dance's frame rate must be `FPS`; use `moved` for others.
    """
    if abs(dance.fps - FPS) > 1e-6:
        raise ValueError("this dance has another frame rate")
    frames = len(dance.keypoints) if frames is None else frames
    keypoints = np.zeros((frames, *dance.keypoints.shape[1:]), np.float32)
    scores = np.zeros(keypoints.shape[:2], np.float32)
    mask = np.zeros(scores.shape, bool)
    n = min(frames, len(dance.keypoints))
    keypoints[:n], scores[:n], mask[:n] = dance.keypoints[:n], dance.scores[:n], True
    return Kept(keypoints, scores, mask)


def part(kept: Kept, first: int, stop: int) -> Kept:
    """Frames [first, stop) alone."""
    return Kept(kept.keypoints[first:stop], kept.scores[first:stop], kept.mask[first:stop])


def with_part(times: Sequence[float], new: Sequence[float], first: float, stop: float) -> list[float]:
    """Seconds of a dance whose frames [first, stop) have new ones."""
    return sorted([t for t in times if not first / FPS <= t < stop / FPS] + list(new))


def at_rate(dance: DanceData) -> DanceData:
    """A dance at `FPS`; the very same where it has that rate."""
    if abs(dance.fps - FPS) < 1e-6:
        return dance
    seconds = np.arange(frames_of(len(dance.keypoints) / dance.fps)) / FPS
    keypoints, scores = resample(dance.keypoints, dance.scores, dance.fps, seconds)
    more = None
    if dance.more is not None:
        places, sure = resample(dance.more[..., :2], dance.more[..., 2], dance.fps, seconds)
        more = np.concatenate([places, sure[..., None]], 2).astype(np.float32)
    return replace(
        dance,
        keypoints=keypoints.astype(np.float32),
        scores=scores.astype(np.float32),
        fps=FPS,
        seams=[round(s / dance.fps * FPS) for s in dance.seams],
        more=more,
    )


def again(kept: Kept, spans: Sequence[tuple[float, float]], joints: Iterable[str] | None = None) -> Kept:
    """The same without these timeline seconds [start, stop), for these joints (None: all): they are danced again."""
    mask = kept.mask.copy()
    free = joint_mask(joints)
    for start, stop in spans:
        first, last = max(0, math.ceil(start * FPS - 1e-6)), max(0, math.ceil(stop * FPS - 1e-6))
        mask[first:last, free] = False
    return replace(kept, mask=mask)


def keep(kept: Kept, seconds: Iterable[float], joints: Iterable[str] | None = None) -> Kept:
    """The same with the poses at these timeline seconds kept (key poses), for these joints."""
    mask = kept.mask.copy()
    for second in seconds:
        frame = round(second * FPS)
        if 0 <= frame < len(mask):
            mask[frame] |= joint_mask(joints)
    return replace(kept, mask=mask)


def moved(dance: DanceData, frames: int, pieces: Sequence[tuple[float, float, float]]) -> Kept:
    """Stretches of a dance at other times, everything else danced anew.

    Parameters
    ----------
    dance : DanceData
        The dance as it was.
    frames : int
        Of the dance to come.
    pieces : of (start, stop, shift)
        Timeline seconds [start, stop) of the dance to come; there the pose is that of the old dance at
        `seconds − shift`. A piece goes no farther than the old dance; its last pose holds up to a frame and a half
        longer, so that rounding leaves nothing to be danced at the end.
    """
    seconds = np.arange(frames) / FPS
    keypoints = np.zeros((frames, *dance.keypoints.shape[1:]), np.float32)
    scores = np.zeros(keypoints.shape[:2], np.float32)
    mask = np.zeros(scores.shape, bool)
    last = (len(dance.keypoints) - 1) / dance.fps
    for start, stop, shift in pieces:
        old = seconds - shift
        part = (
            (seconds >= start - 1e-6) & (seconds < stop - 1e-6) & (old > -1 / FPS) & (old < last + 1.5 / FPS)
        )
        frame = np.clip(np.round(old * dance.fps).astype(int), 0, len(dance.keypoints) - 1)
        if not part.any():
            continue
        off = np.abs(old * dance.fps - np.round(old * dance.fps))[part].max()
        if off < 1e-6:  # on its frames: bit for bit
            keypoints[part], scores[part] = dance.keypoints[frame[part]], dance.scores[frame[part]]
        else:
            keypoints[part], scores[part] = resample(dance.keypoints, dance.scores, dance.fps, old[part])
        mask[part] = True
    return Kept(keypoints, scores, mask)


def to_body(kept: Kept) -> dict | None:
    """The request's `known`; None where nothing is kept.

    The server takes ranges of frames for a set of joints; where different joints are kept in different ranges, the
    further sets come under `more`.
    """
    if not kept.mask.any():
        return None
    stop = int(np.flatnonzero(kept.mask.any(1))[-1]) + 1
    patterns, which = np.unique(kept.mask[:stop], axis=0, return_inverse=True)
    which = which.reshape(-1)
    parts = []
    for index, pattern in enumerate(patterns):
        if pattern.any():
            names = (
                None
                if pattern.all()
                else [n for n, on in zip(OPENPOSE_18.joints, pattern, strict=True) if on]
            )
            parts.append({"mask": [list(run) for run in runs(which == index)], "joints": names})
    seen = kept.mask[:stop]
    body = {
        "keypoints": _base64(np.where(seen[..., None], kept.keypoints[:stop], 0)),
        "scores": _base64(np.where(seen, kept.scores[:stop], 0)),
        **parts[0],
    }
    return {**body, "more": parts[1:]} if len(parts) > 1 else body


def merge(kept: Kept, made: DanceData) -> DanceData:
    """The answer with everything that is kept, bit for bit, whatever the server made of it."""
    if made.keypoints.shape != kept.keypoints.shape:
        raise bad_answer("a dance of another length than asked for")
    return replace(
        made,
        keypoints=np.where(kept.mask[..., None], kept.keypoints, made.keypoints).astype(np.float32),
        scores=np.where(kept.mask, kept.scores, made.scores).astype(np.float32),
    )


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()

"""Takes: what importers hand over, and how a take becomes a clip at 30 frames per second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tempose.datasets.clips import sample
from tempose.music.audio import Song
from tempose_pose.limits import FPS
from tempose_pose.skeletons import COCO_17

GAP = 5  # frames without the dancer that are bridged
TORSO = [COCO_17.index(f"{s}_{j}") for j in ("shoulder", "hip") for s in ("left", "right")]
BODY = [k for k, joint in enumerate(COCO_17.joints) if not joint.endswith(("nose", "eye", "ear"))]
FACE = [k for k in range(len(COCO_17)) if k not in BODY]
SEEN = 0.05  # confidence from which on a joint counts as found


@dataclass(frozen=True, eq=False)
class OwnSong:
    """The music of a film.

    Parameters
    ----------
    features : (F, 35) float16
        See `music.features.LISTENED`; frame 0 is the first of the sound.
    beats : (B,) float
        Seconds of the sound.
    start : float
        Second of the sound at the film's first frame.
    """

    features: np.ndarray
    beats: np.ndarray
    start: float

    @classmethod
    def of(cls, song: Song, start: float) -> OwnSong:
        """From the sound itself."""
        return cls(song.features.astype(np.float16), song.grid.beats, start)


@dataclass(frozen=True, eq=False)
class ImportedTake:
    """One continuous performance of one dancer, COCO-17.

    Parameters
    ----------
    name : str
        Unique in its source; becomes the file's name.
    source : str
        Says what `keypoints` hold: see `clips.PIXELS`.
    keypoints : (T, 17 or 59, 3) float
        The body, and then both hands where they are known. Metres with y up, the dancer's left at +x; or pixels
        with y down, and confidence in the third.
    fps : float
    facts : dict
        Of `options.LABELS`.
    song : OwnSong, optional
        What it was danced to.
    """

    name: str
    source: str
    keypoints: np.ndarray
    fps: float
    facts: dict[str, Any]
    song: OwnSong | None = None


@dataclass(frozen=True)
class Dropped:
    """What was left out, and why, for a person."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class ImportJob:
    """One file or folder to read.

    Parameters
    ----------
    name : str
    files : list of Path
        What it depends on: touched or changed, it is read again.
    read : callable
        Takes and what was left out.
    """

    name: str
    files: list[Path]
    read: Callable[[], tuple[list[ImportedTake], list[Dropped]]] = field(repr=False)


def settled(fps: float) -> float:
    """59.9988 from a frame time of 0.016667 s is 60; 59.94 stays what it is."""
    return float(round(fps)) if abs(fps - round(fps)) < 2e-4 * fps else float(fps)


def at_pose_rate(keypoints: np.ndarray, fps: float) -> np.ndarray:
    """Keypoints (T, K, 3) at `FPS`: every second frame of 60, else by cubic interpolation."""
    step = settled(fps) / FPS
    if step == round(step) and step >= 1:
        return keypoints[:: int(step)]
    count = int((len(keypoints) - 1) / step + 1e-6) + 1
    return sample(keypoints.astype(np.float32), np.arange(count) * step)


def from_beat(take: ImportedTake) -> ImportedTake:
    """The take cut so that it begins on a beat, as clips do; unchanged where no beats are known."""
    first = float(take.facts.get("beat0") or 0.0)
    if not take.facts.get("bpm") or first == 0:
        return replace(take, facts=take.facts | {"beat0": 0.0})
    beat = 60 / take.facts["bpm"]
    first = first % beat if first < 0 else first
    skip = round(first * take.fps)
    since = take.facts.get("since", 0.0) + skip / take.fps
    return replace(take, keypoints=take.keypoints[skip:], facts=take.facts | {"beat0": 0.0, "since": since})


def runs(present: np.ndarray, shortest: int, cuts: np.ndarray | None = None) -> list[tuple[int, int]]:
    """[start, stop) of stretches in which the dancer is there, gaps of up to `GAP` frames bridged, split at
    `cuts` (frames at which a new shot begins), at least `shortest` long."""
    there = np.flatnonzero(present)
    if not len(there):
        return []
    marks = np.flatnonzero(np.diff(there) > GAP + 1)
    out = []
    for a, b in zip(np.r_[0, marks + 1], np.r_[marks, len(there) - 1], strict=True):
        start, stop = int(there[a]), int(there[b]) + 1
        inside = [int(c) for c in (cuts if cuts is not None else []) if start < c < stop]
        edges = [start, *inside, stop]
        out += [(s, e) for s, e in pairwise(edges) if e - s >= shortest]
    return out


def filled(keypoints: np.ndarray) -> np.ndarray:
    """2D keypoints (T, 17, 3) with sensible coordinates where confidence is 0 (which stays 0).

    In time by interpolation; a face never seen lies where a face would be, on the line from hips to neck.
    """
    out = keypoints.astype(np.float64).copy()
    frames = np.arange(len(out))
    for joint in range(out.shape[1]):
        seen = out[:, joint, 2] > SEEN
        out[~seen, joint, 2] = 0
        if seen.any() and not seen.all():
            for axis in range(2):
                out[:, joint, axis] = np.interp(frames, frames[seen], out[seen, joint, axis])
    neck, hips = out[:, TORSO[:2], :2].mean(1), out[:, TORSO[2:], :2].mean(1)
    face = neck + (neck - hips) * 0.35
    for joint in FACE:
        if not (out[:, joint, 2] > 0).any():
            out[:, joint, :2] = face
    return out


def cut_2d(
    name: str,
    source: str,
    keypoints: np.ndarray,
    fps: float,
    facts: dict[str, Any],
    shortest: int,
    cuts: np.ndarray | None = None,
) -> tuple[list[ImportedTake], list[Dropped]]:
    """Takes of the runs in 2D keypoints (T, 17 or 59, 3) in which a whole dancer is seen."""
    present = np.all(keypoints[:, TORSO, 2] > SEEN, axis=1)
    takes, dropped = [], []
    for start, stop in runs(present, shortest, cuts):
        part = keypoints[start:stop]
        share = (part[:, BODY, 2] > SEEN).mean(0)
        own = name if (start, stop) == (0, len(keypoints)) else f"{name}_f{start:06d}"
        if share.min() < 0.5:
            joint = COCO_17.joints[BODY[int(share.argmin())]].replace("_", " ")
            dropped.append(
                Dropped(own, f"the {joint} is hidden in {1 - share.min():.0%} of {stop - start} frames")
            )
            continue
        own_facts = facts | {"since": start / fps}
        if facts.get("bpm"):
            beat = 60 / facts["bpm"]
            own_facts["beat0"] = (float(facts.get("beat0") or 0) - start / fps) % beat
        takes.append(ImportedTake(own, source, filled(part), fps, own_facts))
    if not takes and not dropped:
        seen = f"a dancer is seen in {present.mean():.0%} of {len(present)} frames"
        dropped.append(Dropped(name, f"no run of {shortest} frames: {seen}"))
    return takes, dropped

"""Videos: everybody's dances, cut at shots and gaps, with hands, and the music that is heard in the video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tempose.datasets.importers.options import PAPER_FPS, PAPER_FRAMES, ImportOptions
from tempose.datasets.importers.takes import Dropped, ImportedTake, ImportJob, OwnSong, cut_2d
from tempose.estimator import Estimator, RtmEstimator
from tempose.music.audio import Song
from tempose.videos.dance import poses_of
from tempose.videos.frames import FILES, open_video
from tempose.videos.people import Footage, OnFrame, watch
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import COCO_17, HANDS

STEADY = 0.04  # seconds by which beats may stray from an even grid
SURE = 0.5  # confidence of the tracker from which on its grid counts
DANCERS = 4  # in one video who become clips ...
CERTAIN = 0.6  # ... if what is seen of the others is so sure


def is_here(source: Path) -> bool:
    """Whether there are video files."""
    return bool(_files(source))


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() in FILES else []
    return sorted(p for p in source.rglob("*") if p.suffix.lower() in FILES)


def find(
    source: Path, options: ImportOptions, estimator: Estimator | None = None, on_frame: OnFrame | None = None
) -> list[ImportJob]:
    """One job per file; without an estimator, the one that ships or rtmlib's from `options.pose_model`."""
    if estimator is None and options.pose_model is not None:
        estimator = RtmEstimator(options.pose_model)
    root = source if source.is_dir() else source.parent
    return [
        ImportJob(
            str(p.relative_to(root)), [p], lambda path=p: read_video(path, options, estimator, on_frame)
        )
        for p in _files(source)
    ]


def read_video(
    path: Path, options: ImportOptions, estimator: Estimator | None = None, on_frame: OnFrame | None = None
) -> tuple[list[ImportedTake], list[Dropped]]:
    """The runs of everybody who dances in a video."""
    name = path.stem
    with open_video(path) as video:
        fps = options.fps or video.facts.fps
        if not PAPER_FPS[0] <= fps <= PAPER_FPS[1]:  # before the long work
            return [], [Dropped(name, f"{fps:g} frames per second, not between 20 and 60")]
        heard, footage = video.facts.heard, watch(video, estimator, on_frame)
    if not any(footage.people):
        return [], [Dropped(name, "nobody was found in it")]
    facts = options.facts(name)
    facts.pop("fps", None)
    song = None if heard is None else _song(path)
    if song is not None and heard is not None:
        steady = steady_tempo(song.grid) if not facts.get("bpm") else {}
        facts |= {**steady, "beat0": steady["beat0"] - heard} if steady else {}
    own = OwnSong.of(song, heard) if song is not None and heard is not None else None
    takes, dropped = [], []
    for person in range(1, DANCERS + 1):
        try:
            poses = poses_of(footage, fps, person, path.name)
        except TemposeError:
            break
        called = name if person == 1 else f"{name}_p{person}"
        if person > 1 and poses.scores[poses.scores > 0].mean() < CERTAIN:
            continue
        more, less = cut_2d(called, "video", _points(poses), fps, _with_size(facts, footage),
                            options.min_frames or PAPER_FRAMES, footage.cuts)  # fmt: skip
        takes += more
        dropped += less if person == 1 or more else []
    return [replace(take, song=own) for take in takes], dropped


def _points(poses: PoseSequence) -> np.ndarray:
    """(T, 17 or 59, 3) pixels and confidence: the body, and both hands where any is seen."""
    body = convert(poses, COCO_17)
    parts = [np.concatenate([body.pixels, body.scores[..., None]], -1)]
    joints = [joint for side in ("left", "right") for joint in HANDS[side]]
    if set(joints) <= set(poses.skeleton.joints):
        columns = poses.skeleton.indices(*joints)
        parts.append(np.concatenate([poses.pixels, poses.scores[..., None]], -1)[:, columns])
    return np.concatenate(parts, 1)


def _with_size(facts: dict[str, Any], footage: Footage) -> dict[str, Any]:
    width, height = footage.size
    return facts | {"root": f"pixels {width}x{height}, channel 3 = confidence"}


def _song(path: Path) -> Song | None:
    """The sound of a video; None where there is none to be heard."""
    try:
        return Song.load(path)  # by the same door as any song: silence and length checked
    except TemposeError:
        return None


def steady_tempo(grid: BeatGrid) -> dict[str, float]:
    """``bpm`` and ``beat0`` (on a downbeat) where the beats are one even grid; nothing where they are not.

    Clips have one tempo, so a video whose music changes its tempo is learned from without music.
    """
    beats = grid.beats
    if len(beats) < 8 or grid.confidence < SURE:
        return {}
    interval, first = np.polyfit(np.arange(len(beats)), beats, 1)
    stray = np.abs(beats - (first + interval * np.arange(len(beats))))
    if np.percentile(stray, 95) > STEADY:
        return {}
    down = np.argmin(np.abs(beats - grid.downbeats[0])) if len(grid.downbeats) else 0
    return {"bpm": round(60 / float(interval), 3), "beat0": float(first + interval * down)}

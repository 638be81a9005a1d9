"""Videos: every frame through a pose estimator, cut into shots, with the beats of their own sound."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tempose.datasets.importers.options import PAPER_FPS, Options
from tempose.datasets.importers.poses import clips_2d
from tempose.datasets.importers.shots import THUMBNAIL, shot_cuts
from tempose.datasets.importers.takes import Dropped, Job, Take
from tempose.estimator import Estimator, RtmEstimator
from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.formats import parse_poses
from tempose_pose.grid import BeatGrid

FILES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v")
STEADY = 0.04  # seconds by which beats may stray from an even grid
SURE = 0.5  # confidence of the tracker from which on its grid counts


def is_here(source: Path) -> bool:
    """Whether there are video files."""
    return bool(_files(source))


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() in FILES else []
    return sorted(p for p in source.rglob("*") if p.suffix.lower() in FILES)


def find(source: Path, options: Options, estimator: Estimator | None = None) -> list[Job]:
    """One job per file; without an estimator, rtmlib's from `options.pose_model`."""
    if estimator is None:
        if options.pose_model is None:
            raise TemposeError(
                "pose_model_missing",
                "Poses from videos need a pose model: --pose-model FOLDER with its ONNX files, and "
                "pip install rtmlib onnxruntime.",
            )
        estimator = RtmEstimator(options.pose_model)
    root = source if source.is_dir() else source.parent
    return [
        Job(str(p.relative_to(root)), [p], lambda path=p, e=estimator: read_video(path, e, options))
        for p in _files(source)
    ]


def read_video(path: Path, estimator: Estimator, options: Options) -> tuple[list[Take], list[Dropped]]:
    """The runs of one dancer in a video."""
    import av
    from av.error import FFmpegError

    name = path.stem
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return [], [Dropped(name, "it holds no pictures")]
            stream = container.streams.video[0]
            fps = options.fps or float(stream.average_rate or 0)
            if not PAPER_FPS[0] <= fps <= PAPER_FPS[1]:  # before the long work
                return [], [Dropped(name, f"{fps:g} frames per second, not between 20 and 60")]
            people, thumbnails, size = _frames(container.decode(stream), estimator)
    except (FFmpegError, OSError) as error:
        raise TemposeError("video_unreadable", f"{path.name} cannot be read as a video: {error}.") from error
    if not any(len(p) for p in people):
        return [], [Dropped(name, "nobody was found in it")]
    facts = options.facts(name)
    facts.pop("fps", None)
    if not facts.get("bpm"):
        grid = _beats(path)
        facts |= steady_tempo(grid) if grid is not None else {}
    poses = parse_poses(_coco(people, size, fps), name=path.name)
    cuts = shot_cuts(np.stack(thumbnails))
    return clips_2d(name, "video", poses, facts, options, cuts)


def _frames(
    pictures: Iterator[Any], estimator: Estimator
) -> tuple[list[np.ndarray], list[np.ndarray], tuple]:
    people, thumbnails, size = [], [], (1, 1)
    for picture in pictures:
        size = (picture.width, picture.height)
        people.append(np.asarray(estimator(picture.to_ndarray(format="rgb24")), float))
        small = picture.reformat(width=THUMBNAIL[0], height=THUMBNAIL[1], format="rgb24")
        thumbnails.append(small.to_ndarray())
    return people, thumbnails, size


def _coco(people: list[np.ndarray], size: tuple[int, int], fps: float) -> dict[str, Any]:
    """Detections as COCO results, so that one reader follows one dancer through the frames."""
    return {
        "info": {"fps": fps},
        "images": [{"id": i, "width": size[0], "height": size[1]} for i in range(len(people))],
        "annotations": [
            {"image_id": i, "keypoints": figure.ravel().tolist()}
            for i, figures in enumerate(people)
            for figure in figures
        ],
    }


def _beats(path: Path) -> BeatGrid | None:
    """The beat grid of a video's sound; None where it has none that can be heard."""
    import av
    import soundfile

    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        blocks = [
            out.to_ndarray().ravel() for f in container.decode(audio=0) for out in resampler.resample(f)
        ]
    if not blocks:
        return None
    with tempfile.TemporaryDirectory() as folder:  # by the same door as any song: silence and length checked
        wav = Path(folder) / "sound.wav"
        soundfile.write(wav, np.concatenate(blocks).astype(np.float32), SAMPLE_RATE)
        try:
            return Song.load(wav).grid
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

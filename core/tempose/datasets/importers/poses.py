"""Folders of pose files: OpenPose (a folder of frames is one take), COCO, Halpe, MediaPipe, our own JSON, dances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tempose.datasets.importers.options import PAPER_FPS, PAPER_FRAMES, ImportOptions
from tempose.datasets.importers.takes import Dropped, ImportedTake, ImportJob, cut_2d
from tempose_pose.errors import TemposeError
from tempose_pose.formats import load_poses, parse_poses
from tempose_pose.formats.numbering import in_time, numbers_in, visible_files
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import COCO_17


def is_here(source: Path) -> bool:
    """Whether there are JSON files."""
    return source.suffix.lower() == ".json" or any(_folders(source))


def find(source: Path, options: ImportOptions) -> list[ImportJob]:
    """One job per file with many frames, one per folder of files with one frame each."""
    if source.is_file():
        return [_job(source.stem, source, [source], options)]
    jobs = []
    for folder, files in _folders(source).items():
        if len(files) > 1 and _one_frame(files[0]) and _one_frame(files[-1]):
            name = folder.relative_to(source).as_posix() if folder != source else folder.name
            jobs.append(_job(name, folder, files, options))
        else:
            jobs += [_job(p.relative_to(source).as_posix(), p, [p], options) for p in files]
    return jobs


def _folders(source: Path) -> dict[Path, list[Path]]:
    """The folders that hold .json files, and these."""
    found = {folder: visible_files(folder) for folder in sorted({p.parent for p in source.rglob("*.json")})}
    return {folder: files for folder, files in found.items() if files}


def _job(name: str, path: Path, files: list[Path], options: ImportOptions) -> ImportJob:
    return ImportJob(name, files, lambda: _read(name, path, files, options))


def _one_frame(path: Path) -> bool:
    """Whether a file holds a single frame, as OpenPose writes them."""
    try:
        data = json.loads(path.read_bytes())
    except ValueError:
        return False
    if isinstance(data, dict):
        return "people" in data or "keypoints" in data or len(data.get("images", ())) == 1
    return (
        isinstance(data, list) and len({str(a.get("image_id", 0)) for a in data if isinstance(a, dict)}) == 1
    )


def _read(
    name: str, path: Path, files: list[Path], options: ImportOptions
) -> tuple[list[ImportedTake], list[Dropped]]:
    stem = Path(name).stem if path.is_file() else Path(name).name
    facts = options.facts(stem)
    poses = _load(path, files, options, facts.pop("fps", None))
    own = name.removesuffix(".json").replace("/", "_")
    return clips_2d(own, "poses", poses, facts, options)


def _load(path: Path, files: list[Path], options: ImportOptions, fps: float | None) -> PoseSequence:
    try:
        return load_poses(path, canvas=options.canvas, fps=fps)
    except TemposeError as error:
        if error.code != "pose_unreadable" or path.is_file():
            raise
    # A folder of single COCO frames: put together as one list of annotations.
    annotations, images, info = [], [], {}
    numbers = numbers_in([file.name for file in files])
    for number, file in enumerate(in_time(files, numbers, None)):
        if file is None:  # a number is missing: a frame in which nobody is seen
            images.append({"id": number})
            continue
        data = json.loads(file.read_bytes())
        header = data if isinstance(data, dict) else {}
        rows = header.get("annotations", data if isinstance(data, list) else [data])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TemposeError("pose_unreadable", f"{file.name} cannot be read as poses: no annotations.")
        size = (header.get("images") or [{}])[0]
        images.append({k: size[k] for k in ("width", "height") if k in size} | {"id": number})
        annotations += [row | {"image_id": number} for row in rows]
        info = header.get("info", info)
    data = {"annotations": annotations, "images": images, "info": info}
    return parse_poses(data, name=path.name, canvas=options.canvas, fps=fps)


def clips_2d(
    name: str,
    source: str,
    poses: PoseSequence,
    facts: dict,
    options: ImportOptions,
    cuts: np.ndarray | None = None,
) -> tuple[list[ImportedTake], list[Dropped]]:
    """Takes of a pose sequence of any layout, by the paper's rules: its runs and its frame rates."""
    low, high = PAPER_FPS
    if not low <= poses.fps <= high:
        return [], [Dropped(name, f"{poses.fps:g} frames per second, not between {low:g} and {high:g}")]
    poses = convert(poses, COCO_17)
    points = np.concatenate([poses.pixels, poses.scores[..., None]], -1)
    width, height = poses.canvas
    facts = facts | {"root": f"pixels {width}x{height}, channel 3 = confidence"}
    shortest = options.min_frames or PAPER_FRAMES
    return cut_2d(name, source, points, poses.fps, facts, shortest, cuts)

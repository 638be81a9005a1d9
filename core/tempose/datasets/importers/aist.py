"""AIST++ in its own layout: keypoints3d/, keypoints2d/, cameras/, pickles at 60 frames per second.

Layout and naming: google.github.io/aistplusplus_dataset; tempi: Tsuchida et al., AIST Dance Video Database,
ISMIR 2019: music 0 to 5 of a genre has 80, 90, … 130 BPM, of house 110, 115, … 135.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from tempose.datasets.importers.options import ImportOptions
from tempose.datasets.importers.pickles import load_arrays
from tempose.datasets.importers.takes import Dropped, ImportedTake, ImportJob, filled
from tempose_pose.errors import TemposeError

RATE = 60.0
LICENCE = "CC BY 4.0 (AIST++ annotations, Google)"
NAME = re.compile(
    r"g(?P<genre>\w\w)_(?P<situation>s\w\w)_cAll_(?P<dancer>d\d+)_(?P<music>m\w\w\d)_(?P<choreo>ch\d+)"
)
METRE = 100.0  # AIST++ is in centimetres


def is_here(source: Path) -> bool:
    """Whether the folder has AIST++'s layout."""
    return source.is_dir() and any((source / k).is_dir() for k in ("keypoints3d", "keypoints2d"))


def find(source: Path, options: ImportOptions) -> list[ImportJob]:
    """One job per sequence, without those on the data's own ignore list."""
    ignored: set[str] = set()
    for path in source.rglob("ignore_list.txt"):
        ignored |= set(path.read_text(encoding="utf-8").split())
    names = {p.stem for k in ("keypoints3d", "keypoints2d") for p in (source / k).glob("*.pkl")} - ignored
    jobs = []
    for name in sorted(names):
        files = [source / kind / f"{name}.pkl" for kind in ("keypoints3d", "keypoints2d")]
        files = [p for p in files if p.is_file() and options.views in ("both", p.parent.name[-2:])]
        if files:
            jobs.append(ImportJob(name, files, lambda n=name, f=files: _read(source, n, f, options)))
    return jobs


def tempo(music: str) -> float:
    """Beats per minute of an AIST piece such as mBR2."""
    number = int(music[-1])
    return 110.0 + 5 * number if music[1:3] == "HO" else 80.0 + 10 * number


def _read(
    source: Path, name: str, files: list[Path], options: ImportOptions
) -> tuple[list[ImportedTake], list[Dropped]]:
    match = NAME.fullmatch(name)
    if match is None:
        raise TemposeError("aist_name", f"{name} is not named as AIST++ names its sequences.")
    facts: dict[str, Any] = match.groupdict()
    music = facts.pop("music")
    facts |= {"bpm": tempo(music), "beat0": 0.0, "music_id": music, "licence": LICENCE}
    facts |= options.labels.get(name, {})
    takes: list[ImportedTake] = []
    dropped: list[Dropped] = []
    for path in files:
        if path.parent.name == "keypoints3d":
            takes.append(_solid(name, load_arrays(path), facts, path))
        else:
            flat, missing = _flat(source, name, load_arrays(path), facts, path)
            takes += flat
            dropped += missing
    return takes, dropped


def _array(data: dict[str, Any], key: str, dims: int, path: Path) -> np.ndarray:
    value = data.get(key)
    if not isinstance(value, np.ndarray) or value.ndim != dims or value.shape[-2:] != (17, 3):
        raise TemposeError("aist_shape", f"{path.name} holds no {key} of 17 joints.")
    return value


def _solid(name: str, data: dict[str, Any], facts: dict[str, Any], path: Path) -> ImportedTake:
    key = "keypoints3d_optim" if "keypoints3d_optim" in data else "keypoints3d"
    points = _array(data, key, 3, path) / METRE
    if not np.isfinite(points).all():
        raise TemposeError("aist_gaps", f"{path.name}: {key} has gaps.")
    return ImportedTake(name, "aistpp_raw3d", points, RATE, facts | {"root": "full"})


def _flat(
    source: Path, name: str, data: dict[str, Any], facts: dict[str, Any], path: Path
) -> tuple[list[ImportedTake], list[Dropped]]:
    """The sequence from each of its cameras."""
    points = _array(data, "keypoints2d", 4, path)
    width, height = canvas(source, name)
    root = f"pixels {width}x{height}, channel 3 = confidence"
    takes, dropped = [], []
    for camera, given in enumerate(points, 1):
        own = name.replace("cAll", f"c{camera:02d}")
        view = np.where(np.isfinite(given).all(-1, keepdims=True), given, 0)
        lost = float((view[..., 2] <= 0).all(1).mean())
        if lost > 0.05:
            dropped.append(Dropped(own, f"the dancer is lost in {lost:.0%} of the frames"))
            continue
        whole = filled(view) if (view[..., 2] <= 0).any() else view
        takes.append(ImportedTake(own, "aistpp_raw2d", whole, RATE, facts | {"root": root}))
    return takes, dropped


def canvas(source: Path, name: str) -> tuple[int, int]:
    """Size of the sequence's pictures, from its camera setting; 1920 × 1080 where none is there."""
    folder = source / "cameras"
    mapping = folder / "mapping.txt"
    if not mapping.is_file():
        return 1920, 1080
    settings = dict(line.split()[:2] for line in mapping.read_text().splitlines() if len(line.split()) >= 2)
    path = folder / f"{settings.get(name, '')}.json"
    try:
        width, height = json.loads(path.read_text())[0]["size"]
        return int(width), int(height)
    except FileNotFoundError:
        return 1920, 1080
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise TemposeError("aist_camera", f"{path.name} is no camera setting of AIST++.") from error

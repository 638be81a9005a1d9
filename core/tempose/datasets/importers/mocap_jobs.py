"""BVH folders: one job per file."""

from __future__ import annotations

from pathlib import Path

from tempose.datasets.importers.bvh import read_bvh
from tempose.datasets.importers.mocap import CANVAS, as_dancer, project, stance
from tempose.datasets.importers.options import ImportOptions
from tempose.datasets.importers.takes import Dropped, ImportedTake, ImportJob, settled

SHORTEST = 64


def is_here(source: Path) -> bool:
    """Whether there are BVH files."""
    return any(_files(source))


def _files(source: Path) -> list[Path]:
    return [source] if source.suffix.lower() == ".bvh" else sorted(source.rglob("*.bvh"))


def find(source: Path, options: ImportOptions) -> list[ImportJob]:
    """One job per file."""
    root = source if source.is_dir() else source.parent
    return [
        ImportJob(str(p.relative_to(root)), [p], lambda path=p: _read(path, options)) for p in _files(source)
    ]


def _read(path: Path, options: ImportOptions) -> tuple[list[ImportedTake], list[Dropped]]:
    bvh = read_bvh(path)
    facts = options.facts(path.stem)
    fps = settled(float(facts.pop("fps", 0) or 1 / bvh.frame_time))
    motion = as_dancer(bvh)
    skip = stance(motion, fps)
    motion = motion[skip:]
    shortest = options.min_frames or SHORTEST
    if len(motion) < shortest:
        why = f"{len(motion)} frames, fewer than {shortest}"
        return [], [Dropped(path.stem, why + (f" (after {skip} of T-pose)" if skip else ""))]
    if skip and facts.get("bpm"):
        facts["beat0"] = float(facts["beat0"]) - skip / fps
    takes = [ImportedTake(path.stem, "bvh", motion, fps, facts | {"root": "full"})]
    for yaw in options.project:
        root = f"pixels {CANVAS[0]}x{CANVAS[1]}, seen from {yaw:g} degrees"
        name = f"{path.stem}_v{round(yaw) % 360:03d}"
        takes.append(ImportedTake(name, "projected", project(motion, yaw), fps, facts | {"root": root}))
    return takes, []

"""What a person may say about the data that the data does not say itself."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tempose_pose.errors import TemposeError

KINDS = ("aist", "bvh", "poses", "video")
VIEWS = ("both", "3d", "2d")
PAPER_FRAMES = 256  # runs of at least that many frames, 20 to 60 a second: arXiv 2512.11720
PAPER_FPS = (20.0, 60.0)
LABELS = ("genre", "choreo", "situation", "dancer", "bpm", "beat0", "fps", "licence")
_NUMBERS = ("bpm", "beat0", "fps")


@dataclass(frozen=True)
class ImportOptions:
    """Options of an import.

    Parameters
    ----------
    fps : float, optional
        In place of what the files say; some BVH headers are wrong.
    canvas : (int, int), optional
        Width and height in pixels, for pose files that do not say it.
    genre, licence : str
    bpm : float, optional
    min_frames : int, optional
        Shortest run kept, in the source's own frames; None: 256 for pose files and videos, 64 for mocap.
    views : str
        Of AIST++: both, 3d or 2d.
    project : tuple of float
        BVH: degrees round the figure from which to draw 2D clips too, 0 is the front.
    pose_model : Path, optional
        Folder with the ONNX models of the pose estimator, for videos.
    labels : dict
        File stem → facts of its own (`LABELS`); precede all else.
    """

    fps: float | None = None
    canvas: tuple[int, int] | None = None
    genre: str | None = None
    bpm: float | None = None
    licence: str = ""
    min_frames: int | None = None
    views: str = "both"
    project: tuple[float, ...] = ()
    pose_model: Path | None = None
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def facts(self, stem: str) -> dict[str, Any]:
        """Facts of one file: its labels over the general ones, over defaults."""
        general = {"genre": self.genre, "bpm": self.bpm, "licence": self.licence, "fps": self.fps}
        known = {k: v for k, v in general.items() if v is not None}
        defaults = {"genre": "other", "situation": "import", "choreo": stem, "dancer": "", "bpm": None}
        return defaults | {"beat0": 0.0, "licence": ""} | known | self.labels.get(stem, {})


def read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """A CSV with a column ``name`` (file stem) and any of `LABELS`; empty cells say nothing."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise TemposeError("labels_missing", f"There is no file {path}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise TemposeError("labels_unreadable", f"{path.name} is not a CSV file in UTF-8.") from error
    out: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, 2):
        if not row.get("name"):
            raise TemposeError("labels_name", f"{path.name}, line {number}: the column name is empty.")
        unknown = {k for k in row if k not in (*LABELS, "name")}
        if unknown:
            raise TemposeError(
                "labels_column",
                f"{path.name} has columns nobody reads: {', '.join(map(str, unknown))}. "
                f"Known: name, {', '.join(LABELS)}.",
            )
        facts: dict[str, Any] = {k: v for k, v in row.items() if v and k != "name"}
        for key in _NUMBERS:
            if key in facts:
                try:
                    facts[key] = float(facts[key])
                except ValueError:
                    raise TemposeError(
                        "labels_number", f"{path.name}, line {number}: {key} is no number: {facts[key]!r}."
                    ) from None
        out[row["name"]] = facts
    return out

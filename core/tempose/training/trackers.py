"""Trackers for a run's figures: always `OUT/log.csv`, and those that accelerate knows."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from accelerate.tracking import GeneralTracker


class CsvTracker(GeneralTracker):
    """A row per call of `Accelerator.log`, appended to a file."""

    name = "csv"
    requires_logging_directory = False

    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    @property
    def tracker(self) -> Path:
        """The file."""
        return self.path

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Append a row; the first call also writes the column names."""
        row = {"step": step, **{key: round(value, 5) for key, value in values.items()}}
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)


def trimmed(path: Path, step: int) -> None:
    """Remove rows after `step` from a log: they are later than the saved state, and will be written again."""
    if step == 0 or not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    kept = [
        row for i, row in enumerate(rows) if i == 0 or (row and row[0].isdecimal() and int(row[0]) <= step)
    ]
    if len(kept) < len(rows):
        part = path.with_name(path.name + ".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(kept)
        part.replace(path)

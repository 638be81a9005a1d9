"""What can be seen of a run while it runs: a bar with the time left, a page with curves and a dance."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor

from tempose.training.page import write_page


class Live:
    """Progress of one run, on the main process; nothing elsewhere.

    Parameters
    ----------
    out : Path
        Where ``page.html`` and ``sample.png`` go.
    steps, first : int
        Steps of the whole run, and those made before.
    active : bool
    """

    def __init__(self, out: Path, steps: int, first: int, active: bool):
        self.out, self.active, self.sampled = out, active, time.time()
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("loss {task.fields[loss]:.4f}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console,
            disable=not (active and console.is_terminal), speed_estimate_period=300,
        )  # fmt: skip
        self.task = self.bar.add_task("", total=steps, completed=first, loss=float("nan"))
        self.bar.start()

    def step(self, step: int, loss: float) -> None:
        """One more step was made."""
        self.bar.update(self.task, completed=step, loss=loss)

    def page(self) -> None:
        """Write the page anew."""
        if self.active:
            write_page(self.out)

    def sample_due(self, minutes: float) -> bool:
        """Whether it is time for another dance."""
        return self.active and minutes > 0 and time.time() - self.sampled > 60 * minutes

    def sample(self, dit, ema: dict[str, Tensor], vae, check: dict[str, Tensor]) -> None:
        """Draw a dance with the averaged weights and show it on the page."""
        from tempose.training.sample import draw_sheet

        draw_sheet(dit, ema, vae, check, self.out / "sample.png")
        self.page()
        self.sampled = time.time()

    def stop(self) -> None:
        """Leave the terminal as it was, the page as of now."""
        self.bar.stop()
        self.page()


def trimmed(path: Path, step: int) -> None:
    """Take rows after `step` off a log: they were made after the state was saved, and will be made again."""
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

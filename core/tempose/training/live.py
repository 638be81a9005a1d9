"""The live view of a run: a bar with the time left, and a page with curves and a dance."""

from __future__ import annotations

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
        Folder for ``page.html``.
    steps, first : int
        Steps of the whole run, and those already made.
    active : bool
    """

    def __init__(self, out: Path, steps: int, first: int, active: bool):
        self.out, self.active = out, active
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("loss {task.fields[loss]:.4f}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console,
            disable=not (active and console.is_terminal), speed_estimate_period=300,
        )  # fmt: skip
        self.task = self.bar.add_task("", total=steps, completed=first, loss=float("nan"))
        self.bar.start()

    def step(self, step: int, loss: Tensor) -> None:
        """Report a step; the loss is only fetched from the device when it is shown."""
        if not self.bar.disable:
            self.bar.update(self.task, completed=step, loss=float(loss.detach()))

    def page(self) -> None:
        """Rewrite the page."""
        if self.active:
            write_page(self.out)

    def stop(self) -> None:
        """Restore the terminal and write the page a last time."""
        self.bar.stop()
        self.page()

"""The pool of dance windows that a run draws its batches from: made ahead by workers, kept on the device.

Making a window takes a core some milliseconds; making another example of it, with another body, camera and music,
takes a GPU next to nothing. So each window is shown several times. The windows available at a step, and those
drawn, depend only on seed and step: a resumed run continues exactly.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import fields

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tempose.augmentation.draws import Draws
from tempose.augmentation.examples import Windows
from tempose.datasets.recombine import Recombiner
from tempose.training.config import DiTConfig


@contextlib.contextmanager
def isolated_workers() -> Iterator[None]:
    """Context in which spawned processes run no code from the current folder.

    Python looks there first, even for `multiprocessing`, before it gets its parent's path.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


class _Rounds(Dataset):
    """Round r holds a window for each row of the batch: number r · rows + row of the seed's."""

    def __init__(self, recombiner: Recombiner, config: DiTConfig, rank: int, ranks: int):
        self.recombiner, self.config, self.rank, self.ranks = recombiner, config, rank, ranks

    def __getitem__(self, index: int) -> Windows:
        rows, first = self.config.batch * self.ranks, index * self.config.batch * self.ranks
        return Windows.of(
            [self.recombiner.window(self.config.seed, first + j) for j in range(self.rank, rows, self.ranks)]
        )


class WindowPool:
    """Windows for a run from some step on.

    Parameters
    ----------
    recombiner : Recombiner
    config : DiTConfig
    step : int
        The first step to come.
    device : torch.device
    rank, ranks : int
        This process's number, and the number of processes, which share the rows: see `Draws`.
    """

    def __init__(
        self,
        recombiner: Recombiner,
        config: DiTConfig,
        step: int,
        device: torch.device,
        rank: int = 0,
        ranks: int = 1,
    ):
        self.config, self.device = config, device
        self.made = self._span(step)[0]
        rounds = _Rounds(recombiner, config, rank, ranks)
        coming = DataLoader(
            rounds, batch_size=None, sampler=range(self.made, 10**9), num_workers=config.workers,
            prefetch_factor=4 if config.workers else None,
        )  # fmt: skip
        with isolated_workers():
            self.coming = iter(coming)
        self.kept: dict[str, Tensor] = {}  # (keep, B, ...) each; round r lies at r modulo `keep`

    def _span(self, step: int) -> tuple[int, int]:
        """The rounds [first, end) available at a step."""
        end = self.config.first + step // self.config.reuse
        return max(0, end - self.config.keep), end

    def draw(self, step: int, draws: Draws) -> Windows:
        """The windows of a step's batch; each row draws its own from a random round."""
        first, end = self._span(step)
        while self.made < end:
            self._put(self.made, next(self.coming))
            self.made += 1
        slot = draws.integers(first, end) % self.config.keep  # (B,)
        row = torch.arange(self.config.batch, device=self.device)
        return Windows(**{name: values[slot, row] for name, values in self.kept.items()})

    def _put(self, number: int, windows: Windows) -> None:
        for f in fields(Windows):
            value = getattr(windows, f.name)
            if f.name not in self.kept:
                shape = (self.config.keep, *value.shape)
                self.kept[f.name] = torch.zeros(shape, dtype=value.dtype, device=self.device)
            self.kept[f.name][number % self.config.keep].copy_(value)

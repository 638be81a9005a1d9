"""Random numbers for a batch that depend on a seed alone, not on how many processes share the batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Draws:
    """Draws for the rows of a batch that one process has.

    The numbers are drawn for the whole batch and the process's own rows kept, so that N processes together see what
    one alone would.

    Parameters
    ----------
    seed : tuple of int
    rows : int
        Rows of the whole batch.
    device : torch.device
    rank, ranks : int
        Of `ranks` processes number `rank` has every `ranks`-th row.
    """

    def __init__(self, seed: tuple[int, ...], rows: int, device: torch.device, rank: int = 0, ranks: int = 1):
        state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
        self.generator = torch.Generator(device).manual_seed(state >> 1)
        self.rows, self.device, self.own = rows, device, slice(rank, None, ranks)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(B, *shape) evenly between two numbers."""
        drawn = torch.rand(self.rows, *shape, device=self.device, generator=self.generator)[self.own]
        return low + (high - low) * drawn

    def normal(self, *shape: int) -> Tensor:
        """(B, *shape) of mean 0 and deviation 1."""
        return torch.randn(self.rows, *shape, device=self.device, generator=self.generator)[self.own]

    def chance(self, share: float, *shape: int) -> Tensor:
        """(B, *shape) bool, true in a share of all."""
        return self.uniform(*shape) < share

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """(B, *shape) whole numbers from `low` up to, not including, `high`."""
        return torch.randint(low, high, (self.rows, *shape), device=self.device, generator=self.generator)[
            self.own
        ]

"""Examples of a source of dances and songs, as many as are asked for."""

from __future__ import annotations

import torch

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.draws import Draws
from tempose.augmentation.examples import Augmentation, Examples, Windows
from tempose.augmentation.music import MusicBank
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.source import Source


def augmentation_of(source: Source, settings: AugmentationSettings, body: BodyTables) -> Augmentation:
    """The augmentation of a source's windows."""
    bank = MusicBank(source.songs, source.recombiner.liveliness(), body.device)
    return Augmentation(settings, body, bank, torch.from_numpy(source.recombiner.upright(0)))


class ExampleMaker:
    """Makes examples as they are asked for; a run of the transformer keeps a pool of windows (`training.windows`)."""

    def __init__(self, source: Source, settings: AugmentationSettings, device: torch.device | str = "cpu"):
        self.source, self.device = source, torch.device(device)
        self.augmentation = augmentation_of(source, settings, BodyTables(source.skeleton, device))

    def __call__(self, count: int, *seed: int) -> Examples:
        """The examples of a seed: the same numbers, the same examples."""
        windows = Windows.of([self.source.recombiner.window(*seed, i) for i in range(count)])
        return self.augmentation(windows.to(self.device), Draws(seed, count, self.device))

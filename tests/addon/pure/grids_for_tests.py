"""Beat grids for tests."""

import numpy as np
from addon.model.music import beats


def even(count=32, gap=0.5, first=0.25, metre=4, confidence=0.5):
    times = first + gap * np.arange(count)
    return beats.from_times(times, times[::metre], confidence)


def rising(grid):
    return (np.diff(grid.times) > 0).all()

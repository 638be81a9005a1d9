# SPDX-License-Identifier: GPL-3.0-or-later
"""The beat at the playhead."""

import numpy as np

from ..model.errors import require
from .reading import Reading

FAR = 1.0  # seconds; a beat farther away is not meant


def second_of(now: Reading) -> float:
    """Song second at the playhead, on the nearest beat."""
    here = now.staging.in_scene(require(now.playback))
    second = float(here.song_at(now.scene.frame_current))
    beats = now.beats.beats if now.beats is not None else np.zeros(0)
    if not len(beats):
        return second
    nearest = float(beats[np.abs(beats - second).argmin()])
    return nearest if abs(nearest - second) < FAR else second


def name_of(now: Reading, second: float) -> str:
    """Bar and beat of a second of the song, in words; the second itself if no beats are known."""
    grid = now.beats
    if grid is None or not len(grid.beats) or not len(grid.downbeats):
        return f"second {second:.1f}"
    bar = int(np.searchsorted(grid.downbeats, second + 0.02))
    begin = float(grid.downbeats[max(bar - 1, 0)])
    beat = int(np.searchsorted(grid.beats, second + 0.02) - np.searchsorted(grid.beats, begin - 0.02))
    return f"bar {bar}, beat {beat}" if bar else f"second {second:.1f}"

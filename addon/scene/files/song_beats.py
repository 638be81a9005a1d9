# SPDX-License-Identifier: GPL-3.0-or-later
"""The beats to export with a character."""

from ...model.errors import Problem
from ..reading import Reading


def frames_of(now: Reading) -> list[float]:
    """Frames (not whole) of the keys at which the song's beats are heard; empty without a song or beats."""
    if now.playback is None or now.grid is None or not now.has_beats:
        return []
    try:
        playback = now.staging.for_keys(now.playback)
    except Problem:  # the character's scene is shown in several ways
        return []
    return [float(playback.frame_at(second)) for second in now.grid.grid.times]

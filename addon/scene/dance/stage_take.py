# SPDX-License-Identifier: GPL-3.0-or-later
"""A take moved along its character's way without being danced again. Main thread only."""

from dataclasses import replace

import numpy as np

from ...model.errors import Problem, require
from ..reading import Reading
from . import pins, revised_take, waypoints
from .take_part import part_of


def follow(now: Reading) -> str:
    """Make a take with the current way and pins: the same dance with other keys."""
    it = part_of(now, None)
    ob = require(it.take.rig)
    song = it.beats.beats if it.beats is not None else np.zeros(0)
    goes, held = waypoints.way_of(ob, it.keyed, it.span, song), pins.pins_of(ob, it.span, now.staging)
    old = {key: value for key, value in it.data.settings.items() if key not in ("way", "pins", "stands")}
    if goes is None and not held and len(old) == len(it.data.settings):
        raise Problem(
            "empty_stage", "Nothing is set under Stage: draw a path, drop waypoints or pin a hand first."
        )
    data = replace(it.data, settings=old | pins.staged(goes, held))
    return revised_take.put_beside(now.settings, ob, data, it.span, it.take, "on stage")

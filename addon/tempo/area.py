# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the timeline that a panel's settings mean."""

from ..errors import Problem
from ..music import markers
from . import ranges
from .tempo_edit import Heard


def downbeats(scene, mark: str, plan: Heard) -> list[float]:
    """Timeline seconds at which bars begin, from the beat grid; empty without one."""
    grid = markers.read(scene, mark)
    return [float(plan.tempo.to_timeline(d)) for d in grid["downbeats"]] if grid else []


def seconds_of(scene, sound_scene, group, plan: Heard, mark: str) -> tuple[float, float] | None:
    """Timeline seconds (start, stop) of the plan's span; None for all of it.

    Parameters
    ----------
    scene, sound_scene
        Whose preview range counts, and whose beat grid.
    group : TemposeGenerate or TemposeEdit
    plan : Heard
        The strip as it is heard.
    mark : str
        Of the beat grid, for bars.
    """
    if group.area in ("STRIP", "TAKE"):
        return None
    if group.area == "PREVIEW":
        if not scene.use_preview_range:
            raise Problem("no_preview", "Set a preview range first: P in the timeline, then drag.")
        first, last = scene.frame_preview_start, scene.frame_preview_end
    elif group.area == "FRAMES":
        first, last = group.first_frame, group.last_frame
    else:
        first, last = ranges.bar_frames(
            plan.span, downbeats(sound_scene, mark, plan), group.first_bar, group.last_bar
        )
    return ranges.of_frames(plan.span, first, last)

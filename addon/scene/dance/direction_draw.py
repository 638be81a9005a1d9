# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the dancer's energy curve over the beats in the Sequencer."""

import bpy
import numpy as np

from ...model.dance import direction_view
from ...model.music.beat_view import NOTHING, Picture, View
from .. import compat
from ..character import selection
from ..music.song_grid import SongGrid
from . import direction

SHOWN = "energy"


def picture(context: bpy.types.Context, area: bpy.types.Area, now: SongGrid, view: View) -> Picture:
    """The energy curve of the current character, where the song is heard."""
    if area.type != "SEQUENCE_EDITOR" or (ob := selection.pick_rig(context)) is None:
        return NOTHING
    data: bpy.types.Armature = ob.data  # pyright: ignore[reportAssignmentType] -- a character's
    settings = data.tempose_direction  # pyright: ignore[reportAttributeAccessIssue] -- registered
    if not getattr(settings, f"use_{SHOWN}"):
        return NOTHING
    frames = direction_view.columns(view, *now.playback.ends)
    found = [c for c in compat.fcurves_of(data) if c.data_path == direction.PATH + SHOWN and not c.mute]
    usual = settings.bl_rna.properties[SHOWN].default
    if not found:
        values = np.full(len(frames), float(getattr(settings, SHOWN)))
        return direction_view.picture(SHOWN, frames, values, np.zeros((0, 2)), usual, view)
    points = found[0].keyframe_points
    keys = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", keys)
    values = np.array([found[0].evaluate(frame) for frame in frames])
    return direction_view.picture(SHOWN, frames, values, keys.reshape(-1, 2), usual, view)

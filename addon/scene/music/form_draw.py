# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the form of the song over the beats."""

import bpy
import numpy as np

from ...model.dance import form_view
from ...model.music.beat_view import NOTHING, Picture, View
from . import song_form
from .song_grid import SongGrid


def picture(context: bpy.types.Context, area: bpy.types.Area, now: SongGrid, view: View) -> Picture:
    """The audible sections."""
    form = context.scene.tempose.form
    sections = song_form.read(form, now.mark) if form.show else []
    if not sections:
        return NOTHING
    edges = np.array([(section.start, section.stop) for section in sections])
    frames = np.clip(now.playback.frame_at(edges), *now.playback.ends)
    special = [not section.is_plain for section in sections]
    return form_view.picture([s.name for s in sections], frames, special, form.active, view)

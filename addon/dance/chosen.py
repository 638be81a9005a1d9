# SPDX-License-Identifier: GPL-3.0-or-later
"""The take that is to be changed, the part of it, and the music that it is danced to. Main thread only."""

import math
from dataclasses import dataclass

from .. import compat
from ..errors import Problem
from ..keys import stage
from ..music.audio import MIN_SECONDS
from ..tempo import area, ranges, tempo_edit
from ..tempo.tempo_edit import Heard
from ..tempo.timing import Span, TempoMap
from . import dancing, known
from .takes import Take


@dataclass(frozen=True)
class Chosen:
    """The take that is meant and where it lies now.

    Parameters
    ----------
    take : TemposeTake
    data : Take
    scene
        Of the sound.
    original
        The sound strip; None for a take from a file, where there is no music.
    span : Span
        The take on the timeline.
    heard : Heard
        The whole strip; without one, the take as if it were music.
    spans : of (start, stop)
        Timeline seconds of the take that are to be changed.
    """

    take: object
    data: Take
    scene: object
    original: object
    span: Span
    heard: Heard
    spans: list


@dataclass(frozen=True)
class Part:
    """Frames [first, stop) of a take, at `known.FPS`, that can be danced: music is heard there."""

    first: int
    stop: int
    tempo: TempoMap

    @property
    def seconds(self) -> float:
        return (self.stop - self.first) / known.FPS


def chosen(context, group) -> Chosen:
    """The active take with the part of it that the settings mean; all of it without a group."""
    settings = context.scene.tempose
    take = stage.active(settings)
    if take is None:
        raise Problem("no_take", "There is no take: generate one.")
    data = stage.data_of(take)
    stage.rig_of(take)
    scene = compat.sound_scene(context)
    span, original = dancing.take_span(scene, take), _music(context, scene, data)
    if original is None:
        heard = Heard(None, span, TempoMap(data.tempo_map), data.song_start, data.song_seconds)
    else:
        heard = tempo_edit.heard(scene, original)
    part = None
    if group is not None:
        bars = group.area == "BARS" or not dancing.is_imported(data)
        where = heard if bars else Heard(None, span, heard.tempo, 0.0, span.seconds)
        mark = dancing.grid_mark(scene, original) if original is not None else ""
        part = area.seconds_of(context.scene, scene, group, where, mark)
        if part is not None:
            shift = float(where.span.second_at(span.left))
            part = part[0] - shift, part[1] - shift
    start, stop = (0.0, span.seconds) if part is None else (max(part[0], 0.0), min(part[1], span.seconds))
    if stop <= start:
        raise Problem("range_outside", f"This range lies outside of {take.name}. Choose another one.")
    return Chosen(take, data, scene, original, span, heard, [(start, stop)])


def _music(context, scene, data: Take):
    """The sound strip of a take; for one from a file the strip that is meant now, None without one."""
    if dancing.is_imported(data):
        try:
            return dancing.chosen_original(context)[1]
        except Problem:
            return None
    original = dancing.find_original(scene, data.settings.get("strip", ""))
    if original is None:
        raise Problem(
            "strip_gone",
            "The sound strip of this take has been deleted or renamed. Undo that, or discard the take.",
        )
    return original


def no_music(it: Chosen) -> Problem:
    """There is nothing to dance to."""
    return Problem(
        "no_music_there",
        f"No music is heard in this part of {it.take.name}. Move the sound strip there, then try again.",
    )


def danceable(it: Chosen, frames: int) -> Part:
    """The part of a take of so many frames that lies where music is heard: all of it, but for takes from files."""
    if not dancing.is_imported(it.data):
        return Part(0, frames, TempoMap(it.data.tempo_map))
    shift = float(it.heard.span.second_at(it.span.left))  # of the strip, at the take's beginning
    first = max(0, math.ceil(-shift * known.FPS - 1e-6))
    stop = min(frames, math.floor((it.heard.span.seconds - shift) * known.FPS + 1e-6))
    if (stop - first) / known.FPS < MIN_SECONDS:
        raise no_music(it)
    edges = (first / known.FPS + shift, stop / known.FPS + shift)
    return Part(first, stop, ranges.cut(it.heard.tempo, *edges))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The take that is to be changed, the part of it, and the music that it is danced to. Main thread only."""

import math
from dataclasses import dataclass, replace

import bpy

from tempose_pose.grid import BeatGrid
from tempose_pose.tempo import TempoMap

from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.tempo import area, ranges
from ...model.tempo.playback import Playback
from ...model.tempo.timing import Span
from .. import compat
from ..music import song_grid, song_playback
from ..music.audio import MIN_SECONDS
from ..music.mix import SoundSource
from ..reading import Reading
from ..server import connection
from ..settings import EditSettings, ListedTake
from . import audition, placement


@dataclass(frozen=True)
class TakePart:
    """The take that is meant and where it lies now.

    Parameters
    ----------
    take : ListedTake
    data : Take
    scene
        Of the sound.
    original
        The sound strip; None for a take from a file, where there is no music.
    span : Span
        The take, on the frames of its keys.
    playback : Playback
        The whole strip; without one, the take as if it were music.
    keyed : Playback
        The same on the frames of keys.
    beats : BeatGrid, optional
        Of the sound, in song seconds.
    spans : of (start, stop)
        Timeline seconds of the take that are to be changed.
    """

    take: ListedTake
    data: Take
    scene: bpy.types.Scene
    original: SoundSource | None
    span: Span
    playback: Playback
    keyed: Playback
    beats: BeatGrid | None
    spans: list


@dataclass(frozen=True)
class DancedPart:
    """Frames [first, stop) of a take, at the model's frame rate, that can be danced: music is heard there."""

    first: int
    stop: int
    tempo: TempoMap
    fps: float

    @property
    def seconds(self) -> float:
        return (self.stop - self.first) / self.fps


def part_of(now: Reading, group: EditSettings | None) -> TakePart:
    """The active take with the part of it that the settings mean; all of it without a group."""
    take = now.take
    if take is None:
        raise Problem("no_take", "There is no take: generate one.")
    data = audition.data_of(take)
    audition.rig_of(take)
    scene = compat.sound_scene(now.context)
    playback, beats = _music(now, scene, data)
    imported, staging = placement.is_imported(data), now.staging
    keyed = placement.for_keys(scene, now.scene, playback) if playback is not None else None
    if imported or playback is None or keyed is None:
        span = placement.span_of_import(now.scene, data)
    else:
        span = placement.span_at(keyed, data)
    if playback is None or keyed is None:
        playback = keyed = Playback(
            span, TempoMap(data.tempo_map), None, span, data.song_start, data.song_seconds
        )
    part = None
    if group is not None:
        whole = group.area in ("BARS", "SECTION") or not imported
        seen = staging.seen(keyed.span if whole else span)
        where = (
            replace(keyed, span=seen) if whole else Playback(seen, keyed.tempo, None, seen, 0.0, span.seconds)
        )
        part = area.seconds_of(now.scene, group, where, beats, now.section)
        if part is not None:
            shift = float(seen.second_at(staging.seen(span).left))
            part = part[0] - shift, part[1] - shift
    start, stop = (0.0, span.seconds) if part is None else (max(part[0], 0.0), min(part[1], span.seconds))
    if stop <= start:
        raise Problem("range_outside", f"This range lies outside of {take.name}. Choose another one.")
    return TakePart(take, data, scene, playback.original, span, playback, keyed, beats, [(start, stop)])


def _music(now: Reading, scene: bpy.types.Scene, data: Take) -> tuple[Playback | None, BeatGrid | None]:
    """What a take is danced to, and its beats; for one from a file the sound that is meant now, None without one."""
    if placement.is_imported(data):
        return now.playback, now.beats
    original = placement.original_of(scene, data)
    if now.song.original is not None and now.song.original == original:
        return now.playback, now.beats
    playback = song_playback.playback_of(scene, original)
    return playback, song_grid.grid_of(scene, playback).request


def no_music(it: TakePart) -> Problem:
    """There is nothing to dance to."""
    return Problem(
        "no_music_there",
        f"No music is heard in this part of {it.take.name}. Move the sound strip there, then try again.",
    )


def danced_part(it: TakePart, frames: int) -> DancedPart:
    """The part of a take of so many frames that lies where music is heard: all of it, but for takes from files."""
    fps = connection.fps()
    if not placement.is_imported(it.data):
        return DancedPart(0, frames, TempoMap(it.data.tempo_map), fps)
    shift = float(it.keyed.span.second_at(it.span.left))  # of the strip, at the take's beginning
    first = max(0, math.ceil(-shift * fps - 1e-6))
    stop = min(frames, math.floor((it.playback.span.seconds - shift) * fps + 1e-6))
    if (stop - first) / fps < MIN_SECONDS:
        raise no_music(it)
    edges = (first / fps + shift, stop / fps + shift)
    return DancedPart(first, stop, ranges.cut(it.playback.tempo, *edges), fps)

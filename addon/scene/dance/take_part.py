# SPDX-License-Identifier: GPL-3.0-or-later
"""The take to change, the part of it, and the music that it is danced to. Main thread only."""

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
    """The current take and its place.

    Parameters
    ----------
    take : ListedTake
    data : Take
    scene
        The one with the sound.
    original
        The sound strip; None for a take from a file, which has no music.
    span : Span
        The span of the take, in frames of its keys.
    playback : Playback
        That of the whole strip; without one, the take stands in for music.
    keyed : Playback
        The same in frames of keys.
    beats : BeatGrid, optional
        Those of the sound, in song seconds.
    spans : of (start, stop)
        Timeline seconds of the take to change.
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
    """Frames [first, stop) of a take, at the model's frame rate, that can be danced because music is heard there."""

    first: int
    stop: int
    tempo: TempoMap
    fps: float

    @property
    def seconds(self) -> float:
        return (self.stop - self.first) / self.fps


def part_of(now: Reading, group: EditSettings | None) -> TakePart:
    """The active take with the part that the settings select; all of it without a group."""
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
    """The music of a take, and its beats; for one from a file that is the current sound, or None."""
    if placement.is_imported(data):
        return now.playback, now.beats
    original = placement.original_of(scene, data)
    if now.song.original is not None and now.song.original == original:
        return now.playback, now.beats
    playback = song_playback.playback_of(scene, original)
    return playback, song_grid.grid_of(scene, playback).request


def no_music(it: TakePart) -> Problem:
    """The problem that there is no music to dance to."""
    return Problem(
        "no_music_there",
        f"No music is heard in this part of {it.take.name}. Move the sound strip there, then try again.",
    )


def danced_part(it: TakePart, frames: int) -> DancedPart:
    """The part of a take, of so many frames, with music: all of it, except for takes from files."""
    fps = connection.fps()
    if not placement.is_imported(it.data):
        return DancedPart(0, frames, TempoMap(it.data.tempo_map), fps)
    shift = float(it.keyed.span.second_at(it.span.left))  # second of the strip at the take's beginning
    first = max(0, math.ceil(-shift * fps - 1e-6))
    stop = min(frames, math.floor((it.playback.span.seconds - shift) * fps + 1e-6))
    if (stop - first) / fps < MIN_SECONDS:
        raise no_music(it)
    edges = (first / fps + shift, stop / fps + shift)
    return DancedPart(first, stop, ranges.cut(it.playback.tempo, *edges), fps)

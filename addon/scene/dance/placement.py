# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a take on the timeline, and whether it was made to the music that is heard there."""

import bpy

from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.tempo.playback import Playback, Staging
from ...model.tempo.timing import Span
from .. import compat
from ..music import scene_strips, song, song_playback, sound_marks
from ..settings import ListedTake
from . import audition


def is_imported(data: Take) -> bool:
    """Whether a take came from a file: it stays where it was put, and has no music."""
    return "left" in data.settings


def span_of_import(scene: bpy.types.Scene, data: Take) -> Span:
    """The span of the keys of a take from a file."""
    span = Span(data.settings["left"], data.dance.poses.seconds, compat.rate_of(scene))
    return Staging(scale=scene_strips.stretch_of(scene)).keys(span)


def rate_of_import(scene: bpy.types.Scene) -> float:
    """Frames of keys per second for imports without music."""
    return Staging(scale=scene_strips.stretch_of(scene)).keys(Span(0, 0, compat.rate_of(scene))).rate


def span_at(playback: Playback, data: Take) -> Span:
    """The span of a dance's keys: its first pose is where its first song second is heard, in frames of keys."""
    left = round(float(playback.frame_at(data.tempo_map[0][1])), 6)
    seconds = data.settings.get("seconds", data.dance.poses.seconds)
    return Span(left, float(seconds), playback.span.rate)


def original_of(scene: bpy.types.Scene, data: Take):
    """The sound strip that a take was danced to; raises if it has gone."""
    original = song.original_named(scene, data.settings.get("strip", ""))
    if original is None:
        raise Problem(
            "strip_gone",
            "The sound strip of this take has been deleted or renamed. Undo that, or discard the take.",
        )
    return original


def span_of(scene: bpy.types.Scene, take: ListedTake) -> Span:
    """The span of a take's keys now; `scene` is the one with the sound."""
    data = audition.data_of(take)
    if is_imported(data):
        return span_of_import(take.id_data, data)
    playback = song_playback.playback_of(scene, original_of(scene, data))
    return span_at(for_keys(scene, take.id_data, playback), data)


def for_keys(sound_scene: bpy.types.Scene, scene: bpy.types.Scene, playback: Playback) -> Playback:
    """A playback in frames of the keys of a scene's characters."""
    seen = playback.visible
    frames = seen.left, float(seen.frame_at(seen.seconds))
    return scene_strips.staging_of(sound_scene, scene, frames).for_keys(playback)


def is_out_of_date(take: ListedTake, playback: Playback | None) -> bool:
    """Whether the sound or its tempo has changed since a take was made; never for an imported one."""
    if not take.fingerprint:
        return False
    return playback is None or not sound_marks.is_same_music(take.fingerprint, playback)

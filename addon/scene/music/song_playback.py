# SPDX-License-Identifier: GPL-3.0-or-later
"""The current playback of the song in the scene."""

import json

import bpy

from tempose_pose.tempo import TempoMap

from ...model.tempo.playback import Playback
from ...model.tempo.timing import Span
from .. import compat
from . import audio, strip_marks, strips
from .mix import SoundSource


def playback_of(scene: bpy.types.Scene, original: SoundSource) -> Playback:
    """The current playback of an original: at its own speed, or through its live version."""
    visible, altered = audio.visible_span(scene, original), audio.is_altered(original)
    start, seconds = 0.0 if altered else _first_second(original, visible), visible.seconds
    live = strips.live_version(scene, original)
    if live is None:
        tempo = TempoMap.from_sections(start, max(seconds, audio.MIN_SECONDS))  # nothing may be visible
        return Playback(visible, tempo, original, visible, start, seconds, altered)
    tempo = TempoMap(json.loads(live[strip_marks.MAP]))
    length = float(tempo.to_timeline(start + seconds))
    left = audio.visible_span(scene, live).left
    return Playback(Span(left, length, visible.rate), tempo, original, visible, start, seconds, altered)


def _first_second(original: SoundSource, visible: Span) -> float:
    """Song second at the original's left edge. (An altered one is sent as it is heard, from its first second.)"""
    return max(0.0, float((visible.left - compat.strip_time(original, "content_start")) / visible.rate))

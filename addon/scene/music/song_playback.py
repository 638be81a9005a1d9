# SPDX-License-Identifier: GPL-3.0-or-later
"""How the song is heard in the scene now."""

import json

import bpy

from tempose_pose.tempo import TempoMap

from ...model.tempo.playback import Playback
from ...model.tempo.timing import Span
from .. import compat
from . import audio, strip_marks, strips
from .mix import SoundSource


def playback_of(scene: bpy.types.Scene, original: SoundSource) -> Playback:
    """How an original is heard now: at its own speed, or by its live version."""
    visible = audio.visible_span(scene, original)
    start, seconds = _first_second(original, visible), visible.seconds
    live = strips.live_version(scene, original)
    if live is None:
        return Playback(visible, TempoMap.from_sections(start, seconds), original, visible, start, seconds)
    tempo = TempoMap(json.loads(live[strip_marks.MAP]))
    length = float(tempo.to_timeline(start + seconds))
    left = audio.visible_span(scene, live).left
    return Playback(Span(left, length, visible.rate), tempo, original, visible, start, seconds)


def _first_second(original: SoundSource, visible: Span) -> float:
    """Song second at the original's left edge; a retimed one is sent as it is heard, from its first second on."""
    if compat.is_retimed(original) or audio.is_shifted(original):
        return 0.0
    return max(0.0, float((visible.left - compat.strip_time(original, "content_start")) / visible.rate))

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tempo settings ask for: how the song is to be played, and which beats the dance is to hear.

No bpy in here. Settings are anything with the properties of `TemposeSettings`.
"""

from dataclasses import replace

from tempose_pose.tempo import TempoMap

from ..errors import Problem
from . import feel, tempo_sections
from .playback import Playback
from .timing import Span


def playback_for(settings, now: Playback, beats: dict | None) -> Playback:
    """The song at the tempo that the settings ask for; it begins where it is heard now.

    Parameters
    ----------
    now : Playback
    beats : dict, optional
        The beat grid, ``beats`` and ``downbeats`` in song seconds; targets in BPM need it.
    """
    sections = tempo_sections.speeds(
        settings.sections, now.song_end, settings.tempo_factor, (beats or {}).get("beats", ())
    )
    tempo = TempoMap.from_sections(now.song_start, now.song_seconds, settings.tempo_factor, sections)
    span = Span(now.span.left, float(tempo.to_timeline(now.song_end)), now.span.rate)
    return replace(now, span=span, tempo=tempo)


def beats_for(settings, playback: Playback, beats: dict | None) -> dict | None:
    """The beats that a dance is asked for with: the grid, halved or doubled in passages; None: detected."""
    passages = tempo_sections.passages(settings.sections, playback.song_end)
    if not passages:
        return beats
    if beats is None:
        raise Problem("no_beats", tempo_sections.NO_PASSAGE_BEATS)
    halved, downbeats = feel.heard(beats["beats"], beats["downbeats"], passages)
    return {"beats": halved, "downbeats": downbeats}

# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound at another tempo: a *version* strip beside its *original*. The original is only ever muted."""

import contextlib
import json
import os
import tempfile
import uuid
from dataclasses import dataclass

from .. import compat
from ..errors import Problem
from ..music import audio, hearing, markers
from . import tempo_sections
from .timing import Span, TempoMap

ID = "tempose_id"  # on originals
ORIGINAL = "tempose_original"  # on versions: the original's id
MAP = "tempose_map"
LIVE = "tempose_live"  # the version that is heard instead of its original
CHANNELS = 128


@dataclass(frozen=True)
class Heard:
    """What is heard of an original strip now, and where."""

    original: object
    span: Span
    tempo: TempoMap
    song_start: float
    song_seconds: float


def is_version(strip) -> bool:
    """Whether Tempose made this strip from another."""
    return ORIGINAL in strip


def original_of(scene, strip):
    """The strip that a version was made from; the strip itself when it is none."""
    if not is_version(strip):
        return strip
    for other in compat.sound_strips(scene):
        if other.get(ID) == strip[ORIGINAL]:
            return other
    raise Problem(
        "original_gone", f"The strip that {strip.name} was made from has been deleted. Choose another one."
    )


def versions_of(scene, original) -> list:
    """All versions of an original."""
    mark = original.get(ID)
    return [s for s in compat.sound_strips(scene) if mark and s.get(ORIGINAL) == mark]


def live_version(scene, original):
    """The version that is heard instead of the original, or None."""
    return next((s for s in versions_of(scene, original) if s.get(LIVE)), None)


def song_range(scene, original) -> tuple[float, float]:
    """First second and length of what the original plays; a retimed one is sent as it is heard."""
    span = audio.visible_span(scene, original)
    if compat.is_retimed(original) or audio.is_shifted(original):
        return 0.0, span.seconds
    start = (span.left - compat.strip_time(original, "content_start")) / span.rate
    return max(0.0, float(start)), span.seconds


def heard(scene, original) -> Heard:
    """Where and how fast the sound of an original is heard now."""
    start, seconds = song_range(scene, original)
    live = live_version(scene, original)
    if live is None:
        return Heard(
            original,
            audio.visible_span(scene, original),
            TempoMap.from_sections(start, seconds),
            start,
            seconds,
        )
    tempo = TempoMap(json.loads(live[MAP]))
    length = float(tempo.to_timeline(start + seconds))
    return Heard(
        original,
        Span(audio.visible_span(scene, live).left, length, compat.rate_of(scene)),
        tempo,
        start,
        seconds,
    )


def edited(scene, original, settings) -> Heard:
    """The same with the tempo that the settings ask for; it starts where the sound is heard now."""
    start, seconds = song_range(scene, original)
    grid = _grid(scene, original) if any(s.kind == "BPM" for s in settings.sections) else None
    sections = tempo_sections.speeds(
        settings.sections, start + seconds, settings.tempo_factor, (grid or {}).get("beats", ())
    )
    tempo = TempoMap.from_sections(start, seconds, settings.tempo_factor, sections)
    length = float(tempo.to_timeline(start + seconds))
    left = heard(scene, original).span.left
    return Heard(original, Span(left, length, compat.rate_of(scene)), tempo, start, seconds)


def _grid(scene, original) -> dict | None:
    from ..dance import dancing  # needs this module itself

    return markers.read(scene, dancing.grid_mark(scene, original))


def beats_for(scene, original, settings, plan: Heard) -> dict | None:
    """The beats that a dance is asked for with: the artist's grid, halved or doubled in passages; None: detected."""
    grid = _grid(scene, original)
    passages = tempo_sections.passages(settings.sections, plan.song_start + plan.song_seconds)
    if not passages:
        return grid
    if grid is None:
        raise Problem("no_beats", tempo_sections.NO_PASSAGE_BEATS)
    beats, downbeats = hearing.heard(grid["beats"], grid["downbeats"], passages)
    return {"beats": beats, "downbeats": downbeats}


def snapshot(scene, original) -> dict:
    """What `restore` needs to undo a `put`."""
    family = [original, *versions_of(scene, original)]
    return {
        "muted": {s.name: s.mute for s in family},
        "live": [s.name for s in family if s.get(LIVE)],
    }


def restore(scene, original, before: dict) -> None:
    """Hear what was heard before; the beat markers follow. The grid itself is in song seconds and stays."""
    for strip in [original, *versions_of(scene, original)]:
        strip.mute = before["muted"].get(strip.name, True)
        if is_version(strip):
            strip[LIVE] = strip.name in before["live"]
    now = heard(scene, original)
    markers.follow(scene, now.span, now.tempo)


def put(scene, plan: Heard, wav: bytes | None, mute_original: bool):
    """Put the sound at another tempo on the timeline; returns the new strip.

    `wav` None: the sound at its own speed, so the original itself is heard again and None is returned.
    """
    original = plan.original
    if wav is None:
        for strip in versions_of(scene, original):
            strip.mute, strip[LIVE] = True, False
        original.mute = False
        return None
    name = f"{original.name.removesuffix('.wav')} at new tempo"
    frame, channel = round(plan.span.left), _free_channel(scene, plan)
    handle, path = tempfile.mkstemp(prefix="tempose-", suffix=".wav")
    strip = None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(wav)
        strip = compat.new_sound_strip(scene, name, path, channel, frame)
        if strip.sound.samplerate == 0:
            raise Problem(
                "sound_unreadable", "Blender cannot read the sound that the server made. Try again."
            )
        strip.sound.pack()  # the file goes, the sound stays in the .blend
        strip.sound.name = name
    except BaseException:
        if strip is not None:
            compat.remove_strip(scene, strip)
        raise
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
    if ID not in original:
        original[ID] = uuid.uuid4().hex
    for other in versions_of(scene, original):
        other.mute, other[LIVE] = True, False
    strip[ORIGINAL], strip[MAP], strip[LIVE] = original[ID], json.dumps(plan.tempo.points), True
    strip.volume = original.volume
    strip.pan = original.pan
    if mute_original:
        original.mute = True
    return strip


def drop_others(scene, original) -> None:
    """Take away the versions that are not heard."""
    for strip in versions_of(scene, original):
        if not strip.get(LIVE):
            compat.remove_strip(scene, strip)


def _free_channel(scene, plan: Heard) -> int:
    first, last = plan.span.left, plan.span.left + plan.span.seconds * plan.span.rate + 1
    taken = {
        s.channel
        for s in scene.sequence_editor.strips
        if compat.strip_time(s, "left_handle") < last and compat.strip_time(s, "right_handle") > first
    }
    for channel in [*range(plan.original.channel + 1, CHANNELS + 1), *range(1, plan.original.channel)]:
        if channel not in taken:
            return channel
    raise Problem("no_channel", "There is no free channel for the sound at its new tempo. Move a strip away.")


def remove_version(scene, name: str) -> None:
    """Take one version away, if it is still there."""
    strip = scene.sequence_editor.strips.get(name) if scene.sequence_editor else None
    if strip is not None and is_version(strip):
        compat.remove_strip(scene, strip)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of the sound at other tempos, put on the timeline and removed again. The original is only ever muted."""

import contextlib
import json
import os
import tempfile
import uuid

import bpy

from ...model.errors import Problem
from ...model.tempo.playback import Playback
from .. import compat
from ..music import markers, song_playback
from ..music.mix import SoundSource
from ..music.strip_marks import ID, LIVE, MAP, ORIGINAL
from ..music.strips import is_version, versions_of

CHANNELS = 128


def snapshot(scene: bpy.types.Scene, original: SoundSource) -> dict:
    """What `restore` needs to undo a `put`."""
    family = [original, *versions_of(scene, original)]
    return {
        "muted": {s.name: s.mute for s in family},
        "live": [s.name for s in family if s.get(LIVE)],
    }


def restore(scene: bpy.types.Scene, original: SoundSource, before: dict) -> None:
    """Restore what was heard before; the beat markers follow. The grid itself, in song seconds, stays."""
    for strip in [original, *versions_of(scene, original)]:
        strip.mute = before["muted"].get(strip.name, True)
        if is_version(strip):
            strip[LIVE] = strip.name in before["live"]
    now = song_playback.playback_of(scene, original)
    markers.follow(scene, now.span, now.tempo)


def put(scene: bpy.types.Scene, asked: Playback, wav: bytes | None, mute_original: bool):
    """Put the sound at another tempo on the timeline; return the new strip.

    `wav` None means the sound's own speed: the original is heard again, and None is returned.
    """
    original = asked.original
    if wav is None:
        for strip in versions_of(scene, original):
            strip.mute, strip[LIVE] = True, False
        original.mute = False
        return None
    name = f"{original.name.removesuffix('.wav')} at new tempo"
    frame, channel = round(asked.span.left), _free_channel(scene, asked)
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
        strip.sound.pack()  # the file is deleted, the sound stays in the .blend
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
    strip[ORIGINAL], strip[MAP], strip[LIVE] = original[ID], json.dumps(asked.tempo.points), True
    strip.volume = original.volume
    strip.pan = original.pan
    if mute_original:
        original.mute = True
    return strip


def drop_others(scene: bpy.types.Scene, original: SoundSource) -> None:
    """Remove the versions that are not heard."""
    for strip in versions_of(scene, original):
        if not strip.get(LIVE):
            compat.remove_strip(scene, strip)


def _free_channel(scene: bpy.types.Scene, asked: Playback) -> int:
    first, last = asked.span.left, asked.span.left + asked.span.seconds * asked.span.rate + 1
    taken = {
        s.channel
        for s in scene.sequence_editor.strips
        if compat.strip_time(s, "left_handle") < last and compat.strip_time(s, "right_handle") > first
    }
    for channel in [*range(asked.original.channel + 1, CHANNELS + 1), *range(1, asked.original.channel)]:
        if channel not in taken:
            return channel
    raise Problem("no_channel", "There is no free channel for the sound at its new tempo. Move a strip away.")


def remove_version(scene: bpy.types.Scene, name: str) -> None:
    """Remove one version, if it is still there."""
    strip = scene.sequence_editor.strips.get(name) if scene.sequence_editor else None
    if strip is not None and is_version(strip):
        compat.remove_strip(scene, strip)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks that tell sounds apart, to match beat grids to sounds, and dances to the music that is heard."""

from collections.abc import Callable

import bpy

from ...model.dance.fingerprint import fingerprint
from ...model.tempo.playback import Playback
from .. import compat
from . import audio, grids, sounds
from .mix import Mix


def mark_of_playback(playback: Playback, name_of: Callable = sounds.content) -> str:
    """Mark of the music of a dance: the sound, its tempo and its place on the timeline.

    `name_of` returns the identity of a sound; up to version 0.3 that was the name of its file.
    """
    return fingerprint(
        {
            "sound": fingerprint(audio.facts(playback.original, playback.visible, name_of)),
            "tempo": [list(p) for p in playback.tempo.points],
            "left": playback.span.left,
            "rate": playback.span.rate,
        }
    )


def is_same_music(mark: str, playback: Playback) -> bool:
    """Whether a take with this mark was made to the current music. A missing file counts as unchanged."""
    sound = getattr(playback.original, "sound", None)  # a mix has none
    if sound is not None and not sounds.content(sound):
        return True
    return any(mark == mark_of_playback(playback, name_of) for name_of in (sounds.content, compat.file_name))


def sounds_alike(playback: Playback, before: dict) -> bool:
    """Whether a strip still sounds the same; a new frame rate may round its edges differently."""
    now, frame = audio.facts(playback.original, playback.visible), 1.5 / playback.visible.rate
    return all(
        abs(value - before[key]) <= frame if isinstance(value, float) else value == before.get(key)
        for key, value in now.items()
    )


def mark_of(scene: bpy.types.Scene, playback: Playback) -> str:
    """Mark of the sound that a beat grid belongs to: its file, the mixdown of one strip, or of all of them."""
    original = playback.original
    if isinstance(original, Mix):
        return fingerprint({"mix": original.facts(sounds.content)})
    held = sounds.content(original.sound)
    if not held:  # the file is missing for now
        return next(reversed(grids.named(scene, compat.file_name(original.sound))), _mark_by_name(playback))
    if playback.is_altered:
        return fingerprint(audio.facts(original, playback.visible, sounds.content))
    return fingerprint({"content": held})


def _mark_by_name(playback: Playback) -> str:
    """The same by the file's name, as in version 0.2 and older."""
    original = playback.original
    if isinstance(original, Mix):
        return fingerprint({"mix": original.facts()})
    if playback.is_altered:
        return fingerprint(audio.facts(original, playback.visible))
    return fingerprint({"file": compat.file_name(original.sound)})


def mark_of_grid(scene: bpy.types.Scene, playback: Playback, own: str) -> str:
    """Mark of the beat grid to use for a sound, whose own mark is `own` (see `mark_of`).

    That is its own grid. If it has none yet, it is that of a sound with the same name that is no longer in this
    .blend (the file was exported anew, or is missing), or one that an older version wrote.
    """
    if grids.has(scene, own):
        return own
    original = playback.original
    if not isinstance(original, Mix):
        taken = {fingerprint({"content": held}) for held in sounds.others(original.sound)}
        former = [m for m in grids.named(scene, compat.file_name(original.sound)) if m not in taken]
        if former and not playback.is_altered:
            return former[-1]
    old = _mark_by_name(playback)
    return old if grids.has(scene, old) else own

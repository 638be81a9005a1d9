# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of sound strips: an *original*, and the *versions* of it that Tempose made at other tempos."""

import bpy

from ...model.errors import Problem
from .. import compat
from .mix import SoundSource
from .strip_marks import ID, LIVE, ORIGINAL


def free_channel(scene: bpy.types.Scene) -> int:
    """The lowest free channel of a scene's sequencer."""
    editor = scene.sequence_editor
    taken = {strip.channel for strip in editor.strips} if editor is not None else set()
    return next(channel for channel in range(1, len(taken) + 2) if channel not in taken)


def is_version(strip: SoundSource) -> bool:
    """Whether Tempose made this strip from another."""
    return ORIGINAL in strip


def original_of(strip: SoundSource, strips: list):
    """The strip among these that a version was made from, or the strip itself if it is not a version."""
    if ORIGINAL not in strip:
        return strip
    for other in strips:
        if other.get(ID) == strip[ORIGINAL]:
            return other
    raise Problem(
        "original_gone", f"The strip that {strip.name} was made from has been deleted. Choose another one."
    )


def versions_of(scene: bpy.types.Scene, original: SoundSource) -> list:
    """All versions of an original."""
    mark = original.get(ID)
    if not mark:
        return []
    return [strip for strip in compat.sound_strips(scene) if strip.get(ORIGINAL) == mark]


def live_version(scene: bpy.types.Scene, original: SoundSource):
    """The version that is heard instead of the original, or None."""
    return next((strip for strip in versions_of(scene, original) if strip.get(LIVE)), None)

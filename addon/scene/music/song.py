# SPDX-License-Identifier: GPL-3.0-or-later
"""The current song: one sound strip, or everything heard."""

from dataclasses import dataclass
from typing import Any

import bpy

from ...model.errors import Problem
from .. import compat
from . import strips
from .mix import NAME as MIX_NAME
from .mix import Mix


@dataclass(frozen=True, eq=False)
class ChosenSong:
    """The current sound.

    Parameters
    ----------
    scene
        The one with the sound.
    strip
        A sound strip or a `Mix`; None without one.
    original
        The strip that it was made from, or the strip itself.
    reason : str
        Why there is no strip, without a full stop.
    problem : Problem, optional
        Why there is no original.
    """

    scene: Any
    strip: Any = None
    original: Any = None
    reason: str = ""
    problem: Problem | None = None

    def check(self) -> None:
        """Raise `Problem` if there is no sound to work on."""
        if self.problem is not None:
            raise self.problem


def pick(context: bpy.types.Context) -> ChosenSong:
    """The song by the settings and the selection."""
    settings = context.scene.tempose
    scene = compat.sound_scene(context)
    if settings.music.source == "RANGE":
        return _mixed(scene)
    found = compat.sound_strips(scene)
    strip, reason = _picked(scene, found, settings.strip)
    if strip is None:
        return _without(scene, reason)
    try:
        return ChosenSong(scene, strip, strips.original_of(strip, found))
    except Problem as problem:
        return ChosenSong(scene, strip, problem=problem)


def _without(scene: bpy.types.Scene, reason: str) -> ChosenSong:
    return ChosenSong(scene, reason=reason, problem=Problem("no_strip", f"{reason}."))


def _mixed(scene: bpy.types.Scene) -> ChosenSong:
    mix = Mix(scene)
    if not mix.strips:
        return _without(scene, "Nothing is heard: every sound strip is muted, or there is none")
    if mix.right_handle <= mix.left_handle:
        return _without(scene, "Nothing is heard in this range of frames")
    return ChosenSong(scene, mix, mix)


def _picked(scene: bpy.types.Scene, found: list, name: str) -> tuple[Any, str]:
    """The strip with that name; without a name the active one, the only one, or the only unmuted one."""
    if not found:
        return None, "Add a sound strip in the Video Sequencer first"
    if name:
        named = next((strip for strip in found if strip.name == name), None)
        return named, "" if named is not None else f"There is no sound strip named {name}"
    active = scene.sequence_editor.active_strip
    if active is not None and active.type == "SOUND":
        return active, ""
    own = [strip for strip in found if not strips.is_version(strip)]
    for choice in (own, [strip for strip in own if not strip.mute]):
        if len(choice) == 1:
            return choice[0], ""
    return None, "There are several sound strips; select one or name it in the panel"


def original_named(scene: bpy.types.Scene, name: str):
    """The sound strip with a name, or everything heard; None if there is no such strip."""
    found = {strip.name: strip for strip in compat.sound_strips(scene)}
    return found.get(name, Mix(scene) if name == MIX_NAME else None)

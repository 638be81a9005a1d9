# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scene with sound shows the scene with the character: its offset in frames, and its stretch."""

import bpy

from ...model.errors import Problem
from ...model.tempo.playback import Staging
from .. import compat


def stretch_of(scene: bpy.types.Scene) -> float:
    """Frames of keys per frame of the scene, as set by Time Stretching in the Output properties."""
    return scene.render.frame_map_old / scene.render.frame_map_new


def staging_of(
    sound_scene: bpy.types.Scene, scene: bpy.types.Scene, frames: tuple[float, float] | None = None
) -> Staging:
    """How frames of the sound become frames of the character's keys.

    Parameters
    ----------
    sound_scene, scene
        The scenes with the sound and with the character; usually the same.
    frames : (first, last), optional
        Of the sound: if several strips show the character's scene, those visible meanwhile count.

    Raises
    ------
    Problem
        If no single answer is right for the whole sound.
    """
    shown = [] if sound_scene == scene else compat.scene_strips(sound_scene, scene)
    if frames is not None:
        meanwhile = [s for s in shown if _is_seen(s, *frames)]
        shown = meanwhile or shown
    if not shown:
        return Staging(0.0, stretch_of(scene))
    odd = next((s for s in shown if not _is_plain(sound_scene, s)), None)
    if odd is not None or stretch_of(scene) != 1:
        name, how = (
            (odd.name, "retimed, reversed or sped up") if odd is not None else (shown[0].name, "stretched")
        )
        raise Problem(
            "scene_strip_speed",
            f"The strip '{name}' shows the scene '{scene.name}' {how}, so no keys of that scene can keep to the "
            "sound. Show it at its own speed.",
        )
    shifts = {compat.scene_strip_shift(s) for s in shown}
    if len(shifts) > 1:
        raise Problem(
            "scene_strips",
            f"The scene '{sound_scene.name}' shows '{scene.name}' more than once, at different times. Mute all of "
            "its scene strips but the one to dance for.",
        )
    return Staging(shifts.pop(), 1.0)


def _is_seen(strip: bpy.types.Strip, first: float, last: float) -> bool:
    return compat.strip_time(strip, "left_handle") < last and compat.strip_time(strip, "right_handle") > first


def _is_plain(sound_scene: bpy.types.Scene, strip: bpy.types.Strip) -> bool:
    speeds = [s for s in sound_scene.sequence_editor.strips_all if s.type == "SPEED" and not s.mute]
    return not (
        strip.use_reverse_frames or compat.is_retimed(strip) or any(s.input_1 == strip for s in speeds)
    )

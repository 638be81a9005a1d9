# SPDX-License-Identifier: GPL-3.0-or-later
"""One character in a .blend for another Blender: with its drawings, everything that moves them, and lights."""

import json
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from ...model.files.export_span import ExportSpan
from ...model.server.work import Work
from .. import compat
from ..character import character
from . import rig_reading

SHADING = ("light", "color_type", "show_shadows", "show_cavity", "show_object_outline")


def export_span_of(scene: bpy.types.Scene, ob: bpy.types.Object) -> ExportSpan:
    """The frames to export: the preview range, one round of a loop, the Action's frames, or the scene's."""
    rate = compat.rate_of(scene)
    action = ob.animation_data.action if ob.animation_data is not None else None
    if not scene.use_preview_range and action is not None and action.use_cyclic and action.use_frame_range:
        return ExportSpan(action.frame_start, action.frame_end - action.frame_start, rate, True)
    first, last = rig_reading.frames_of(scene, ob)
    return ExportSpan(first, last - first + 1, rate, False)


def parts_of(scene: bpy.types.Scene, ob: bpy.types.Object) -> list[bpy.types.Object]:
    """A character and the rendered objects that show it: its armature's children, and objects that it deforms."""
    hung = set(ob.children_recursive)
    shown = [
        other
        for other in scene.objects
        if not other.hide_render
        and (other in hung or any(getattr(m, "object", None) == ob for m in other.modifiers))
    ]
    return [ob, *shown]


def axes_of(ob: bpy.types.Object) -> np.ndarray:
    """Axes (3, 3) of a character's plane in the world: right, up and towards the viewer."""
    plane = character.plane_of(ob)
    rows = np.array(ob.matrix_world.to_3x3(), float) @ np.stack([plane.right, plane.up, plane.normal], 1)
    return (rows / np.linalg.norm(rows, axis=0)).T


def hand_over(
    work: Work,
    names: tuple[str, str],
    rate: float,
    most: int,
    folder: Path,
    ask: Callable[[bpy.types.Object, ExportSpan], dict],
) -> tuple[ExportSpan, float, int]:
    """Have the main thread write a character, given the names of scene and rig, with its job.

    Returns
    -------
    ExportSpan, float, int
        The span, its frames per second, and the number of frames, at most `most`.
    """

    def act() -> tuple[ExportSpan, float, int]:
        scene, ob = rig_reading.both(*names)
        span = export_span_of(scene, ob)
        frames, sampled = span.sampled(rate, most)
        write(scene, ob, folder, {"frames": frames.tolist(), "rate": sampled} | ask(ob, span))
        return span, sampled, len(frames)

    work.status("Handing over the character")
    return work.main(act)


def write(scene: bpy.types.Scene, ob: bpy.types.Object, folder: Path, job: dict) -> None:
    """Write ``character.blend`` with only this character, and ``job.json``; the current file is not changed.

    Parameters
    ----------
    job : dict
        The task, ``do`` (see `character_tasks`), and its parameters.
    """
    lights = [light for light in scene.objects if light.type == "LIGHT" and not light.hide_render]
    alone = bpy.data.collections.new(".tempose out")
    try:
        for part in (*parts_of(scene, ob), *lights):
            alone.objects.link(part)
        more = {scene.world} if scene.world is not None else set()
        bpy.data.libraries.write(
            str(folder / "character.blend"), {alone, *more}, path_remap="ABSOLUTE", fake_user=True
        )
        told = {
            "collection": alone.name,
            "character": ob.name,
            "engine": scene.render.engine,
            "fps": scene.render.fps,
            "fps_base": scene.render.fps_base,
            "shading": {name: getattr(scene.display.shading, name) for name in SHADING},
        }
        (folder / "job.json").write_text(json.dumps(told | job), "utf-8")
    finally:
        bpy.data.collections.remove(alone)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a separate Blender does with a character that `character_file` has written."""

import json
from pathlib import Path
from typing import Any

import bpy

from . import flat_rig_reader, rig_export, sprite_rendering


def main(name: str) -> None:
    """Do the task that ``job.json`` names, in the folder with the character."""
    folder = Path(name)
    job = json.loads((folder / "job.json").read_text("utf-8"))
    does = {"draw": sprite_rendering.draw, "export": rig_export.write, "flatten": flat_rig_reader.write}
    does[job["do"]](taken_in(folder / "character.blend", job), job, folder)


def taken_in(path: Path, job: dict) -> bpy.types.Scene:
    """An empty scene with the character put in."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene: Any = bpy.context.scene
    library: Any = bpy.data.libraries.load(str(path))
    with library as (there, here):
        here.collections, here.worlds = list(there.collections), list(there.worlds)
    for collection in here.collections:
        if collection.name == job["collection"]:
            scene.collection.children.link(collection)
    scene.world = here.worlds[0] if here.worlds else None
    scene.render.fps, scene.render.fps_base = job["fps"], job["fps_base"]
    scene.render.engine = job["engine"]
    for setting, value in job["shading"].items():
        setattr(scene.display.shading, setting, value)
    return scene

# SPDX-License-Identifier: GPL-3.0-or-later
"""Run in a separate Blender with a character that `character_file` has written.

After ``--``: the folder with the character and with ``job.json``, which names the task.
"""

import json
import os
import sys
import traceback
import types
from pathlib import Path
from typing import Any

import bpy


def main(name: str) -> None:
    package = types.ModuleType("tempose")  # the add-on is not enabled here
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["tempose"] = package
    from tempose.scene.files import flat_rig_reader, rig_export, sprite_rendering  # pyright: ignore[reportMissingImports] -- that package

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


failed = True
try:
    main(sys.argv[-1])
    failed = False
except BaseException:
    traceback.print_exc()
finally:
    sys.stdout.flush()
    os._exit(failed)  # Blender 4.5 as a module hangs when Python ends

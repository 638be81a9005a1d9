# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by `video` in a separate Blender: turns pictures into an MP4 with Blender's encoder.

After ``--``: the folder, the number of pictures, width, height, frames per second, the file to write and,
optionally, a sound.
"""

import os
import sys
import traceback
import types
from pathlib import Path

import bpy


def main(folder: str, count: str, width: str, height: str, rate: str, path: str, sound: str = "") -> None:
    package = types.ModuleType("tempose")  # the add-on is not enabled here
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["tempose"] = package
    from tempose.scene import compat  # pyright: ignore[reportMissingImports] -- that package

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = int(width), int(height), 100
    render.fps, render.fps_base = compat.rate_parts(float(rate))
    scene.frame_start, scene.frame_end = 1, int(count)
    strips = scene.sequence_editor_create().strips
    strip = strips.new_image("poses", str(Path(folder) / "000001.png"), 1, 1)
    for t in range(2, int(count) + 1):
        strip.elements.append(f"{t:06d}.png")
    render.use_sequencer, render.use_compositing, render.use_file_extension = True, False, False
    if sound:
        compat.new_sound_strip(scene, "sound", sound, 2, 1)
    compat.video_output(render, bool(sound))
    scene.view_settings.view_transform = "Standard"
    render.filepath = path
    bpy.app.handlers.render_write.append(lambda *_: print("tempose: frame", flush=True))
    bpy.ops.render.render(animation=True)


failed = True
try:
    main(*sys.argv[sys.argv.index("--") + 1 :])
    failed = False
except BaseException:
    traceback.print_exc()
finally:
    sys.stdout.flush()
    os._exit(failed)  # Blender 4.5 as a module hangs when Python ends

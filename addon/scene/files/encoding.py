# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns pictures into an MP4 with Blender's encoder, in a separate Blender: see `video`."""

from pathlib import Path
from typing import Any

import bpy

from .. import compat


def main(folder: str, count: str, width: str, height: str, rate: str, path: str, sound: str = "") -> None:
    """Write so many pictures of a folder, at `rate` frames per second and optionally with a sound, to `path`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene: Any = bpy.context.scene
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

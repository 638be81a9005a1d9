"""The part of the demo that runs inside Blender: an artist's steps, button by button.

PYTHON_WITH_BPY scripts/demo_blender.py EXTENSION.zip SONG OUTPUT_FOLDER
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

ADDON = "bl_ext.user_default.tempose"
FPS = 24
SIZE = 432  # pixels
CHANGE = 20.55  # song second at which its tempo changes
PAPER, FLOOR, LAMP = (0.83, 0.81, 0.76), (0.62, 0.58, 0.5), (0.9, 0.25, 0.1)
_start = time.monotonic()


def say(text):
    print(f"  {time.monotonic() - _start:6.1f} s  {text}", flush=True)


def press(name, **options):
    """Press a button of the add-on and print its message."""
    result = getattr(bpy.ops.tempose, name)(**options)
    notes = importlib.import_module(f"{ADDON}.scene.notes")
    say(f"{name}: {notes.text}")
    if result != {"FINISHED"}:
        sys.exit(f"The demo stops: {name} did not finish.")


def flat(name, corners, colour):
    """A flat shape in the XZ plane."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(x, y, z) for x, y, z in corners], [], [list(range(len(corners)))])
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*colour, 1)
    mesh.materials.append(material)
    ob = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def stage_set(scene, points):
    """Set up camera, floor and light colours around the whole dance."""
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    middle, extent = (low + high) / 2, float((high - low).max())
    view = extent * 1.25 + 0.3
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale = "ORTHO", view
    camera.location, camera.rotation_euler = (middle[0], -10, middle[1]), (np.pi / 2, 0, 0)
    scene.camera = camera
    x, ground = float(middle[0]), -0.05
    bottom = float(middle[1]) - view
    flat(
        "Floor",
        [(x - view, 1, bottom), (x + view, 1, bottom), (x + view, 1, ground), (x - view, 1, ground)],
        FLOOR,
    )
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    lamp = flat("Beat lamp", [(0.06 * view * np.cos(a), 0, 0.06 * view * np.sin(a)) for a in turn], LAMP)
    lamp.location = (x + 0.41 * view, 0.5, float(middle[1]) + 0.41 * view)
    return lamp


def blink(lamp, beats):
    """Make the lamp large on each beat and shrink until the next."""
    keys = importlib.import_module(f"{ADDON}.scene.keys.take_keys")
    frames = sorted({round(b) + d for b in beats for d in (0, 5)})
    on = {round(b) for b in beats}
    values = np.array([1.0 if f in on else 0.35 for f in frames])
    curves = [keys.SampledCurve("scale", i, "Blink", values) for i in (0, 2)]
    keys.assign(lamp, keys.write(lamp, "Beat lamp", np.array(frames), curves))


def render_settings(scene, path):
    render = scene.render
    render.engine = "BLENDER_WORKBENCH"
    render.resolution_x = render.resolution_y = SIZE
    render.resolution_percentage = 100
    shading = scene.display.shading
    shading.light, shading.color_type = "FLAT", "MATERIAL"
    scene.world = bpy.data.worlds.new("Paper")
    scene.world.color, shading.background_type = PAPER, "WORLD"
    scene.display.render_aa = "5"
    scene.view_settings.view_transform = "Standard"
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.audio_codec = "MPEG4", "H264", "AAC"
    render.ffmpeg.constant_rate_factor, render.ffmpeg.audio_bitrate = "MEDIUM", 192
    render.filepath = str(path)


def lay_song(scene: bpy.types.Scene, song: Path) -> bpy.types.Strip:
    """Put the song on the timeline."""
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    strip = scene.sequence_editor_create().strips.new_sound("Demo song", str(song), 1, 11)
    say(f"{song.name} is on the timeline from frame 11, at {FPS} frames per second")
    return strip


def dance(scene: bpy.types.Scene, change: float = CHANGE) -> None:
    """Make a rig dance to the song, and again after an edit of the tempo at song second `change`."""
    settings = scene.tempose
    settings.music.show_markers = True
    for name in ("find_beats", "new_rig", "generate", "accept_take"):
        press(name)
    settings.tempo_factor = 1.1
    section = settings.sections.add()
    section.start, section.factor = change, 0.75
    say(
        f"tempo edit: {settings.tempo_factor:.2f} throughout, {section.factor:.2f} of that from {change} s on"
    )
    press("regenerate")
    press("accept_take")


def stage(scene: bpy.types.Scene, strip: bpy.types.Strip, output: Path) -> dict[str, Any]:
    """Prepare everything around the dancer for rendering, and save; return the facts for the contact sheet."""
    parts = (
        "scene.dance.audition",
        "scene.character.rig",
        "scene.music.song_playback",
        "scene.music.markers",
    )
    addon = {name.split(".")[-1]: importlib.import_module(f"{ADDON}.{name}") for name in parts}
    ob = bpy.context.view_layer.objects.active
    heard = addon["song_playback"].playback_of(scene, strip)
    danced = addon["audition"].data_of(scene.tempose.takes[-1]).dance
    scene.frame_start = int(heard.span.left)
    scene.frame_end = int(heard.span.frames[-1])
    scene.frame_set(scene.frame_start)
    points = addon["rig"].placement(ob).to_plane(danced.poses.pixels)
    marks = [(m.frame, m.name.split(" ")[1]) for m in addon["markers"].ours(scene)]
    blink(stage_set(scene, points), [frame for frame, _ in marks])
    for sound in bpy.data.sounds:
        if sound.packed_file is None:
            sound.pack()
    render_settings(scene, output / "dance.mp4")
    at = danced.poses.skeleton.at
    return {
        "fps": FPS,
        "start": scene.frame_start,
        "marks": marks,
        "hips": points[:, [at["left_hip"], at["right_hip"]], 1].mean(1).tolist(),
        "dance_fps": danced.poses.fps,
        "model": danced.model_revision,
        "seed": danced.seed,
    }


def main(package: str, song: Path, output: Path) -> None:
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    say(f"installed {Path(package).name} in Blender {bpy.app.version_string}")
    bpy.ops.wm.read_homefile(use_empty=True)
    scene: Any = bpy.context.scene
    strip = lay_song(scene, song)
    press("start_server")
    dance(scene)
    press("stop_server")
    facts = stage(scene, strip, output)
    bpy.ops.wm.save_as_mainfile(filepath=str(output / "dance.blend"), compress=True)
    say(f"saved {output / 'dance.blend'}")
    (output / "sheet.json").write_text(json.dumps(facts))
    say(f"rendering {scene.frame_end - scene.frame_start + 1} frames with Workbench…")
    bpy.ops.render.render(animation=True)
    say(f"rendered {output / 'dance.mp4'}")


if __name__ == "__main__":
    code = 1
    try:
        main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
        code = 0
    except SystemExit as stop:
        print(stop, file=sys.stderr)
    except Exception:
        import traceback

        traceback.print_exc()
    finally:
        import addon_utils

        addon_utils.disable(ADDON)  # the server ends with it
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # Blender as a module may hang while Python ends

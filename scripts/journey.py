"""An artist's steps on every song of a folder, in a real Blender, measured on the resulting rig.

    .venv/bin/python scripts/journey.py SONGS OUT [--blender .venv-bpy-4.5] [--seconds 20]

Two figures dance to each song at two frame rates, with strips that are trimmed and begin at different places. The
rig is then read back frame by frame: scores and drawings (a contact sheet each) are of its actual bones.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
CASES = [("ADULT", 24.0, 1.0), ("CHILD", 60.0, 1.001)]  # proportions, frames per second, its divisor
AUDIO = {".wav", ".flac", ".ogg", ".mp3"}


def inside_blender(package: str, songs: list[str], out: Path, seconds: float) -> None:
    """Press the buttons; write one .npz per dance with the rig's joints at every frame."""
    import importlib
    import time

    import bpy

    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    addon = "bl_ext.user_default.tempose"
    rig, markers = (
        importlib.import_module(f"{addon}.{name}") for name in ("scene.character.rig", "scene.music.markers")
    )
    bpy.ops.tempose.start_server()
    for number, song in enumerate(songs):
        for proportions, fps, base in CASES:
            bpy.ops.wm.read_homefile(use_empty=True)
            scene = bpy.context.scene
            scene.render.fps, scene.render.fps_base = int(fps), base
            start = 1 + 37 * number
            strip = scene.sequence_editor_create().strips.new_sound("Song", song, 1, start)
            strip.frame_offset_start = min(50, strip.frame_duration // 4)
            strip.frame_final_duration = min(strip.frame_final_duration, int(seconds * fps / base))
            scene.tempose.proportions = proportions
            scene.tempose.music.show_markers = True
            buttons = ("find_beats", "new_rig", "generate", "accept_take")
            began = time.monotonic()
            for button in buttons:
                if getattr(bpy.ops.tempose, button)() != {"FINISHED"}:
                    sys.exit(f"{song}: {button} did not finish")
            took = time.monotonic() - began
            ob = next(o for o in scene.objects if o.type == "ARMATURE")
            left, right = int(strip.frame_final_start), int(strip.frame_final_end)
            poses = []
            for frame in range(left, right):
                scene.frame_set(frame)
                pose = rig.pose_of(ob, True)
                poses.append(pose.points / np.asarray(pose.canvas, float))
            beats = [(m.frame - left) * base / fps for m in markers.ours(scene)]
            name = f"{Path(song).stem[:24]}_{proportions.lower()}_{fps / base:.2f}"
            np.savez(
                out / f"{name}.npz",
                keypoints=poses,
                canvas=pose.canvas,
                fps=fps / base,
                beats=beats,
                took=took,
            )
            print(f"{name}: {right - left} frames, {len(beats)} beats, {took:.1f} s", flush=True)
    bpy.ops.tempose.stop_server()
    sys.stdout.flush()
    os._exit(0)  # Blender 4.5 hangs at a normal exit while an add-on is registered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--blender", type=Path, default=ROOT / ".venv-bpy-4.5")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    sys.path.insert(0, str(ROOT / "scripts"))
    import build_extension

    from tempose.metrics.beats import beat_scores
    from tempose.render.contact_sheet import contact_sheet
    from tempose_pose.dance import Dance
    from tempose_pose.sequence import PoseSequence
    from tempose_pose.skeletons import OPENPOSE_18

    songs = sorted(str(p.resolve()) for p in options.songs.iterdir() if p.suffix.lower() in AUDIO)
    package = build_extension.build(ROOT / "dist")
    with tempfile.TemporaryDirectory() as user:
        subprocess.run(
            [options.blender / "bin" / "python", __file__, "--inside", package, json.dumps(songs), options.out,
             str(options.seconds)],
            env=os.environ | {"BLENDER_USER_RESOURCES": user, "TEMPOSE_PYTHON": sys.executable},
            check=True,
        )  # fmt: skip
    for path in sorted(options.out.glob("*.npz")):
        with np.load(path) as f:
            points, fps, beats = f["keypoints"], float(f["fps"]), f["beats"]
            canvas = (int(f["canvas"][0]), int(f["canvas"][1]))
            poses = PoseSequence(points, np.ones(points.shape[:2]), fps, OPENPOSE_18, canvas)
            scores = beat_scores(poses, beats)
            cost = float(f["took"]) / poses.seconds
        dance = Dance(poses, beats, beats[:0], np.zeros(0, int), 0, "rig")
        contact_sheet(dance, path.with_suffix(".png"), title=path.stem, count=20)
        print(f"{path.stem}: beat lock {scores['beat_lock']:.3f}, {cost:.2f} s per second of dance")


if __name__ == "__main__":
    if "--inside" in sys.argv:
        package, songs, out, seconds = sys.argv[sys.argv.index("--inside") + 1 :][:4]
        inside_blender(package, json.loads(songs), Path(out), float(seconds))
    else:
        main()

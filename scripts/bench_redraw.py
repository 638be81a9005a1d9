"""`make bench`: the cost of one redraw of the add-on's whole tab, in a full scene.

Runs in an environment with a bpy wheel. The layout is a stand-in that reads properties as Blender does, so that
Blender's own drawing is not in the figures. `--by-function` also counts calls of each function. Nothing here is
asserted.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TESTS = ("tests", "tests/addon/blender", "tests/addon/pure")
sys.path[:0] = [str(ROOT), *(str(ROOT / place) for place in ("pose", *TESTS))]

import redraws  # noqa: E402
from blender_helpers import add_strip, click_track, write_wav  # noqa: E402
from fake_server import CAPABILITIES, TOKEN, health  # noqa: E402

from tempose_pose.dance import Dance  # noqa: E402
from tempose_pose.reference import Reference  # noqa: E402
from tempose_pose.sequence import PoseSequence  # noqa: E402
from tempose_pose.wire.answers import Capabilities, Health  # noqa: E402
from tempose_pose.wire.validation import read  # noqa: E402

SECONDS, RATE, ROUNDS = 12.0, 30.0, 200


@functools.cache
def module(name: str) -> ModuleType:
    """A module of the add-on, in any layer."""
    for layer in ("model", "scene", "interface"):
        place = ROOT / "addon" / layer / name.replace(".", "/")
        if place.with_suffix(".py").is_file() or place.is_dir():
            return importlib.import_module(f"addon.{layer}.{name}")
    raise ModuleNotFoundError(name)


def fill(folder: Path) -> None:
    """Make a song with beats, a character with two takes, a previewed section, and a kept pose."""
    reading, song_grid, audition = module("reading"), module("music.song_grid"), module("dance.audition")
    scene = bpy.context.scene
    scene.render.fps = round(RATE)
    write_wav(folder / "song.wav", click_track(SECONDS))
    add_strip(scene, folder / "song.wav")
    pose = Reference.standing()
    ob = module("character.rig").new(scene, pose)
    beats = np.arange(0, SECONDS, 0.5)
    now = reading.Reading(bpy.context)
    song_grid.put(scene, now.grid, module("music.beats").from_times(beats.tolist(), beats[::4].tolist(), 0.9))
    now = reading.Reading(bpy.context)
    points = np.repeat(pose.points[None] / pose.canvas, round(SECONDS * RATE), 0)
    points[..., 0] += 0.02 * np.sin(2 * np.pi * np.arange(len(points)) / RATE)[:, None]
    poses = PoseSequence(points, np.ones(points.shape[:2]), RATE, pose.pose.skeleton, pose.canvas)
    mark = module("music.sound_marks").mark_of_playback(now.playback)
    for seed in (1, 2):
        dance = Dance(poses, beats, beats[::4], np.zeros(0, np.int32), seed, "bench")
        said = {"strip": now.playback.original.name, "style": ""}
        data = module("dance.takes").Take(dance, [[0.0, 0.0], [SECONDS] * 2], 0.0, SECONDS, mark, said)
        audition.add(scene.tempose, ob, data, now.playback.span)
    bpy.ops.tempose.add_section()
    scene.tempose.sections[0].factor = 1.5
    scene.tempose.edit.area = scene.tempose.generate.area = "BARS"
    scene.tempose.character.show_all = True
    bpy.ops.tempose.keep_pose()


def connect() -> None:
    """Pretend a connection to a server, which a redraw never uses."""
    ready, offered = read(Health, health(), "health report"), read(Capabilities, CAPABILITIES, "capabilities")
    report = module("server.work").Report("http://127.0.0.1:8000", TOKEN, "", ready, offered)
    module("server.connection").accept(report, own=False)


def main() -> None:
    import addon

    bpy.context.preferences.addons.new().module = "addon"
    addon.register()
    with tempfile.TemporaryDirectory() as folder:
        # Run from its sources the add-on is not an extension, which would have a folder of its own.
        bpy.utils.extension_path_user = lambda *_, **__: folder
        connect()
        fill(Path(folder))
        for name, work in (("drawn", redraws.draw), ("drawn, with the polls of its buttons", redraws.redraw)):
            work(bpy, module)  # cached values are there from now on
            found, spent = redraws.calls(lambda work=work: work(bpy, module), addon), []
            for _ in range(ROUNDS):
                started = time.process_time()  # as little affected by a busy machine as possible
                work(bpy, module)
                spent.append(1000 * (time.process_time() - started))
            print(
                f"Blender {bpy.app.version_string}: the tab {name}: {sum(found.values())} calls into the add-on, "
                f"{min(spent):.2f} ms of work at best, {np.median(spent):.2f} ms usually"
            )
            if "--by-function" in sys.argv:
                for (file, function), count in found.most_common():
                    print(f"  {count:4d} {file} {function}")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Blender 4.5 may hang at a normal exit while an add-on is registered

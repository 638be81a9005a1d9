"""`make bench`: the cost of the keys of a minute of dance in Blender, by density.

Runs in an environment with a bpy wheel. Because machines are noisy, seconds are also given as multiples of fixed
numpy work done in the same run. Nothing here is asserted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "pose"))  # the shared package is not in the wheel environments

from tempose_pose.dance import Dance  # noqa: E402
from tempose_pose.reference import Reference  # noqa: E402
from tempose_pose.sequence import PoseSequence  # noqa: E402

SECONDS, RATE = 60, 30.0


def _unit() -> float:
    matrices = np.random.default_rng(0).random((1800, 3, 3))
    started = time.perf_counter()
    for _ in range(200):
        np.sqrt(matrices @ matrices).sum()
    return time.perf_counter() - started


def main() -> None:
    sys.path.insert(0, str(ROOT))
    import addon
    from addon.model.dance import takes
    from addon.model.keys import key_plan
    from addon.model.tempo import timing
    from addon.scene.character import rig
    from addon.scene.keys import action_keys, take_keys
    from addon.scene.window import scene_of

    addon.register()
    scene = scene_of(bpy.context)
    scene.render.fps = round(RATE)
    pose = Reference.standing()
    ob = rig.new(scene, pose)
    rng = np.random.default_rng(1)
    t = np.arange(round(SECONDS * RATE))[:, None, None] / RATE
    moved = sum(
        12 / speed * np.sin(2 * np.pi * (speed * t + rng.random((1, *pose.points.shape))))
        for speed in (0.5, 1, 2)
    )
    points = (pose.points + moved) / pose.canvas
    beats = np.arange(0, SECONDS, 0.5)
    poses = PoseSequence(points, np.ones(points.shape[:2]), RATE, pose.pose.skeleton, pose.canvas)
    data = Dance(poses, beats, beats[::4], np.zeros(0, np.int32), 1, "bench")
    take = takes.Take(data, [[0.0, 0.0], [float(SECONDS)] * 2], 0.0, float(SECONDS), "")
    span = timing.Span(1.0, float(SECONDS), RATE)
    unit = min(_unit() for _ in range(3))
    print(f"Blender {bpy.app.version_string}: {SECONDS} s of dance on {len(ob.data.bones)} bones")
    for density in ("EVERY", "TWOS", "SPARSE", "POSES"):
        scene.tempose.keys.density = density
        best = [np.inf] * 3
        for _ in range(3):
            marks = [time.perf_counter()]
            plan = take_keys.plan(take, ob, span, scene.tempose)
            marks.append(time.perf_counter())
            made = key_plan.make_keys(plan)
            marks.append(time.perf_counter())
            action = action_keys.write(ob, "bench", made.curves, made.stepped)
            marks.append(time.perf_counter())
            bpy.data.actions.remove(action)
            best = np.minimum(best, np.diff(marks))
        parts = ", ".join(
            f"{name} {spent:.2f} s" for name, spent in zip(("read", "made", "written"), best, strict=True)
        )
        print(
            f"{density:7s}{parts}, all {sum(best):.2f} s or {sum(best) / unit:.1f} times the fixed work; "
            f"{made.count / made.dense:.0%} of the keys, usually {made.typical:.1f} px off, {made.worst:.0f} at most"
        )
    print(f"The fixed work, two hundred products of 1,800 small matrices, took {unit:.3f} s.")
    addon.unregister()


if __name__ == "__main__":
    main()

"""Do feet stay, sink or pop? Measured on every frame of dances on rigs, as Blender evaluates them.

    .venv-bpy-5.2/bin/python scripts/measure_feet.py DANCE.npz … [--rigs own,mixamo] [--densities POSES] [--rate 24]

Ankles are read from the evaluated armatures, constraints included. A foot *bears* by three definitions, none of
which is the add-on's own: `low`, an ankle nearer to the ground than 1.5 % of the figure's height in both frames;
`lower`, the lower of both ankles, or both if they are level, nearer than 4 %; and `danced`, an ankle that is low
and slow in the dance as the model drew it. A frame is good if no bearing foot moves farther than 1.2 % of the
height. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "pose"), str(ROOT / "tests" / "addon" / "blender")]

import character_helpers as made  # noqa: E402

from tempose_pose.dance import Dance  # noqa: E402
from tempose_pose.reference import Reference  # noqa: E402

FAR, LOW, LOWER, LEVEL = 0.012, 0.015, 0.04, 0.002  # of the height
DENSITIES = {
    "EVERY": {"density": "EVERY"},
    "TWOS": {"density": "TWOS"},
    "THREES": {"density": "THREES"},
    "POSES": {"density": "POSES", "poses": "MOMENTS"},
    "BAR": {"density": "POSES", "poses": "BAR"},
    "SPARSE2": {"density": "SPARSE", "tolerance": 2.0},
    "SPARSE8": {"density": "SPARSE", "tolerance": 8.0},
}


def own(**options):
    from addon.scene.character import rig
    from addon.scene.window import scene_of

    return rig.new(scene_of(bpy.context), Reference.standing(), **options), None


def mixamo(targets: bool = False):
    """An armature with Mixamo's names; with targets that pull its legs, as riggers add them."""
    from addon.scene.character import bone_guess, character

    ob = made.make(bpy, made.MIXAMO, sides=("Left", "Right"), prefix="mixamorig:")
    if targets:
        bpy.ops.object.mode_set(mode="EDIT")
        for side, sign in (("Left", 1), ("Right", -1)):
            bone = ob.data.edit_bones.new(f"{side} foot control")
            bone.head, bone.tail = (sign * 0.11, 0, 0.1), (sign * 0.11, 0.2, 0.1)
        bpy.ops.object.mode_set(mode="OBJECT")
        for side in ("Left", "Right"):
            constraint = ob.pose.bones[f"mixamorig:{side}Leg"].constraints.new("IK")
            constraint.target, constraint.subtarget = ob, f"{side} foot control"
            constraint.chain_count = 2
    found = bone_guess.guess(ob)[0]
    if targets:
        from addon.model.character.mapping import BoneMap

        found = BoneMap(
            {**found.bones, "foot_ik.L": "Left foot control", "foot_ik.R": "Right foot control"}, found.nose
        )
    character.store(ob, found)
    return ob, ("mixamorig:LeftFoot", "mixamorig:RightFoot")


def rigify():
    """A rig that Rigify generates from its human meta-rig, switched to FK by the add-on's own button."""
    import addon_utils
    from addon.scene.character import bone_guess, character, limb_switches

    addon_utils.enable("rigify", default_set=True)
    bpy.ops.object.armature_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    addon_utils.disable("rigify", default_set=True)
    ob = bpy.context.scene.objects["rig"]
    character.store(ob, bone_guess.guess(ob)[0])
    limb_switches.to_fk(ob)
    return ob, ("DEF-foot.L", "DEF-foot.R")


RIGS = {
    "own": own,
    "own-ik": lambda: own(ik_feet=True),
    "mixamo": mixamo,
    "mixamo-ik": lambda: mixamo(True),
    "rigify": rigify,
}


class Feet:
    """The ankles of a rig, in its plane, in shares of its height above the rest pose."""

    def __init__(self, ob, bones: tuple[str, str] | None):
        from addon.model.character.joints import joints_at_rest
        from addon.scene.character import armature, character

        self.ob, bone_map = ob, character.map_of(ob)
        self.plane = character.plane_of(ob, bone_map)
        posed = armature.bones_of(ob, bone_map)
        self.spots = character.spots_of(ob, posed, bone_map)
        rest = joints_at_rest(posed, bone_map, self.plane)
        self.height = float(np.ptp(np.stack(list(rest.values()))[:, 1]))
        self.bones = bones
        self.ground = min(rest["left_ankle"][1], rest["right_ankle"][1])

    def now(self) -> np.ndarray:
        """Left and right ankle (2, 2) as evaluated."""
        pose = self.ob.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        if self.bones:
            points = [np.array(pose[name].head) for name in self.bones]
        else:
            spots = [self.spots[f"{side}_ankle"] for side in ("left", "right")]
            points = [np.array(pose[s.bone].matrix) @ (*s.local, 1.0) for s in spots]
        return (np.stack([self.plane.flat(p[:3]) for p in points]) - (0, self.ground)) / self.height


def share(moved: np.ndarray, bears: np.ndarray) -> tuple[float, float]:
    """Percentage of frames with a bearing foot in which none moves far; and of frames with a bearing foot at all."""
    both = bears[1:] & bears[:-1]
    some = both.any(1)
    return 100 * (1 - ((moved > FAR) & both).any(1).sum() / max(some.sum(), 1)), 100 * float(some.mean())


def danced(take, span) -> np.ndarray:
    """(T, 2) bool: an ankle that is low and slow in the dance itself."""
    from addon.model.tempo.timing import resample

    poses = take.dance.poses
    at, _ = resample(poses.pixels, poses.scores, poses.fps, span.second_at(span.frames))
    joint = poses.skeleton.at
    height = np.median(np.ptp(at[..., 1], axis=1))
    ankles = at[:, [joint["left_ankle"], joint["right_ankle"]]] * (1, -1) / height
    calm = np.stack(
        [
            np.convolve(np.pad(a, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
            for a in ankles.reshape(len(at), -1).T
        ],
        1,
    )
    speed = np.linalg.norm(
        np.diff(calm.reshape(ankles.shape), axis=0, prepend=calm[:1].reshape(1, 2, 2)), axis=2
    )
    return (ankles[..., 1] < ankles[..., 1].min(1, keepdims=True) + 0.02) & (speed < FAR)


def measure(take, ob, feet: Feet, density: str, span) -> str:
    from addon.model.keys import key_plan
    from addon.scene.keys import action_keys, take_keys

    scene = bpy.context.scene
    for name, value in DENSITIES[density].items():
        setattr(scene.tempose.keys, name, value)
    started = time.perf_counter()
    keyed = key_plan.make_keys(take_keys.plan(take, ob, span, scene.tempose))
    spent = time.perf_counter() - started
    take_keys.assign(ob, action_keys.write(ob, "feet", keyed.curves, keyed.stepped))
    at = []
    for frame in span.frames:
        scene.frame_set(int(frame))
        at.append(feet.now())
    at = np.stack(at)  # (T, 2, 2)
    bpy.data.actions.remove(ob.animation_data.action)
    moved, height = np.linalg.norm(np.diff(at, axis=0), axis=2), at[..., 1]
    lower = (height <= height.min(1, keepdims=True) + LEVEL) & (height < LOWER)
    sides = " ".join(
        f"{name} {share(moved, bears)[0]:5.1f} ({share(moved, bears)[1]:3.0f})"
        for name, bears in (("low", height < LOW), ("lower", lower), ("danced", danced(take, span)))
    )
    jerk = np.linalg.norm(np.diff(at, 2, axis=0), axis=2)
    return (
        f"{density:8s}{sides}  below {-100 * min(height.min(), 0):.2f}  "
        f"jerk {100 * np.percentile(jerk, 99.5):.1f}/{100 * jerk.max():.1f}  "
        f"{100 * keyed.count / keyed.dense:.1f} % of the keys, {keyed.typical:.2f} px, {spent:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dances", nargs="+")
    parser.add_argument("--rigs", default=",".join(RIGS))
    parser.add_argument("--densities", default=",".join(DENSITIES))
    parser.add_argument("--rate", type=int, default=30, help="frames per second of the scene")
    asked = parser.parse_args()
    import addon
    from addon.model.dance import takes
    from addon.model.tempo.timing import Span

    addon.register()
    for path in asked.dances:
        data = Dance.load(path)
        seconds = len(data.poses) / data.poses.fps
        take = takes.Take(data, [[0.0, 0.0], [seconds] * 2], 0.0, seconds, "")
        for name in asked.rigs.split(","):
            bpy.ops.wm.read_homefile(use_empty=True)
            bpy.context.scene.render.fps = asked.rate
            ob, bones = RIGS[name]()
            feet = Feet(ob, bones)
            for density in asked.densities.split(","):
                said = measure(take, ob, feet, density, Span(1.0, seconds, float(asked.rate)))
                print(f"{Path(path).stem:8s}{name:10s}{said}", flush=True)
    addon.unregister()


if __name__ == "__main__":
    main()

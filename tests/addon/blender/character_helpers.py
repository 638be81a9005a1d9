"""Armatures made on the spot, as other tools make them, and where Blender puts their joints."""

import numpy as np

from tempose_pose import skeletons
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence

MIDDLE = {
    "hips": (None, (0, 0, 1.0), (0, 0, 1.1)),
    "spine": ("hips", (0, 0, 1.1), (0, 0, 1.25)),
    "spine1": ("spine", (0, 0, 1.25), (0, 0, 1.38)),
    "neck": ("spine1", (0, 0, 1.45), (0, 0, 1.54)),
    "head": ("neck", (0, 0, 1.54), (0, 0, 1.76)),
}
LIMBS = {
    "clavicle": ("spine1", (0.03, 0, 1.41), (0.16, 0, 1.42)),
    "arm": ("clavicle", (0.17, 0, 1.42), (0.43, 0, 1.4)),
    "forearm": ("arm", (0.43, 0, 1.4), (0.68, 0, 1.39)),
    "hand": ("forearm", (0.68, 0, 1.39), (0.8, 0, 1.39)),
    "thigh": ("hips", (0.1, 0, 0.96), (0.11, 0, 0.53)),
    "shin": ("thigh", (0.11, 0, 0.53), (0.11, 0, 0.1)),
    "foot": ("shin", (0.11, 0, 0.1), (0.2, 0, 0.03)),
}
MIXAMO = {
    "hips": "Hips", "spine": "Spine", "spine1": "Spine1", "neck": "Neck", "head": "Head", "clavicle": "{}Shoulder",
    "arm": "{}Arm", "forearm": "{}ForeArm", "hand": "{}Hand", "thigh": "{}UpLeg", "shin": "{}Leg", "foot": "{}Foot",
}  # fmt: skip
RIGIFY = {
    "hips": "spine", "spine": "spine.001", "spine1": "spine.002", "neck": "spine.004", "head": "spine.006",
    "clavicle": "shoulder.{}", "arm": "upper_arm.{}", "forearm": "forearm.{}", "hand": "hand.{}", "thigh": "thigh.{}",
    "shin": "shin.{}", "foot": "foot.{}",
}  # fmt: skip
PLAIN = {
    "hips": "Pelvis", "spine": "Torso", "spine1": "Chest 2", "neck": "Neck", "head": "Head",
    "clavicle": "Collar_{}", "arm": "UpperArm_{}", "forearm": "LowerArm_{}", "hand": "Hand_{}",
    "thigh": "Upper Leg {}", "shin": "Lower Leg {}",
    "foot": "Foot {}",
}  # fmt: skip
NAMELESS = {
    name: f"Bone.{i:03}" + ("{}" if name in LIMBS else "") for i, name in enumerate([*MIDDLE, *LIMBS])
}


def make(bpy, names, prefix="", turn=None, size=1.0, roll=0.0, sides=("L", "R"), name="Character"):
    """An armature object with these names; `turn` (3, 3) lays it into another plane."""
    turn = np.eye(3) if turn is None else np.asarray(turn, float)
    ob = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(ob)
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    rng = np.random.default_rng(5)

    def bone(key, side, parent, head, tail):
        new = ob.data.edit_bones.new(prefix + names[key].format(side))
        new.head, new.tail = (turn @ np.multiply(p, size) for p in (head, tail))
        new.roll = roll * rng.uniform(-3, 3)
        if parent:
            new.parent = ob.data.edit_bones[prefix + names[parent].format(side)]

    for key, row in MIDDLE.items():
        bone(key, "", *row)
    for side, sign in zip(sides, (1, -1), strict=True):
        for key, (parent, head, tail) in LIMBS.items():
            bone(key, side, parent, *((sign * p[0], p[1], p[2]) for p in (head, tail)))
    bpy.ops.object.mode_set(mode="OBJECT")
    return ob


def dance(tempose, ob, seed=1, size=40.0, frames=40):
    """Keypoints that wave about the figure's own pose: a take with `frames` frames at 30 per second, and pixels."""
    rng = np.random.default_rng(seed)
    reference = tempose("character.character").pose_of(ob, current=False)
    t = np.linspace(0, 4, frames)[:, None, None]
    points = reference.points + size * np.sin(
        t * rng.uniform(0.5, 3, (1, 18, 2)) + rng.uniform(0, 6, (1, 18, 2))
    )
    shares, scores = points / reference.canvas, np.ones(points.shape[:2])
    poses = PoseSequence(shares, scores, 30.0, skeletons.OPENPOSE_18, reference.canvas)
    data = Dance(poses, np.asarray([0.0, 0.5]), np.zeros(1), np.zeros(0, np.int32), seed, "test")
    return tempose("dance.takes").Take(data, [[0.0, 0.0], [1.0, 1.0]], 0.0, frames / 30, "", {}), points


def errors(bpy, tempose, ob, points, frames, first=0):
    """Distance in pixels (frames, joints) of the evaluated joints from the keypoints, and the joints' names."""
    character = tempose("character.character")
    place, names = character.placement(ob), skeletons.OPENPOSE_18.joints
    rows, known = [], None
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        at = character.joints(ob, current=True)
        known = [j for j in names if j in at]
        wanted = points[frame - first][[names.index(j) for j in known]]
        rows.append(np.linalg.norm(place.to_pixels(np.stack([at[j] for j in known])) - wanted, axis=1))
    return np.array(rows), known

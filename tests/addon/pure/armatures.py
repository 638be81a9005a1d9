"""Armatures as plain data: Tempose's own, and foreign ones with any axes, order and rotation mode."""

import numpy as np
from addon.model.character.bones import Bone
from addon.model.character.mapping import STUBS, TEMPOSE_RIG, BoneMap
from addon.model.character.plane import Plane

SIDES = {
    "clavicle": ("chest", (0.02, 1.4), (0.16, 1.42), "shoulder"),
    "humerus": ("clavicle", (0.17, 1.41), (0.42, 1.4), "upper_arm"),
    "twist": ("humerus", (0.3, 1.4), (0.42, 1.4), None),
    "ulna": ("twist", (0.43, 1.4), (0.68, 1.38), "forearm"),
    "palm": ("ulna", (0.68, 1.38), (0.8, 1.38), "hand"),
    "femur": ("pelvis", (0.1, 0.95), (0.12, 0.52), "thigh"),
    "tibia": ("femur", (0.12, 0.52), (0.12, 0.1), "shin"),
    "tarsus": ("tibia", (0.12, 0.1), (0.2, 0.02), "foot"),
}
MIDDLE = {
    "all": (None, (0, 0), (0, 0.2), None),
    "pelvis": ("all", (0, 1.0), (0, 1.1), "root"),
    "lumbar": ("pelvis", (0, 1.1), (0.01, 1.2), "spine"),
    "chest": ("lumbar", (0.01, 1.2), (0, 1.43), None),
    "nape": ("chest", (0, 1.45), (0, 1.52), "neck"),
    "skull": ("nape", (0, 1.52), (0, 1.75), "head"),
}
INHERIT = ("FULL", "FULL", "FIX_SHEAR", "ALIGNED", "AVERAGE", "NONE", "NONE_LEGACY")
MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def layout():
    """bone → (parent, head, tail, part), parents first."""
    found = dict(MIDDLE)
    for letter, sign in (("L", 1), ("R", -1)):
        for name, (parent, head, tail, part) in SIDES.items():
            over = f"{parent}.{letter}" if parent in SIDES else parent
            ends = ((sign * head[0], head[1]), (sign * tail[0], tail[1]))
            found[f"{name}.{letter}"] = (over, *ends, part and f"{part}.{letter}")
    return found


def along(vector, roll, normal):
    """Axes (3, 3) of a bone along a vector."""
    y = vector / np.linalg.norm(vector)
    z = np.cross(np.cross(y, normal), y)
    z /= np.linalg.norm(z)
    x = np.cross(y, z)
    cos, sin = np.cos(roll), np.sin(roll)
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], 1)


def foreign(seed, plain=False, scale_modes=INHERIT):
    """A figure in a random plane, with random rolls, modes and inheritance: (bones, map, plane)."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    plane = Plane(axes[:, 0], axes[:, 1])
    size, bones, mapped = float(rng.uniform(0.1, 50)), {}, {}
    for name, (parent, head, tail, part) in layout().items():
        start, end = (plane.lifted(np.multiply(p, size)) for p in (head, tail))
        roll = 0.0 if plain else rng.uniform(-np.pi, np.pi)
        bones[name] = Bone(
            name,
            parent,
            along(end - start, roll, plane.normal),
            start,
            float(np.linalg.norm(end - start)),
            False,
            bool(plain or rng.random() > 0.2),
            "FULL" if plain else str(rng.choice(scale_modes)),
            bool(plain or rng.random() > 0.2),
            str(rng.choice(MODES)),
        )
        if part:
            mapped[part] = name
    return bones, BoneMap(mapped), plane


def own(at):
    """A rig made by Tempose from joints {name: (x, z)}: (bones, map)."""
    bones = {}
    for link in TEMPOSE_RIG:
        head = np.array(at[link.head], float)
        tail = np.array(at[link.tail] if link.tail else (head[0], head[1] + 0.1), float)
        vector = np.array([tail[0] - head[0], 0, tail[1] - head[1]])
        y = vector / np.linalg.norm(vector)
        z = np.array([0, -1.0, 0])
        locked = {("rotation", 0), ("rotation", 1), ("scale", 0), ("scale", 2), ("location", 2)}
        if link.parent and link.name not in STUBS.values():
            locked |= {("location", 0), ("location", 1)}
        bones[link.name] = Bone(
            link.name, link.parent, np.stack([np.cross(y, z), y, z], 1), np.array([head[0], 0, head[1]]),
            float(np.linalg.norm(vector)), False, True, "NONE", True, "XYZ", np.eye(4), frozenset(locked),
        )  # fmt: skip
    return bones, BoneMap({link.name: link.name for link in TEMPOSE_RIG if link.name not in STUBS}, 1.0)


def posed(bones, channels, frames):
    """Forward kinematics from the channels alone, as Blender would do it: bone → Placed."""
    from addon.model.character.bones import hook, parents_first, place

    placed = {}
    for name in parents_first(bones):
        bone = bones[name]
        values = {(c.property, c.index): c.values for c in channels if c.bone == name}
        assert not {({"rotation_euler": "rotation"}.get(p, p), i) for p, i in values} & bone.locked, (
            "a locked channel was keyed"
        )
        turn = np.broadcast_to(np.eye(3), (frames, 3, 3))
        if any(p.startswith("rotation") for p, _ in values):
            turn = rotation(bone.mode, values, frames)
        scale = np.stack([values.get(("scale", i), np.ones(frames)) for i in range(3)], 1)
        location = np.stack([values.get(("location", i), np.zeros(frames)) for i in range(3)], 1)
        parent = bones[bone.parent] if bone.parent else None
        placed[name] = place(hook(bone, parent, placed.get(bone.parent)), turn, scale, location)
    return placed


def rotation(mode, values, frames):
    """(T, 3, 3) from channels, written independently of the add-on."""
    if mode == "QUATERNION":
        w, x, y, z = (
            values.get(("rotation_quaternion", i), np.full(frames, float(i == 0))) for i in range(4)
        )
        assert np.allclose(w * w + x * x + y * y + z * z, 1)
        return np.moveaxis(
            np.array(
                [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
                ]
            ), -1, 0,
        )  # fmt: skip
    if mode == "AXIS_ANGLE":
        half = values[("rotation_axis_angle", 0)] / 2
        quaternion = {("rotation_quaternion", 0): np.cos(half)}
        for i in (1, 2, 3):
            quaternion["rotation_quaternion", i] = np.sin(half) * values[("rotation_axis_angle", i)]
        return rotation("QUATERNION", quaternion, frames)
    out = np.broadcast_to(np.eye(3), (frames, 3, 3))
    for letter in mode:  # the first letter turns first
        axis = "XYZ".index(letter)
        angle = values.get(("rotation_euler", axis), np.zeros(frames))
        one = np.tile(np.eye(3), (frames, 1, 1))
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one[:, a, a] = one[:, b, b] = np.cos(angle)
        one[:, b, a], one[:, a, b] = np.sin(angle), -np.sin(angle)
        out = one @ out
    return out

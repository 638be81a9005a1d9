# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's joints by the keys of its Action, and a limb keyed to reach another place."""

from collections.abc import Iterable

import bpy
import numpy as np

from ...model.character.forward_kinematics import Forward
from ...model.character.joints import with_mid_hip
from ...model.character.mapping import JOINTS
from ...model.character.retarget import solve
from ...model.dance.pins import CHAINS
from ...model.errors import Problem
from ...model.keys.feet import reached
from ..character import armature, character
from . import action_keys, limb_bones
from .curve_edits import action_of, curves_of


def joints_at(ob: bpy.types.Object, frames: Iterable[float]) -> dict[str, np.ndarray]:
    """Joint → (T, 2) in the figure's plane, by the keys of its Action alone; empty if they move no bone."""
    frames = [float(frame) for frame in frames]
    bone_map = character.map_of(ob)
    bones = armature.bones_of(ob, bone_map)
    paths = {f'pose.bones["{bpy.utils.escape_identifier(name)}"]': name for name in bones}
    columns: dict[str, list] = {}
    for curve in action_keys.curves(action_of(ob)):
        path, _, prop = curve.data_path.rpartition(".")
        if path in paths:
            column = np.array([curve.evaluate(frame) for frame in frames])
            columns.setdefault(paths[path], []).append((prop, curve.array_index, column))
    if not columns or not frames:
        return {}
    layout = {bone: [(prop, index) for prop, index, _ in own] for bone, own in columns.items()}
    forward = Forward(bones, bone_map, character.plane_of(ob, bone_map), layout)
    values = {bone: np.stack([column for _, _, column in own], 1) for bone, own in columns.items()}
    return dict(zip(forward.names, forward(values), strict=True))


def reach(ob: bpy.types.Object, part: str, frame: int, place: np.ndarray) -> int:
    """Key a limb at a frame to end at a place (2,) in the figure's plane; return the number of curves keyed."""
    found = joints_at(ob, [frame])
    if not set(CHAINS[part]) <= set(found):
        raise Problem("no_limb", "This limb has no keys. Choose another one, or map its bones.")
    names = [joint for joint in JOINTS if joint in found]
    points = np.array([[found[joint][0] if joint in found else (0.0, 0.0) for joint in JOINTS[:-1]]])
    scores = np.array([[float(joint in names) for joint in JOINTS[:-1]]])
    points, scores = with_mid_hip(points, scores)
    limb = [JOINTS.index(joint) for joint in CHAINS[part]]
    points[:, limb] = reached(points[:, limb], np.asarray(place, float)[None])
    bone_map = character.map_of(ob)
    made = solve(
        points, scores, armature.bones_of(ob, bone_map), bone_map, character.plane_of(ob, bone_map),
        character.options_of(next(iter(ob.users_scene)), character.stretches(ob, next(iter(ob.users_scene)).tempose)),
    )  # fmt: skip
    kind = "arm" if part.endswith("wrist") else "leg"
    limb_name = f"{part.partition('_')[0]}_{kind}"
    bones = {bone for link in limb_bones.links_of(ob, limb_name)[:2] for bone in link}
    bones |= (
        {b for p, b in bone_map.bones.items() if p == f"foot_ik.{part[0].upper()}"}
        if kind == "leg"
        else set()
    )
    values = {(c.bone, c.property, c.index): float(c.values[0]) for c in made.channels if c.bone in bones}
    count = 0
    for curve in curves_of(action_of(ob), bones):
        bone, prop = curve.data_path.split('"')[1], curve.data_path.rpartition(".")[2]
        value = values.get((bone, prop, curve.array_index))
        if value is None:
            continue
        if prop == "rotation_euler":  # whole turns do not count
            value += 2 * np.pi * round((curve.evaluate(frame) - value) / (2 * np.pi))
        curve.keyframe_points.insert(frame, value).interpolation = "BEZIER"
        curve.update()
        count += 1
    return count

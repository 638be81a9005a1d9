# SPDX-License-Identifier: GPL-3.0-or-later
"""IK/FK switches of Rigify rigs: to FK for keys that turn the bones, and back."""

import json

import bpy

SWITCH = "IK_FK"  # of Rigify's bones: 0 is IK, 1 is FK
BEFORE = "tempose_ik_fk"  # on objects: the former state of the switches


def switches(ob: bpy.types.Object) -> dict[str, float]:
    """Bones that have a switch, with its value."""
    found = {}
    for bone in ob.pose.bones:
        value = bone.get(SWITCH)
        if isinstance(value, float | int):
            found[bone.name] = float(value)
    return found


def on_ik(ob: bpy.types.Object) -> bool:
    """Whether any limb is not fully on FK."""
    return any(value < 1 for value in switches(ob).values())


def to_fk(ob: bpy.types.Object) -> int:
    """Switch all limbs to FK; return how many were not."""
    before = {name: value for name, value in switches(ob).items() if value < 1}
    if before:
        ob[BEFORE] = json.dumps({**json.loads(ob.get(BEFORE, "{}")), **before})
        _set(ob, dict.fromkeys(before, 1.0))
    return len(before)


def switch_back(ob: bpy.types.Object) -> int:
    """Switch limbs back as they were before `to_fk`; return how many."""
    before = {
        name: value for name, value in json.loads(ob.get(BEFORE, "{}")).items() if name in ob.pose.bones
    }
    _set(ob, before)
    if BEFORE in ob:
        del ob[BEFORE]
    return len(before)


def _set(ob: bpy.types.Object, values: dict[str, float]) -> None:
    for name, value in values.items():
        bone = ob.pose.bones[name]
        bone[SWITCH] = type(bone[SWITCH])(value)
    ob.update_tag()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings swapped by a number: a property of a bone, and the drivers that show drawings by it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import bpy


def give(bone: bpy.types.PoseBone, name: str, choices: Sequence[str], meaning: str) -> None:
    """Give a bone a property that selects one of some choices, unless it has it."""
    if name not in bone:
        bone[name] = 0
        listed = ", ".join(f"{number} {choice}" for number, choice in enumerate(choices))
        bone.id_properties_ui(name).update(
            min=0, max=len(choices) - 1, default=0, description=f"{meaning}: {listed}"
        )
        bone.id_data.update_tag()  # otherwise drivers would not find it, and not look again


def show(thing: Any, bone: bpy.types.PoseBone, name: str, numbers: Iterable[int]) -> None:
    """Show an object, or a layer of a Grease Pencil object, only for these values of a bone's property."""
    shown = one_of(name, numbers)  # 1 or 0
    if isinstance(thing, bpy.types.Object):
        for path in ("hide_viewport", "hide_render"):
            drive(thing, path, bone, name, f"1-({shown})")
    else:
        drive(thing, "opacity", bone, name, shown)


def turn_round(thing: Any, bone: bpy.types.PoseBone, name: str, numbers: Collection[int]) -> None:
    """Mirror an object or a layer, left to right about its origin, for these values; without any, stop mirroring."""
    path = "delta_scale" if isinstance(thing, bpy.types.Object) else "scale"
    thing.driver_remove(path, 0)
    if numbers:
        drive(thing, path, bone, name, f"1-2*({one_of(name, numbers)})", 0)
    else:
        getattr(thing, path)[0] = 1.0


def one_of(name: str, numbers: Iterable[int]) -> str:
    """A driver expression that is 1 if a value is one of some numbers."""
    return "+".join(f"({name}=={number})" for number in numbers) or "0"


def drive(
    owner: Any, path: str, bone: bpy.types.PoseBone, name: str, expression: str, index: int = -1
) -> None:
    """Drive a property by that of a bone, which the expression calls by its name; what drove it so before goes."""
    driver = owner.driver_add(path, index).driver
    while driver.variables:
        driver.variables.remove(driver.variables[0])
    variable = driver.variables.new()
    variable.name, variable.type = name, "SINGLE_PROP"
    target = variable.targets[0]
    target.id = bone.id_data
    target.data_path = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"]["{name}"]'
    driver.expression = expression

# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands drawn in several shapes: the bone's property that selects the shape, and the drawings that follow it."""

from typing import Any

import bpy

from ...model.keys.hand_swaps import PROPERTY, SHAPES, closed, drawing_of, shown_for
from . import character

SIDES = {"L": "left", "R": "right"}
Drawings = dict[str, dict[str, list[Any]]]
"""Side (L, R) → shape → objects, and layers of Grease Pencil objects."""


def bones_of(ob: bpy.types.Object) -> dict[str, str]:
    """Side (left, right) → the bone whose property selects the hand's drawing; empty for most characters."""
    found = {side: _carrier(ob, letter) for letter, side in SIDES.items()}
    return {side: bone for side, bone in found.items() if bone and PROPERTY in ob.pose.bones[bone]}


def _carrier(ob: bpy.types.Object, letter: str) -> str:
    """The bone that carries a hand; empty without one."""
    bones = character.map_of(ob).bones
    name = bones.get(f"hand.{letter}") or bones.get(f"forearm.{letter}", "")
    return name if name in ob.pose.bones else ""


def give(ob: bpy.types.Object, letter: str) -> str:
    """Give a hand the property, unless it has it; return the bone, or nothing if no bone carries the hand."""
    name = _carrier(ob, letter)
    if name and PROPERTY not in (bone := ob.pose.bones[name]):
        bone[PROPERTY] = 0
        bone.id_properties_ui(PROPERTY).update(
            min=0, max=len(SHAPES) - 1, default=0, description="How the hand is drawn: " + ", ".join(
                f"{number} {shape}" for number, shape in enumerate(SHAPES)),
        )  # fmt: skip
    return name


def drawings_of(ob: bpy.types.Object) -> Drawings:
    """Objects on a character that are named after a hand's shape and side, such as *Fist.L*."""
    found: Drawings = {}
    for child in ob.children_recursive:
        layers = child.data.layers if child.type == "GREASEPENCIL" else ()
        for thing in (child, *layers):
            shape, letter = drawing_of(thing.name)
            if shape:
                found.setdefault(letter, {}).setdefault(shape, []).append(thing)
    return found


def fists_of(ob: bpy.types.Object) -> dict[str, list[bpy.types.ShapeKey]]:
    """Side (L, R) → shape keys *Fist* that close a hand of the figure."""
    found: dict[str, list[bpy.types.ShapeKey]] = {}
    for child in ob.children_recursive:
        shapes = child.data.shape_keys if child.type == "MESH" else None
        for key in shapes.key_blocks if shapes is not None else ():
            shape, letter = drawing_of(key.name)
            if shape == "fist":
                found.setdefault(letter, []).append(key)
    return found


def link(ob: bpy.types.Object) -> int:
    """Show each drawing only for its shapes, and close fists as far as the shapes are; return how many there are."""
    count = 0
    for letter, keys in fists_of(ob).items():
        terms = "+".join(f"{closed(shape):.2f}*(shape=={number})" for number, shape in enumerate(SHAPES))
        if name := give(ob, letter):
            for key in keys:
                count += 1
                _drive(key, "value", ob, name, terms)
    for letter, drawn in drawings_of(ob).items():
        if not (name := give(ob, letter)):
            continue
        for shape, numbers in shown_for(drawn).items():
            shown = "+".join(f"(shape=={number})" for number in numbers) or "0"  # 1 or 0
            for thing in drawn[shape]:
                count += 1
                if isinstance(thing, bpy.types.Object):
                    for path in ("hide_viewport", "hide_render"):
                        _drive(thing, path, ob, name, f"1-({shown})")
                else:
                    _drive(thing, "opacity", ob, name, shown)
    return count


def _drive(owner: Any, path: str, ob: bpy.types.Object, bone: str, expression: str) -> None:
    """Drive a property by the shape of the hand on a bone, in place of our earlier driver."""
    driver = owner.driver_add(path).driver
    while driver.variables:
        driver.variables.remove(driver.variables[0])
    variable = driver.variables.new()
    variable.name, variable.type = "shape", "SINGLE_PROP"
    target = variable.targets[0]
    target.id = ob
    target.data_path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]["{PROPERTY}"]'
    driver.expression = expression

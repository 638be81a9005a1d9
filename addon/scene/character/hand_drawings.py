# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands drawn in several shapes: the bone's property that selects the shape, and the drawings that follow it."""

from typing import Any

import bpy

from ...model.keys.hand_swaps import PROPERTY, SHAPES, closed, drawing_of, shown_for
from . import character, drawing_links

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
    if name:
        drawing_links.give(ob.pose.bones[name], PROPERTY, SHAPES, "How the hand is drawn")
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
        terms = "+".join(f"{closed(shape):.2f}*({PROPERTY}=={number})" for number, shape in enumerate(SHAPES))
        if name := give(ob, letter):
            for key in keys:
                count += 1
                drawing_links.drive(key, "value", ob.pose.bones[name], PROPERTY, terms)
    for letter, drawn in drawings_of(ob).items():
        if not (name := give(ob, letter)):
            continue
        for shape, numbers in shown_for(drawn).items():
            for thing in drawn[shape]:
                count += 1
                drawing_links.show(thing, ob.pose.bones[name], PROPERTY, numbers)
    return count

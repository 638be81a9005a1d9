# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters drawn from several sides: their drawings, and which are shown as they turn."""

from typing import Any

import bpy

from ...model.keys.facing_swaps import (
    FACINGS,
    HEAD,
    NAMES,
    PROPERTY,
    TRUNK,
    Drawn,
    drawing_of,
    is_set,
    on_head,
    shown_for,
)
from . import character, drawing_links

Drawings = dict[tuple[str, str], dict[Drawn, list[Any]]]
"""Head or trunk, and part of the figure → facing → objects, and layers of Grease Pencil objects."""
TURNAROUND = "turnaround"  # in the name of a layer whose successive drawings are facings


def bones_of(ob: bpy.types.Object) -> dict[str, str]:
    """Head and trunk → the bone whose property selects the facing; empty for most characters."""
    found = {part: _carrier(ob, part) for part in (TRUNK, HEAD)}
    return {part: bone for part, bone in found.items() if bone and PROPERTY in ob.pose.bones[bone]}


def drawings_of(ob: bpy.types.Object) -> Drawings:
    """What hangs on a character and is named after a facing, itself or by its collection."""
    found: Drawings = {}
    for child in ob.children_recursive:
        names = (child.name, *(collection.name for collection in child.users_collection))
        layers = [(layer, (layer.name,)) for layer in _layers(child)]
        for thing, said in ((child, names), *layers):
            known = next(filter(None, map(drawing_of, said)), None)
            if known is not None:
                part, drawn = known
                key = (HEAD if on_head(part) or _hangs_on_head(ob, child, thing) else TRUNK), part
                found.setdefault(key, {}).setdefault(drawn, []).append(thing)
    return {key: drawn for key, drawn in found.items() if is_set(drawn)}


def turnarounds_of(ob: bpy.types.Object) -> list[tuple[bpy.types.Object, Any]]:
    """Grease Pencil objects and layers whose drawings are the facings, in order."""
    return [
        (child, layer)
        for child in ob.children_recursive
        for layer in _layers(child)
        if TURNAROUND in layer.name.lower().replace(" ", "").replace("_", "") and len(layer.frames) > 1
    ]


def link(ob: bpy.types.Object) -> int:
    """Show each drawing for its facings alone; return how many there are."""
    count = 0
    for (part, _), drawn in drawings_of(ob).items():
        bone = _give(ob, part)
        if bone is None:
            continue
        for one, shown in shown_for(drawn).items():
            for thing in drawn[one]:
                count += 1
                drawing_links.show(thing, bone, PROPERTY, shown)
                turned = [number for number, round_ in shown.items() if round_]
                drawing_links.turn_round(thing, bone, PROPERTY, turned)
    for child, layer in turnarounds_of(ob):
        bone = _give(ob, HEAD if on_head(layer.name.lower()) or _hangs_on_head(ob, child, layer) else TRUNK)
        if bone is not None:
            count += len(layer.frames)
            _link_turnaround(child, layer, bone)
    return count


def _link_turnaround(child: bpy.types.Object, layer: Any, bone: bpy.types.PoseBone) -> None:
    """Show a layer's drawings in turn as the figure turns, whatever frames they are on."""
    frames = sorted(frame.frame_number for frame in layer.frames)
    at = dict(zip(FACINGS, frames, strict=False))
    shown = shown_for(at)
    modifier = _held_frame(child, layer.name)
    terms = (
        f"{at[one]}*({drawing_links.one_of(PROPERTY, numbers)})" for one, numbers in shown.items() if numbers
    )
    drawing_links.drive(modifier, "offset", bone, PROPERTY, "+".join(terms))
    turned = [number for numbers in shown.values() for number, round_ in numbers.items() if round_]
    drawing_links.turn_round(layer, bone, PROPERTY, turned)


def _held_frame(child: bpy.types.Object, layer: str) -> Any:
    """The modifier that holds one frame of a layer; a new one where there is none."""
    held: Any
    for held in child.modifiers:
        if held.type == "GREASE_PENCIL_TIME" and held.mode == "FIX" and held.tree_node_filter == layer:
            return held
    held = child.modifiers.new(layer, "GREASE_PENCIL_TIME")
    held.mode, held.tree_node_filter = "FIX", layer
    return held


def _give(ob: bpy.types.Object, part: str) -> bpy.types.PoseBone | None:
    """The bone that selects the facing of head or trunk, with its property; None if nothing is mapped."""
    name = _carrier(ob, part)
    if not name:
        return None
    bone = ob.pose.bones[name]
    drawing_links.give(
        bone, PROPERTY, NAMES, "Which way it is drawn, L and R being the picture's left and right"
    )
    return bone


def _carrier(ob: bpy.types.Object, part: str) -> str:
    """The bone of the head, or of the trunk; empty where there is none."""
    bones = character.map_of(ob).bones
    order = (HEAD, TRUNK, "root") if part == HEAD else (TRUNK, "root")
    return next((bones[name] for name in order if bones.get(name, "") in ob.pose.bones), "")


def _hangs_on_head(ob: bpy.types.Object, child: bpy.types.Object, thing: Any) -> bool:
    """Whether something is carried by the head's bone, directly or through its parent."""
    head = character.map_of(ob).bones.get(HEAD, "")
    if head not in ob.data.bones:
        return False
    names = {head, *(bone.name for bone in ob.data.bones[head].children_recursive)}
    if getattr(thing, "parent_bone", "") in names:
        return True
    at: bpy.types.Object | None = child
    while at is not None and at is not ob:
        if at.parent_type == "BONE" and at.parent_bone in names:
            return True
        at = at.parent
    groups = {group.name for group in child.vertex_groups} & {bone.name for bone in ob.data.bones}
    return bool(groups) and groups <= names


def _layers(child: bpy.types.Object) -> tuple[Any, ...]:
    return tuple(child.data.layers) if child.type == "GREASEPENCIL" else ()

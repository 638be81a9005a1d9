# SPDX-License-Identifier: GPL-3.0-or-later
"""The dancer in Grease Pencil: a drawing bound to the rig, or ink, one drawing for each key."""

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from ...model.character import head
from ...model.character.figure import Figure, draw, head_radius
from ...model.character.figure_looks import LOOKS
from ...model.character.joints import with_mid_hip
from ...model.character.mapping import JOINTS
from ...model.errors import Problem
from .. import compat
from ..window import scene_of
from . import rig

LINE = 0.0035  # radius of the line, as a share of the figure's height
MODIFIER = "Armature"
FACE = ("left_eye", "right_eye", "nose", "neck")


def bound_figure(context: bpy.types.Context, ob: bpy.types.Object):
    """Draw the rig's figure at rest, to be moved by its bones; return the Grease Pencil object.

    All the animation stays in the bones: it is a single drawing, which can be redrawn by hand.
    """
    scene = scene_of(context)
    at, height = _joints(ob, current=False)
    lift, bone_of = _lift(ob), _bones(ob)
    drawn = _new(scene, ob, f"{ob.name} ink figure")
    try:
        shapes = _shapes(draw(at, height, look=rig.look_of(ob)), lift)
        drawing = _layer(drawn, "Figure").frames.new(min(0, scene.frame_start)).drawing
        _write(drawing, drawn, shapes, height)
        first, weights = 0, {}
        for points, _colour, bones in shapes:
            for i, bone in enumerate(bones):
                weights.setdefault(bone_of(bone), []).append(first + i)
            first += len(points)
        for bone, indices in weights.items():
            drawn.vertex_groups.new(name=bone)
            drawing.set_vertex_weights(
                vertex_group_name=bone, indices=indices, weights=[1.0] * len(indices), assign_mode="REPLACE"
            )
        modifier = drawn.modifiers.new(MODIFIER, "GREASE_PENCIL_ARMATURE")
        modifier.object = ob
    except BaseException:
        remove(drawn)
        raise
    return drawn


def ink_frames(first: int, last: int, step: int, hits: list) -> list[int]:
    """Frames that get a drawing: every `step`-th from the first, and those of the beats."""
    frames = set(range(first, last + 1, step))
    frames.update(round(f) for f in hits if first <= round(f) <= last)
    return sorted(frames)


def ink(
    context: bpy.types.Context,
    ob: bpy.types.Object,
    frames: list[int],
    step: Callable[[int, int], None] | None = None,
):
    """Draw the dancing figure at each of these frames; return the Grease Pencil object.

    Parameters
    ----------
    frames : ascending list of int
    step : callable (done, total), optional
        Called after each frame.
    """
    scene = scene_of(context)
    if not frames:
        raise Problem("ink_nothing", "There are no frames to ink. Check the range.")
    rest, height = _joints(ob, current=False)
    radius, lift, look = head_radius(rest, height), _lift(ob), rig.look_of(ob)
    apart = max(abs(rest["left_eye"][0] - rest["right_eye"][0]), 1e-3 * height)
    drawn = _new(scene, ob, f"{ob.name} ink")
    before = scene.frame_current
    try:
        layer = _layer(drawn, "Ink")
        for number, frame in enumerate(frames):
            scene.frame_set(frame)
            at, _ = _joints(ob, current=True)
            figure = draw(at, height, radius, look)
            seen = head.seen_from([at[j][0] for j in FACE], apart, radius)
            figure.vertices = figure.turned(seen)
            _write(layer.frames.new(frame).drawing, drawn, _shapes(figure, lift), height)
            if step:
                step(number + 1, len(frames))
    except BaseException:
        remove(drawn)
        raise
    finally:
        scene.frame_set(before)
    return drawn


def remove(drawn: bpy.types.Object) -> None:
    """Remove a Grease Pencil object and its data."""
    data: Any = drawn.data
    bpy.data.objects.remove(drawn)
    if data.users == 0:
        compat.grease_pencils().remove(data)


def _joints(ob: bpy.types.Object, current: bool) -> tuple[dict, float]:
    """The joints in the rig's plane, and the figure's height."""
    pose, place = rig.pose_of(ob, current), rig.placement(ob)
    points, _ = with_mid_hip(place.to_plane(pose.points)[None], np.ones((1, len(pose.points))))
    more = {joint: place.to_plane(at) for joint, at in pose.more.items()}
    return {joint: points[0][i] for i, joint in enumerate(JOINTS)} | more, float(np.ptp(points[0][:, 1]))


def _lift(ob: bpy.types.Object):
    """The map from the figure's plane to the armature's space, at the depth of the bones."""
    plane = rig.plane_of(ob)
    heads = [ob.data.bones[name].head_local.to_tuple() for name in rig.rest(ob)]
    depth = float(np.mean(np.asarray(heads) @ plane.normal)) if heads else 0.0
    return lambda points: plane.lifted(points) + depth * plane.normal


_INSTEAD = {
    "look": "eye", "eye": "head", "crown": "head", "head": "neck", "neck": "spine", "shoulder": "spine",
    "hip": "root", "foot": "shin", "shin": "thigh", "thigh": "root", "hand": "forearm", "forearm": "upper_arm",
    "upper_arm": "shoulder", "spine": "root",
}  # fmt: skip


def _bones(ob: bpy.types.Object):
    """Part of the figure → the bone that moves it or, without one, the next bone inwards."""
    mapped, own = rig.map_of(ob).bones, rig.made_by_us(ob)

    def bone_of(part: str) -> str:
        name, dot, letter = part.rpartition(".") if part[-2:] in (".L", ".R") else (part, "", "")
        if own and part in ob.data.bones:
            return part
        if part in mapped or name in mapped:
            return mapped.get(part) or mapped[name]
        if "." in name:  # a finger
            return bone_of(f"hand.{letter}")
        inwards = _INSTEAD.get(name)
        return bone_of(f"{inwards}{dot}{letter}") if inwards else next(iter(mapped.values()))

    return bone_of


def _shapes(
    figure: Figure, lift: Callable[[np.ndarray], np.ndarray]
) -> list[tuple[np.ndarray, int, list[str]]]:
    """Outlines, back to front: points (N, 3), material, and the bone of each point."""
    points = np.asarray(figure.vertices, np.float32)
    bone_of = {i: bone for bone, indices in figure.groups.items() for i in indices}
    order = sorted(range(len(figure.faces)), key=lambda f: -points[figure.faces[f][0], 1])
    flat = lift(points[:, (0, 2)])  # strokes lie in one plane and are drawn in turn
    return [
        (flat[figure.faces[f]], figure.materials[f], [bone_of[i] for i in figure.faces[f]]) for f in order
    ]


def _new(scene: bpy.types.Scene, ob: bpy.types.Object, name: str):
    """An empty Grease Pencil object that moves with the rig, with a material for each colour."""
    data = compat.grease_pencils().new(name)
    drawn = bpy.data.objects.new(name, data)
    scene.collection.objects.link(drawn)
    drawn.parent = ob
    look = rig.look_of(ob)
    for colour, value in LOOKS[look].colours.items():
        data.materials.append(_material(f"{look.lower()} {colour}", value))
    return drawn


def _material(name: str, colour: tuple):
    full = f"Tempose ink {name}"
    material = bpy.data.materials.get(full)
    if material is None:
        material = bpy.data.materials.new(full)
        bpy.data.materials.create_gpencil_data(material)
        style = material.grease_pencil
        style.color, style.fill_color = (*(0.35 * c for c in colour), 1.0), (*colour, 1.0)
        compat.show_fill(style)  # pyright: ignore[reportArgumentType]
    return material


def _layer(drawn: bpy.types.Object, name: str):
    layer = drawn.data.layers.new(name)
    layer.use_lights = False
    return layer


def _write(
    drawing: Any, drawn: bpy.types.Object, shapes: list[tuple[np.ndarray, int, list[str]]], height: float
) -> None:
    """Write all strokes of one drawing at once: in 5.2 each access takes longer the more drawings there are."""
    drawing.add_strokes([len(points) for points, _, _ in shapes])
    attributes = drawing.attributes
    positions = np.concatenate([points for points, _, _ in shapes]).astype(np.float32)
    attributes["position"].data.foreach_set("vector", positions.ravel())
    for name, values in (("radius", LINE * height), ("opacity", 1.0)):
        attribute = attributes.get(name) or attributes.new(name, "FLOAT", "POINT")
        attribute.data.foreach_set("value", np.full(len(positions), values, np.float32))
    cyclic = attributes.get("cyclic") or attributes.new("cyclic", "BOOLEAN", "CURVE")
    cyclic.data.foreach_set("value", np.ones(len(shapes), bool))
    compat.fill_strokes(drawing)
    material = attributes.get("material_index") or attributes.new("material_index", "INT", "CURVE")
    material.data.foreach_set("value", np.asarray([colour for _, colour, _ in shapes], np.int32))

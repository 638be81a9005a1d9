# SPDX-License-Identifier: GPL-3.0-or-later
"""The 2D rig: an armature in the XZ plane, seen from the front, and a flat figure drawn on it."""

import json
import uuid
from collections.abc import Iterable

import bpy
import numpy as np
from mathutils import Vector

from tempose_pose import hands
from tempose_pose.reference import Reference
from tempose_pose.skeletons import EXTREMITIES

from ...model.character import head
from ...model.character.figure import Figure, draw, head_radius, sole_below
from ...model.character.figure_looks import LOOKS
from ...model.character.joints import with_mid_hip
from ...model.character.mapping import BODY, DEPTHS, ENDS, JOINTS, STUBS, TARGETS, TEMPOSE_RIG, BoneMap
from ...model.character.plane import Placement
from ...model.errors import Problem
from .. import compat
from . import character
from .character import (
    PROPERTY,
    depths_of,
    find,
    identity,
    is_rig,
    made_by_us,
    map_of,
    placement,
    plane_of,
    pose_of,
    rest,
)

__all__ = [
    "depths_of", "find", "identity", "is_rig", "made_by_us", "map_of", "new", "placement", "plane_of", "pose_of",
    "remove", "rest",
]  # fmt: skip

KEEPERS = {"crown": "head", "look.L": "eye.L", "look.R": "eye.R"}
"""What keeps its shape at the end of a bone that stretches: a head that nods is not squashed, nor are its eyes."""
SOLID = ("MESH", "CURVE", "SURFACE", "META", "FONT")  # a new character must not stand inside these
FARTHEST = 12  # places to the right that are tried
UNIT = 0.0025  # Blender units per pixel: the built-in adult is 1.8 units tall


def new(
    scene: bpy.types.Scene,
    reference: Reference,
    name: str = "Dancer",
    figure: bool = True,
    ik_feet: bool = False,
    fingers: bool = False,
    look: str = "ADULT",
    depths: dict[str, float] | None = None,
):
    """Make a rig with its figure from a pose; return the armature object.

    Its soles, or its ankles if it has no shoes, are on the ground (Z = 0); the middle of the picture is X = 0.
    Hands and feet get bones if the pose has them, and fingers also on request; `ik_feet` adds IK targets for the
    ankles; `depths` adds bones that move limbs forward and back from there.
    """
    points = reference.points
    sole = sole_below(float(np.ptp(points[:, 1])), look) if figure and not reference.more else 0.0
    place = Placement(reference.canvas, UNIT, (reference.canvas[0] / 2, float(points[:, 1].max()) + sole))
    plane = with_mid_hip(place.to_plane(points)[None], np.ones((1, len(BODY))))[0][0]
    at = {joint: plane[i] for i, joint in enumerate(JOINTS)}
    more = {**(hands.at_rest(points) if fingers else {}), **reference.more}
    at |= {joint: place.to_plane(point) for joint, point in more.items()}
    height = float(np.ptp(plane[:, 1]))
    if height <= 1e-6:
        raise Problem("reference_flat", "All joints of this pose lie on one line. Choose another pose.")
    armature = bpy.data.armatures.new(name)
    ob = bpy.data.objects.new(name, armature)
    try:
        scene.collection.objects.link(ob)
        links = list(TEMPOSE_RIG)
        for link in ENDS:
            if link.head in at and link.tail in at and link.parent in {known.name for known in links}:
                links.append(link)
        links += TARGETS if ik_feet else ()
        links += DEPTHS if depths else ()
        _bones(ob, at, height, links)
        ob[PROPERTY] = json.dumps(
            {
                "carried": _carried(ob, at, links),
                "id": uuid.uuid4().hex,
                "canvas": list(place.canvas),
                "unit": place.unit,
                "origin": list(place.origin),
                "look": look,
                "depths": depths or {},
            }
        )
        mapped = [link.name for link in links if link.name not in STUBS and link not in DEPTHS]
        character.store(ob, BoneMap({name: name for name in mapped}, 1.0))
        if figure:
            _drawn(scene, ob, at, height, look)
    except BaseException:
        remove(ob)
        raise
    return ob


def stand_clear(scene: bpy.types.Scene, ob: bpy.types.Object) -> None:
    """Move a new character to the right of characters in its place, and of objects that it would stand in."""
    place = placement(ob)
    room = 0.5 * place.canvas[0] * place.unit
    bpy.context.view_layer.update()
    others = [other for other in scene.objects if other is not ob and other.parent is not ob]
    taken = [other.location.x for other in others if other.type == "ARMATURE"]
    solid = [_filled(o, o.bound_box) for o in others if o.type in SOLID and o.visible_get()]
    bones = [end for bone in ob.data.bones for end in (bone.head_local, bone.tail_local)]
    own, start = _filled(ob, bones), ob.location.x

    def clear(moved: float) -> bool:
        stands = any(_share(own + np.array([moved, 0, 0]), other) for other in solid)
        return not stands and all(abs(start + moved - x) >= 0.99 * room for x in taken)

    places = [room * k for k in range(len(taken) + FARTHEST)]
    ob.location.x += next(filter(clear, places), 0.0)
    while any(abs(ob.location.x - x) < 0.99 * room for x in taken):  # within walls: clear only of characters
        ob.location.x += room


def _filled(ob: bpy.types.Object, points: Iterable) -> np.ndarray:
    """Bounding box (2, 3) of points of an object, in the world: lowest and highest corner."""
    at = np.array([ob.matrix_world @ Vector(point) for point in points])
    return np.stack([at.min(0), at.max(0)])


def _share(flat: np.ndarray, solid: np.ndarray) -> bool:
    """Whether a flat box (2, 3) intersects another one above its ground."""
    inside = np.minimum(flat[1], solid[1]) - np.maximum(flat[0], solid[0])
    least = 0.02 * (flat[1, 2] - flat[0, 2])
    return bool(inside[0] > least and inside[1] >= 0 and inside[2] > least)


def camera_before(scene: bpy.types.Scene, ob: bpy.types.Object):
    """Add a camera to the scene that sees the whole picture in which a character dances; return it."""
    plane, place = plane_of(ob), placement(ob)
    corners = [place.to_plane(np.asarray(corner, float)) for corner in ((0, 0), place.canvas)]
    middle = ob.matrix_world @ Vector(plane.lifted(np.mean(corners, axis=0)).tolist())
    normal = (ob.matrix_world.to_3x3() @ Vector(plane.normal.tolist())).normalized()
    high = float(abs(corners[0][1] - corners[1][1])) * ob.matrix_world.to_scale().z
    wide = float(abs(corners[0][0] - corners[1][0])) * ob.matrix_world.to_scale().x
    share = scene.render.resolution_x / scene.render.resolution_y
    data = bpy.data.cameras.new(f"{ob.name} camera")
    camera = bpy.data.objects.new(data.name, data)
    scene.collection.objects.link(camera)
    data.type, data.ortho_scale = "ORTHO", max(wide, high * share) if share >= 1 else max(high, wide / share)
    camera.location = middle + 4 * max(high, wide) * normal
    camera.rotation_euler = normal.to_track_quat("Z", "Y").to_euler()
    data.clip_end = max(data.clip_end, 10 * max(high, wide))
    scene.camera = camera
    return camera


def _carried(ob: bpy.types.Object, at: dict, links: list) -> dict[str, tuple[str, list]]:
    """Points of hands and feet at which no bone ends: the bone that carries each one, and the point in its space."""
    ends = {joint for link in links for joint in (link.head, link.tail)}
    names, found = {link.name for link in links}, {}
    for joint in (j for j in EXTREMITIES if j in at and j not in ends):
        letter, foot = joint[0].upper(), joint.endswith(("toe", "heel"))
        bone, limb = (f"{part}.{letter}" for part in (("foot", "shin") if foot else ("hand", "forearm")))
        bone = bone if bone in names else limb
        x, z = at[joint]
        local: Vector = ob.data.bones[bone].matrix_local.inverted() @ Vector((x, 0.0, z))
        found[joint] = bone, [*local.to_tuple()]
    return found


def remove(ob: bpy.types.Object) -> None:
    """Remove a rig and its figure."""
    for child in list(ob.children):
        data = child.data
        bpy.data.objects.remove(child)
        if isinstance(data, bpy.types.Mesh) and data.users == 0:
            bpy.data.meshes.remove(data)
    data = ob.data
    bpy.data.objects.remove(ob)
    if isinstance(data, bpy.types.Armature) and data.users == 0:
        bpy.data.armatures.remove(data)


def _bones(ob: bpy.types.Object, at: dict, height: float, links: list) -> None:
    layer = bpy.context.view_layer
    before = layer.objects.active
    chosen = [other for other in layer.objects if other.select_get()]
    if before is not None and before.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        for link in links:
            bone = ob.data.edit_bones.new(link.name)
            x, z = at[link.head]
            bone.head = (x, 0.0, z)
            end = at[link.tail] if link.tail else (x, z + 0.06 * height)
            if np.hypot(end[0] - x, end[1] - z) < 1e-3 * height:  # Blender drops bones of zero length
                end = (x, z + 1e-3 * height)
            bone.tail = (end[0], 0.0, end[1])
            # Local Z to the viewer: then a positive Z rotation turns counter-clockwise in the picture.
            bone.align_roll((0.0, -1.0, 0.0))
            bone.parent = ob.data.edit_bones[link.parent] if link.parent else None
            bone.inherit_scale = "NONE"  # a foreshortened arm must not squash the hand
        for name, stretched in KEEPERS.items():
            bone, end = ob.data.edit_bones.new(name), ob.data.edit_bones[stretched]
            bone.head, bone.tail = end.tail, (end.tail.x, 0.0, end.tail.z + 0.02 * height)
            bone.align_roll((0.0, -1.0, 0.0))
            bone.parent, bone.inherit_scale = end, "NONE"
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")
        layer.objects.active = before
        for other in layer.objects:
            other.select_set(other in chosen)
    for bone in ob.pose.bones:
        bone.rotation_mode = "XYZ"
        bone.lock_rotation = (True, True, False)
        bone.lock_scale = (True, False, True)
        # Limbs begin where the dance puts them, and fingers spread: their roots move relative to the hand.
        loose = not bone.parent or ".01." in bone.name or bone.name in STUBS.values()
        bone.lock_location = (not loose, not loose, True)
        side = bone.name.rpartition(".")[2]
        bone.color.palette = {"L": "THEME04", "R": "THEME01"}.get(side, "THEME09")
    for stub, limb in STUBS.items():
        _follow(ob, stub, limb)
    for link in links:
        if link in TARGETS:
            _pull(ob, link.name)
        if link in DEPTHS:
            ob.pose.bones[link.name].lock_location = (True, True, False)
            ob.pose.bones[link.name].lock_rotation = ob.pose.bones[link.name].lock_scale = (True, True, True)
            ob.data.bones[link.name].use_deform = False
    for name in KEEPERS:
        ob.data.bones[name].hide = True
    ob.show_in_front = True
    ob.data.display_type = "STICK"


def _follow(ob: bpy.types.Object, name: str, limb: str) -> None:
    """Make a bone reach to the beginning of a limb, within the plane."""
    constraint = ob.pose.bones[name].constraints.new("STRETCH_TO")
    constraint.target, constraint.subtarget = ob, limb
    constraint.rest_length = ob.data.bones[name].length
    constraint.volume, constraint.keep_axis = "NO_VOLUME", "PLANE_Z"
    ob.pose.bones[name].lock_rotation = ob.pose.bones[name].lock_scale = (True, True, True)


def _pull(ob: bpy.types.Object, name: str) -> None:
    """Make a shin follow an IK target, within the plane."""
    letter = name.rpartition(".")[2]
    target = ob.pose.bones[name]
    target.lock_location = (False, False, True)
    target.color.palette = "THEME03"
    ob.data.bones[name].use_deform = False
    for part in ("thigh", "shin"):
        bone = ob.pose.bones[f"{part}.{letter}"]
        bone.lock_ik_x = bone.lock_ik_y = True
    constraint = ob.pose.bones[f"shin.{letter}"].constraints.new("IK")
    constraint.target, constraint.subtarget, constraint.chain_count = ob, name, 2
    constraint.use_stretch = False


def look_of(ob: bpy.types.Object) -> str:
    """The look of a rig's figure; an adult if unknown."""
    look = json.loads(ob[PROPERTY]).get("look") if PROPERTY in ob else None
    return look if look in LOOKS else "ADULT"


def _drawn(scene: bpy.types.Scene, ob: bpy.types.Object, at: dict, height: float, look: str) -> None:
    """The figure: flat shapes, one object, bound to the bones."""
    figure: Figure = draw(at, height, look=look)
    mesh = bpy.data.meshes.new(f"{ob.name} figure")
    mesh.from_pydata([(x, y, z) for x, y, z in figure.vertices], [], figure.faces)
    drawn = bpy.data.objects.new(f"{ob.name} figure", mesh)
    scene.collection.objects.link(drawn)
    drawn.parent = ob
    for name, colour in figure.colours.items():
        mesh.materials.append(_material(f"{look.lower()} {name}", colour))
    mesh.polygons.foreach_set("material_index", figure.materials)
    for bone, vertices in figure.groups.items():
        group = drawn.vertex_groups.new(name=bone)
        group.add(vertices, 1.0, "REPLACE")
    modifier = drawn.modifiers.new("Armature", "ARMATURE")
    modifier.object = ob
    _shaped(drawn, ob, figure, at, height)


def _shaped(drawn: bpy.types.Object, ob: bpy.types.Object, figure: Figure, at: dict, height: float) -> None:
    """Add shape keys: fists, for the animator; and the head's views, driven by the face's direction."""
    drawn.shape_key_add(name="Front", from_mix=False)
    flat = np.asarray(figure.vertices, np.float32)
    apart = max(abs(at["left_eye"][0] - at["right_eye"][0]), 1e-3 * height)
    drivers = head.expressions(apart, head_radius(at, height))
    for name, moved in figure.shapes.items():
        key = drawn.shape_key_add(name=name.capitalize() if name in drivers else name, from_mix=False)
        places = flat.copy()
        places[list(moved)] = np.asarray(list(moved.values()), np.float32)
        key.value = 0.0
        key.data.foreach_set("co", places.ravel())
        if name in drivers:
            driver = key.driver_add("value").driver
            for letter, bone in {"l": "look.L", "r": "look.R", "n": "eye.L", "k": "head"}.items():
                variable = driver.variables.new()
                variable.name, variable.type = letter, "TRANSFORMS"
                target = variable.targets[0]
                target.id, target.bone_target = ob, bone
                target.transform_type, target.transform_space = "LOC_X", "WORLD_SPACE"
            driver.expression = drivers[name]


def _material(name: str, colour: tuple):
    full = f"Tempose {name}"
    material = bpy.data.materials.get(full)
    if material is None:
        material = bpy.data.materials.new(full)
        material.diffuse_color = (*colour, 1.0)
        material.roughness = 1.0
        material.specular_intensity = 0.0
        compat.glow(material, colour)
    return material

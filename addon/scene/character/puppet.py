# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture to a character: laid out with markers on its joints, then cut out and bound to a rig."""

import json
from collections.abc import Container
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from tempose_pose.reference import Reference
from tempose_pose.skeletons import EXTREMITIES
from tempose_pose.wire.answers import FigureMask

from ...model.character import silhouette
from ...model.character.backdrop import alpha_of
from ...model.character.extremities import limb_of
from ...model.character.figure_picture import CutOut, FigurePicture
from ...model.character.mapping import BODY
from ...model.character.unseen import behind
from ...model.errors import Problem
from ...model.server.answers import mask_of
from ..window import scene_of
from . import cut_out, rig
from .picture_mesh import flat

PICTURE, MARKER, PEOPLE = "tempose_picture", "tempose_joint", "tempose_people"  # custom properties
TALL = 800  # pixels of the canvas, whatever the picture's size
LARGEST = 8192
LOOKED_AT = 1024  # pixels along the longer side of the picture sent to the server


def lay_out(context: bpy.types.Context, image: bpy.types.Image, tolerance: float):
    """Put a picture into the scene with a marker on each joint; return the picture's object.

    The markers are empties at a first guess, to be dragged to the joints.
    """
    small = _looked_at(image)
    guess = silhouette.guess(alpha_of(small, tolerance)) * (TALL / small.shape[0])
    canvas = _canvas(image)
    plane = flat(
        f"{image.name} joints", image, np.array([[0, TALL], [canvas[0], TALL], [canvas[0], 0], [0, 0]], float),
        np.array([[0, 1, 2, 3]]), canvas, lambda points: _stand(points, canvas),
    )  # fmt: skip
    plane[PICTURE] = image.name
    plane.hide_select = True  # so that a click takes the marker
    context.scene.collection.objects.link(plane)
    for joint, point in zip(BODY.joints, _stand(guess, canvas), strict=True):
        _marker(joint, plane).location = (point[0], 0.0, point[1])
    return plane


def mark(plane: bpy.types.Object, joints: dict, doubtful: Container[str] = ()) -> list[str]:
    """Move the markers to the joints that were found; return the joints that were not.

    The others stay or, if the figure stands in profile, go behind the limb of the other side. Hands and feet get
    markers of their own, which move with the wrist's and the ankle's; those of the previous person's are removed if
    this one shows no hands or feet.

    Parameters
    ----------
    joints : dict of joint → (x, y)
        In shares of the picture.
    doubtful : sequence of str
        Joints that may be elsewhere: their markers are yellow and larger.
    """
    image = bpy.data.images[plane[PICTURE]]
    canvas = _canvas(image)
    markers = {child[MARKER]: child for child in plane.children_recursive if MARKER in child}
    guessed = behind(joints, canvas[0] / canvas[1])
    placed = {**joints, **guessed}
    for joint in [j for j in markers if j in EXTREMITIES and j not in joints]:
        bpy.data.objects.remove(markers.pop(joint))
    for joint in (*BODY.joints, *EXTREMITIES):
        if joint not in placed:
            continue
        x, z = _stand(np.multiply(placed[joint], canvas), canvas)
        marker, parent = markers.get(joint), plane
        if joint in EXTREMITIES:
            parent = markers.get(limb_of(joint)[1])
            if parent is None:
                continue
        if marker is None:
            marker = markers[joint] = _marker(joint, parent)
        on = _within(marker.parent, plane) @ Vector((0, 0, 0))
        marker.location = (x - on[0], 0.0, z - on[2])
        _colour(marker, joint in doubtful or joint in guessed)
    return [joint for joint in BODY.joints if joint not in joints]


def _marker(joint: str, parent: bpy.types.Object):
    """A draggable empty for a joint; those of hands and feet are small and unlabelled."""
    empty = bpy.data.objects.new(joint, None)
    small = joint in EXTREMITIES
    empty.empty_display_type = "SPHERE"
    empty.show_name, empty.show_in_front = not small, True
    empty.lock_location[1] = True  # they stay in the picture's plane
    empty.parent = parent
    empty[MARKER] = joint
    _colour(empty, False)
    bpy.context.scene.collection.objects.link(empty)
    return empty


def _colour(marker: bpy.types.Object, doubtful: bool) -> None:
    """Colour a marker: left is blue, right and middle are red; doubtful ones are yellow and larger."""
    joint = marker[MARKER]
    size = 0.008 if joint in EXTREMITIES else 0.025
    marker.empty_display_size = size * (1.6 if doubtful else 1.0)
    plain = (0.1, 0.5, 1, 1) if joint.startswith("left") else (1, 0.3, 0.1, 1)
    marker.color = (1, 0.85, 0.1, 1) if doubtful else plain


def keep_people(plane: bpy.types.Object, people: list[dict]) -> None:
    """Store the people found in the picture, beginning with the one whose joints are marked."""
    plane[PEOPLE] = json.dumps(people)


def people_of(plane: bpy.types.Object) -> list[dict]:
    """The people found in a laid-out picture, beginning with the one whose joints are marked."""
    return json.loads(plane.get(PEOPLE, "[]"))


def _within(ob: bpy.types.Object | None, plane: bpy.types.Object) -> Matrix:
    """The position of a child of the picture, in the picture's space."""
    matrix = Matrix()
    while ob is not None and ob != plane:
        matrix = ob.matrix_parent_inverse @ ob.matrix_basis @ matrix
        ob = ob.parent
    return matrix


def to_look_at(image: bpy.types.Image) -> np.ndarray:
    """(H, W, 3) uint8: the picture on white, small enough to send."""
    pixels = _looked_at(image)
    alpha = pixels[..., 3:]
    return np.round(255 * np.clip(pixels[..., :3] * alpha + 1 - alpha, 0, 1)).astype(np.uint8)


def _looked_at(image: bpy.types.Image) -> np.ndarray:
    """(h, w, 4) float: every pixel of a picture; of a large one every second, third …"""
    pixels = _pixels(image)
    step = max(1, -(-max(pixels.shape[:2]) // LOOKED_AT))
    return pixels[::step, ::step]


def laid_out(scene: bpy.types.Scene):
    """The picture with markers in this scene, preferably the active one; None without any."""
    found = [ob for ob in scene.objects if PICTURE in ob]
    active = bpy.context.view_layer.objects.active
    while active is not None and active not in found:
        active = active.parent
    if active is not None:
        return active
    return found[0] if found else None


def read(plane: bpy.types.Object) -> tuple[bpy.types.Image, Reference]:
    """The picture, and the pose of its markers; deleted markers are filled in."""
    image = bpy.data.images.get(plane[PICTURE])
    if image is None:
        raise Problem("picture_gone", "The picture of these markers has been deleted. Lay it out again.")
    canvas = _canvas(image)
    at = {}
    for child in plane.children_recursive:
        x, _, z = _within(child, plane).translation
        if MARKER in child:
            at[child[MARKER]] = np.array([x * TALL / 2 + canvas[0] / 2, TALL - z * TALL / 2])
    return image, Reference.from_joints(at, canvas)


def picture_of(plane: bpy.types.Object, tolerance: float, layered: bool) -> FigurePicture:
    """The laid-out picture, ready to be cut out."""
    image, pose = read(plane)
    first, mask = next(iter(people_of(plane)), {}), None
    if first.get("mask"):
        mask = mask_of(FigureMask(**first["mask"]))
    return FigurePicture(_pixels(image), pose, tolerance, layered, mask, tuple(first.get("doubtful", ())))


def build(context: bpy.types.Context, plane: bpy.types.Object, picture: FigurePicture, made: CutOut):
    """Bind the cut-out of the laid-out picture to a new rig and remove the markers. Returns the rig."""
    scene = scene_of(context)
    image, _ = read(plane)
    name = image.name.rpartition(".")[0] or image.name
    depths = cut_out.depths_of(made.levels) if made.levels else None
    ob = rig.new(scene, picture.pose, name, figure=False, depths=depths)
    try:
        _stand_in_for(ob, plane)
        cut_out.build(scene, ob, picture.pose, image, made)
    except BaseException:
        rig.remove(ob)
        raise
    clear(plane)
    return ob


def _stand_in_for(ob: bpy.types.Object, plane: bpy.types.Object) -> None:
    """Put a rig in the place of the picture, under the same parent, with its feet at Z = 0 of the picture's space."""
    ob.parent, ob.parent_type, ob.parent_bone = plane.parent, plane.parent_type, plane.parent_bone
    ob.matrix_parent_inverse, ob.matrix_basis = plane.matrix_parent_inverse, plane.matrix_basis
    for path in ("delta_location", "delta_rotation_euler", "delta_rotation_quaternion", "delta_scale"):
        setattr(ob, path, getattr(plane, path))


def clear(plane: bpy.types.Object) -> None:
    """Remove a laid-out picture and its markers; the image itself is kept."""
    for child in list(plane.children_recursive):
        bpy.data.objects.remove(child)
    mesh: Any = plane.data
    materials = list(mesh.materials)
    bpy.data.objects.remove(plane)
    bpy.data.meshes.remove(mesh)
    for material in materials:
        if material is not None and material.users == 0:
            bpy.data.materials.remove(material)


def _canvas(image: bpy.types.Image) -> tuple[int, int]:
    return max(1, round(image.size[0] * TALL / max(image.size[1], 1))), TALL


def _stand(points: np.ndarray, canvas: tuple[int, int]) -> np.ndarray:
    """Canvas pixels → (x, z) of a picture two units tall that stands on the ground."""
    return (np.asarray(points, float) - (canvas[0] / 2, TALL)) * (2 / TALL, -2 / TALL)


def _pixels(image: bpy.types.Image) -> np.ndarray:
    """(H, W, 4) float, the first row on top."""
    width, height = image.size
    if not width or not height:
        raise Problem("picture_missing", f"The picture {image.name} cannot be read. Is its file still there?")
    if max(width, height) > LARGEST:
        raise Problem(
            "picture_large", f"Pictures may have up to {LARGEST} pixels a side. Make this one smaller."
        )
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(height, width, 4)[::-1]

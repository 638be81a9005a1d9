# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure's picture bound to its rig: in one piece, or in layers that can pass in front of and behind each other."""

from collections.abc import Mapping

import bpy
import numpy as np

from tempose_pose.reference import Reference

from ...model.character.anatomy import ARMS, HEAD, LEGS, TRUNK
from ...model.character.cutout import CELLS, CHIN, THROAT, Cutout, cut, throat, weights
from ...model.character.figure_picture import CutOut
from ...model.character.layers import Layer
from ...model.keys.layering import LAYER, part_of
from . import rig
from .picture_mesh import flat, hang, image_of

FORWARD = 0.004  # how far in front of the body the arms of a puppet in one piece are, in Blender units
FOLDS = {"forearm": 0.15, "shin": -0.06, "foot": -0.04,
         **dict.fromkeys(("hand", "thumb", "index", "middle", "ring", "little"), 0.2)}  # fmt: skip
"""How far the ends of a limb stand before its beginning, in levels, for where it is folded."""
PART = "tempose_part"  # custom property of the layers
_HANGS_ON = {TRUNK: ("spine", "shoulder", "hip"), HEAD: ("head", "crown"),
             **dict.fromkeys(ARMS, ("upper_arm", "forearm", "hand", "thumb", "index", "middle", "ring", "little")),
             **dict.fromkeys(LEGS, ("thigh", "shin", "foot"))}  # fmt: skip
_NEVER = ("root", "eye", "ear", "look", "foot_ik", "arm_depth", "leg_depth")  # move no part of a picture


def depths_of(levels: Mapping[str, float]) -> dict[str, float]:
    """Depth bone → how far forward its limb is, from the levels of the parts."""
    return {
        f"{part.partition('_')[2]}_depth.{part[0].upper()}": LAYER * levels[part] for part in (*ARMS, *LEGS)
    }


def build(
    scene: bpy.types.Scene, ob: bpy.types.Object, pose: Reference, image: bpy.types.Image, made: CutOut
) -> None:
    """Build an object for each layer, with a picture of its own to paint on, bound to the bones of a rig."""
    bones = _bones(ob)
    if made.levels:
        _in_layers(scene, ob, image, made, bones)
    else:
        _in_one_piece(scene, ob, pose, image, made, bones)


def _in_one_piece(
    scene: bpy.types.Scene, ob: bpy.types.Object, pose: Reference, image: bpy.types.Image, made: CutOut,
    bones: dict[str, tuple[np.ndarray, np.ndarray]],
) -> None:  # fmt: skip
    """One object for the whole figure, with the arms a little in front of the body."""
    (whole,) = made.layers
    mesh = cut(whole.pixels[..., 3])
    vertices = mesh.vertices * made.scale
    shown = image if made.as_it_is else image_of(f"{image.name} cut out", whole.pixels, image)
    share = weights(Cutout(vertices, mesh.faces), bones)
    drawn = flat(f"{ob.name} picture", shown, vertices, mesh.faces, pose.canvas, rig.placement(ob).to_plane)
    scene.collection.objects.link(drawn)
    hang(drawn, ob, share)
    _bring_forward(drawn, share, dict.fromkeys(("upper_arm", "forearm"), FORWARD))


def _in_layers(
    scene: bpy.types.Scene, ob: bpy.types.Object, image: bpy.types.Image, made: CutOut,
    bones: dict[str, tuple[np.ndarray, np.ndarray]],
) -> None:  # fmt: skip
    """An object for each part; the depth bones bring limbs forward and back."""
    place, scale, extent = rig.placement(ob), made.scale, _extent(made.layers)
    for layer in made.layers:
        height, width = layer.pixels.shape[:2]
        side = layer.part[0].upper()
        corner = np.asarray(layer.corner)
        if layer.part == HEAD:
            alpha, (neck, crown) = layer.pixels[..., 3], (bones["head"][0], bones["crown"][1])
            nose = (neck + crown) / 2
            bones |= _head(neck, nose, *throat(alpha, neck / scale - corner, nose / scale - corner))
        own = {name: ends for name, ends in bones.items() if _moves(name, layer.part, side)}
        mesh = cut(layer.pixels[..., 3], max(8, round(CELLS * max(height, width) / extent)))
        share = weights(Cutout((mesh.vertices + corner) * scale, mesh.faces), own)
        shown = image_of(f"{ob.name} {layer.part.replace('_', ' ')}", layer.pixels, image)
        drawn = flat(
            shown.name, shown, mesh.vertices, mesh.faces, (width, height),
            lambda points, corner=corner: place.to_plane((points + corner) * scale),
        )  # fmt: skip
        drawn[PART] = layer.part
        scene.collection.objects.link(drawn)
        hang(drawn, ob, share)
        _bring_forward(drawn, share, {bone: LAYER * far for bone, far in FOLDS.items()})
        drawn.modifiers["Armature"].use_deform_preserve_volume = True  # a bent limb stays as thick as it is
        drawn.location.y = -LAYER * layer.level
        _let_go_forward(drawn, ob, layer.part)


def _bring_forward(drawn: bpy.types.Object, share: dict[str, np.ndarray], far: Mapping[str, float]) -> None:
    """Move vertices bound to some bones forward, by Blender units for each kind of bone."""
    co = np.empty(3 * len(drawn.data.vertices), np.float32)
    drawn.data.vertices.foreach_get("co", co)
    forward = sum(far.get(name.split(".")[0], 0.0) * values for name, values in share.items())
    co.reshape(-1, 3)[:, 1] = -np.asarray(forward)
    drawn.data.vertices.foreach_set("co", co)


def _let_go_forward(drawn: bpy.types.Object, ob: bpy.types.Object, part: str) -> None:
    """Make a limb's depth bone move its layer."""
    bone = next((bone for bone in rig.depths_of(ob) if part_of(bone) == part), None)
    if bone is None:
        return
    driver = drawn.driver_add("location", 1).driver
    variable = driver.variables.new()
    variable.name, variable.type = "forward", "TRANSFORMS"
    target = variable.targets[0]
    target.id, target.bone_target = ob, bone
    target.transform_type, target.transform_space = "LOC_Z", "LOCAL_SPACE"
    driver.expression = f"{drawn.location.y:.4f} - forward"


def _moves(bone: str, part: str, side: str) -> bool:
    name, *rest = bone.split(".")
    return name in _HANGS_ON[part] and (part in (TRUNK, HEAD) or rest[-1] == side)


def _bones(ob: bpy.types.Object) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Both ends of all bones that move a part of the picture, in pixels of its canvas."""
    place = rig.placement(ob)
    bones = {
        name: (place.to_pixels(rest.head), place.to_pixels(rest.tail))
        for name, rest in rig.rest(ob).items()
        if name.split(".")[0] not in _NEVER
    }
    return bones | _head(*bones["head"], THROAT, CHIN)


def _head(neck: np.ndarray, nose: np.ndarray, throat: float, chin: float) -> dict:
    """What of the way up is neck, and what is head, which keeps its shape."""
    up = nose - neck
    return {"head": (neck, neck + throat * up), "crown": (neck + chin * up, nose + up)}


def _extent(made: list[Layer]) -> int:
    """The longer side of a layered figure, in pixels."""
    corners = np.array([layer.corner for layer in made])
    ends = corners + [layer.pixels.shape[1::-1] for layer in made]
    return int((ends.max(0) - corners.min(0)).max())

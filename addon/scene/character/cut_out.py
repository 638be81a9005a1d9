# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure's picture hung on its rig: as one piece, or in layers that pass before and behind each other."""

from collections.abc import Container, Mapping

import bpy
import numpy as np

from tempose_pose.reference import Reference

from ...model.character import depth, layers
from ...model.character.anatomy import ARMS, HEAD, LEGS, TRUNK
from ...model.character.cutout import CELLS, Cutout, cut, weights
from ...model.keys.layering import LAYER, part_of
from . import rig
from .picture_mesh import flat, hang, image_of

LARGEST = 2048  # pixels of a side; layers of larger pictures are made of every second pixel, third …
FORWARD = 0.004  # how far arms of one piece stand before the body, in Blender units
FOLDS = {"forearm": 0.15, "shin": -0.06, "foot": -0.04,
         **dict.fromkeys(("hand", "thumb", "index", "middle", "ring", "little"), 0.2)}  # fmt: skip
"""How far the ends of a limb stand before its beginning, in levels, for where it is folded."""
PART = "tempose_part"  # custom property of the layers
_HANGS_ON = {TRUNK: ("spine", "shoulder", "hip"), HEAD: ("head",),
             **dict.fromkeys(ARMS, ("upper_arm", "forearm", "hand", "thumb", "index", "middle", "ring", "little")),
             **dict.fromkeys(LEGS, ("thigh", "shin", "foot"))}  # fmt: skip
_NEVER = (
    "root",
    "eye",
    "ear",
    "look",
    "foot_ik",
    "arm_depth",
    "leg_depth",
)  # bones that move nothing of a picture


def depths_of(levels: Mapping[str, float]) -> dict[str, float]:
    """Depth bone → how far forward its limb stands, from the levels of the parts."""
    return {
        f"{part.partition('_')[2]}_depth.{part[0].upper()}": LAYER * levels[part] for part in (*ARMS, *LEGS)
    }


def levels_of(pose: Reference, doubtful: Container[str]) -> dict[str, float]:
    """Which parts stand before which in a picture."""
    return depth.of_pose(pose.points, doubtful)


def in_one_piece(
    scene: bpy.types.Scene, ob: bpy.types.Object, pose: Reference, image: bpy.types.Image, pixels: np.ndarray,
    alpha: np.ndarray,
) -> None:  # fmt: skip
    """One object for the whole figure, arms a little before the body."""
    mesh = cut(alpha)
    scale = pose.canvas[1] / alpha.shape[0]
    vertices = mesh.vertices * scale
    shown = image
    if not np.array_equal(alpha, pixels[..., 3]):
        cleared = np.concatenate([pixels[..., :3], alpha[..., None]], -1)
        shown = image_of(f"{image.name} cut out", cleared, image)
    share = weights(Cutout(vertices, mesh.faces), _bones(ob))
    drawn = flat(f"{ob.name} picture", shown, vertices, mesh.faces, pose.canvas, rig.placement(ob).to_plane)
    scene.collection.objects.link(drawn)
    hang(drawn, ob, share)
    _bring_forward(drawn, share, dict.fromkeys(("upper_arm", "forearm"), FORWARD))


def in_layers(
    scene: bpy.types.Scene, ob: bpy.types.Object, pose: Reference, image: bpy.types.Image, pixels: np.ndarray,
    alpha: np.ndarray, levels: Mapping[str, float],
) -> None:  # fmt: skip
    """An object, and a picture to paint on, for each part; the depth bones bring limbs forward and back."""
    step = -(-max(alpha.shape) // LARGEST)
    pixels, alpha = pixels[::step, ::step], alpha[::step, ::step]
    scale = pose.canvas[1] / alpha.shape[0]
    more = {joint: np.asarray(at) / scale for joint, at in pose.more.items()}
    place, bones, extent = rig.placement(ob), _bones(ob), _extent(alpha)
    for layer in layers.cut_apart(pixels, alpha, pose.points / scale, more, levels):
        height, width = layer.pixels.shape[:2]
        side = layer.part[0].upper()
        own = {name: ends for name, ends in bones.items() if _moves(name, layer.part, side)}
        mesh = cut(layer.pixels[..., 3], max(8, round(CELLS * max(height, width) / extent)))
        corner = np.asarray(layer.corner)
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
    """Bring what hangs on some bones forward, by Blender units for each kind of bone."""
    co = np.empty(3 * len(drawn.data.vertices), np.float32)
    drawn.data.vertices.foreach_get("co", co)
    forward = sum(far.get(name.split(".")[0], 0.0) * values for name, values in share.items())
    co.reshape(-1, 3)[:, 1] = -np.asarray(forward)
    drawn.data.vertices.foreach_set("co", co)


def _let_go_forward(drawn: bpy.types.Object, ob: bpy.types.Object, part: str) -> None:
    """Let a limb's depth bone move its layer."""
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
    """Both ends of all bones that move something of a picture, in pixels of its canvas."""
    place = rig.placement(ob)
    bones = {
        name: (place.to_pixels(rest.head), place.to_pixels(rest.tail))
        for name, rest in rig.rest(ob).items()
        if name.split(".")[0] not in _NEVER
    }
    neck, nose = bones["head"]
    bones["head"] = (neck, nose + (nose - neck))  # a head reaches as far above the nose as below
    return bones


def _extent(alpha: np.ndarray) -> int:
    rows, columns = (np.flatnonzero((alpha > 0.05).any(axis)) for axis in (1, 0))
    return int(max(np.ptp(rows), np.ptp(columns))) + 1 if len(rows) else 1

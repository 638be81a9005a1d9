# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture, or a part of one, as a flat object that bones move."""

from collections.abc import Callable

import bpy
import numpy as np

from .. import compat


def flat(
    name: str,
    image: bpy.types.Image,
    pixels: np.ndarray,
    faces: np.ndarray,
    canvas: tuple[int, int],
    to_plane: Callable[[np.ndarray], np.ndarray],
):
    """A flat object that shows the picture; `pixels` are its corners on the canvas."""
    mesh = bpy.data.meshes.new(name)
    plane = to_plane(pixels)
    corners = np.stack([plane[:, 0], np.zeros(len(plane)), plane[:, 1]], 1)
    mesh.from_pydata(corners.tolist(), [], faces.tolist())
    uv = pixels / canvas
    uv[:, 1] = 1 - uv[:, 1]
    mesh.uv_layers.new(name="Picture").data.foreach_set("uv", uv[faces.ravel()].astype(np.float32).ravel())
    mesh.materials.append(_material(image))
    return bpy.data.objects.new(name, mesh)


def hang(drawn: bpy.types.Object, ob: bpy.types.Object, share: dict[str, np.ndarray]) -> None:
    """Bind a flat object to the bones of an armature, with these weights (N,) at its corners."""
    drawn.parent = ob
    for name, values in share.items():
        group = drawn.vertex_groups.new(name=name)
        for value in np.unique(np.round(values[values > 0], 3)):  # one call for each distinct weight
            indices = np.flatnonzero(np.round(values, 3) == value)
            group.add(indices.tolist(), float(value), "REPLACE")
    drawn.modifiers.new("Armature", "ARMATURE").object = ob


def image_of(name: str, pixels: np.ndarray, like: bpy.types.Image):
    """A new image from (H, W, 4), top row first, packed into the .blend, in the colour space of another."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.colorspace_settings.name = like.colorspace_settings.name
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).ravel())
    image.update()
    image.pack()
    return image


def _material(image: bpy.types.Image):
    """A material that shows the picture unlit, with its transparency."""
    material = bpy.data.materials.new(f"{image.name} picture")
    compat.use_nodes(material)
    tree = material.node_tree
    tree.nodes.clear()
    kinds = ("TexImage", "Emission", "BsdfTransparent", "MixShader", "OutputMaterial")
    texture, shine, nothing, mix, out = (tree.nodes.new(f"ShaderNode{kind}") for kind in kinds)
    texture.image, texture.extension = image, "CLIP"
    tree.links.new(texture.outputs["Color"], shine.inputs["Color"])
    tree.links.new(texture.outputs["Alpha"], mix.inputs[0])
    tree.links.new(nothing.outputs[0], mix.inputs[1])
    tree.links.new(shine.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], out.inputs["Surface"])
    for i, node in enumerate((texture, shine, nothing, mix, out)):
        node.location = (260 * i, 0)
    material.surface_render_method = "DITHERED"
    return material

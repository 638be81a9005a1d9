"""The figures in the box as Blender renders them."""

import numpy as np
import pytest


@pytest.mark.parametrize("look", ["ADULT", "CHILD", "ROBOT"])
def test_a_figure_shows_its_colours_whatever_the_light(blender, scene, tempose, tmp_path, look):
    scene.tempose.proportions = look
    assert blender.ops.tempose.new_rig() == {"FINISHED"}
    blender.ops.tempose.add_camera()
    drawn = scene.tempose.rig.children[0]
    for material in drawn.data.materials:
        kinds = {node.bl_idname for node in material.node_tree.nodes}
        assert kinds == {"ShaderNodeEmission", "ShaderNodeOutputMaterial"}  # light of its own, in EEVEE too
    assert drawn.data.shape_keys.animation_data.drivers
    assert abs(min(vertex.co.z for vertex in drawn.data.vertices)) < 1e-3  # it stands on its soles
    render = scene.render
    render.engine, render.filepath = "CYCLES", str(tmp_path / "figure.png")
    render.resolution_x = render.resolution_y = 96
    scene.cycles.samples, scene.cycles.use_denoising = 2, False
    blender.ops.render.render(write_still=True)
    image = blender.data.images.load(render.filepath)
    pixels = np.empty(96 * 96 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    colours = np.unique(np.round(pixels.reshape(-1, 4)[:, :3] * 8), axis=0)
    assert len(colours) >= 5


def test_the_drawn_head_turns_with_the_face(blender, scene):
    blender.ops.tempose.new_rig()
    ob = scene.tempose.rig
    for letter, angle in (("L", 1.9), ("R", -1.9)):
        ob.pose.bones[f"eye.{letter}"].rotation_euler.z = angle
    blender.context.view_layer.update()
    keys = ob.children[0].evaluated_get(blender.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks
    assert keys["Back"].value > 0.8 and keys["Side right"].value < 0.5
    assert keys["Fist.L"].value == 0

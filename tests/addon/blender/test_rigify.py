"""Rigs that Rigify has generated, as they come out of it."""

import character_helpers as made
import numpy as np
import pytest


@pytest.fixture(scope="module")
def generated(blender, tmp_path_factory):
    """A file with a metarig of a human and the rig generated from it, which takes a while."""
    import addon_utils

    path = str(tmp_path_factory.mktemp("rigify") / "rigs.blend")
    blender.ops.wm.read_homefile(use_empty=True)
    addon_utils.enable("rigify", default_set=True)
    blender.ops.object.armature_human_metarig_add()
    assert blender.ops.pose.rigify_generate() == {"FINISHED"}
    blender.ops.wm.save_as_mainfile(filepath=path)
    addon_utils.disable("rigify", default_set=True)
    return path


@pytest.fixture
def rigs(blender, generated):
    """The metarig, and the rig generated from it."""
    blender.ops.wm.open_mainfile(filepath=generated)
    blender.context.scene.tempose.keys.density = "EVERY"
    objects = blender.context.scene.objects
    return objects["metarig"], objects["rig"]


def choose(blender, ob):
    blender.context.scene.tempose.rig = None
    for other in blender.context.scene.objects:
        other.select_set(other == ob)
    blender.context.view_layer.objects.active = ob


def dance_on(blender, tempose, ob, size=60.0, frames=20):
    blender.context.scene.render.fps = 30
    take, points = made.dance(tempose, ob, size=size, frames=frames)
    span = tempose("tempo.timing").Span(1.0, frames / 30, 30.0)
    keys = tempose("keys.take_keys")
    keys.assign(ob, keys.bake(take, ob, span, blender.context.scene.tempose, "dance"))
    return points


def moved(blender, ob, bones, frames=20):
    """How far each bone's tail moves on the way, without the whole figure's."""
    rows = []
    for frame in range(1, frames + 1):
        blender.context.scene.frame_set(frame)
        graph = blender.context.evaluated_depsgraph_get()
        pose = ob.evaluated_get(graph).pose.bones
        rows.append([np.array(pose[b].tail - pose[b].head) for b in bones])
    return np.ptp(np.array(rows), axis=0).max(1)


def test_metarig_and_generated_rig_are_recognised(blender, tempose, rigs):
    for ob, name in zip(rigs, ("Rigify metarig", "Rigify FK controls"), strict=True):
        choose(blender, ob)
        assert blender.ops.tempose.map_bones() == {"FINISHED"}
        assert name in tempose("notes").text
        bone_map = tempose("character.character").map_of(ob)
        assert not bone_map.missing


def test_limbs_go_to_fk_with_one_press_and_back(blender, tempose, rigs):
    rig = rigs[1]
    choose(blender, rig)
    blender.ops.tempose.map_bones()
    assert "press Limbs to FK" in tempose("notes").text
    rig.pose.bones["thigh_parent.L"]["IK_FK"] = 0.25
    before = tempose("character.limb_switches").switches(rig)
    assert len(before) == 4
    blender.ops.tempose.limbs_to_fk()
    assert set(tempose("character.limb_switches").switches(rig).values()) == {1.0}
    assert "IK" not in tempose("character.character").notice(rig)
    blender.ops.tempose.limbs_to_fk()
    assert tempose("character.limb_switches").switches(rig) == before


def test_chest_head_arms_and_legs_of_a_generated_rig_follow_the_dance(blender, tempose, rigs):
    rig = rigs[1]
    choose(blender, rig)
    blender.ops.tempose.map_bones()
    blender.ops.tempose.limbs_to_fk()
    dance_on(blender, tempose, rig)
    bones = [
        "DEF-spine.003",
        "DEF-spine.006",
        "DEF-upper_arm.L",
        "DEF-forearm.R",
        "DEF-thigh.L",
        "DEF-shin.R",
    ]
    lengths = np.array([rig.data.bones[b].length for b in bones])
    assert (moved(blender, rig, bones) > 0.02 * lengths).all()
    for frame in (1, 10, 20):
        blender.context.scene.frame_set(frame)
        for bone in rig.pose.bones:
            if bone.name.startswith("DEF-"):
                assert np.allclose(bone.matrix.to_scale(), 1, atol=0.35)  # nothing vanishes


def test_what_fingers_leave_out_is_one_line(blender, tempose, rigs):
    rig = rigs[1]
    choose(blender, rig)
    blender.ops.tempose.map_bones()
    said = tempose("character.character").notice(rig, True)
    assert len(said) < 400
    assert "\n" not in said


def test_a_rig_of_others_is_not_stretched_unless_asked(blender, scene, tempose):
    ob = made.make(blender, made.MIXAMO, sides=("Left", "Right"))
    tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
    dance_on(blender, tempose, ob)
    paths = {c.data_path for c in tempose("keys.action_keys").curves(ob.animation_data.action)}
    assert not [p for p in paths if p.endswith("scale")]
    ob.animation_data_clear()
    scene.tempose.stretch_others = True
    dance_on(blender, tempose, ob)
    paths = {c.data_path for c in tempose("keys.action_keys").curves(ob.animation_data.action)}
    assert [p for p in paths if p.endswith("scale")]

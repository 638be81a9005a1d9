"""Armatures that Tempose has not made: their bones are found, and they dance as Blender poses them."""

import json

import character_helpers as made
import numpy as np
import pytest

from tempose_pose import skeletons
from tempose_pose.reference import Reference

TURN = np.array(
    [[0.6, 0, 0.8], [0.8, 0, -0.6], [0, 1.0, 0]]
)  # the figure stands in a plane across the armature


@pytest.fixture
def perform(blender, scene, tempose):
    """Key a dance on an armature; returns the pixel errors in Blender's own evaluation."""

    def run(ob, stretch=True, size=40.0, frames=30):
        blender.context.scene.render.fps = 30
        take, points = made.dance(tempose, ob, size=size, frames=frames)
        span = tempose("tempo.timing").Span(0.0, frames / 30, 30.0)
        settings = blender.context.scene.tempose
        settings.stretch = settings.stretch_others = stretch
        settings.keys.feet = "NEVER"
        tempose("keys.take_keys").assign(
            ob, tempose("keys.take_keys").bake(take, ob, span, settings, "dance")
        )
        return made.errors(blender, tempose, ob, points, [int(f) for f in span.frames])

    return run


@pytest.mark.parametrize(
    ("names", "sides", "prefix", "expected"),
    [
        (made.MIXAMO, ("Left", "Right"), "mixamorig:", "Mixamo"),
        (made.MIXAMO, ("Left", "Right"), "", "Mixamo"),
        (made.RIGIFY, ("L", "R"), "hero:", "Rigify metarig"),
        (made.RIGIFY, ("L", "R"), "DEF-", "Rigify DEF bones"),
        (made.PLAIN, ("L", "R"), "", "plain names"),
        (made.NAMELESS, ("a", "b"), "", "by shape"),
    ],
)
def test_the_bones_of_other_tools_are_found(blender, scene, tempose, names, sides, prefix, expected):
    ob = made.make(blender, names, prefix, sides=sides)
    found, how = tempose("character.bone_guess").guess(ob)
    assert how == expected
    assert not found.missing
    for part, key in {"thigh": "thigh", "shin": "shin", "upper_arm": "arm", "forearm": "forearm"}.items():
        for letter, side in zip("LR", sides, strict=True):
            assert found.bones[f"{part}.{letter}"] == prefix + names[key].format(side)
    assert found.bones["root"] == prefix + names["hips"]
    assert found.bones["spine"] == prefix + names["spine"]


@pytest.mark.parametrize("turn", [None, TURN], ids=["XZ", "any plane"])
@pytest.mark.parametrize("mode", ["QUATERNION", "AXIS_ANGLE", "XYZ", "ZXY", "mixed"])
@pytest.mark.parametrize("scale", ["FULL", "mixed"])
def test_joints_land_on_the_keypoints(blender, scene, tempose, perform, turn, mode, scale):
    ob = made.make(blender, made.MIXAMO, "mixamorig:", turn, 13.0, roll=1.0, sides=("Left", "Right"))
    ob.location, ob.rotation_euler, ob.scale = (3, -2, 1), (0.3, 1.0, -0.4), (0.1, 0.1, 0.1)
    rng = np.random.default_rng(2)
    modes = ("QUATERNION", "AXIS_ANGLE", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
    inherit = ("FULL", "FIX_SHEAR", "ALIGNED", "AVERAGE", "NONE")
    for bone in ob.pose.bones:
        bone.rotation_mode = str(rng.choice(modes)) if mode == "mixed" else mode
        if scale == "mixed":
            bone.bone.inherit_scale = str(rng.choice(inherit))
            bone.bone.use_inherit_rotation = bool(rng.random() > 0.2)
            bone.bone.use_local_location = bool(rng.random() > 0.2)
    tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
    off, joints = perform(ob)
    assert len(joints) == 14
    assert off.max() < 0.5, dict(zip(joints, off.max(0).round(2), strict=True))


def test_rigid_mode_turns_only_and_keeps_the_standing_foot(blender, scene, tempose, perform):
    ob = made.make(blender, made.MIXAMO, sides=("Left", "Right"))
    tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
    off, joints = perform(ob, stretch=False, size=15.0)
    paths = {c.data_path.rpartition(".")[2] for c in tempose("compat").fcurves_of(ob)}
    assert paths == {"location", "rotation_quaternion"}
    moved = {c.data_path for c in tempose("compat").fcurves_of(ob) if c.data_path.endswith("location")}
    assert moved == {'pose.bones["Hips"].location'}
    ankles = off[:, [joints.index("left_ankle"), joints.index("right_ankle")]]
    assert ankles.min(1).mean() < 6
    assert np.median(off) < 25


def test_only_mapped_bones_are_keyed_and_locks_are_kept(blender, scene, tempose, perform):
    ob = made.make(blender, made.PLAIN)
    extra = ob.pose.bones["Chest 2"]
    extra.rotation_mode, extra.rotation_euler = "XYZ", (0, 0.2, 0)  # posed by hand
    ob.pose.bones["LowerArm_L"].lock_rotation = (True, True, True)
    ob.pose.bones["Lower Leg R"].lock_scale = (True, True, True)
    character, guessing = tempose("character.character"), tempose("character.bone_guess")
    character.store(ob, guessing.guess(ob)[0])
    off, joints = perform(ob)
    said = character.notice(ob, stretch=True)
    assert "The rotation of LowerArm_L is locked" in said and "the scale of Lower Leg R is locked" in said
    assert extra.rotation_euler.y == pytest.approx(0.2)
    curves = tempose("compat").fcurves_of(ob)
    bones = {c.data_path.split('"')[1] for c in curves}
    assert bones <= set(character.map_of(ob).bones.values())
    assert not [c for c in curves if '"LowerArm_L"].rotation' in c.data_path]
    assert not [c for c in curves if '"Lower Leg R"].scale' in c.data_path]
    assert off[:, joints.index("left_elbow")].max() < 0.5


def test_constraints_and_drivers_are_respected_and_named(blender, scene, tempose, perform):
    ob = made.make(blender, made.PLAIN)
    character, guessing = tempose("character.character"), tempose("character.bone_guess")
    character.store(ob, guessing.guess(ob)[0])
    ob.pose.bones["Hand_R"].constraints.new("COPY_ROTATION").target = ob
    held = ob.pose.bones["UpperArm_R"].constraints.new("DAMPED_TRACK")
    held.target, held.name = ob, "Aim"
    driver = ob.driver_add('pose.bones["Lower Leg L"].rotation_quaternion', 1).driver
    driver.expression = "0"
    limit = ob.pose.bones["Upper Leg R"].constraints.new("LIMIT_ROTATION")
    limit.mute = False
    perform(ob)
    bones = {c.data_path.split('"')[1] for c in tempose("compat").fcurves_of(ob)}
    assert "UpperArm_R" not in bones and "Lower Leg L" not in bones
    assert "Upper Leg R" in bones  # a limit trims, but does not rule
    notice = character.notice(ob)
    assert "UpperArm_R" in notice and "'Aim'" in notice
    assert "Lower Leg L is moved by a driver" in notice


def test_a_torso_may_carry_the_place_too(blender, scene, tempose, perform):
    names = {**made.PLAIN, "hips": "Ground", "spine": "Torso"}
    ob = made.make(blender, names)
    character, guessing = tempose("character.character"), tempose("character.bone_guess")
    blender.context.view_layer.objects.active = ob
    blender.ops.object.mode_set(mode="EDIT")
    edit = ob.data.edit_bones
    for side in "LR":
        edit[f"Upper Leg {side}"].parent = edit["Torso"]
    edit.remove(edit["Ground"])
    blender.ops.object.mode_set(mode="OBJECT")
    found, _ = guessing.guess(ob)
    assert found.bones["root"] == found.bones["spine"] == "Torso"
    character.store(ob, found)
    off, _ = perform(ob)
    assert off.max() < 0.5


def test_the_map_is_saved_with_the_object_and_as_a_file(blender, scene, tempose, tmp_path):
    ob = made.make(blender, made.MIXAMO, "rig:", sides=("Left", "Right"), name="Hero")
    settings = scene.tempose
    settings.rig = ob
    assert tempose("character.character").why_not(ob).endswith("press Find Bones")
    assert blender.ops.tempose.map_bones() == {"FINISHED"}
    before = tempose("character.character").map_of(ob)
    assert blender.ops.tempose.save_map(filepath=str(tmp_path / "map.json")) == {"FINISHED"}
    assert json.loads((tmp_path / "map.json").read_text())["bones"]["upper_arm.L"] == "rig:LeftArm"
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    ob = blender.data.objects["Hero"]
    assert tempose("character.character").map_of(ob).bones == before.bones
    other = made.make(blender, made.MIXAMO, "other:", sides=("Left", "Right"), name="Other")
    blender.context.scene.tempose.rig = other
    assert blender.ops.tempose.load_map(filepath=str(tmp_path / "map.json")) == {"FINISHED"}
    assert tempose("character.character").map_of(other).bones["upper_arm.L"] == "other:LeftArm"
    assert blender.ops.tempose.clear_map() == {"FINISHED"}
    assert not tempose("character.character").is_rig(other)
    (tmp_path / "bad.json").write_text('{"bones": 3}')
    with pytest.raises(RuntimeError, match="not a bone map"):
        blender.ops.tempose.load_map(filepath=str(tmp_path / "bad.json"))


def test_unmapped_parts_are_named(blender, scene, tempose):
    ob = made.make(blender, made.MIXAMO, sides=("Left", "Right"))
    scene.tempose.rig = ob
    blender.ops.tempose.map_bones()
    ob.tempose_character.bone_forearm_L = ""
    ob.tempose_character.bone_shin_R = "no such bone"
    assert "left forearm, right shin" in tempose("character.character").notice(ob)


def test_a_linked_rig_says_why_and_an_override_dances(blender, scene, tempose, perform, tmp_path, read):
    ob = made.make(blender, made.MIXAMO, sides=("Left", "Right"), name="Linked")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    with blender.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, to):
        to.objects = ["Linked"]
    linked, here = to.objects[0], blender.context.scene
    here.tempose.keys.density = "EVERY"
    here.collection.objects.link(linked)
    here.tempose.rig = linked
    assert "library override" in tempose("character.character").why_not(linked)
    assert "library override" in read().no_rig
    with pytest.raises(RuntimeError, match="library override"):
        blender.ops.tempose.map_bones()
    ob = linked.override_hierarchy_create(here, blender.context.view_layer) or here.objects["Linked"]
    here.tempose.rig = ob
    assert ob.override_library is not None
    assert blender.ops.tempose.map_bones() == {"FINISHED"}
    off, _ = perform(ob)
    assert off.max() < 0.5
    here.tempose.keys.density = "POSES"
    off, _ = perform(ob)
    poses = keyed_frames(tempose, ob)
    assert 2 < len(poses) < len(off)  # few, and the dance's own
    assert off[poses].max() < 0.5
    name = ob.animation_data.action.name
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    again = blender.context.scene.tempose.rig
    assert again.override_library is not None and again.animation_data.action.name == name
    assert tempose("character.character").map_of(again).bones["upper_arm.L"] == "LeftArm"


def keyed_frames(tempose, ob):
    curves = tempose("keys.action_keys").curves(ob.animation_data.action)
    return sorted({round(key.co.x) for curve in curves for key in curve.keyframe_points})


def test_limbs_of_a_linked_rig_stay_as_they_are(blender, scene, tempose, tmp_path):
    ob = made.make(blender, made.PLAIN, name="Switched")
    ob.pose.bones["Pelvis"]["IK_FK"] = 0.0
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    with blender.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, to):
        to.objects = ["Switched"]
    blender.context.scene.collection.objects.link(to.objects[0])
    blender.context.view_layer.objects.active = to.objects[0]
    with pytest.raises(RuntimeError, match="library override"):
        blender.ops.tempose.limbs_to_fk()
    assert to.objects[0].pose.bones["Pelvis"]["IK_FK"] == 0.0


@pytest.mark.parametrize("stretch", [True, False])
def test_ik_feet_follow_the_dance(blender, scene, tempose, perform, stretch):
    scene.tempose.character.ik_feet = True
    blender.ops.tempose.new_rig()
    ob = scene.tempose.rig
    assert {"foot_ik.L", "foot_ik.R"} <= set(ob.data.bones.keys())
    with_ik, joints = perform(ob, stretch, size=20.0)
    ankles = [joints.index(f"{side}_ankle") for side in ("left", "right")]
    for side in "LR":
        ob.pose.bones[f"shin.{side}"].constraints[0].mute = True
    without, _ = perform(ob, stretch, size=20.0)
    assert with_ik[:, ankles].max() < (0.5 if stretch else 40)
    assert np.abs(with_ik - without).max() < 0.5  # turning IK off or on changes nothing


def test_hands_and_toes_in_the_pose_get_bones(blender, scene, tempose, tmp_path, perform):
    body = skeletons.BODY_25.joints
    standing = Reference.standing()
    at = dict(zip(skeletons.OPENPOSE_18.joints, standing.points, strict=True))
    at["mid_hip"] = (at["left_hip"] + at["right_hip"]) / 2
    for side, sign in (("left", 1), ("right", -1)):
        at[f"{side}_big_toe"] = at[f"{side}_small_toe"] = at[f"{side}_ankle"] + (25 * sign, 25)
        at[f"{side}_heel"] = at[f"{side}_ankle"] + (0, 20)
    hand = np.tile([*at["left_wrist"] + (0, 40), 1.0], 21).tolist()
    person = {"pose_keypoints_2d": [v for j in body for v in (*at[j], 1.0)], "hand_left_keypoints_2d": hand}
    (tmp_path / "pose.json").write_text(
        json.dumps({"people": [person], "canvas_width": 1000, "canvas_height": 1000})
    )
    scene.tempose.reference, scene.tempose.reference_file = "FILE", str(tmp_path / "pose.json")
    blender.ops.tempose.new_rig()
    ob = scene.tempose.rig
    bones = set(ob.data.bones.keys())
    assert {"foot.L", "foot.R", "hand.L"} <= bones and "hand.R" not in bones
    drawn = {group.name for group in ob.children[0].vertex_groups}
    assert {"foot.L", "hand.L"} <= drawn
    off, _ = perform(ob, size=4.0)
    assert off.max() < 0.5


def test_two_characters_each_have_their_own_take(blender, scene, tempose):
    audition, timing = tempose("dance.audition"), tempose("tempo.timing")
    one = made.make(blender, made.MIXAMO, sides=("Left", "Right"), name="One")
    two = made.make(blender, made.PLAIN, name="Two")
    span, actions = timing.Span(0.0, 1.0, 30.0), {}
    for ob in (one, two):
        tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
        take, _ = made.dance(tempose, ob, frames=30)
        audition.add(scene.tempose, ob, take, span)
        actions[ob.name] = ob.animation_data.action
    assert one.animation_data.action == actions["One"] != two.animation_data.action
    assert audition.shown(scene.tempose, one).rig == one
    audition.discard(scene, scene.tempose, scene.tempose.takes[1])
    assert two.animation_data is None
    assert one.animation_data.action is not None
    copy = one.copy()
    scene.collection.objects.link(copy)
    assert tempose("character.character").find(scene, tempose("character.character").identity(copy)) == copy


def test_discarding_gives_back_pose_and_drivers(blender, scene, tempose):
    audition, timing = tempose("dance.audition"), tempose("tempo.timing")
    ob = made.make(blender, made.PLAIN)
    tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
    ob.pose.bones["UpperArm_L"].rotation_quaternion = (0.8, 0.6, 0, 0)
    ob.pose.bones["Chest 2"].location = (0.1, 0, 0)
    ob.driver_add("hide_render").driver.expression = "0"
    take, _ = made.dance(tempose, ob, frames=30)
    audition.add(scene.tempose, ob, take, timing.Span(0.0, 1.0, 30.0))
    scene.frame_set(10)
    assert ob.pose.bones["UpperArm_L"].rotation_quaternion[0] != pytest.approx(0.8, abs=1e-4)
    audition.discard(scene, scene.tempose, scene.tempose.takes[0])
    assert tuple(ob.pose.bones["UpperArm_L"].rotation_quaternion) == pytest.approx((0.8, 0.6, 0, 0))
    assert ob.pose.bones["Chest 2"].location.x == pytest.approx(0.1)
    assert len(ob.animation_data.drivers) == 1 and ob.animation_data.action is None


def test_the_reference_is_the_pose_a_mapped_armature_is_in(blender, scene, tempose):
    ob = made.make(blender, made.MIXAMO, turn=TURN, size=7.0, sides=("Left", "Right"))
    tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
    pose = tempose("character.character").pose_of(ob, current=True)
    at = dict(zip(skeletons.OPENPOSE_18.joints, pose.points, strict=True))
    assert at["left_wrist"][0] > at["right_wrist"][0]  # its left is the viewer's right
    assert at["nose"][1] < at["neck"][1] < at["left_hip"][1] < at["left_knee"][1] < at["left_ankle"][1]
    assert at["left_ankle"][1] == pytest.approx(900, abs=1)
    assert at["left_ankle"][1] - at["nose"][1] == pytest.approx(720, abs=1)
    assert "eye" in pose.notice


def test_shoulders_and_hips_of_our_rigs_follow_the_limbs_and_carry_no_keys(blender, scene, tempose):
    ob = tempose("character.rig").new(scene, Reference.standing())
    scene.render.fps = 30
    take, _ = made.dance(tempose, ob, size=60.0, frames=20)
    span = tempose("tempo.timing").Span(1.0, 20 / 30, 30.0)
    keys = tempose("keys.take_keys")
    keys.assign(ob, keys.bake(take, ob, span, scene.tempose, "dance"))
    stubs = tempose("character.mapping").STUBS
    keyed = {c.data_path.split('"')[1] for c in tempose("keys.action_keys").curves(ob.animation_data.action)}
    assert not keyed & set(stubs) and set(stubs.values()) <= keyed
    assert tempose("character.character").notice(ob, True) == ""
    blender.ops.tempose.map_bones()
    assert tempose("character.character").notice(ob, True) == ""
    for frame in range(1, 21):
        scene.frame_set(frame)
        for stub, limb in stubs.items():
            bone = ob.pose.bones[stub]
            assert (bone.tail - ob.pose.bones[limb].head).length < 1e-4
            assert abs(abs(bone.z_axis.y) - 1) < 1e-3  # it stays in the figure's plane
            assert bone.z_axis.y < 0

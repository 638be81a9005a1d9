"""Hands and feet on rigs, and ink on figures that lie in other planes."""

from dataclasses import replace

import numpy as np
import pytest
from blender_helpers import all_of
from character_helpers import MIXAMO, make

from tempose_pose import skeletons
from tempose_pose.dance import Dance
from tempose_pose.reference import Reference
from tempose_pose.sequence import hands_of, of_joints

TURNS = {
    "front": np.eye(3),
    "lying": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
    "from the side": [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
    "slanted": [[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]],
}


@pytest.fixture
def handed(tempose):
    """The standing figure with hands and feet."""
    pose, skeleton = Reference.standing(), skeletons
    for k, joint in enumerate(skeleton.EXTREMITIES):
        lower = skeleton.OPENPOSE_18.index(tempose("character.extremities").limb_of(joint)[1])
        sign = 1 if joint.startswith("left") else -1
        x, y = pose.points[lower]
        finger = (k - 6) % 21
        step = (
            (sign * (20 - finger // 4 * 8), 12 * (finger % 4 + 1))
            if k >= 6
            else (sign * (30 - 12 * (k % 3)), 10 + k % 3)
        )
        pose.more[joint] = (x + step[0], y + step[1])
    return pose


def take_of(tempose, pose, ob, frames=12):
    """The pose swaying, its fingers and toes against wrists and ankles."""
    skeleton = skeletons
    t = np.linspace(0, 2, frames)[:, None, None]
    body = pose.points + 25 * np.sin(t * np.arange(1, 19)[None, :, None] / 6 + [[[0.0, 1.0]]])
    rest = np.array([pose.more[j] for j in skeleton.EXTREMITIES])
    lower = [
        skeleton.OPENPOSE_18.index(tempose("character.extremities").limb_of(j)[1])
        for j in skeleton.EXTREMITIES
    ]
    more = rest + body[:, lower] - pose.points[lower] + 3 * np.sin(2 * t + np.arange(48)[None, :, None])
    names = (*skeleton.OPENPOSE_18.joints, *skeleton.EXTREMITIES)
    points = np.concatenate([body, more], 1)
    poses = of_joints(names, points, np.ones(points.shape[:2]), 30.0, pose.canvas)
    return tempose("dance.takes").Take(Dance.of(poses), [[0.0, 0.0], [1.0, 1.0]], 0.0, frames / 30, "", {})


def test_a_rig_from_a_pose_with_hands_and_feet_has_their_bones_and_dances_them(
    blender, scene, tempose, handed
):
    scene.render.fps = 30
    ob = tempose("character.rig").new(scene, handed)
    assert {"hand.L", "foot.R", "thumb.01.L", "little.03.R"} <= set(ob.data.bones.keys())
    back = tempose("character.character").pose_of(ob, current=False)
    assert set(back.more) == set(handed.more)
    worst = max(np.hypot(*np.subtract(back.more[j], handed.more[j])) for j in handed.more)
    assert worst < 0.1
    take = take_of(tempose, handed, ob)
    span = tempose("tempo.timing").Span(1.0, 12 / 30, 30.0)
    scene.tempose.keys.feet = "NEVER"
    scene.tempose.stretch = True
    tempose("keys.take_keys").assign(
        ob, tempose("keys.take_keys").bake(take, ob, span, scene.tempose, "dance")
    )
    scene.frame_start, scene.frame_end = 1, 12
    poses = all_of(tempose("files.rig_reading").read(scene.name, ob.name, 30.0, False)).poses
    names = skeletons.EXTREMITIES
    columns = poses.skeleton.indices(*names)
    more, scores = poses.pixels[:, columns], poses.scores[:, columns]
    on_bones = [k for k, j in enumerate(names) if not j.endswith(("hand", "heel", "small_toe"))]
    own = tempose("character.extremities").extremities_of(take.dance.poses)
    wanted = own[:, on_bones, :2] * handed.canvas
    off = np.linalg.norm(more[:, on_bones] - wanted, axis=2)
    assert off.max() < 1.0, (off.max(), names[on_bones[int(off.max(0).argmax())]])
    assert (scores > 0).all()
    assert hands_of(poses).shape == (12, 2, 21, 3)


def test_a_dance_without_hands_carries_them_as_the_rig_has_them(blender, scene, tempose, handed):
    ob = tempose("character.rig").new(scene, handed)
    for bone in ob.pose.bones:
        if bone.name == "forearm.L":
            bone.rotation_euler.z = 0.7
    blender.context.view_layer.update()
    now, rest = (tempose("character.character").pose_of(ob, current=c) for c in (True, False))
    wrist = skeletons.OPENPOSE_18.index("left_wrist")
    before = np.subtract(rest.more["left_middle_4"], rest.points[wrist])
    after = np.subtract(now.more["left_middle_4"], now.points[wrist])
    angle = np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0])
    assert np.isclose(np.hypot(*after), np.hypot(*before), rtol=1e-3)
    assert np.isclose(angle, -0.7, atol=1e-3)  # y is down in pictures


@pytest.mark.parametrize("turn", TURNS)
def test_ink_lies_in_the_plane_of_the_figure_and_follows_its_bones(blender, scene, tempose, turn):
    turned = np.asarray(TURNS[turn], float)
    ob = make(blender, MIXAMO, prefix="mixamorig:", turn=turned, sides=("Left", "Right"))
    ob.scale, ob.rotation_euler, ob.location = (-2, 2, 2), (0.3, 0.2, 1.0), (1, 2, 3)
    tempose("character.character").store(ob, tempose("character.bone_guess").guess(ob)[0])
    drawn = tempose("character.ink").bound_figure(blender.context, ob)
    at = drawn.data.layers[0].frames[0].drawing.attributes["position"].data
    flat = np.empty(3 * len(at), np.float32)
    at.foreach_get("vector", flat)
    points = flat.reshape(-1, 3) @ turned  # back into XZ
    assert np.abs(points[:, 1]).max() < 0.01
    assert np.ptp(points[:, 2]) > 1.0
    groups = {group.name for group in drawn.vertex_groups}
    assert groups <= set(ob.data.bones.keys())
    assert {"mixamorig:LeftArm", "mixamorig:RightUpLeg", "mixamorig:Head"} <= groups
    bone = ob.pose.bones["mixamorig:LeftForeArm"]
    before = evaluated(blender, drawn)
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.4, 0.3, 0.8)
    moved = np.linalg.norm(evaluated(blender, drawn) - before, axis=1)
    assert moved.max() > 0.05
    assert (moved < 1e-4).mean() > 0.6


def evaluated(blender, drawn):
    blender.context.view_layer.update()
    graph = blender.context.evaluated_depsgraph_get()
    data = drawn.evaluated_get(graph).data.layers[0].current_frame().drawing.attributes["position"].data
    flat = np.empty(3 * len(data), np.float32)
    data.foreach_get("vector", flat)
    return flat.reshape(-1, 3)


@pytest.fixture
def from_file(blender, ready, tempose, handed, tmp_path):
    """A take from a file, 4 s at 25 a second from frame 25 on, with hands that move, on a rig with fingers."""
    ob = tempose("character.rig").new(ready, handed)
    blender.context.view_layer.objects.active = ob
    ready.tempose.rig = ob
    dance = take_of(tempose, handed, ob, 100).dance
    dance = Dance.of(replace(dance.poses, fps=25.0))
    tempose("files.pose_files").save(dance, str(tmp_path / "d.npz"), "NPZ")
    assert blender.ops.tempose.import_poses(filepath=str(tmp_path / "d.npz"), frame=25) == {"FINISHED"}
    return ready.tempose.takes[0]


def dance_of(tempose, take):
    return tempose("dance.audition").data_of(take).dance


def test_a_range_of_a_take_from_a_file_is_danced_again_and_keeps_its_hands(
    blender, ready, tempose, from_file, out_of_date
):
    settings, known = ready.tempose, tempose("dance.kept_poses")
    settings.edit.area, settings.edit.first_frame, settings.edit.last_frame = "FRAMES", 49, 84
    before = known.at_rate(dance_of(tempose, from_file), 30.0).poses
    assert blender.ops.tempose.reroll() == {"FINISHED"}
    take = ready.tempose.takes[1]
    after = dance_of(tempose, take).poses
    assert (after.fps, after.canvas, len(after.keypoints)) == (30.0, before.canvas, 120)
    again = np.zeros(120, bool)
    again[30:75] = True  # frames 49 to 84 at 24 per second, from frame 25 on
    np.testing.assert_array_equal(after.keypoints[~again], before.keypoints[~again])
    assert np.abs(after.keypoints[again] - before.keypoints[again]).max() > 0.01
    assert after.skeleton is before.skeleton
    wrist = after.skeleton.index("left_wrist")
    hand = [k for k, joint in enumerate(after.skeleton.joints) if joint.startswith("left_middle")]
    reach = [np.linalg.norm(d.pixels[:, hand] - d.pixels[:, [wrist]], axis=2) for d in (before, after)]
    np.testing.assert_allclose(reach[0], reach[1], atol=0.05)  # the same hands, on other arms
    assert (after.scores == before.scores).all()
    assert take.action.frame_range[0] == 25
    fingers = [c for c in tempose("keys.action_keys").curves(take.action) if '"middle.02.L"' in c.data_path]
    assert fingers
    assert not out_of_date(take)


def test_a_take_from_a_file_is_danced_again_where_music_is_heard(blender, ready, tempose, from_file):
    """The strip begins in the middle of the take."""
    compat, known = tempose("compat"), tempose("dance.kept_poses")
    compat.move_strip(ready.sequence_editor.strips_all[0], 72)  # now at frame 73, two seconds into the take
    before = known.at_rate(dance_of(tempose, from_file), 30.0).poses
    ready.tempose.edit.area = "TAKE"
    assert blender.ops.tempose.reroll() == {"FINISHED"}
    dance = dance_of(tempose, ready.tempose.takes[1])
    after = dance.poses
    np.testing.assert_array_equal(after.keypoints[:60], before.keypoints[:60])
    assert np.abs(after.keypoints[61:] - before.keypoints[61:]).max(axis=(1, 2)).min() > 1e-4
    assert np.allclose(dance.beat_times, [2.25, 2.75, 3.25, 3.75], atol=0.03)


@pytest.mark.parametrize("music", ["elsewhere", "none"])
def test_without_music_a_take_from_a_file_says_so_and_can_be_reshaped(
    blender, ready, tempose, from_file, music
):
    if music == "none":
        ready.sequence_editor_clear()
    else:
        tempose("compat").move_strip(ready.sequence_editor.strips_all[0], 1000)
    with pytest.raises(RuntimeError, match="Add a sound strip" if music == "none" else "No music is heard"):
        blender.ops.tempose.reroll()
    assert blender.ops.tempose.mirror_take() == {"FINISHED"}
    edit = ready.tempose.edit
    edit.area, edit.first_frame, edit.last_frame, edit.amount = "FRAMES", 49, 84, 1.5
    assert blender.ops.tempose.scale_take() == {"FINISHED"}
    assert len(ready.tempose.takes) == 3
    assert hands_of(dance_of(tempose, ready.tempose.takes[2]).poses) is not None


def test_fingers_of_a_new_rig_are_held_by_the_dance_in_one_shape_or_not_at_all(blender, ready, tempose):
    ready.tempose.character.fingers = True
    assert blender.ops.tempose.new_rig() == {"FINISHED"}
    ob = blender.context.object
    assert {"hand.L", "index.01.L", "little.03.R", "thumb.02.R"} <= set(ob.data.bones.keys())
    assert blender.ops.tempose.generate() == {"FINISHED"}
    curves_of = tempose("keys.action_keys").curves

    def fingers():
        found = curves_of(ob.animation_data.action)
        return {
            c.data_path.split('"')[1] for c in found if "index." in c.data_path or "little." in c.data_path
        }

    assert {"index.01.L", "index.03.R", "little.02.L"} <= fingers()

    def length():
        ready.frame_set(20)
        hand, tip = ob.pose.bones["hand.L"], ob.pose.bones["middle.03.L"]
        return (tip.tail - hand.head).length

    lengths = {}
    for shape in ("FLAT", "FIST"):
        ready.tempose.keys.hands = shape
        assert blender.ops.tempose.apply_keys() == {"FINISHED"}
        lengths[shape] = length()
    assert lengths["FIST"] < 0.75 * lengths["FLAT"]
    ready.tempose.keys.hands = "OFF"
    assert blender.ops.tempose.apply_keys() == {"FINISHED"}
    assert not fingers()


def swapping(tempose, ob, name="hand_shape"):
    """The curves that say which drawings a character's take shows, by bone."""
    found = tempose("keys.action_keys").curves(ob.animation_data.action)
    return {c.group.name: c for c in found if c.data_path.endswith(f'["{name}"]')}


def test_hands_without_fingers_are_swapped_by_the_dance_and_only_where_there_is_something_to_see(
    blender, ready, tempose
):
    """The figure's own fists, objects and Grease Pencil layers that are named after a shape; off with one switch."""
    ops, choice = blender.ops.tempose, ready.tempose.keys
    ops.new_rig()
    ob = ready.tempose.rig
    choice.hands = "FIST"
    assert ops.link_hand_drawings() == {"FINISHED"}  # the figure's own fists
    assert ops.generate() == {"FINISHED"}
    curves = swapping(tempose, ob)
    assert set(curves) == {"forearm.L", "forearm.R"}
    assert {key.interpolation for key in curves["forearm.L"].keyframe_points} == {"CONSTANT"}
    drawn = {}
    for name in ("Fist.L", "left hand open"):
        drawn[name] = blender.data.objects.new(name, blender.data.meshes.new(name))
        ready.collection.objects.link(drawn[name])
        drawn[name].parent = ob
    inked = blender.data.objects.new("ink", tempose("compat").grease_pencils().new("ink"))
    ready.collection.objects.link(inked)
    inked.parent = ob
    layer = inked.data.layers.new("fist.R")
    inked.data.layers.new("flat.R")
    assert ops.link_hand_drawings() == {"FINISHED"}

    def seen():
        ready.frame_set(30)
        graph = blender.context.evaluated_depsgraph_get()
        keys = next(c for c in ob.children if c.name.endswith("figure")).evaluated_get(graph).data.shape_keys
        fists = [keys.key_blocks[f"Fist.{side}"].value for side in "LR"]
        hidden = [drawn[name].evaluated_get(graph).hide_render for name in drawn]
        return (
            np.round(fists, 1).tolist(),
            hidden,
            round(inked.evaluated_get(graph).data.layers[0].opacity, 2),
        )

    assert seen() == ([1.0, 1.0], [False, True], 1.0)
    assert layer.opacity in (0.0, 1.0)
    choice.hands = "FLAT"
    assert ops.apply_keys() == {"FINISHED"}
    assert seen() == ([0.0, 0.0], [True, False], 0.0)
    choice.hands = "AUTO"
    assert ops.apply_keys() == {"FINISHED"}
    assert swapping(tempose, ob)
    choice.hands = "OFF"
    assert ops.apply_keys() == {"FINISHED"}
    assert not swapping(tempose, ob) and seen()[0] == [0, 0]  # as they are drawn


def test_drawings_from_several_sides_are_swapped_as_the_dance_turns(blender, ready, tempose):
    """Objects by their names or collections, Grease Pencil layers, and a turnaround whose frames are the facings."""
    ops, choice = blender.ops.tempose, ready.tempose.keys
    ops.new_rig()
    ob = ready.tempose.rig
    assert ops.generate() == {"FINISHED"} and not swapping(tempose, ob, "facing")
    drawn = {}
    for name in ("Head front", "Head profile.L", "coat", "coat seen from behind"):
        drawn[name] = blender.data.objects.new(name, blender.data.meshes.new(name))
        drawn[name].parent = ob
    for name, collection in (("coat", "Body 3/4 L"), ("coat seen from behind", "Body back")):
        ready.collection.children.link(made := blender.data.collections.new(collection))
        made.objects.link(drawn[name])
    for name in ("Head front", "Head profile.L"):
        ready.collection.objects.link(drawn[name])
    inked = blender.data.objects.new("ink", tempose("compat").grease_pencils().new("ink"))
    ready.collection.objects.link(inked)
    inked.parent = ob
    for name in ("Hat front", "Hat profile", "Turnaround"):
        layer = inked.data.layers.new(name)
        for frame in (1, 11, 21, 31) if name == "Turnaround" else ():
            layer.frames.new(frame)
    assert ops.link_facing_drawings() == {"FINISHED"}
    assert ops.apply_keys() == {"FINISHED"}
    curves = swapping(tempose, ob, "facing")
    assert set(curves) == {"head", "spine"}
    assert {key.interpolation for curve in curves.values() for key in curve.keyframe_points} == {"CONSTANT"}

    def seen(facing):
        for curve in curves.values():
            for key in curve.keyframe_points:
                key.co.y = facing
            curve.update()
        ready.frame_set(30 + facing)
        graph = blender.context.evaluated_depsgraph_get()
        there = {n for n, thing in drawn.items() if not thing.evaluated_get(graph).hide_render}
        ink = inked.evaluated_get(graph)
        there |= {layer.name for layer in ink.data.layers if layer.opacity > 0.5} - {"Turnaround"}
        return there, drawn["Head profile.L"].evaluated_get(graph).delta_scale[0], ink.modifiers[0].offset

    assert seen(0) == ({"Head front", "coat", "Hat front"}, 1, 1)
    assert seen(2) == ({"Head profile.L", "coat", "Hat profile"}, 1, 21)
    assert seen(3) == ({"Head profile.L", "coat seen from behind", "Hat profile"}, 1, 31)
    assert seen(4) == ({"Head profile.L", "coat", "Hat profile"}, -1, 21)
    choice.facing = False
    assert ops.apply_keys(by_hand="REPLACE") == {"FINISHED"}
    assert set(swapping(tempose, ob, "facing")) == set(curves)  # you have changed these keys: they stay

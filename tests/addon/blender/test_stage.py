"""A character that goes over the stage: to its waypoints on the beat, in steps, with a hand held where it is."""

import numpy as np
import pytest


@pytest.fixture
def staged(blender, ready):
    """Beats at each half second, four bars danced, the rig chosen."""
    blender.ops.tempose.find_beats()
    ready.tempose.generate.area, ready.tempose.generate.last_frame = "FRAMES", 240
    ready.tempose.seed = 3
    return ready


def walked(blender, tempose, scene):
    """The places (T, 3, 2) of hips, left and right ankle in body heights of the world."""
    rig = scene.tempose.takes[scene.tempose.active_take].rig
    at = tempose("character.floor").floor_of(rig)
    names = ("left_hip", "right_hip", "left_ankle", "right_ankle")
    rows = []
    for frame in range(1, 241):
        scene.frame_set(frame)
        joints = tempose("character.character").joints(rig, current=True)
        rows.append([(joints[name] - at.home) / at.height for name in names])
    points = np.array(rows)
    return np.concatenate([points[:, :2].mean(1, keepdims=True), points[:, 2:]], 1)


def test_a_character_reaches_its_waypoints_on_the_beat_without_sliding_feet(blender, staged, tempose):
    ops, rig = blender.ops.tempose, blender.context.view_layer.objects.active
    floor = tempose("character.floor").floor_of(rig)
    goals = {31: 0.0, 127: 1.5, 223: -0.4}  # beats; the second place lies outside of the picture
    for frame, across in goals.items():
        staged.frame_set(frame)
        assert ops.drop_waypoint(place=floor.world_of((across, 0.0))) == {"FINISHED"}
    names = [point.marker.name for point in rig.tempose_stage.waypoints]
    assert len(names) == 3 and all("bar" in name for name in names)
    assert ops.generate() == {"FINISHED"}
    points = walked(blender, tempose, staged)
    share = floor.size / floor.height
    for frame, across in goals.items():
        assert points[frame - 1, 0, 0] == pytest.approx(across * share, abs=0.03)
    ankles = points[:, 1:]
    low = ankles[..., 1] < ankles[..., 1].min() + 0.03
    stands = low[1:] & low[:-1] & (np.abs(np.diff(ankles[..., 1], axis=0)) * 24 < 0.3)
    slide = np.abs(np.diff(ankles[..., 0], axis=0))[stands] * 24
    assert stands.any(1).mean() > 0.6 and slide.mean() < 0.06
    steps = np.diff(np.flatnonzero(~stands[100:200, 0]))  # it steps: no foot stands all the way
    assert len(steps) > 3
    assert ops.follow_stage() == {"FINISHED"} and len(staged.tempose.takes) == 2


def test_a_path_a_mark_and_the_edges_of_the_frame(blender, staged, tempose):
    ops, rig = blender.ops.tempose, blender.context.view_layer.objects.active
    stage, ways = rig.tempose_stage, tempose("dance.waypoints")
    ops.set_mark()
    staged.frame_set(73)
    ops.add_camera()
    assert ops.enter(side="LEFT", beats=4) == {"FINISHED"}
    staged.frame_set(121)
    assert ops.leave(side="RIGHT", beats=4) == {"FINISHED"}
    assert np.diff([point.second for point in stage.waypoints]) == pytest.approx([2.0, 2.0, 2.0], abs=0.05)
    from bpy_extras.object_utils import world_to_camera_view

    blender.context.view_layer.update()
    seen = [
        world_to_camera_view(staged, staged.camera, p.marker.matrix_world.translation).x
        for p in stage.waypoints
    ]
    assert seen[0] < 0 and 0.3 < seen[1] < 0.7 and 0.3 < seen[2] < 0.7 and seen[3] > 1
    staged.frame_set(217)
    assert ops.back_to_mark() == {"FINISHED"} and len(stage.waypoints) == 5
    for _ in range(5):
        ops.remove_waypoint()
    assert not ways.is_used(rig) and stage.home is not None
    curve = blender.data.curves.new("Way", "CURVE")
    curve.dimensions = "3D"
    spline = curve.splines.new("POLY")
    spline.points.add(1)
    floor = tempose("character.floor").floor_of(rig)
    for point, across in zip(spline.points, (-0.5, 0.5), strict=True):
        point.co = (*floor.world_of((across, 0.0)), 1)
    drawn = blender.data.objects.new("Way", curve)
    staged.collection.objects.link(drawn)
    stage.line = drawn
    assert ops.generate() == {"FINISHED"}
    points = walked(blender, tempose, staged)
    share = floor.size / floor.height
    assert points[0, 0, 0] == pytest.approx(-0.5 * share, abs=0.05)
    assert points[-1, 0, 0] == pytest.approx(0.5 * share, abs=0.05)


def test_a_pinned_hand_stays_where_it_is_while_the_rest_dances(blender, staged, tempose):
    ops, rig = blender.ops.tempose, blender.context.view_layer.objects.active
    staged.frame_set(49)
    assert ops.pin_part(part="right_wrist", beats=4) == {"FINISHED"}
    (pin,) = rig.tempose_stage.pins
    assert (pin.first, pin.last) == (49, 96)
    assert ops.generate() == {"FINISHED"}
    joints = tempose("character.character").joints
    at = tempose("character.floor").floor_of(rig)
    held = []
    for frame in range(49, 97):
        staged.frame_set(frame)
        held.append((joints(rig, current=True)["right_wrist"] - at.home) / at.height)
    goal = np.array(at.place_of(pin.target.matrix_world.translation)) * at.size / at.height
    assert np.abs(np.array(held) - goal).max() < 0.02
    staged.frame_set(150)
    away = (joints(rig, current=True)["right_wrist"] - at.home) / at.height
    assert ops.unpin_part() == {"FINISHED"} and not len(rig.tempose_stage.pins)
    assert np.isfinite(away).all()


def test_keys_are_shaped_by_hand(blender, staged, tempose):
    ops = blender.ops.tempose
    staged.tempose.keys.density = "POSES"
    ops.generate()
    rig = staged.tempose.takes[0].rig
    curves = tempose("keys.action_keys").curves(rig.animation_data.action)
    frames = tempose("keys.key_edits").key_poses(
        [np.array([p.co.x for p in c.keyframe_points]) for c in curves]
    )
    frame = int(frames[3])
    staged.frame_set(frame)
    assert ops.hold_pose(frames=5) == {"FINISHED"}
    assert max(abs(c.evaluate(frame) - c.evaluate(frame + 4)) for c in curves) < 1e-5
    joints = tempose("keys.limb_reach").joints_at
    before = joints(rig, [100])["left_wrist"][0]
    assert ops.offset_limb(limb="left_arm", frames=3, follow=False) == {"FINISHED"}
    swung = [c for c in curves if "upper_arm.L" in c.data_path and "rotation" in c.data_path]
    reach = max(np.ptp([p.co.y for p in c.keyframe_points]) for c in swung)
    assert ops.exaggerate_limb(limb="left_arm", amount=1.5) == {"FINISHED"}
    assert max(np.ptp([p.co.y for p in c.keyframe_points]) for c in swung) > reach
    assert np.abs(joints(rig, [100])["left_wrist"][0] - before).max() > 1e-4
    at, view = tempose("character.floor").floor_of(rig), staged.tempose.view
    view.trail, view.poses, view.takes = "left_wrist", 2, True
    shoulder = joints(rig, [60])["left_shoulder"][0]
    goal = shoulder + np.array([0.15, 0.1]) * at.height
    place = at.world_of(tuple((goal - at.home) / at.size))
    assert ops.drag_trail(frame=60, place=place) == {"FINISHED"}
    assert joints(rig, [60])["left_wrist"][0] == pytest.approx(goal, abs=0.02 * at.height)
    drawn = tempose("dance.pose_overlay")
    ops.generate()
    staged.frame_set(60)
    lines = drawn.lines(staged, rig)
    assert lines is not None and len(lines.points) == len(lines.colours) > 100
    assert len(drawn.dots(blender.context, rig)[0]) >= 3

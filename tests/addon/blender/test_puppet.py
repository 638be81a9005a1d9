"""A picture with markers becomes a character that its bones move."""

import numpy as np
import pytest
from blender_helpers import with_estimator

from tempose_pose import skeletons
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence


def gingerbread(blender, alpha: bool, size=(200, 320)):
    """A picture of a figure with its arms and legs apart, colour by limb, clear or white around."""
    width, height = size
    pixels = np.ones((height, width, 4), np.float32)
    y, x = np.mgrid[:height, :width] / height
    limbs = {  # from, to (x, y from the top, in heights), radius, colour
        "head": ((0.3125, 0.12), (0.3125, 0.14), 0.07, (0.8, 0.5, 0.3)),
        "body": ((0.3125, 0.25), (0.3125, 0.5), 0.07, (0.1, 0.2, 0.7)),
        "left": ((0.36, 0.26), (0.56, 0.36), 0.03, (0.1, 0.7, 0.1)),
        "right": ((0.26, 0.26), (0.06, 0.36), 0.03, (0.7, 0.1, 0.1)),
        "left leg": ((0.35, 0.52), (0.42, 0.93), 0.035, (0.2, 0.2, 0.2)),
        "right leg": ((0.27, 0.52), (0.2, 0.93), 0.035, (0.2, 0.2, 0.2)),
    }
    solid = np.zeros((height, width), bool)
    for head, tail, radius, colour in limbs.values():
        along = np.subtract(tail, head)
        share = np.clip(((x - head[0]) * along[0] + (y - head[1]) * along[1]) / (along @ along), 0, 1)
        inside = np.hypot(x - head[0] - share * along[0], y - head[1] - share * along[1]) < radius
        pixels[inside, :3], solid = colour, solid | inside
    if alpha:
        pixels[..., 3] = solid
    image = blender.data.images.new("gingerbread.png", width, height, alpha=True)
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
    image.pack()
    return image


JOINTS = {"left_shoulder": (0.37, 0.26), "left_elbow": (0.46, 0.31), "left_wrist": (0.55, 0.355),
          "right_shoulder": (0.255, 0.26), "right_elbow": (0.16, 0.31), "right_wrist": (0.07, 0.355)}  # fmt: skip


def placed(tempose, blender, image):
    """The picture laid out, arms' markers dragged to the joints."""
    plane = tempose("character.puppet").lay_out(blender.context, image, 0.1)
    for child in plane.children:
        if (at := JOINTS.get(child["tempose_joint"])) is not None:
            child.location = (2 * (at[0] - 0.3125), 0, 2 * (1 - at[1]))
    return plane


def puppet_of(blender, tempose, plane, layered=True):
    """The rig that a laid-out picture becomes."""
    puppet = tempose("character.puppet")
    picture = puppet.picture_of(plane, 0.1, layered)
    made = tempose("character.figure_picture").cut_out(picture)
    return puppet.build(blender.context, plane, picture, made)


def corners(blender, ob):
    """Where the corners of a rig's pictures are: by part, in the rig's space."""
    graph, found = blender.context.evaluated_depsgraph_get(), {}
    for drawn in ob.children:
        seen = drawn.evaluated_get(graph)
        to_rig = ob.matrix_world.inverted() @ seen.matrix_world
        found[drawn.get("tempose_part", "all")] = np.array([to_rig @ v.co for v in seen.to_mesh().vertices])
    return found


def test_in_layers_each_part_moves_alone_and_an_arm_goes_behind_the_body(blender, scene, tempose):
    image = gingerbread(blender, True)
    ob = puppet_of(blender, tempose, placed(tempose, blender, image))
    rest = corners(blender, ob)
    assert set(rest) == {"trunk", "head", "left_arm", "right_arm", "left_leg", "right_leg"}
    assert rest["left_arm"][:, 1].max() < rest["trunk"][:, 1].min()  # nearer to the viewer
    assert rest["left_leg"][:, 1].min() > rest["trunk"][:, 1].max()
    ob.pose.bones["upper_arm.L"].rotation_euler.z = 0.9
    ob.pose.bones["arm_depth.L"].location.z = -0.015
    moved = corners(blender, ob)
    assert np.linalg.norm((moved["left_arm"] - rest["left_arm"])[:, ::2], axis=1).max() > 0.3
    for part in rest:
        assert part == "left_arm" or np.allclose(moved[part], rest[part], atol=2e-3), part
    assert moved["left_arm"][:, 1].min() > moved["trunk"][:, 1].max()


def test_a_dance_keys_which_arm_is_in_front(blender, scene, tempose):
    """An arm that is hidden over the trunk passes behind it, with few keys on a bone of its own."""
    ob = puppet_of(blender, tempose, placed(tempose, blender, gingerbread(blender, True)))
    pose = tempose("character.rig").pose_of(ob, current=False)
    names, frames = skeletons.OPENPOSE_18, 60
    points, scores = np.stack([pose.points] * frames), np.ones((frames, 18))
    belly = pose.points[[names.index("left_hip"), names.index("right_hip"), names.index("neck")]].mean(0)
    for joint in ("left_elbow", "left_wrist"):
        points[30:50, names.index(joint)] = belly
    scores[30:50, names.index("left_wrist")] = 0
    poses = PoseSequence(points / pose.canvas, scores, 24.0, names, pose.canvas)
    dance = Dance(poses, np.zeros(0), np.zeros(0), np.zeros(0, int), 0, "")
    take = tempose("files.output").as_take(dance, "drawn", 1.0)
    span = tempose("tempo.timing").Span(1.0, frames / 24, 24.0)
    for density in ("EVERY", "SPARSE"):
        scene.tempose.keys.density = density
        keys = tempose("keys.take_keys")
        action = keys.bake(take, ob, span, scene.tempose, "dance")
        curves = {
            c.group.name: c for c in tempose("keys.action_keys").curves(action) if "_depth" in c.data_path
        }
        assert set(curves) == {"arm_depth.L", "arm_depth.R", "leg_depth.L", "leg_depth.R"}
        assert curves["arm_depth.L"].evaluate(5) == pytest.approx(0, abs=1e-6)
        assert curves["arm_depth.L"].evaluate(40) < -0.01
        assert len(curves["arm_depth.L"].keyframe_points) < 6
        assert curves["arm_depth.R"].evaluate(40) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("alpha", [True, False])
def test_the_arm_of_the_rig_lifts_the_arm_of_the_picture(blender, scene, tempose, alpha):
    image = gingerbread(blender, alpha)
    plane = placed(tempose, blender, image)
    assert len(plane.children) == 18
    ob = puppet_of(blender, tempose, plane, layered=False)
    assert tempose("character.rig").is_rig(ob)
    assert not [o for o in blender.data.objects if "tempose_joint" in o or "tempose_picture" in o]
    (drawn,) = ob.children
    rest = np.array([v.co for v in drawn.data.vertices])
    assert (
        0.25 * 2 * 1.25 * 2 > np.ptp(rest[:, 0]) > 0.9
    )  # as wide as the figure, two units for the picture's height
    ob.pose.bones["upper_arm.L"].rotation_euler.z = 0.9
    graph = blender.context.evaluated_depsgraph_get()
    moved = np.array([v.co for v in drawn.evaluated_get(graph).to_mesh().vertices])
    went = np.linalg.norm(moved - rest, axis=1)
    hand = rest[:, 0] > 0.42  # the picture's right, the character's left
    assert went[hand].min() > 0.15
    others = (rest[:, 0] < 0.0) & (rest[:, 2] < 1.4)
    assert went[others].max() < 0.02
    material = drawn.data.materials[0]
    shown = next(n.image for n in material.node_tree.nodes if n.type == "TEX_IMAGE")
    assert (shown == image) == alpha
    if not alpha:
        flat = np.empty(200 * 320 * 4, np.float32)
        shown.pixels.foreach_get(flat)
        assert flat.reshape(320, 200, 4)[::-1][5, 5, 3] == 0
        assert flat.reshape(320, 200, 4)[::-1][120, 100, 3] == 1


def test_the_rig_stands_on_its_markers(blender, scene, tempose):
    ob = puppet_of(blender, tempose, placed(tempose, blender, gingerbread(blender, True)))
    pose, place = tempose("character.rig").pose_of(ob, current=False), tempose("character.rig").placement(ob)
    wrist = pose.points[skeletons.OPENPOSE_18.index("left_wrist")] / place.canvas[1]
    assert np.allclose(wrist, JOINTS["left_wrist"], atol=0.005)


def test_a_marker_that_was_deleted_is_filled_in(blender, scene, tempose):
    plane = placed(tempose, blender, gingerbread(blender, True))
    blender.data.objects.remove(next(c for c in plane.children if c["tempose_joint"] == "left_wrist"))
    _, pose = tempose("character.puppet").read(plane)
    assert pose.filled == ("left_wrist",)
    assert np.isfinite(pose.points).all()


def test_failing_leaves_the_markers_and_nothing_else(blender, scene, tempose, monkeypatch):
    plane = placed(tempose, blender, gingerbread(blender, True))
    before = {o.name for o in blender.data.objects}, {m.name for m in blender.data.meshes}

    def fail(*_args):
        raise RuntimeError

    monkeypatch.setattr(tempose("character.cut_out"), "_bring_forward", fail)
    for layered in (True, False):
        with pytest.raises(RuntimeError):
            puppet_of(blender, tempose, plane, layered)
    assert ({o.name for o in blender.data.objects}, {m.name for m in blender.data.meshes}) == before


def test_a_puppet_is_made_while_blender_goes_on_and_says_how_far_it_is(blender, scene, tempose):
    """The thread does what takes long, in steps that can be canceled; markers removed meanwhile end it in words."""
    plane = placed(tempose, blender, gingerbread(blender, False))
    made, heard = tempose("character.figure_picture"), []
    picture = tempose("character.puppet").picture_of(plane, 0.1, True)
    made.cut_out(picture, heard.append)
    assert len(heard) > 5 and heard == sorted(heard) and 0 < heard[0] < heard[-1] < 1

    def cancel(share):
        if share > 0.5:
            raise tempose("errors").Canceled

    with pytest.raises(tempose("errors").Canceled):
        made.cut_out(picture, cancel)
    button = blender.types.TEMPOSE_OT_make_puppet
    assert issubclass(button, tempose("operators.buttons").TaskButton)


def test_pictures_that_cannot_be_used_say_why(blender, scene, tempose):
    empty = blender.data.images.new("missing.png", 1, 1)
    empty.source, empty.filepath = "FILE", "//nowhere.png"
    with pytest.raises(tempose("errors").Problem, match=r"cannot be read|Nothing stands out"):
        tempose("character.puppet").lay_out(blender.context, empty, 0.1)
    assert not scene.objects


def test_from_picture_to_dancing_puppet_by_the_buttons(blender, ready, tempose):
    ops, settings = blender.ops.tempose, ready.tempose
    assert not ops.lay_out_picture.poll()
    settings.drawing.image = gingerbread(blender, False)
    views = [s for w in blender.context.window_manager.windows for a in w.screen.areas for s in a.spaces]
    views = [space for space in views if space.type == "VIEW_3D"]
    assert views and all(view.shading.color_type == "MATERIAL" for view in views)
    assert ops.lay_out_picture() == {"FINISHED"}
    assert all(view.shading.color_type == "TEXTURE" for view in views), "the picture is a grey board"
    assert not ops.lay_out_picture.poll()
    assert ops.make_puppet() == {"FINISHED"}
    ob = settings.rig
    assert ob.name.startswith("gingerbread")
    assert ob.children[0].type == "MESH"
    assert ops.generate() == {"FINISHED"}
    assert ready.tempose.takes[0].rig == ob
    assert ops.accept_take() == {"FINISHED"}
    settings.tempo_factor, settings.keys.density = 1.25, "POSES"
    assert ops.regenerate() == {"FINISHED"}  # what brings limbs forward goes along
    assert ops.accept_take() == {"FINISHED"}
    curves = tempose("keys.action_keys").curves(ob.animation_data.action)
    forward = [curve for curve in curves if "_depth" in curve.data_path]
    assert len(forward) == 4 and all(len(curve.keyframe_points) >= 2 for curve in forward)
    assert ops.ink_figure() == {"FINISHED"}
    settings.drawing.ink_step = 6
    assert ops.ink_dance() == {"FINISHED"}
    drawn = {c.data.layers[0].name: c.data.layers[0] for c in ob.children if c.type == "GREASEPENCIL"}
    assert set(drawn) == {"Figure", "Ink"}
    frames = [f.frame_number for f in drawn["Ink"].frames]
    beats = {1 + round(12 * i) for i in range(3)}  # 120 BPM at 24 frames a second
    assert {1, 7, 13} <= set(frames)
    assert beats <= set(frames)
    assert ops.lay_out_picture() == {"FINISHED"}
    assert ops.clear_picture() == {"FINISHED"}
    assert not ops.make_puppet.poll()


def test_found_joints_move_the_markers_and_hands_come_along(blender, scene, tempose):
    image = gingerbread(blender, True)
    puppet = tempose("character.puppet")
    plane = puppet.lay_out(blender.context, image, 0.1)
    found = {
        "left_wrist": (0.9, 0.4),
        "nose": (0.5, 0.13),
        "left_middle_1": (0.95, 0.42),
        "left_middle_2": (0.97, 0.43),
    }
    unseen = puppet.mark(plane, found)
    assert "right_wrist" in unseen and "nose" not in unseen
    _, pose = puppet.read(plane)
    canvas, names = np.asarray(pose.canvas), skeletons.OPENPOSE_18.joints
    assert np.allclose(pose.points[names.index("left_wrist")] / canvas, found["left_wrist"], atol=1e-4)
    assert set(pose.more) == {"left_middle_1", "left_middle_2"}
    assert np.allclose(np.divide(pose.more["left_middle_1"], canvas), found["left_middle_1"], atol=1e-4)
    wrist = next(c for c in plane.children_recursive if c["tempose_joint"] == "left_wrist")
    wrist.location.x -= 0.1  # the hand goes along
    moved = puppet.read(plane)[1]
    assert pose.more["left_middle_2"][0] - moved.more["left_middle_2"][0] == pytest.approx(40, abs=0.01)
    assert puppet.mark(plane, found) == unseen
    assert np.allclose(puppet.read(plane)[1].more["left_middle_2"], pose.more["left_middle_2"], atol=1e-3)
    assert not puppet.mark(plane, {j: (0.5, 0.5) for j in skeletons.OPENPOSE_18.joints}, ["left_wrist"])
    markers = {c["tempose_joint"]: c for c in plane.children_recursive}
    assert len(markers) == len(skeletons.OPENPOSE_18), "hands of the person before stay"
    assert markers["left_wrist"].empty_display_size > markers["right_wrist"].empty_display_size
    assert markers["left_wrist"].color[:] != markers["left_elbow"].color[:]
    shown = puppet.to_look_at(image)
    assert shown.shape == (320, 200, 3)
    assert shown[0, 0].tolist() == [255, 255, 255]
    puppet.clear(plane)
    assert not scene.objects


def test_find_pose_says_why_it_cannot(blender, ready, tempose, read, monkeypatch):
    ready.tempose.drawing.image = gingerbread(blender, True)
    connection = tempose("server.connection")
    button = blender.types.TEMPOSE_OT_find_pose
    kept = connection.current
    monkeypatch.setattr(connection, "current", with_estimator(kept, "This server has no pose model"))
    assert button.disabled_reason(read()) == "This server has no pose model"
    assert not blender.ops.tempose.find_pose.poll()
    connection.current = with_estimator(kept, "")
    assert blender.ops.tempose.find_pose.poll()
    ready.tempose.drawing.image = None
    assert "picture" in button.disabled_reason(read())

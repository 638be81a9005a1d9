"""Armatures of many kinds in many places dance where they are: on screen, in pixels.

What is seen is measured in the figure's plane, 1000 pixels for the dance's picture: where Blender has the bones,
against where the ghost is drawn, which goes by the numbers of the dance alone.
"""

import character_helpers as made
import numpy as np
import pytest

from tempose_pose import skeletons
from tempose_pose.reference import Reference


def turned(axis, angle):
    """(3, 3) turn about X, Y or Z."""
    i, j = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[j, i] = np.sin(angle)
    matrix[i, j] = -matrix[j, i]
    return matrix


def placed_at(location=(0, 0, 0), turn=None, scale=(1, 1, 1)):
    """(4, 4) as rows."""
    matrix = np.eye(4)
    matrix[:3, :3] = (np.eye(3) if turn is None else turn) * scale
    matrix[:3, 3] = location
    return matrix


def moved_by(matrix, point):
    """A point in the space around."""
    matrix = np.array(matrix)
    return matrix[:3, :3] @ np.asarray(point, float) + matrix[:3, 3]


PLANES = {
    "XZ": np.eye(3),
    "XZ from behind": turned("Z", np.pi),
    "YZ": turned("Z", np.pi / 2),
    "lying": turned("X", np.pi / 2),
    "tilted back": turned("X", 0.8),
    "tilted all ways": turned("Z", 0.7) @ turned("X", 0.5) @ turned("Y", 0.3),
}
PLACES = {
    "plain": [],
    "moved": [placed_at((3, -2, 5))],
    "turned and scaled": [placed_at((1, 2, 3), turned("Z", 1.1), (2.5, 2.5, 2.5))],
    "squashed": [placed_at((0, 1, 0), turned("X", 0.4), (0.5, 1, 2))],
    "sheared": [placed_at(scale=(1, 1, 2)), placed_at((0, 0, 1), turned("Y", 0.6))],
    "mirrored": [placed_at((-1, 0, 0), None, (-1, 1, 1))],
    "tiny": [placed_at(scale=(0.001, 0.001, 0.001))],
}
JOINTS = ("neck", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_knee", "right_ankle")


def hang(blender, ob, place):
    """Parent an object to a chain of empties, the first outermost, with an inverse as Ctrl+P leaves it."""
    above = None
    for k, matrix in enumerate(PLACES[place]):
        empty = blender.data.objects.new(f"Empty {k}", None)
        blender.context.scene.collection.objects.link(empty)
        empty.parent, empty.matrix_basis = above, matrix.tolist()
        above = empty
    if above is not None:
        ob.parent = above
        ob.matrix_parent_inverse = placed_at((0.1, 0.2, 0.3)).tolist()
    blender.context.view_layer.update()


def straight(ob, plane, place):
    """Point in the world → pixels of a picture that the figure's plane is seen in from straight ahead."""
    corners = [plane.lifted(place.to_plane(p)) for p in ((0, 0), (place.canvas[0], 0), (0, place.canvas[1]))]
    at = np.array([moved_by(ob.matrix_world, corner) for corner in corners])
    frame = np.stack([at[1] - at[0], at[2] - at[0]], 1)
    return lambda points: (np.linalg.pinv(frame) @ (np.asarray(points) - at[0]).T).T * place.canvas


def off_on_screen(blender, tempose, ob, stretch=True):
    """Pixels (frames, joints) between the ghost and the bones, at the end of a dance on this armature."""
    scene = blender.context.scene
    scene.render.fps = 30
    take, _ = made.dance(tempose, ob, frames=20)
    span = tempose("tempo.timing").Span(1.0, 20 / 30, 30.0)
    scene.tempose.stretch = scene.tempose.stretch_others = stretch
    scene.tempose.keys.feet = "NEVER"
    scene.tempose.keys.density = "EVERY"
    keys, character, ghost = tempose("keys.take_keys"), tempose("character.character"), tempose("dance.ghost")
    keys.assign(ob, keys.bake(take, ob, span, scene.tempose, "dance"))
    names = skeletons.OPENPOSE_18.joints
    bone_map = character.map_of(ob)
    spots = character.spots_of(ob, tempose("character.armature").bones_of(ob, bone_map), bone_map)
    pixels = straight(ob, character.plane_of(ob, bone_map), character.placement(ob))
    ghost.begin(scene, ob, span)
    try:
        ghost.take_in("segment", (0, take.dance.poses.keypoints, take.dance.poses.scores))
        shown, rows = ghost.shown(), []
        limbs = [[names[i] for i in limb] for limb in skeletons.OPENPOSE_18.limbs]
        for frame in (1, 7, 13, 20):
            scene.frame_set(frame)
            ends, _, exact = ghost.lines(scene, shown)
            assert exact
            drawn = {joint: ends[i] for i, joint in enumerate(j for limb in limbs for j in limb)}
            graph = blender.context.evaluated_depsgraph_get()
            seen = ob.evaluated_get(graph)
            bones = {
                joint: moved_by(
                    seen.matrix_world @ seen.pose.bones[spots[joint].bone].matrix, spots[joint].local
                )
                for joint in JOINTS
            }
            there = pixels(np.array([bones[j] for j in JOINTS]))
            rows.append(np.linalg.norm(there - pixels(np.array([drawn[j] for j in JOINTS])), axis=1))
    finally:
        ghost.end()
    assert set(JOINTS) <= set(names)
    return np.array(rows)


@pytest.mark.parametrize("plane", PLANES)
def test_in_any_plane(blender, scene, tempose, plane):
    ob = made.make(
        blender, made.MIXAMO, turn=np.asarray(PLANES[plane], float), sides=("Left", "Right"), roll=1.0
    )
    character, guessing = tempose("character.character"), tempose("character.bone_guess")
    character.store(ob, guessing.guess(ob)[0])
    off = off_on_screen(blender, tempose, ob)
    assert off.max() < 0.5, off.max(0).round(2)


@pytest.mark.parametrize("stretch", [True, False])
@pytest.mark.parametrize("kind", ["made", "Mixamo", "puppet"])
@pytest.mark.parametrize("place", PLACES)
def test_wherever_its_parents_are(blender, scene, tempose, place, kind, stretch):
    ob = of_kind(blender, tempose, kind)
    before = off_on_screen(blender, tempose, ob, stretch)
    ob.animation_data_clear()
    hang(blender, ob, place)
    off = off_on_screen(blender, tempose, ob, stretch)
    np.testing.assert_allclose(off, before, atol=0.05)  # a place changes nothing
    if stretch:
        assert off.max() < 0.5


def of_kind(blender, tempose, kind):
    character, guessing = tempose("character.character"), tempose("character.bone_guess")
    if kind == "made":
        return tempose("character.rig").new(blender.context.scene, Reference.standing())
    if kind == "puppet":
        from test_puppet import gingerbread, placed, puppet_of

        return puppet_of(blender, tempose, placed(tempose, blender, gingerbread(blender, True)))
    ob = made.make(blender, made.MIXAMO, sides=("Left", "Right"))
    character.store(ob, guessing.guess(ob)[0])
    return ob


@pytest.mark.parametrize("kind", ["made", "Mixamo", "puppet"])
@pytest.mark.parametrize("how", ["override", "linked data", "instance"])
def test_from_another_file(blender, scene, tempose, tmp_path, kind, how, read):
    """An override and a local object with linked bones dance; what cannot says why."""
    ob = of_kind(blender, tempose, kind)
    group = blender.data.collections.new("Hero")
    for one in [ob, *ob.children]:
        group.objects.link(one)
    name = ob.name
    scene.collection.children.link(group)
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    here, layer = blender.context.scene, blender.context.view_layer
    with blender.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, to):
        to.collections = ["Hero"]
    linked = to.collections[0].objects[name]
    if how == "instance":
        empty = blender.data.objects.new("Hero", None)
        empty.instance_type, empty.instance_collection = "COLLECTION", to.collections[0]
        here.collection.objects.link(empty)
        layer.objects.active = empty
        reason = read().no_rig
        assert "Hero" in reason and "library override" in reason
        return
    if how == "linked data":
        local = blender.data.objects.new("Local", linked.data)
        here.collection.objects.link(local)
        layer.objects.active = local
        assert "Find Bones" in read().no_rig
        blender.ops.tempose.map_bones()
    else:
        here.collection.children.link(to.collections[0])
        to.collections[0].override_hierarchy_create(here, layer)
        local = next(o for o in blender.data.objects if o.name == name and o.override_library)
        layer.objects.active = local
        if kind == "Mixamo":
            blender.ops.tempose.map_bones()
    assert read().no_rig == ""
    off = off_on_screen(blender, tempose, local)
    assert off.max() < 0.5, off.max(0).round(2)


def test_an_instance_of_a_collection_of_this_file_says_why_it_cannot_dance(blender, scene, tempose, read):
    ob, group = of_kind(blender, tempose, "Mixamo"), blender.data.collections.new("Hero")
    scene.collection.objects.unlink(ob)
    group.objects.link(ob)
    empty = blender.data.objects.new("Crowd", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", group
    scene.collection.objects.link(empty)
    blender.context.view_layer.objects.active = empty
    assert "Crowd" in read().no_rig
    assert "Make Instances Real" in read().no_rig
    empty.instance_collection = blender.data.collections.new("Trees")
    assert "Make a rig first" in read().no_rig


def test_a_puppet_stands_where_its_picture_was(blender, scene, tempose):
    """Moved, turned, scaled, and hung on an empty that moves on."""
    from test_puppet import gingerbread, placed, puppet_of

    plane = placed(tempose, blender, gingerbread(blender, True))
    empty = blender.data.objects.new("Stage", None)
    scene.collection.objects.link(empty)
    empty.matrix_basis = PLACES["turned and scaled"][0].tolist()
    plane.parent, plane.matrix_parent_inverse = empty, placed_at((0, 1, 0)).tolist()
    plane.location, plane.rotation_euler, plane.scale = (0.5, 0, 0.2), (0, 0.3, 0), (2, 2, 2)
    blender.context.view_layer.update()
    markers = {c["tempose_joint"]: c.matrix_world.translation.copy() for c in plane.children}
    ground = min(c.location.z for c in plane.children)
    lower = plane.matrix_world.to_3x3().col[2] * ground
    ob = puppet_of(blender, tempose, plane)
    blender.context.view_layer.update()
    for joint, bone in (("left_elbow", "forearm.L"), ("right_knee", "shin.R"), ("neck", "head")):
        at = ob.matrix_world @ ob.data.bones[bone].head_local
        assert (at - (markers[joint] - lower)).length < 1e-3  # standing on the ground of the picture's space
    empty.location.x += 10
    blender.context.view_layer.update()
    assert abs((ob.matrix_world @ ob.data.bones["head"].head_local - at).x - 10) < 1e-3


def test_markers_hung_on_each_other_are_read_where_they_are_seen(blender, scene, tempose):
    """As Ctrl+P does it, which keeps them in place by an inverse."""
    from test_puppet import gingerbread, placed

    puppet = tempose("character.puppet")
    plane = placed(tempose, blender, gingerbread(blender, True))
    before = puppet.read(plane)[1].points
    by = {c["tempose_joint"]: c for c in plane.children}
    blender.context.view_layer.update()
    for child, parent in (("left_wrist", "left_elbow"), ("left_elbow", "left_shoulder")):
        inverse = by[parent].matrix_world.inverted()
        by[child].parent = by[parent]
        by[child].matrix_parent_inverse = inverse @ plane.matrix_world
    blender.context.view_layer.update()
    np.testing.assert_allclose(puppet.read(plane)[1].points, before, atol=0.01)

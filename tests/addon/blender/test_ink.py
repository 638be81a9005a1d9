"""The dancer in Grease Pencil: bound to the bones, or inked key by key."""

import numpy as np
import pytest

from tempose_pose.reference import Reference


@pytest.fixture
def dancer(blender, scene, tempose):
    """A rig whose left upper arm turns from frame 1 to 11."""
    ob = tempose("character.rig").new(scene, Reference.standing())
    bone = ob.pose.bones["upper_arm.L"]
    for frame, turn in ((1, 0.0), (11, 1.2)):
        bone.rotation_euler.z = turn
        bone.keyframe_insert("rotation_euler", index=2, frame=frame)
    return ob


def positions(drawing) -> np.ndarray:
    attribute = drawing.attributes["position"].data
    out = np.empty(3 * len(attribute), np.float32)
    attribute.foreach_get("vector", out)
    return out.reshape(-1, 3)


def evaluated(blender, drawn) -> np.ndarray:
    graph = blender.context.evaluated_depsgraph_get()
    return positions(drawn.evaluated_get(graph).data.layers[0].current_frame().drawing)


def test_the_bound_figure_follows_the_bones(blender, scene, tempose, dancer):
    drawn = tempose("character.ink").bound_figure(blender.context, dancer)
    assert drawn.type == "GREASEPENCIL"
    rest = positions(drawn.data.layers[0].frames[0].drawing)
    scene.frame_set(1)
    assert np.allclose(evaluated(blender, drawn), rest, atol=1e-5)
    scene.frame_set(11)
    moved = np.linalg.norm(evaluated(blender, drawn) - rest, axis=1)
    groups = drawn.vertex_groups
    assert {"upper_arm.L", "forearm.L", "head", "crown", "shin.R"} <= {g.name for g in groups}
    assert 0.2 < (moved < 1e-5).mean() < 0.95  # the body stays, the arm goes
    assert moved.max() > 0.2
    hand = dancer.pose.bones["forearm.L"].tail
    nearest = np.linalg.norm(evaluated(blender, drawn)[:, [0, 2]] - (hand.x, hand.z), axis=1).min()
    assert nearest < 0.1


def test_ink_draws_the_pose_of_each_key(blender, scene, tempose, dancer):
    ink = tempose("character.ink")
    scene.frame_set(7)
    frames = ink.ink_frames(1, 11, 2, [4.2, 40])
    assert frames == [1, 3, 4, 5, 7, 9, 11]
    drawn = ink.ink(blender.context, dancer, frames)
    assert [f.frame_number for f in drawn.data.layers[0].frames] == frames
    assert scene.frame_current == 7
    still, lifted = (positions(drawn.data.layers[0].frames[i].drawing) for i in (0, -1))
    assert np.isfinite(lifted).all()
    assert np.abs(lifted[:, 1]).max() == 0  # flat
    scene.frame_set(11)
    hand = dancer.pose.bones["forearm.L"].tail
    for picture, near in ((still, False), (lifted, True)):
        distance = np.linalg.norm(picture[:, [0, 2]] - (hand.x, hand.z), axis=1).min()
        assert (distance < 0.1) == near


def test_ink_gone_wrong_leaves_nothing_behind(blender, scene, tempose, dancer):
    before = {o.name for o in blender.data.objects}

    def fail(_done, _total):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        tempose("character.ink").ink(blender.context, dancer, [1, 2], fail)
    assert {o.name for o in blender.data.objects} == before
    with pytest.raises(tempose("errors").Problem, match="no frames"):
        tempose("character.ink").ink(blender.context, dancer, [])

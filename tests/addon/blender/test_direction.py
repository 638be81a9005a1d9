"""What is asked of the dancer from moment to moment: keyed like anything else, and danced again where it changed."""

import numpy as np
import pytest


@pytest.fixture
def directed(blender, ready):
    """Two seconds of dance are to be made; the settings of the character's curves."""
    ready.tempose.generate.area, ready.tempose.generate.last_frame = "FRAMES", 96
    return ready.tempose.rig.data.tempose_direction


def hips(tempose, scene):
    """(T,) where a hip of the shown take is, in shares of the canvas."""
    stage = tempose("dance.stage")
    dance = stage.data_of(stage.active(scene.tempose)).dance
    return dance.poses.keypoints[:, dance.poses.skeleton.index("right_hip"), 0]


def test_keyed_curves_lead_the_dancer_and_a_change_is_danced_again_alone(blender, ready, directed, tempose):
    ops = blender.ops.tempose
    assert ops.generate() == {"FINISHED"}
    free = hips(tempose, ready)
    directed.use_path = True
    for frame, value in ((1, 0.0), (48, 0.0), (72, 0.3), (96, 0.3)):
        directed.path = value
        directed.keyframe_insert("path", frame=frame)
    assert ops.redirect() == {"FINISHED"}
    led = hips(tempose, ready)
    moved = led - free
    assert abs(moved[:40]).max() < 1e-6 and moved[-20:].min() > 0.02
    assert ready.tempose.takes[-1].name.endswith("as directed")
    with pytest.raises(RuntimeError, match="just these curves"):
        ops.redirect()
    assert ops.accept_take() == {"FINISHED"}
    rig = ready.tempose.rig
    assert (
        rig.data.animation_data.action != rig.animation_data.action
    )  # or discarding a take would take it along
    assert [c.data_path for c in tempose("compat").fcurves_of(rig.data)] == ["tempose_direction.path"]


def test_keys_of_the_armature_itself_in_the_dances_action_are_left_alone(blender, ready, directed):
    ops, data = blender.ops.tempose, ready.tempose.rig.data
    assert ops.generate() == {"FINISHED"}
    directed.keyframe_insert("zoom", frame=1)  # while it is switched off: Blender chooses the Action
    assert data.animation_data.action == ready.tempose.rig.animation_data.action
    assert ops.accept_take() == {"FINISHED"}


def test_curves_that_are_off_ask_for_nothing_and_face_front_asks_for_one(blender, ready, directed, tempose):
    curves_of = tempose("dance.direction").curves_of
    rig, span = ready.tempose.rig, tempose("reading").Reading(blender.context).playback.span
    directed.level = 0.5
    assert curves_of(rig, span) == {}
    assert blender.ops.tempose.face_front() == {"FINISHED"}
    asked = curves_of(rig, span)
    assert list(asked) == ["facing"] and np.array_equal(asked["facing"].values, [1.0])
    directed.keyframe_insert("facing", frame=1)
    assert not blender.ops.tempose.face_front.poll()

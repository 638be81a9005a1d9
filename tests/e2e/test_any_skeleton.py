"""A model on another skeleton dances in Blender, through a server, without a file that names its joints."""

import importlib
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tempose_pose.reference import Reference
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import LAYOUTS
from tempose_pose.standing import standing_pose

ROOT = Path(__file__).resolve().parents[2]
SONG = ROOT / "examples" / "demo_song.ogg"


def module(name):
    return importlib.import_module(f"bl_ext.user_default.tempose.{name}")


def figure(bones):
    """The standing figure with every joint of a skeleton: what is not of its body lies beyond what it hangs on."""
    pose = convert(standing_pose(), bones)
    points, scores = pose.keypoints[0].copy(), pose.scores[0].copy()
    for k in bones.outwards:
        if scores[k] == 0:
            points[k] = points[bones.parents[k]] + 0.008 * np.asarray([np.cos(k), 1.0 + np.sin(k) / 2])
            scores[k] = 1.0
    return Reference.of(PoseSequence(points[None], scores[None], 30.0, bones, pose.canvas))


def keyed_bones(ob):
    """Bones with a curve that changes."""
    slot = ob.animation_data.action_slot
    strips = [strip for layer in ob.animation_data.action.layers for strip in layer.strips]
    curves = [curve for strip in strips for curve in strip.channelbag(slot).fcurves]
    moving = [c for c in curves if np.ptp([k.co.y for k in c.keyframe_points]) > 1e-4]
    return {c.data_path.split('"')[1] for c in moving}


@pytest.mark.slow
@pytest.mark.one_blender
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["halpe26", "openpose18_hands"])
def test_a_model_on_another_skeleton_ends_in_keys_on_a_rig_with_its_joints(
    blender, name, tmp_path, monkeypatch
):
    bones, python = LAYOUTS[name], os.environ["TEMPOSE_PYTHON"]
    toy = [python, str(ROOT / "tests" / "toy_model.py"), str(tmp_path / "toy"), name]
    subprocess.run(toy, check=True, timeout=300)
    monkeypatch.setenv("TEMPOSE_SERVER_MODEL", str(tmp_path / "toy"))
    scene, ops = blender.context.scene, blender.ops.tempose
    scene.render.fps = 30
    scene.tempose.quality, scene.tempose.keys.density = "DRAFT", "EVERY"
    strip = scene.sequence_editor_create().strips.new_sound("song", str(SONG), 1, 1)
    edge = "right_handle_offset" if hasattr(strip, "right_handle_offset") else "frame_offset_end"
    long = strip.duration if hasattr(strip, "duration") else strip.frame_final_duration
    setattr(strip, edge, long - 3 * 30)
    assert ops.start_server() == {"FINISHED"}
    assert module("scene.server.connection").skeleton() is bones

    reference = figure(bones)
    ob = module("scene.character.rig").new(scene, reference)
    blender.context.view_layer.objects.active = scene.tempose.rig = ob
    scene.tempose.reference = "ARMATURE"
    assert ops.generate() == {"FINISHED"}
    audition = module("scene.dance.audition")
    first = audition.data_of(scene.tempose.takes[0]).dance.poses
    assert first.skeleton is bones and len(first) == 90
    assert (first.scores > 0).any(0).sum() > 18
    ends = [link for link in module("model.character.mapping").ENDS if link.name in ob.data.bones]
    danced = {link.name for link in ends if {link.head, link.tail} <= set(bones.joints)}
    assert danced and danced & keyed_bones(ob)

    scene.tempose.edit.left_arm = True  # a limb with all that hangs on it stays
    assert ops.lock_limbs() == {"FINISHED"}
    second = audition.data_of(scene.tempose.takes[1]).dance.poses
    held = bones.indices(*bones.groups["left_arm"])
    free = [k for k in range(len(bones)) if k not in held]
    assert np.array_equal(second.keypoints[:, held], first.keypoints[:, held])
    assert not np.array_equal(second.keypoints[:, free], first.keypoints[:, free])

"""Motion capture in BVH files."""

import json

import numpy as np
import pytest
from importer_files import RIG, J, dancer_2d, write_bvh

from tempose.datasets.clips import load_clips
from tempose.datasets.importers import ImportOptions, import_data
from tempose.datasets.importers.bvh import read_bvh
from tempose.datasets.importers.mocap import as_dancer, find_joints, project, stance, tokens
from tempose_pose.errors import TemposeError


def test_a_bvh_figure_stands_in_metres_facing_the_viewer(tmp_path):
    for z_up in (False, True):
        motion = as_dancer(read_bvh(write_bvh(tmp_path / "a.bvh", z_up=z_up)))
        assert motion.shape == (130, 17, 3)
        middle = motion[50]
        assert np.isclose(middle[J["left_hip"], 0] - middle[J["right_hip"], 0], 0.18, atol=0.03)
        assert np.isclose(middle[J["left_hip"], 2], middle[J["right_hip"], 2], atol=0.01)
        assert abs(middle[J["left_ankle"], 1]) < 0.02
        assert 1.35 < middle[J["nose"], 1] < 1.65
        assert middle[J["nose"], 2] > middle[J["left_ear"], 2] + 0.05  # faces +z
        assert middle[J["left_ear"], 0] > middle[J["nose"], 0] > middle[J["right_ear"], 0]
        assert np.ptp(motion[:, J["left_wrist"]], 0).max() > 0.1
        assert np.ptp(motion[:, J["right_wrist"]], 0).max() < 0.01


def test_bones_are_found_by_the_names_of_several_rigs():
    assert tokens("CC_Base_L_Thigh") == ("left", "thigh")
    assert tokens("rShldr") == ("right", "shldr")
    assert tokens("mixamorig:LeftUpLeg") == ("left", "upleg")
    assert tokens("upper_arm.R") == ("right", "upperarm")
    mixamo = find_joints(list(RIG))
    assert list(RIG)[mixamo["left_shoulder"]] == "LeftArm"  # not the collar bone
    assert list(RIG)[mixamo["right_knee"]] == "RightLeg"
    with pytest.raises(TemposeError, match="left shoulder"):
        find_joints(["Hips", "Head"])


def test_a_stated_frame_rate_overrules_a_wrong_header_and_the_start_is_cut(tmp_path):
    write_bvh(tmp_path / "take.bvh", frames=200, frame_time=1 / 120, fling=4)
    report = import_data(tmp_path / "take.bvh", tmp_path / "data", ImportOptions(fps=60, project=(0, 90)))
    assert len(report.clips) == 3
    index = json.loads((tmp_path / "data" / "dance" / "index.json").read_text())
    assert index[0]["frames"] == 97  # (200 - 4 - 2 in which a fling still slows down) / 2
    assert import_data(tmp_path / "take.bvh", tmp_path / "half").clips
    half = json.loads((tmp_path / "half" / "dance" / "index.json").read_text())
    assert half[0]["frames"] < 50
    clips = load_clips(tmp_path / "data")
    front = next(c for c in clips if c.name.endswith("v000"))
    solid = next(c for c in clips if c.name == "take")
    assert np.abs(front.motion - solid.motion[..., :2]).max() < 0.12  # the camera is near


def test_a_t_pose_at_the_start_is_cut():
    motion = np.repeat(as_dancer_pose()[None], 40, 0)
    assert stance(motion, 60) == 0
    arms = motion.copy()
    for side, sign in (("left", 1), ("right", -1)):
        for k, joint in enumerate(("shoulder", "elbow", "wrist")):
            arms[:3, J[f"{side}_{joint}"]] = (sign * (0.18 + 0.28 * k), 1.35, 0)
    assert stance(arms, 60) == 5


def as_dancer_pose():
    points = dancer_2d(1)[0]
    return np.stack([points[:, 0] - 320, 480 - points[:, 1], np.zeros(17)], -1) / 250


def test_a_camera_from_behind_sees_left_and_right_swapped(tmp_path):
    motion = as_dancer(read_bvh(write_bvh(tmp_path / "a.bvh")))
    front, back = project(motion, 0), project(motion, 180)
    assert (front[:, J["left_hip"], 0] > front[:, J["right_hip"], 0]).all()
    assert (back[:, J["left_hip"], 0] < back[:, J["right_hip"], 0]).all()
    for flat in (front, back):
        assert (flat[..., :2] > 0).all()
        assert (flat[..., :2] < (1920, 1080)).all()
        assert (flat[:, J["nose"], 1] < flat[:, J["left_ankle"], 1]).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [("MOTION", "NOTION"), ("Frames: 130", "Frames: 131"), ("OFFSET 0 95 0", "OFFSET 0 up 0"),
     ("Zrotation", "Wrotation"), ("HIERARCHY", ""), ("Frame Time: 0.016667", "Frame Time: -1"), ("}", "")],
)  # fmt: skip
def test_broken_bvh_files_are_named_and_do_not_stop_the_rest(tmp_path, old, new):
    text = write_bvh(tmp_path / "good.bvh").read_text()
    (tmp_path / "bad.bvh").write_text(text.replace(old, new, 1))
    report = import_data(tmp_path, tmp_path / "data")
    assert report.clips == ["bvh__good.npz"]
    assert [f.name for f in report.failed] == ["bad.bvh"]
    assert "bad.bvh" in report.failed[0].reason

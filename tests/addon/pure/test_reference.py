import json

import numpy as np
import pytest
from addon.model.character import reference
from addon.model.errors import Problem
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.skeletons import BODY_25, COCO_17, OPENPOSE_18


def openpose(points, scores, canvas=None, people=None):
    flat = np.concatenate([points, np.asarray(scores)[:, None]], 1).ravel().tolist()
    data = {"version": 1.3, "people": [*(people or []), {"pose_keypoints_2d": flat}]}
    if canvas:
        data |= {"canvas_width": canvas[0], "canvas_height": canvas[1]}
    return json.dumps(data)


@pytest.mark.parametrize("proportions", ["ADULT", "CHILD"])
def test_the_built_in_figures_stand_upright_and_face_the_viewer(proportions):
    at = dict(zip(OPENPOSE_18.joints, reference.standing(proportions).keypoints, strict=True))
    assert at["nose"][1] < at["neck"][1] < at["left_hip"][1] < at["left_knee"][1] < at["left_ankle"][1]
    assert at["left_shoulder"][0] > at["right_shoulder"][0]


def test_an_openpose_file_comes_back_as_it_is():
    pose = reference.standing()
    read = reference.from_json(openpose(pose.keypoints, pose.scores, (800, 1200)))
    assert np.allclose(read.keypoints, pose.keypoints)
    assert read.canvas == (800, 1200)
    assert read.completed == []
    assert read.notice == ""


def test_a_25_joint_openpose_file_is_read_by_joint_name():
    pose = reference.standing()
    rows = np.zeros((25, 3))
    for i, joint in enumerate(OPENPOSE_18.joints):
        rows[BODY_25.index(joint)] = (*pose.keypoints[i], 0.9)
    read = reference.from_json(json.dumps({"people": [{"pose_keypoints_2d": rows.ravel().tolist()}]}))
    assert np.allclose(read.keypoints, pose.keypoints)


def test_a_coco_file_gets_its_neck_between_the_shoulders():
    pose = reference.standing()
    rows = [[*pose.keypoints[OPENPOSE_18.index(j)], 2] for j in COCO_17.joints]
    data = {
        "images": [{"width": 640, "height": 480}],
        "annotations": [{"keypoints": np.ravel(rows).tolist()}],
    }
    read = reference.from_json(json.dumps(data))
    at = dict(zip(OPENPOSE_18.joints, read.keypoints, strict=True))
    assert np.allclose(at["neck"], (at["left_shoulder"] + at["right_shoulder"]) / 2)
    assert read.canvas == (640, 480)


def test_shares_of_the_picture_are_told_from_pixels():
    pose = reference.standing()
    read = reference.from_json(openpose(pose.keypoints / 1000, pose.scores, (1000, 1000)))
    assert np.allclose(read.keypoints, pose.keypoints)


def test_the_largest_of_several_figures_counts():
    small = reference.standing("CHILD")
    person = {"pose_keypoints_2d": np.c_[small.keypoints * 0.2, small.scores].ravel().tolist()}
    big = reference.standing()
    read = reference.from_json(openpose(big.keypoints, big.scores, people=[person]))
    assert np.allclose(read.keypoints, big.keypoints)


def test_a_missing_arm_is_completed_from_the_other_side_with_a_notice():
    pose = reference.standing()
    scores, points = pose.scores.copy(), pose.keypoints.copy()
    missing = ["left_elbow", "left_wrist"]
    for joint in missing:
        scores[OPENPOSE_18.index(joint)] = 0
        points[OPENPOSE_18.index(joint)] = 0
    read = reference.from_json(openpose(points, scores))
    assert np.abs(read.keypoints - pose.keypoints).max() < 2
    assert read.completed == missing
    assert "left elbow, left wrist" in read.notice


@given(st.sets(st.sampled_from(OPENPOSE_18.joints), min_size=10))
def test_any_ten_joints_are_enough_for_a_whole_finite_pose(known):
    pose = reference.standing()
    scores = np.array([float(j in known) for j in OPENPOSE_18.joints])
    read = reference.complete(np.where(scores[:, None] > 0, pose.keypoints, 0), scores)
    assert np.isfinite(read.keypoints).all()
    assert (read.scores > 0).all()
    assert np.abs(read.keypoints - pose.keypoints).max() < 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a dance", "reference_unreadable"),
        ("[" * 100_000, "reference_unreadable"),
        ("{}", "reference_empty"),
        ('{"people": []}', "reference_empty"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "reference_layout"),
        (json.dumps({"keypoints": ["x"] * 54}), "reference_unreadable"),
        (json.dumps({"keypoints": [float("inf")] * 54}), "reference_not_finite"),
        (json.dumps({"keypoints": [5, 5, 1] * 18}), "reference_flat"),
        (json.dumps({"keypoints": [5, 5, 1] * 3 + [0, 0, 0] * 15}), "reference_poor"),
    ],
)
def test_what_is_no_pose_is_refused_in_words(text, code):
    with pytest.raises(Problem) as caught:
        reference.from_json(text)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


def test_the_request_holds_shares_of_the_canvas():
    request = reference.standing().to_request()
    assert request["canvas"] == [1000, 1000]
    assert np.min(request["keypoints"]) > 0 and np.max(request["keypoints"]) < 1

"""Reference poses out of files, and the built-in figures."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.errors import TemposeError
from tempose_pose.formats import read_reference
from tempose_pose.reference import Reference
from tempose_pose.skeletons import BODY_25, COCO_17, OPENPOSE_18
from tempose_pose.wire.poses import pose_body


@pytest.fixture
def read(tmp_path):
    """Reads a text as a file."""

    def of(text):
        (tmp_path / "pose.json").write_text(text)
        return read_reference(tmp_path / "pose.json")

    return of


def openpose(points, scores, canvas=None, people=None):
    flat = np.concatenate([points, np.asarray(scores)[:, None]], 1).ravel().tolist()
    data = {"version": 1.3, "people": [*(people or []), {"pose_keypoints_2d": flat}]}
    if canvas:
        data |= {"canvas_width": canvas[0], "canvas_height": canvas[1]}
    return json.dumps(data)


@pytest.mark.parametrize("proportions", ["adult", "child"])
def test_the_built_in_figures_stand_upright_and_face_the_viewer(proportions):
    at = dict(zip(OPENPOSE_18.joints, Reference.standing(proportions).points, strict=True))
    assert at["nose"][1] < at["neck"][1] < at["left_hip"][1] < at["left_knee"][1] < at["left_ankle"][1]
    assert at["left_shoulder"][0] > at["right_shoulder"][0]


def test_an_openpose_file_comes_back_as_it_is(read):
    pose = Reference.standing()
    found = read(openpose(pose.points, pose.pose.scores[0], (800, 1200)))
    assert np.allclose(found.points, pose.points, atol=1e-3)
    assert found.canvas == (800, 1200)
    assert found.filled == ()
    assert found.notice == ""


def test_a_25_joint_openpose_file_is_read_by_joint_name(read):
    pose = Reference.standing()
    rows = np.zeros((25, 3))
    for i, joint in enumerate(OPENPOSE_18.joints):
        rows[BODY_25.index(joint)] = (*pose.points[i], 0.9)
    found = read(json.dumps({"people": [{"pose_keypoints_2d": rows.ravel().tolist()}]}))
    assert np.allclose(found.points, pose.points, atol=1e-3)


def test_a_coco_file_gets_its_neck_between_the_shoulders(read):
    pose = Reference.standing()
    rows = [[*pose.points[OPENPOSE_18.index(j)], 2] for j in COCO_17.joints]
    data = {
        "images": [{"width": 640, "height": 480}],
        "annotations": [{"keypoints": np.ravel(rows).tolist()}],
    }
    found = read(json.dumps(data))
    at = dict(zip(OPENPOSE_18.joints, found.points, strict=True))
    assert np.allclose(at["neck"], (at["left_shoulder"] + at["right_shoulder"]) / 2, atol=1e-3)
    assert found.canvas == (640, 480)


def test_shares_of_the_picture_are_told_from_pixels(read):
    pose = Reference.standing()
    found = read(openpose(pose.points / 1000, pose.pose.scores[0], (1000, 1000)))
    assert np.allclose(found.points, pose.points, atol=1e-3)


def test_the_largest_of_several_figures_counts(read):
    small = Reference.standing("child")
    person = {"pose_keypoints_2d": np.c_[small.points * 0.2, small.pose.scores[0]].ravel().tolist()}
    big = Reference.standing()
    found = read(openpose(big.points, big.pose.scores[0], people=[person]))
    assert np.allclose(found.points, big.points, atol=1e-3)


def test_a_missing_arm_is_completed_from_the_other_side_with_a_notice(read):
    pose = Reference.standing()
    scores, points = pose.pose.scores[0].copy(), pose.points.copy()
    missing = ["left_elbow", "left_wrist"]
    for joint in missing:
        scores[OPENPOSE_18.index(joint)] = 0
        points[OPENPOSE_18.index(joint)] = 0
    found = read(openpose(points, scores))
    assert np.abs(found.points - pose.points).max() < 2
    assert found.filled == tuple(missing)
    assert "left elbow, left wrist" in found.notice


@given(st.sets(st.sampled_from(OPENPOSE_18.joints), min_size=10))
def test_any_ten_joints_are_enough_for_a_whole_finite_pose(known):
    pose = Reference.standing()
    found = Reference.from_joints({j: pose.points[OPENPOSE_18.index(j)] for j in known}, pose.canvas)
    assert np.isfinite(found.points).all()
    assert (found.pose.scores > 0).all()
    assert np.abs(found.points - pose.points).max() < 1
    assert set(found.filled) == set(OPENPOSE_18.joints) - known


PERSON = {"people": [{"pose_keypoints_2d": [5, 5, 1] * 18}]}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a dance", "pose_unreadable"),
        ("[" * 100_000, "pose_unreadable"),
        ("{}", "pose_unreadable"),
        ('{"people": []}', "pose_unreadable"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "pose_unreadable"),
        (json.dumps({"keypoints": ["x"] * 51}), "pose_unreadable"),
        (json.dumps({"keypoints": [float("inf")] * 51}), "pose_unreadable"),
        (json.dumps(PERSON), "reference_incomplete"),
        (json.dumps({"keypoints": [5, 5, 1] * 3 + [0, 0, 0] * 14}), "reference_incomplete"),
    ],
)
def test_anything_but_a_pose_is_refused_in_words(read, text, code):
    with pytest.raises(TemposeError) as caught:
        read(text)
    assert caught.value.code == code
    assert caught.value.message.endswith(
        "Choose another file." if code == "pose_unreadable" else "another pose."
    )


def test_a_request_holds_shares_of_the_canvas():
    body = pose_body(Reference.standing().pose)
    assert body["canvas"] == [1000, 1000]
    assert np.min(body["keypoints"]) > 0 and np.max(body["keypoints"]) < 1

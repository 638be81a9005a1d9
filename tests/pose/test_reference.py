"""Reference poses: the standing figure, filling in, body height."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempose.evaluation.references import references
from tempose_pose.completion import MIN_JOINTS, complete, whole
from tempose_pose.errors import TemposeError
from tempose_pose.framing import stood_up
from tempose_pose.reference import body_height
from tempose_pose.sequence import BRIDGED, PoseSequence
from tempose_pose.skeletons import COCO_17, OPENPOSE_18
from tempose_pose.standing import standing_pose

J = OPENPOSE_18.at


def without(pose: PoseSequence, *joints: str) -> PoseSequence:
    scores, keypoints = pose.scores.copy(), pose.keypoints.copy()
    for joint in joints:
        scores[:, J[joint]] = 0
        keypoints[:, J[joint]] = 0
    return replace(pose, scores=scores, keypoints=keypoints)


def test_the_standing_figure_is_upright_symmetric_and_of_the_asked_height():
    pose = standing_pose(height=0.6, center=(0.3, 0.5), canvas=(800, 1200))
    assert body_height(pose) == pytest.approx(720, rel=1e-4)
    x, y = pose.pixels[0].T
    flipped = np.asarray(OPENPOSE_18.flip)
    assert np.allclose(x + x[flipped], 2 * 240, atol=1e-3)
    assert np.allclose(y, y[flipped])
    assert y[J["nose"]] < y[J["neck"]] < y[J["left_hip"]] < y[J["left_knee"]] < y[J["left_ankle"]]
    assert x[J["left_shoulder"]] > x[J["right_shoulder"]]  # it faces the viewer


def test_a_crouch_has_the_height_of_the_standing_figure():
    pose = standing_pose()
    p = pose.keypoints.copy()
    for side, way in (("left", 1), ("right", -1)):  # knees out to the sides, hips sunk to knee height
        p[0, J[f"{side}_knee"]] = p[0, J[f"{side}_hip"]] + (way * 0.1715, 0)
        p[0, J[f"{side}_ankle"]] = p[0, J[f"{side}_knee"]] + (0, 0.1715)
    crouch = replace(pose, keypoints=p)
    seen_height = np.ptp(crouch.pixels[0, :, 1])
    assert seen_height < 0.8 * np.ptp(pose.pixels[0, :, 1])
    assert body_height(crouch) == pytest.approx(body_height(pose), rel=0.01)


def test_a_thigh_foreshortened_towards_the_viewer_does_not_shrink_the_body():
    pose = standing_pose()
    p = pose.keypoints.copy()
    for side in ("left", "right"):
        drop = p[0, J[f"{side}_knee"]] - p[0, J[f"{side}_hip"]]
        for joint in ("knee", "ankle"):
            p[0, J[f"{side}_{joint}"]] -= 0.8 * drop
    assert body_height(replace(pose, keypoints=p)) == pytest.approx(body_height(pose), rel=0.01)


@given(st.lists(st.sampled_from([j for j in OPENPOSE_18.joints]), max_size=17, unique=True))
def test_whatever_is_missing_is_filled_or_refused_and_what_is_there_stays(missing):
    pose = without(standing_pose(), *missing)
    upper = any(j not in missing for j in ("neck", "left_shoulder", "right_shoulder"))
    lower = any(j not in missing for j in ("left_hip", "right_hip"))
    if not (upper and lower) and len(missing) > 18 - MIN_JOINTS:
        with pytest.raises(TemposeError) as error:
            complete(pose)
        assert error.value.code == "reference_incomplete"
        return
    filled, notices = complete(pose)
    assert (filled.scores > 0).all()
    assert len(notices) == len(missing)
    keep = [J[j] for j in OPENPOSE_18.joints if j not in missing]
    assert np.array_equal(filled.keypoints[0, keep], pose.keypoints[0, keep])
    # a symmetric figure comes back as it was
    assert np.allclose(filled.keypoints, standing_pose().keypoints, atol=2e-3)


def test_a_missing_arm_mirrors_the_other_one_and_the_notice_says_so():
    pose = standing_pose()
    p = pose.keypoints.copy()
    p[0, J["left_elbow"]] = p[0, J["left_shoulder"]] + (0.1, -0.1)
    p[0, J["left_wrist"]] = p[0, J["left_elbow"]] + (0, -0.1)
    filled, notices = complete(without(replace(pose, keypoints=p), "right_elbow", "right_wrist"))
    step = filled.keypoints[0, J["right_wrist"]] - filled.keypoints[0, J["right_elbow"]]
    assert np.allclose(step, (0, -0.1), atol=1e-5)
    assert notices == [
        "The right elbow was missing; it mirrors the other side.",
        "The right wrist was missing; it mirrors the other side.",
    ]


def test_a_figure_seen_from_behind_keeps_its_sides():
    pose = standing_pose()
    behind = replace(pose, keypoints=pose.keypoints[:, list(OPENPOSE_18.flip)])
    filled, _ = complete(without(behind, "left_hip", "left_elbow", "right_elbow"))
    assert np.allclose(filled.keypoints, behind.keypoints, atol=2e-3)


def test_coco_poses_are_accepted():
    keypoints = standing_pose().keypoints[:, [J[j] for j in COCO_17.joints]]
    pose = PoseSequence(keypoints, np.ones((1, 17)), 30, COCO_17)
    filled, notices = complete(pose)
    assert filled.skeleton is OPENPOSE_18
    assert notices == []


def test_gaps_are_bridged_and_what_is_never_there_is_completed_in_every_frame():
    rest = standing_pose()
    steps = np.linspace(0, 0.2, 5)[:, None, None] * (1, 0)
    moving = PoseSequence(rest.keypoints + steps, np.ones((5, 18)), 30, OPENPOSE_18)
    scores = moving.scores.copy()
    scores[1:3, J["right_wrist"]] = scores[:, J["left_eye"]] = 0
    found = whole(replace(moving, scores=scores))
    assert (found.scores > 0).all()
    assert np.allclose(found.keypoints, moving.keypoints, atol=2e-3)
    assert found.scores[1, J["right_wrist"]] == found.scores[0, J["left_eye"]] == pytest.approx(BRIDGED)


def test_two_frames_or_an_empty_figure_are_refused_in_plain_words():
    pose = standing_pose()
    two = PoseSequence(np.repeat(pose.keypoints, 2, 0), np.ones((2, 18)), 30, OPENPOSE_18)
    with pytest.raises(TemposeError, match="single pose"):
        complete(two)
    nothing = replace(pose, scores=np.zeros((1, 18)))
    with pytest.raises(TemposeError, match="too little of the body"):
        body_height(nothing)
    point = replace(pose, keypoints=np.full((1, 18, 2), 0.5))
    with pytest.raises(TemposeError, match="no torso"):
        complete(point)


def test_height_is_measured_from_what_is_there():
    legs_hidden = without(
        standing_pose(), "left_knee", "right_knee", "left_ankle", "right_ankle", "right_hip", "nose"
    )
    assert body_height(legs_hidden) == pytest.approx(700, rel=0.05)


def test_a_crouch_shows_its_body_standing_raised_arms_hang_and_other_poses_stay():
    """A figure that crouches towards the viewer would otherwise pass for one with short legs."""
    hip, knee, ankle = (OPENPOSE_18.index(f"left_{joint}") for joint in ("hip", "knee", "ankle"))
    for name, pose in references().items():
        points, scores = pose.pixels[0].astype(float), pose.scores[0]
        stood = stood_up(points, scores)
        if name == "arms up":
            for side in ("left", "right"):
                arm = OPENPOSE_18.indices(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
                assert np.all(np.diff(stood[arm, 1]) > 0)
                lengths = [np.linalg.norm(np.diff(p[arm], axis=0), axis=-1) for p in (stood, points)]
                np.testing.assert_allclose(*lengths)
            continue
        if name != "crouch":
            np.testing.assert_array_equal(stood, points, err_msg=name)
            continue
        thigh, shin = np.linalg.norm(stood[hip] - stood[knee]), np.linalg.norm(stood[knee] - stood[ankle])
        assert 0.9 < thigh / shin < 1.2
        assert shin == pytest.approx(np.linalg.norm(points[knee] - points[ankle]), rel=0.05)
        assert stood[ankle, 1] == points[ankle, 1]
        torso = points[:8] - points[1]
        np.testing.assert_allclose(stood[:8] - stood[1], torso)
        scores = np.where(np.arange(18) == knee, 0, scores)
        np.testing.assert_array_equal(stood_up(points, scores), points)

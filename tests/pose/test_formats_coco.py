"""COCO's files, Halpe's and WholeBody's: which keypoint is which joint, and what their scores mean."""

import numpy as np
import pytest

from tempose_pose import writers
from tempose_pose.errors import TemposeError
from tempose_pose.formats import parse_poses
from tempose_pose.sequence import PoseSequence, convert, to_openpose18
from tempose_pose.skeletons import (
    BODY_67,
    HALPE_26,
    OPENPOSE_60,
)


def test_wholebodys_own_annotations_are_read_with_flags_and_confidences_side_by_side():
    flags = np.column_stack([np.arange(34).reshape(17, 2) + 10, [2] * 16 + [0]]).ravel().tolist()
    hand = np.column_stack([np.arange(42).reshape(21, 2) + 30, np.full(21, 0.7)]).ravel().tolist()
    annotation = {"image_id": 3, "keypoints": flags, "lefthand_kpts": hand, "lefthand_valid": True}
    poses = parse_poses([annotation], canvas=(100, 100))
    assert poses.skeleton is BODY_67
    assert poses.scores[0, BODY_67.index("left_thumb_1")] == pytest.approx(0.7)
    assert poses.scores[0, BODY_67.index("nose")] == 1
    assert poses.scores[0, BODY_67.index("right_ankle")] == 0
    assert (poses.scores[0, [BODY_67.index(f"right_{j}") for j in ("hand", "big_toe")]] == 0).all()
    with pytest.raises(TemposeError, match="foot_kpts must have x, y, confidence of 6 keypoints"):
        parse_poses([{**annotation, "foot_kpts": [1, 2, 3]}], canvas=(100, 100))
    with pytest.raises(TemposeError, match="17, 26"):
        writers.to_coco(poses, 19)


def test_coco_flags_are_told_from_confidences():
    keypoints = np.column_stack([np.full((17, 2), 50.0), [2] * 15 + [1, 0]]).ravel().tolist()
    flagged = parse_poses([{"image_id": 7, "keypoints": keypoints}], canvas=(100, 100))
    assert flagged.scores[0, -3:].tolist() == [1, 0.5, 0]
    confident = np.column_stack([np.full((17, 2), 50.0), [0.9] * 15 + [0.4, 0]]).ravel().tolist()
    result = parse_poses([{"image_id": 7, "keypoints": confident}], canvas=(100, 100))
    assert np.allclose(result.scores[0, -3:], [0.9, 0.4, 0])


def coco_file(count: int) -> tuple[np.ndarray, PoseSequence]:
    """(count, 3) values of one annotation, and what is read of them."""
    values = np.column_stack([np.arange(count) * 2.0, np.arange(count), np.linspace(0.2, 0.9, count)])
    return values, parse_poses([{"image_id": 1, "keypoints": values.ravel().tolist()}], canvas=(1000, 1000))


def test_halpe_keeps_head_and_feet_and_its_own_neck():
    values, poses = coco_file(26)
    assert poses.skeleton is HALPE_26
    assert np.allclose(poses.pixels[0], values[:, :2], atol=1e-3)
    body = to_openpose18(poses)
    assert body.pixels[0, 1] == pytest.approx(values[18, :2], abs=1e-3)
    assert body.scores[0, 1] == pytest.approx(values[18, 2])


def test_wholebody_keeps_feet_and_hands_and_takes_the_neck_between_the_shoulders():
    values, poses = coco_file(133)
    assert poses.skeleton is BODY_67
    for joint, place in {
        "left_big_toe": 17, "right_heel": 22, "left_hand": 91, "left_thumb_1": 92, "left_little_4": 111,
        "right_hand": 112, "right_index_1": 117, "right_ankle": 16,
    }.items():  # fmt: skip
        assert np.allclose(poses.pixels[0, BODY_67.index(joint)], values[place, :2], atol=1e-3), joint
    assert np.allclose(poses.pixels[0, 1], values[[5, 6], :2].mean(0), atol=1e-3)
    assert poses.scores[0, 1] == pytest.approx(values[[5, 6], 2].min())
    drawn = convert(poses, OPENPOSE_60)
    assert np.allclose(drawn.pixels[0, 18:], values[91:133, :2], atol=1e-3)

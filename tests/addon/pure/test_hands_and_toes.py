"""Hands and toes that a pose file has."""

import json

import numpy as np
import pytest
from addon import reference
from addon.skeleton import BODY_25, HALPE_26, OPENPOSE_18


def person(layout, hand=None):
    at = dict(zip(OPENPOSE_18, reference.standing().keypoints, strict=True))
    at |= {"mid_hip": np.array([500, 525.0]), "head": np.array([500, 180.0])}
    for side, sign in (("left", 1), ("right", -1)):
        at |= {
            f"{side}_big_toe": at[f"{side}_ankle"] + (30 * sign, 20),
            f"{side}_small_toe": at[f"{side}_ankle"] + (20 * sign, 20),
        }
        at[f"{side}_heel"] = at[f"{side}_ankle"] + (0, 15)
    body = {"pose_keypoints_2d": [float(v) for j in layout for v in (*at[j], 1.0)]}
    return {
        "people": [body | ({"hand_right_keypoints_2d": hand} if hand else {})],
        "width": 1000,
        "height": 1000,
    }


@pytest.mark.parametrize("layout", [BODY_25, HALPE_26])
def test_toes_come_along(layout):
    pose = reference.from_json(json.dumps(person(layout)))
    ankle = pose.keypoints[OPENPOSE_18.index("left_ankle")]
    assert pose.more["left_toe"] == pytest.approx(tuple(ankle + np.array([25, 20])))
    assert set(pose.more) == {"left_toe", "right_toe"}
    assert np.allclose(pose.keypoints, reference.standing().keypoints)


def test_a_hand_that_was_found_comes_along_and_one_that_was_not_does_not():
    seen = person(OPENPOSE_18, [300.0, 600.0, 0.9] * 21)
    assert reference.from_json(json.dumps(seen)).more == {"right_hand": (300.0, 600.0)}
    for hand in ([300.0, 600.0, 0.0] * 21, [1.0] * 5, ["x"] * 63, [float("nan")] * 63):
        assert reference.from_json(json.dumps(person(OPENPOSE_18, hand))).more == {}

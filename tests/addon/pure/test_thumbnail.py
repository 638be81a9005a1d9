"""Small pictures of takes."""

import numpy as np
from addon.model.dance import thumbnail

from tempose_pose.reference import Reference
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18


def poses(points, scores=None):
    canvas = (1000, 1000)
    scores = np.ones(points.shape[:2]) if scores is None else scores
    return PoseSequence(points / canvas, scores, 30.0, OPENPOSE_18, canvas)


def test_the_widest_pose_is_drawn_upright():
    points = np.repeat(Reference.standing().points[None], 5, 0)
    for joint, x in (("left_wrist", 900), ("right_wrist", 100)):
        points[3, OPENPOSE_18.at[joint]] = x, 300
    said = thumbnail.thumbnail_of(poses(points))
    assert said == thumbnail.thumbnail_of(poses(points[3:4])) != thumbnail.thumbnail_of(poses(points[:1]))
    drawn = thumbnail.picture(said)
    assert drawn.shape == (64, 64, 4) and drawn.min() >= 0 and drawn.max() <= 1
    ink = drawn[..., 3]
    assert 0.03 < ink.mean() < 0.3  # limbs, on nothing
    hands = ink[:, :12], ink[:, -12:]  # both at the height of the head, nothing else is so far out
    assert all(hand[40:].max() == 1 and hand[:30].max() == 0 for hand in hands)
    assert np.allclose(drawn[40:, :12][hands[0][40:] == 1, :3], thumbnail.RIGHT)  # seen from the front


def test_unseen_dancers_and_damaged_data_have_no_picture():
    points = np.repeat(Reference.standing().points[None], 2, 0)
    assert thumbnail.thumbnail_of(poses(points, np.zeros(points.shape[:2]))) == ""
    half = np.ones(points.shape[:2])
    half[:, OPENPOSE_18.at["left_ankle"]] = 0
    assert thumbnail.picture(thumbnail.thumbnail_of(poses(points, half))) is not None
    for text in ("", "zz", "00ff"):
        assert thumbnail.picture(text) is None

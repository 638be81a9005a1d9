from dataclasses import replace

import numpy as np
import pytest
from addon.model.dance import reshape
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.dance import Dance
from tempose_pose.reference import Reference
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18, mirror

RATE, FRAMES = 30.0, 150


def dance(seed=0):
    """A figure that steps on the spot and waves, with angles that keep the bones' lengths."""
    reference = Reference.standing()
    rng = np.random.default_rng(seed)
    points = np.repeat(np.asarray(reference.points, float)[None], FRAMES, 0)
    t = np.arange(FRAMES) / RATE
    sway = 30 * np.sin(2 * np.pi * t + rng.random())
    for joint in OPENPOSE_18.joints:
        if "knee" not in joint and "ankle" not in joint:
            points[:, OPENPOSE_18.index(joint), 0] += sway
    for side in ("left", "right"):
        elbow, wrist = (OPENPOSE_18.index(f"{side}_{j}") for j in ("elbow", "wrist"))
        turn = 0.8 * np.sin(3 * np.pi * t + rng.random() * 6)
        bone = points[:, wrist] - points[:, elbow]
        cos, sin = np.cos(turn), np.sin(turn)
        turned = np.stack([cos * bone[:, 0] - sin * bone[:, 1], sin * bone[:, 0] + cos * bone[:, 1]], 1)
        points[:, wrist] = points[:, elbow] + turned
    canvas = reference.canvas
    keypoints = (points / canvas).astype(np.float32)
    return Dance.of(PoseSequence(keypoints, np.ones((FRAMES, 18)), RATE, OPENPOSE_18, canvas))


def lengths(dance):
    pixels = dance.poses.pixels
    at = {j: pixels[:, OPENPOSE_18.index(j)] for j in OPENPOSE_18.joints}
    return {j: np.hypot(*(at[j] - at[p]).T) for j in at if (p := OPENPOSE_18.parent_of(j)) and "hip" not in j}


def speed(dance, joint):
    return np.hypot(*np.diff(dance.poses.pixels[:, OPENPOSE_18.index(joint)], axis=0).T).mean()


def test_the_limbs_are_the_body_with_nothing_twice():
    joints = [j for limb in OPENPOSE_18.groups.values() for j in limb]
    assert sorted(joints) == sorted(OPENPOSE_18.joints)
    assert OPENPOSE_18.joints_of(["head", "left_arm"])[:3] == ["nose", "left_elbow", "left_wrist"]


def test_a_mirror_image_changes_sides_in_the_same_place():
    before = dance()
    after = reshape.flipped(before)
    hips = OPENPOSE_18.indices("left_hip", "right_hip")
    assert np.median(after.poses.keypoints[:, hips, 0]) == pytest.approx(
        np.median(before.poses.keypoints[:, hips, 0]), abs=1e-3
    )
    for joint in OPENPOSE_18.joints:
        a, b = OPENPOSE_18.index(joint), OPENPOSE_18.index(mirror(joint))
        assert np.array_equal(after.poses.keypoints[:, a, 1], before.poses.keypoints[:, b, 1])
        total = after.poses.keypoints[:, a, 0] + before.poses.keypoints[:, b, 0]
        assert np.ptp(total) < 1e-6  # reflected at one axis


@given(st.integers(0, 20))
@settings(max_examples=8, deadline=None)
def test_the_mirror_image_of_a_mirror_image_is_the_dance(seed):
    before = dance(seed)
    again = reshape.flipped(reshape.flipped(before))
    assert np.allclose(again.poses.keypoints, before.poses.keypoints, atol=1e-6)
    assert np.array_equal(again.poses.scores, before.poses.scores)


def test_joints_that_are_not_seen_are_not_thrown_about():
    before = dance()
    scores, keypoints = before.poses.scores.copy(), before.poses.keypoints.copy()
    wrist = OPENPOSE_18.index("left_wrist")
    scores[:, wrist], keypoints[:, wrist] = 0, 0
    before = replace(before, poses=replace(before.poses, scores=scores, keypoints=keypoints))
    mirrored = reshape.flipped(before)
    other = OPENPOSE_18.index("right_wrist")
    assert (mirrored.poses.scores[:, other] == 0).all() and (mirrored.poses.keypoints[:, other] == 0).all()
    assert (reshape.scaled(before, 1.5).poses.keypoints[:, wrist] == 0).all()


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.5, 2.0])
def test_movement_is_scaled_while_bones_keep_their_length_and_feet_stand(amount):
    before = dance()
    after = reshape.scaled(before, amount)
    for joint, length in lengths(before).items():
        assert np.abs(lengths(after)[joint] - length).max() < 0.02 * length.max() + 0.5, joint
    for ankle in ("left_ankle", "right_ankle"):
        moved = np.hypot(*(after.poses.pixels - before.poses.pixels)[:, OPENPOSE_18.index(ankle)].T)
        assert moved.max() < 10  # of 700 pixels: where a leg does not reach any more
    wrist = speed(after, "left_wrist") / speed(before, "left_wrist")
    assert wrist < 0.8 if amount < 1 else wrist > 1.15


def test_nothing_changes_at_one_and_nothing_outside_of_the_range():
    before = dance()
    assert reshape.scaled(before, 1.0) is before
    after = reshape.scaled(before, 1.8, [(1.5, 3.5)])
    outside = np.r_[0:45, 105:FRAMES]
    assert np.array_equal(after.poses.keypoints[outside], before.poses.keypoints[outside])
    assert not np.array_equal(after.poses.keypoints[60:90], before.poses.keypoints[60:90])
    # No step at the borders: no frame moves much more than in the whole dance when it is changed throughout.
    whole = np.abs(np.diff(reshape.scaled(before, 1.8).poses.pixels, axis=0)).max()
    assert np.abs(np.diff(after.poses.pixels, axis=0)).max() < 1.3 * whole

"""What the network draws too little of is emphasized, and nothing else is touched."""

import numpy as np
import pytest

from tempose.emphasis import balance, bend_elbows, emphasize, follow
from tempose_pose.framing import Framing
from tempose_pose.skeletons import OPENPOSE_18 as BONES
from tempose_pose.standing import standing_pose

FRAMES = 256
EVERYWHERE = np.ones(FRAMES)


@pytest.fixture(scope="module")
def dance():
    """(T, 18, 2) canonical: every joint swings a little, each at its own time."""
    standing = standing_pose()
    pose = Framing.of(standing.pixels[0], standing.scores[0]).apply(standing.pixels[0])
    phases = np.random.default_rng(4).uniform(0, 2 * np.pi, (18, 2))
    swing = np.sin(2 * np.pi * np.arange(FRAMES)[:, None, None] / 25 + phases)
    return pose + 0.02 * swing


def speed(points, start, stop):
    return np.linalg.norm(np.diff(points[start:stop], axis=0), axis=-1).mean()


def test_movements_follow_the_liveliness_that_is_asked_for(dance):
    asked = np.where(np.arange(FRAMES) < FRAMES // 2, -0.4, 0.4)
    changed = follow(dance, asked, EVERYWHERE)
    calm, wild = speed(changed, 20, 100), speed(changed, 156, 236)
    assert 1.7 < wild / calm < 2.3  # e^0.8 is asked for: 0.9 of the way
    assert np.isclose(np.sqrt(calm * wild), speed(dance, 20, 236), rtol=0.05)  # as lively on the whole


def test_where_no_liveliness_is_asked_for_movements_keep_theirs(dance):
    assert np.array_equal(follow(dance, np.full(FRAMES, np.nan), EVERYWHERE), dance)


def test_legs_move_more_and_arms_less_about_the_hips(dance):
    changed = balance(dance, EVERYWHERE, BONES)
    hips = BONES.indices("left_hip", "right_hip")

    def around(points, *joints):
        return speed(points[:, BONES.indices(*joints)] - points[:, hips].mean(1, keepdims=True), 0, FRAMES)

    for joints, more in ((("left_ankle", "right_knee"), True), (("left_wrist", "right_elbow"), False)):
        assert (around(changed, *joints) > 1.02 * around(dance, *joints)) == more
        assert (around(changed, *joints) < 0.98 * around(dance, *joints)) != more
    assert np.array_equal(changed[:, hips], dance[:, hips])


def test_elbows_bend_further_and_forearms_keep_their_length(dance):
    changed = bend_elbows(dance, EVERYWHERE, BONES)
    for side in ("left", "right"):
        shoulder, elbow, wrist = BONES.indices(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        (was, before), (length, angle) = (
            (np.linalg.norm(lower, axis=-1), np.unwrap(np.arctan2(lower[:, 1], lower[:, 0]) - upper))
            for lower, upper in (
                (p[:, wrist] - p[:, elbow], np.arctan2(*(p[:, elbow] - p[:, shoulder]).T[::-1]))
                for p in (dance, changed)
            )
        )
        np.testing.assert_allclose(length, was)
        assert 1.3 < angle.std() / before.std() < 1.5
        assert np.array_equal(changed[:, elbow], dance[:, elbow])


def test_known_frames_stay_and_what_follows_them_is_led_over(dance):
    known = np.arange(FRAMES) < 16
    changed = emphasize(dance, np.linspace(-1, 1, FRAMES), known, BONES)
    assert np.array_equal(changed[known], dance[known])
    step = np.linalg.norm(np.diff(changed, axis=0), axis=-1).max(1)
    assert step[15] < 1.5 * np.linalg.norm(np.diff(dance, axis=0), axis=-1).max()
    assert not np.allclose(changed[60:], dance[60:])
    assert emphasize(dance, np.zeros(FRAMES), np.ones(FRAMES, bool), BONES) is dance

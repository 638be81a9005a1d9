# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances that run into their own beginning, and the keys of them."""

from dataclasses import replace

import numpy as np
import pytest
from addon.model.dance import loops
from addon.model.keys import cycle, feet
from addon.model.keys.key_curves import KeyedCurve

from tempose_pose.dance import Dance
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose


def drifting(seconds):
    """Everything moves to the right and never comes back."""
    count = round(seconds * 30)
    keypoints = np.full((count, 18, 2), 0.3, np.float32)
    keypoints[..., 0] += np.linspace(0, 0.3, count)[:, None]
    poses = PoseSequence(keypoints, np.ones((count, 18), np.float32), 30.0, OPENPOSE_18)
    return replace(Dance.of(poses), beat_times=np.arange(0, seconds, 0.5))


@pytest.mark.parametrize("seconds", [8.0, 1.0, 95 / 24])
def test_the_end_is_danced_towards_the_beginning_and_nothing_else_is_touched(seconds):
    made, asked = drifting(seconds), DanceRequest(standing_pose(), seconds)
    closing = loops.closing(made, asked)
    known, count = closing.known, len(made.poses)
    assert known is not None and closing.frames == count + loops.TAIL == len(known.mask)
    free = np.flatnonzero(~known.mask.all(1))
    assert len(free) == pytest.approx(min(loops.BRIDGES[0], loops.SHARES[0] * seconds) * 30, abs=2)
    assert count - 1 <= free[-1] + 1 <= count + 1
    behind = known.poses.keypoints[free[-1] + 1 :]
    start = made.poses.keypoints
    assert np.abs(behind[0] - start[0]).max() < 0.3 / count + 1e-6 and (np.diff(behind[:, 0, 0]) > 0).all()
    answer = replace(
        made,
        poses=replace(
            known.poses,
            keypoints=np.where(known.mask[..., None], 9.0, np.full(known.poses.keypoints.shape, 0.5)),
        ),
    )
    loop = loops.closed(made, closing, answer)
    assert len(loop.poses) == count and np.array_equal(loop.beat_times, made.beat_times)
    assert np.array_equal(loop.poses.keypoints[: free[0]], start[: free[0]])
    assert (loop.poses.keypoints[free[0] : count - 1] == 0.5).all()


def test_the_step_at_the_seam_is_held_against_the_dances_own():
    made = drifting(4.0)
    assert loops.step(made, 4.0) == pytest.approx(119, rel=0.02)
    there_and_back = np.concatenate([made.poses.keypoints, made.poses.keypoints[::-1]])
    whole = replace(made, poses=replace(made.poses, keypoints=there_and_back, scores=np.ones((240, 18))))
    assert loops.step(whole, 8.0) < 1e-3


def test_a_foot_that_bears_at_the_seam_stands_on_one_spot():
    standing = standing_pose()
    body = standing.pixels[0] * (1, -1)
    still = np.concatenate([body, body[[8, 11]].mean(0, keepdims=True)])  # with the middle of the hips
    frames = np.arange(96)
    points = np.repeat(still[None], 96, 0)
    points[:, :, 0] += 30 * np.sin(2 * np.pi * frames / 96 + 1)[:, None]  # sways, and its feet slide along
    step = np.clip(np.minimum(frames - 30, 60 - frames), 0, 8) * 12.0
    points[:, [12, 13], 1] += step[:, None]  # but for the left one's step

    def at_the_seam(planted):
        across = planted.points[:, 13, 0]
        assert planted.contacts[[0, -1], 1].all()
        return abs(across[0] - across[-1])

    how = (24.0, 800.0, "AUTO", None)
    scores = np.ones(points.shape[:2])
    assert at_the_seam(feet.plant(points, scores, *how)) > 5
    assert at_the_seam(feet.plant_around(points, scores, 96, *how)) < 0.1


def test_a_curve_ends_as_it_begins_a_period_later():
    frames, values = np.array([1.0, 10.0, 96.0]), np.array([0.2, 1.0, 0.3])
    curve = KeyedCurve("x.location", 0, "x", frames, values, np.array([0.5, 0.0, 0.1]), np.array([4, 4, 0]))
    made = cycle.closed(curve, 95.5)
    assert made.frames.tolist() == [1, 10, 96, 96.5]
    assert made.values[-1] == 0.2 and made.slopes is not None and made.slopes[-1] == 0.5
    turned = replace(curve, path="x.rotation_euler", values=np.array([0.2, 3.0, 0.3 + 2 * np.pi]))
    assert cycle.closed(turned, 96.0).values[-1] == pytest.approx(0.2 + 2 * np.pi)
    assert cycle.closed(replace(curve, slopes=None, kinds=None), 95.0).frames.tolist() == [1, 10, 96]


def test_a_loop_that_travels_goes_just_so_far_and_its_feet_stand_across_the_seam():
    standing = standing_pose()
    body = standing.pixels[0] * (1, -1)
    still = np.concatenate([body, body[[8, 11]].mean(0, keepdims=True)])
    points, scores, height = np.repeat(still[None], 96, 0), np.ones((96, 19)), float(np.ptp(still[:, 1]))
    beats = np.arange(0, 96, 12.0)
    made = feet.plant_around(points, scores, 96, 24.0, height, "AUTO", None, height, beats)
    hips, ankles = made.points[:, 18, 0], made.points[:, [13, 10]]
    again = np.concatenate([ankles, ankles + np.array([height, 0.0])])  # the next time round
    assert hips[0] + height - hips[-1] == pytest.approx(height / 96, rel=0.2)
    bears = np.concatenate([made.contacts] * 2)
    both = bears[1:] & bears[:-1]
    moved = np.abs(np.diff(again[..., 0], axis=0)) / height
    assert both.any(1).mean() > 0.9 and moved[both].max() < 0.004


def test_the_keys_of_a_loop_that_travels_end_so_much_farther():
    frames = np.arange(10.0)
    curve = KeyedCurve("location", 0, "root", frames, 0.1 * frames, np.full(10, 0.1))
    made = cycle.closed(curve, 10.0, 1.0)
    assert (made.frames[-1], made.values[-1]) == (10, 1.0)
    assert made.slopes is not None and made.slopes[-1] == pytest.approx(0.1)

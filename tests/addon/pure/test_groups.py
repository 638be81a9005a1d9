# SPDX-License-Identifier: GPL-3.0-or-later
"""One dance for several dancers."""

from dataclasses import replace

import numpy as np
import pytest
from addon.model.dance import groups
from addon.model.dance.way import Way

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

BEATS = np.concatenate([np.arange(0.2, 8, 0.5), np.arange(8.2, 16, 0.4)])  # the song gets faster


@pytest.fixture(scope="module")
def lead():
    """A standing figure whose right wrist says by its height how far the dance has come."""
    stood = standing_pose()
    points = np.repeat(stood.keypoints, 480, 0)
    points[:, OPENPOSE_18.index("right_wrist"), 1] = np.linspace(0, 1, 480)
    poses = PoseSequence(points, np.ones((480, 18), np.float32), 30.0, OPENPOSE_18, stood.canvas)
    return replace(Dance.of(poses), beat_times=BEATS, downbeat_times=BEATS[1::4])


def told(dance):
    """(T,) the second of the lead's dance that each frame shows."""
    return dance.poses.keypoints[:, dance.poses.skeleton.index("right_wrist"), 1] * 479 / 30


def test_each_of_a_canon_is_later_by_beats_even_where_the_tempo_changes(lead):
    shown = told(groups.dance_of("CANON", lead, 2, 3))
    for beat in (8, 15, 20, 30):
        assert shown[round(BEATS[beat] * 30)] == pytest.approx(BEATS[beat - 6], abs=0.04)
    assert np.allclose(shown[:60], shown[0], atol=1e-3)  # waits, and does not jump
    assert groups.dance_of("CANON", lead, 0, 3) is lead and groups.dance_of("UNISON", lead, 3, 3) is lead


def test_a_call_is_answered_by_the_same_phrase_while_the_caller_waits(lead):
    call, answer = (told(groups.dance_of("CALL", lead, member, 4)) for member in (0, 1))
    frames = np.round(BEATS * 30).astype(int)
    # bars begin on the second beat
    assert call[frames[3]] == pytest.approx(BEATS[3], abs=0.04)
    assert answer[frames[7]] == pytest.approx(BEATS[3], abs=0.04)
    assert (
        np.ptp(call[frames[5] + 2 : frames[9] - 2]) < 1e-3
        and np.ptp(answer[frames[9] + 2 : frames[13] - 2]) < 1e-3
    )
    for shown in (call, answer):
        assert np.diff(shown).min() > -1e-4 and np.diff(shown).max() < 0.08  # nothing jumps


def test_every_second_one_is_mirrored(lead):
    other = groups.dance_of("MIRRORED", lead, 1, 4)
    assert np.allclose(
        other.poses.keypoints[:, OPENPOSE_18.index("left_wrist"), 1],
        lead.poses.keypoints[:, OPENPOSE_18.index("right_wrist"), 1],
    )
    assert groups.dance_of("MIRRORED", lead, 2, 4) is lead


def test_a_dance_on_a_smaller_figure_stands_where_that_stands(lead):
    stood = standing_pose()
    child = replace(stood, keypoints=stood.keypoints * 0.5 + 0.3, canvas=(stood.canvas[0], stood.canvas[1]))
    moved = groups.on_figure(lead, stood, child)
    still = [k for k, joint in enumerate(OPENPOSE_18.joints) if joint != "right_wrist"]
    assert np.allclose(moved.poses.keypoints[7, still], child.keypoints[0, still], atol=1e-4)
    dance = groups.dance_of("CALL", replace(lead, beat_times=np.zeros(0), downbeat_times=np.zeros(0)), 1, 4)
    assert len(dance.poses) == 480 and np.isfinite(dance.poses.keypoints).all()


def test_in_a_canon_each_one_also_walks_later_by_beats(lead):
    way = Way(BEATS[[2, 14]], np.array([[0.0, 0.0], [1.0, 0.0]]))
    later = groups.way_of("CANON", lead, 2, 3, way)
    assert np.allclose(later.times, BEATS[[8, 20]]) and np.array_equal(later.places, way.places)
    assert groups.way_of("CANON", lead, 0, 3, way) is way and groups.way_of("UNISON", lead, 2, 3, way) is way

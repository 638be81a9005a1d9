"""Dances that were kept, to another song."""

import numpy as np
import pytest
from addon.model.dance import phrases

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.standing import standing_pose


def nodding(seconds=6.0, fps=30.0, bpm=120.0):
    """A figure that is lowest on every beat; bars of four begin with the second beat."""
    pose = standing_pose()
    beats = np.arange(0, seconds, 60 / bpm)
    count = round(seconds * fps)
    keypoints = np.repeat(pose.keypoints, count, 0)
    keypoints[..., 1] += 0.05 * np.cos(2 * np.pi * np.arange(count) / fps * bpm / 60)[:, None]
    poses = PoseSequence(keypoints, np.repeat(pose.scores, count, 0), fps, pose.skeleton, pose.canvas)
    return Dance(poses, beats, beats[1::4], np.zeros(0, np.int32), 3, "test")


@pytest.mark.parametrize("beats", [0.4 * np.arange(9), np.cumsum([2.0, 0.5, 0.6, 0.7, 0.6, 0.5])])
def test_what_was_danced_on_a_beat_is_danced_on_one(beats):
    made = phrases.on_beats(nodding(), beats)
    new = beats - beats[0]
    assert made.beat_times == pytest.approx(new[: len(made.beat_times)])
    assert made.downbeat_times[0] == 0  # it begins with its first bar
    low = made.poses.keypoints[:, 0, 1]
    for beat in made.beat_times[1:-1]:
        around = np.arange(max(round(beat * 30) - 5, 0), round(beat * 30) + 6)
        assert abs(around[low[around].argmax()] - beat * 30) <= 1.01
    assert len(made.poses) == pytest.approx((new[-1] + new[-1] - new[-2]) * 30, abs=1)


def test_without_beats_it_keeps_its_tempo_and_tags_say_what_it_is():
    dance = nodding()
    assert phrases.on_beats(dance, [1.0]) is dance
    assert phrases.tags(dance, "House", 1.5) == ["House", "120 BPM", "3 bars", "lively"]

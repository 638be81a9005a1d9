"""Keys shaped by hand."""

import numpy as np
import pytest
from addon.model.keys import key_edits
from addon.model.keys.key_edits import PlainKeys


def keys():
    frames = np.array([1.0, 7, 13, 25])
    return PlainKeys(frames, np.array([0.0, 1.0, 2.0, -1.0]), np.zeros(4, bool))


def test_a_pose_is_held_and_what_lay_between_is_gone():
    made = key_edits.hold(keys(), 7, 1.0, 10)
    assert made.frames.tolist() == [1, 7, 17, 25]
    assert made.values.tolist() == [0, 1, 1, -1] and made.held.tolist() == [False, True, False, False]


def test_keys_move_to_the_next_beat_and_those_passed_go():
    assert key_edits.next_beat(np.array([6.9, 18.2, 30.0]), 7) == 18
    made = key_edits.moved(keys(), 7, 18)
    assert made is not None and made.frames.tolist() == [1, 18, 25] and made.values.tolist() == [0, 1, -1]
    assert key_edits.moved(keys(), 9, 18) is None and key_edits.next_beat(np.array([3.0]), 7) is None


def test_a_limb_is_late_and_swings_farther_about_its_middle():
    assert key_edits.later(keys(), 2).frames.tolist() == [3, 9, 15, 27]
    made = key_edits.exaggerated(keys(), np.full(4, 0.5), 2.0)
    assert made.values == pytest.approx([-0.5, 1.5, 3.5, -2.5])


def test_key_poses_are_where_many_curves_have_keys():
    frames = [np.array([1.0, 9, 17]), np.array([1.0, 9]), np.array([1.0, 4, 17])]
    assert key_edits.key_poses(frames).tolist() == [1, 9, 17]
    assert key_edits.nearest(np.array([1.0, 9, 17, 25]), 9, 1).tolist() == [1, 17]


def test_the_trunk_is_pressed_together_on_beats_and_drawn_out_before():
    from addon.model.character.mapping import JOINTS
    from addon.model.keys.squash import squashed

    points = np.tile(np.array([[0.0, 0.5 if "hip" in joint else 1.0] for joint in JOINTS])[None], (60, 1, 1))
    seconds = np.arange(60) / 30
    made = squashed(points, seconds, np.array([0.5, 1.0, 1.5]), np.array([1.0]), 1.0)
    neck = made[:, JOINTS.index("neck"), 1]
    assert neck[30] == neck.min() and 0.82 < neck[30] < 0.88 and neck.max() > 1.01
    assert neck[30] < neck[15] < 1 and (made[:, JOINTS.index("mid_hip")] == points[:, -1]).all()

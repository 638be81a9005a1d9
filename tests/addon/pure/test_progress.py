import numpy as np
from addon.model.dance.progress import Arriving, Clock, in_words

from tempose_pose.skeletons import OPENPOSE_18

LIMBS = OPENPOSE_18.limbs


def poses(first, count):
    keypoints = np.zeros((count, 18, 2), np.float32)
    keypoints[..., 0] = np.arange(first, first + count)[:, None]
    return keypoints, np.ones((count, 18), np.float32)


def test_frames_come_in_pieces_and_the_nearest_is_shown_until_the_right_one_is_there():
    dance = Arriving(4.0, OPENPOSE_18)
    assert dance.lines_at(1.0) is None and dance.until == 0.0
    dance.add(0, *poses(0, 60))
    assert dance.share == 0.5 and dance.until == 2.0
    keypoints, _, exact = dance.pose_at(1.0)
    assert exact and keypoints[0, 0] == 30
    keypoints, _, exact = dance.pose_at(3.0)
    assert not exact and keypoints[0, 0] == 59
    dance.add(60, *poses(60, 100))  # more than there should be
    assert dance.share == 1.0 and dance.until == 4.0
    ends, colours, exact = dance.lines_at(3.0)
    assert exact and ends.shape == (2 * len(LIMBS), 2) and colours.shape == (2 * len(LIMBS), 3)
    dance.clear()
    assert dance.share == 0.0 and dance.lines_at(0.0) is None


def test_limbs_that_are_not_seen_are_not_drawn():
    dance = Arriving(1.0, OPENPOSE_18)
    keypoints, scores = poses(0, 30)
    scores[:, 1] = 0  # no neck
    dance.add(0, keypoints, scores)
    ends, _, _ = dance.lines_at(0.0)
    assert len(ends) == 2 * sum(OPENPOSE_18.index("neck") not in limb for limb in LIMBS)


def test_the_time_left_follows_from_the_pace_since_it_is_dancing():
    clock = Clock()
    assert clock.tell(100.0, 0.0) is None  # a long wait before says nothing
    assert clock.tell(100.1, 0.01) is None
    assert clock.tell(110.0, 0.25) == 30.0
    assert clock.tell(120.0, 0.5) == 20.0
    assert clock.tell(200.0, 0.0) is None  # begun anew


def test_the_time_left_in_words():
    assert in_words(None) == ""
    assert [in_words(s) for s in (0.4, 4.2, 33.0, 300.0)] == [
        "a moment left",
        "about 4 s left",
        "about 35 s left",
        "about 5 min left",
    ]

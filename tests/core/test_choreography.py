"""What returns in the music returns in the dance: which frames repeat which, and how freely."""

import numpy as np

from tempose.choreography import Choreography, freedom
from tempose.segments import Segment
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.tempo import TempoMap

TIMES = np.arange(720) / 30
GRID = BeatGrid(np.arange(0, 24, 0.5))
FORM = (Section(0, 8, "A"), Section(8, 16, "B"), Section(16, 24, "A"))


def test_frames_repeat_the_frames_on_the_same_beat_of_the_first_version():
    made = Choreography.of(FORM, GRID, TempoMap(), TIMES, 1.0)
    assert np.isnan(made.source[:480]).all()
    assert np.allclose(made.source[480:], np.arange(240))


def test_a_section_that_returns_faster_repeats_beat_for_beat():
    beats = np.concatenate([np.arange(0, 16, 0.5), np.arange(16, 24, 0.25)])
    made = Choreography.of(FORM, BeatGrid(beats), TempoMap(), TIMES, 1.0)
    assert np.allclose(made.source[480:590], 2 * np.arange(110))
    assert np.isnan(made.source[610:]).all()  # the first version is over


def test_what_the_dance_does_not_show_is_not_repeated():
    late = TempoMap.constant(start=10.0)
    made = Choreography.of(FORM, GRID, late, TIMES[:400], 1.0)
    assert np.isnan(made.source).all()


def test_more_repeat_leaves_less_freedom():
    free = [freedom(r) for r in np.linspace(0, 1, 11)]
    assert free[0] == 1
    assert (np.diff(free) < 0).all()
    assert 0 < free[-1] < 0.2


def test_whole_columns_are_followed_and_a_mirrored_return_swaps_the_sides():
    form = (FORM[0], FORM[1], Section(16, 24, "A", mirrored=True))
    made = Choreography.of(form, GRID, TempoMap(), TIMES, 0.5)
    keypoints = np.random.default_rng(0).uniform(0.2, 0.8, (720, 18, 2))
    earlier = made.earlier(Segment(464, 480, 720), keypoints, OPENPOSE_18)
    assert earlier is not None
    assert np.isinf(earlier.until[0, :2]).all()  # 16 frames taken over
    assert np.allclose(earlier.until[0, 2:], freedom(0.5))
    left, right = OPENPOSE_18.index("left_wrist"), OPENPOSE_18.index("right_wrist")
    assert np.allclose(earlier.poses[0, 16:, left], keypoints[:240, right] * (-1, 1) + (1, 0))
    assert made.earlier(Segment(0, 0, 256), keypoints, OPENPOSE_18) is None


def test_sections_return_as_alike_as_each_of_them_says():
    form = (FORM[0], Section(8, 16, "A", repeat=0.0), Section(16, 24, "A", repeat=1.0))
    made = Choreography.of(form, GRID, TempoMap(), TIMES, 0.5)
    assert np.isnan(made.source[:480]).all() and np.allclose(made.source[480:], np.arange(240))
    assert np.allclose(made.until[480:], freedom(1.0))
    asleep = (FORM[0], FORM[1], Section(16, 24, "A", repeat=0.3))
    assert np.allclose(Choreography.of(asleep, GRID, TempoMap(), TIMES, 0.0).until[480:], freedom(0.3))

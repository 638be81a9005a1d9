import numpy as np
import pytest
from addon.model.tempo.timing import Span, frame_rate, resample


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (25, 1.0), (30, 1.0), (30, 1.001), (60, 1.0)])
def test_the_frames_of_a_span_lie_inside_of_it(fps, base):
    span = Span(17, 2.0, frame_rate(fps, base))
    seconds = span.second_at(span.frames)
    assert seconds[0] == 0.0
    assert 2.0 - 1.01 / span.rate <= seconds[-1] < 2.0
    assert np.allclose(span.frame_at(seconds), span.frames)


def test_a_span_shorter_than_a_frame_still_has_one():
    assert len(Span(5, 0.001, 24).frames) == 1


def test_resampling_at_the_dances_own_frames_changes_nothing():
    points, scores = np.random.default_rng(0).normal(size=(9, 18, 2)), np.ones((9, 18))
    again, seen = resample(points, scores, 30.0, np.arange(9) / 30)
    assert np.allclose(again, points)
    assert (seen == 1).all()


def test_resampling_never_mixes_in_a_joint_that_is_not_there():
    points, scores = np.zeros((2, 1, 2)), np.array([[1.0], [0.0]])
    points[1] = 999.0
    again, _ = resample(points, scores, 30.0, [0.5 / 30])
    assert (again == 0).all()


def test_resampling_keeps_a_dip_between_two_frames_where_it_is():
    dip = 0.4111  # seconds, between frames of the dance
    times = np.arange(60) / 30
    points = np.repeat(-np.cos(2 * np.pi * 2 * (times - dip))[:, None, None], 18, 1).repeat(2, 2)
    fine = np.arange(0.2, 0.6, 0.001)
    again, _ = resample(points, np.ones((60, 18)), 30.0, fine)
    assert abs(fine[again[:, 0, 0].argmin()] - dip) < 0.003
    line, _ = resample(
        np.arange(60.0)[:, None, None].repeat(18, 1).repeat(2, 2), np.ones((60, 18)), 30.0, fine
    )
    assert np.allclose(line[:, 0, 0], fine * 30)  # straight motion stays straight

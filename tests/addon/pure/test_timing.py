import numpy as np
import pytest
from addon.errors import Problem
from addon.tempo.timing import Span, TempoMap, frame_rate, resample
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.tempo import TempoMap as CoreMap

factors = st.floats(0.5, 2.0)


def test_a_plain_map_leads_each_timeline_second_to_the_start_plus_itself():
    tempo = TempoMap.from_sections(3.0, 10.0)
    assert tempo.is_plain
    assert tempo.to_song([0.0, 4.5, 10.0]).tolist() == [3.0, 7.5, 13.0]


def test_double_speed_halves_the_length():
    tempo = TempoMap.from_sections(0.0, 10.0, 2.0)
    assert not tempo.is_plain
    assert float(tempo.to_timeline(10.0)) == 5.0


def test_a_section_lasts_up_to_the_next_one():
    tempo = TempoMap.from_sections(0.0, 10.0, 1.0, [(4.0, 2.0), (8.0, 1.0)])
    assert tempo.to_timeline([4.0, 8.0, 10.0]).tolist() == [4.0, 6.0, 8.0]


def test_sections_before_a_trimmed_strip_still_give_its_speed():
    assert TempoMap.from_sections(5.0, 4.0, 1.0, [(1.0, 2.0)]).to_timeline(9.0) == 2.0


@given(
    st.floats(0, 20), st.floats(1, 30), factors, st.lists(st.tuples(st.floats(0, 50), factors), max_size=6)
)
def test_every_map_leads_there_and_back_and_the_server_takes_it(start, seconds, factor, sections):
    tempo = TempoMap.from_sections(start, seconds, factor, sections)
    at = np.linspace(0, 40, 50)
    assert np.allclose(tempo.to_timeline(tempo.to_song(at)), at, atol=1e-6)
    core = CoreMap(tuple(tempo.points))
    assert np.allclose(core.to_song(at), tempo.to_song(at))
    assert tempo.points[-1][1] == pytest.approx(start + seconds, abs=1e-5)


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.1, 9.0])
def test_a_factor_outside_of_the_limits_is_refused_in_words(factor):
    with pytest.raises(Problem, match="Tempo factors go from"):
        TempoMap.from_sections(0.0, 10.0, factor)


def test_a_map_that_falls_is_refused():
    with pytest.raises(Problem):
        TempoMap([(0, 1), (1, 0)])


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

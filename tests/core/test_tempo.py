"""Tempo maps: there and back, sections, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.errors import TemposeError
from tempose_pose.tempo import TempoMap

speeds = st.floats(0.1, 10)
maps = st.builds(
    lambda start, pieces: TempoMap(
        tuple(
            zip(
                np.cumsum([0.0, *(length for length, _ in pieces)]),
                start + np.cumsum([0.0, *(length * speed for length, speed in pieces)]),
                strict=True,
            )
        )
    ),
    st.floats(-20, 200),
    st.lists(st.tuples(st.floats(0.05, 60), speeds), min_size=1, max_size=8),
)
seconds = st.lists(st.floats(-30, 500), min_size=1, max_size=20)


@given(maps, seconds)
def test_song_seconds_lead_back_to_the_timeline_seconds_they_came_from(tempo_map, times):
    np.testing.assert_allclose(tempo_map.to_timeline(tempo_map.to_song(times)), times, atol=1e-6)


@given(maps, seconds)
def test_timeline_seconds_lead_back_to_the_song_seconds_they_came_from(tempo_map, times):
    np.testing.assert_allclose(tempo_map.to_song(tempo_map.to_timeline(times)), times, atol=1e-6)


@given(maps, st.lists(st.floats(-30, 500), min_size=2, max_size=20, unique=True))
def test_later_on_the_timeline_is_never_earlier_in_the_song(tempo_map, times):
    assert (np.diff(tempo_map.to_song(sorted(times))) >= 0).all()


@given(maps)
def test_the_speed_is_the_slope_of_the_map(tempo_map):
    points = np.asarray(tempo_map.points)
    middles = (points[1:, 0] + points[:-1, 0]) / 2
    h = np.diff(points[:, 0]) / 4
    slopes = (tempo_map.to_song(middles + h) - tempo_map.to_song(middles - h)) / (2 * h)
    np.testing.assert_allclose(tempo_map.speed(middles), slopes, rtol=1e-5)


@given(st.floats(0.1, 8), st.floats(-5, 100), st.floats(-10, 300))
def test_a_constant_map_is_a_factor_and_a_start(factor, start, time):
    tempo_map = TempoMap.constant(factor, start)
    assert tempo_map.to_song(time) == pytest.approx(start + factor * time, abs=1e-6)
    assert tempo_map.speed(time) == pytest.approx(factor)


def test_a_section_played_twice_as_fast_takes_half_as_long():
    tempo_map = TempoMap.from_sections([(0.0, 1.0), (10.0, 2.0), (20.0, 1.0)])
    np.testing.assert_allclose(
        tempo_map.to_timeline([5.0, 10.0, 15.0, 20.0, 22.0]), [5.0, 10.0, 12.5, 15.0, 17.0]
    )


def test_sections_count_from_the_start_given():
    tempo_map = TempoMap.from_sections([(4.0, 0.5)], start=2.0)
    np.testing.assert_allclose(tempo_map.to_song([0.0, 2.0, 4.0]), [2.0, 4.0, 5.0])


def test_no_sections_at_all_leave_the_song_as_it_is():
    np.testing.assert_allclose(TempoMap.from_sections([], start=3.0).to_song([0.0, 7.0]), [3.0, 10.0])


def test_without_points_the_map_changes_nothing():
    np.testing.assert_allclose(TempoMap().to_song([-1.0, 0.0, 50.0]), [-1.0, 0.0, 50.0])


@pytest.mark.parametrize(
    "points",
    [
        ((0.0, 0.0),),
        (),
        ((0.0, 0.0), (1.0, 0.0)),
        ((0.0, 0.0), (0.0, 1.0)),
        ((1.0, 0.0), (0.0, 1.0)),
        ((0.0, 0.0), (1.0, float("nan"))),
        ((0.0, 0.0), (float("inf"), 1.0)),
        ((0.0, 0.0), (1.0, 17.0)),
        ((0.0, 0.0), (17.0, 1.0)),
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ],
)
def test_a_map_that_is_none_is_refused(points):
    with pytest.raises(TemposeError) as caught:
        TempoMap(points)
    assert caught.value.code == "tempo_map"

"""Tempo maps: there and back, sections, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.errors import TemposeError
from tempose_pose.tempo import MAX_FACTOR, MAX_SPEED, MIN_FACTOR, MIN_SPEED, TempoMap

speeds, factors = st.floats(0.1, 10), st.floats(0.5, 2.0)
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
def test_every_map_leads_there_and_back(start, seconds, factor, sections):
    tempo = TempoMap.from_sections(start, seconds, factor, sections)
    at = np.linspace(0, 40, 50)
    assert np.allclose(tempo.to_timeline(tempo.to_song(at)), at, atol=1e-6)
    assert tempo.points[-1][1] == pytest.approx(start + seconds, abs=1e-5)


@pytest.mark.parametrize("factor", [0.0, -1.0, 0.1, 9.0])
def test_a_factor_outside_of_the_limits_is_refused_in_words(factor):
    with pytest.raises(TemposeError, match="Tempo factors go from"):
        TempoMap.from_sections(0.0, 10.0, factor)


def test_the_greatest_factors_of_song_and_section_together_are_within_a_maps_limits():
    for factor, speed in ((MIN_FACTOR, MIN_SPEED), (MAX_FACTOR, MAX_SPEED)):
        assert TempoMap.from_sections(0.0, 8.0, factor, [(2.0, factor)]).speed(float("inf")) == pytest.approx(
            speed
        )


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
def test_an_invalid_map_is_refused(points):
    with pytest.raises(TemposeError) as caught:
        TempoMap(points)
    assert caught.value.code == "tempo_map"

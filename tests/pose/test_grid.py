"""Beat grids: positions, warps, cuts, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.errors import TemposeError
from tempose_pose.grid import MAX_BEATS, BeatGrid
from tempose_pose.tempo import TempoMap

intervals = st.lists(st.floats(0.2, 2.0), min_size=2, max_size=40)
grids = st.builds(
    lambda start, steps: BeatGrid(start + np.cumsum(steps), (start + np.cumsum(steps))[::4]),
    st.floats(-2, 10),
    intervals,
)
maps = st.builds(
    lambda start, a, b: TempoMap(((0.0, start), (5.0, start + 5 * a), (9.0, start + 5 * a + 4 * b))),
    st.floats(0, 30),
    st.floats(0.25, 4),
    st.floats(0.25, 4),
)


@given(grids, maps)
def test_beats_warped_to_the_timeline_are_heard_at_their_song_seconds(grid, tempo_map):
    warped = grid.warped(tempo_map)
    np.testing.assert_allclose(tempo_map.to_song(warped.beats), grid.beats, atol=1e-6)
    np.testing.assert_allclose(tempo_map.to_song(warped.downbeats), grid.downbeats, atol=1e-6)
    assert warped.confidence == grid.confidence


@given(grids, maps, st.floats(-5, 60))
def test_a_warp_leaves_positions_between_beats_in_order(grid, tempo_map, time):
    warped = grid.warped(tempo_map)
    on_beats = warped.beat_position(warped.beats)
    np.testing.assert_allclose(on_beats, np.arange(len(grid.beats)), atol=1e-9)
    assert warped.beat_position(np.array([time])) <= warped.beat_position(np.array([time + 0.01]))


@given(grids, st.floats(0.25, 4))
def test_a_song_played_faster_has_its_tempo_multiplied(grid, factor):
    assert grid.warped(TempoMap.constant(factor)).bpm == pytest.approx(grid.bpm * factor, rel=1e-6)


@given(grids, st.floats(0.1, 60))
def test_within_keeps_the_beats_from_zero_up_to_the_end(grid, seconds):
    kept = grid.within(seconds)
    assert ((kept.beats >= -1e-6) & (kept.beats < seconds)).all()
    outside = np.setdiff1d(grid.beats, kept.beats)
    assert ((outside < 0) | (outside >= seconds)).all()
    assert np.isin(kept.downbeats, kept.beats).all()


def test_positions_go_on_evenly_before_the_first_beat_and_after_the_last():
    grid = BeatGrid(np.array([1.0, 1.5, 2.5]), np.array([1.0]))
    np.testing.assert_allclose(grid.beat_position([0.5, 1.25, 2.0, 3.5]), [-1.0, 0.5, 1.5, 3.0])


def test_bars_follow_the_downbeats():
    beats = np.arange(0, 9) * 0.5
    np.testing.assert_allclose(BeatGrid(beats, beats[::3]).bar_position([0.0, 0.75, 1.5]), [0.0, 0.5, 1.0])


def test_without_downbeats_bars_have_four_beats():
    np.testing.assert_allclose(BeatGrid(np.arange(0, 9) * 0.5).bar_position([0.0, 1.0, 2.0]), [0.0, 0.5, 1.0])


def test_a_grid_without_beats_still_gives_positions():
    np.testing.assert_allclose(BeatGrid(np.zeros(0)).beat_position([0.0, 1.0]), [0.0, 2.0])
    assert BeatGrid(np.zeros(0)).bpm == 0.0


@pytest.mark.parametrize(
    "beats",
    [[1.0, 1.0], [2.0, 1.0], [0.0, float("nan")], [float("inf")], [[0.0, 1.0]], np.arange(MAX_BEATS + 1.0)],
    ids=["twice the same", "falling", "nan", "infinite", "two rows", "too many"],
)
def test_invalid_beats_are_refused(beats):
    with pytest.raises(TemposeError) as caught:
        BeatGrid(np.asarray(beats))
    assert caught.value.code == "grid"

"""The pulse of some taps, and the grid at that pulse."""

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.music import beat_changes, beat_taps, beats
from addon.model.music.beats import EDITED
from grids_for_tests import even, rising
from hypothesis import given, settings
from hypothesis import strategies as st


def test_taps_with_a_human_hand():
    rng = np.random.default_rng(3)
    taps = 10.3 + 0.6 * np.arange(16) + rng.normal(0, 0.02, 16)
    found = beat_taps.fit_taps(taps)
    assert found.bpm == pytest.approx(100, abs=1)
    assert abs((found.phase - 10.3 + 0.3) % 0.6 - 0.3) < 0.02


def test_missed_double_and_stray_taps_do_not_count():
    taps = [10.3 + 0.6 * k for k in range(20) if k not in (4, 5, 11)]
    found = beat_taps.fit_taps([*taps, 12.72, 14.8])
    assert found.period == pytest.approx(0.6, abs=0.004)


@pytest.mark.parametrize("taps", [[], [1, 2, 3], [0, 0.01, 0.02, 0.03, 0.04]])
def test_too_few_taps(taps):
    with pytest.raises(Problem, match="at least 4"):
        beat_taps.fit_taps(taps)


def test_taps_without_a_pulse():
    with pytest.raises(Problem, match="no steady pulse"):
        beat_taps.fit_taps([0, 0.3, 1.7, 1.9, 2.2, 4.1, 4.5, 4.7, 6.6])


def test_the_clock_is_finer_than_the_frames():
    true = 5.0 + 0.47 * np.arange(20)
    frames = np.floor(true * 24) / 24
    found = beat_taps.tap_seconds(true + 1000, frames)
    assert np.abs(np.diff(found) - 0.47).max() < 1e-9
    assert np.abs(found - true).max() < 0.045


def test_playback_that_drags_counts_by_its_frames():
    walls = 0.5 * np.arange(20)
    assert beat_taps.tap_seconds(walls, walls * 0.6) == pytest.approx(walls * 0.6)
    assert beat_taps.drags(walls, walls * 0.6)
    assert not beat_taps.drags(walls, walls * 0.99) and not beat_taps.drags([], [])


def test_playback_that_starts_over_counts_once():
    walls = 0.5 * np.arange(20)
    found = beat_taps.tap_seconds(walls, np.concatenate([np.arange(6), np.arange(14)]) * 0.5)
    assert found == pytest.approx(np.arange(14) * 0.5)


def test_a_tapped_tempo_spaces_the_beats_evenly_and_keeps_locks():
    grid = beat_changes.lock(even(), 4.0, 6.0)
    taps = 0.1 + 0.4 * np.arange(12)
    made = beat_taps.tapped(grid, beat_taps.fit_taps(taps), 16.0, taps)
    assert rising(made)
    assert made.times[made.locked] == pytest.approx(even().times[grid.locked])
    free = made.times[made.times < 3.8]
    assert np.diff(free) == pytest.approx(np.full(len(free) - 1, 0.4))
    assert free[0] == pytest.approx(0.1) and made.times[-1] > 15.6


@pytest.mark.parametrize(("step", "offset"), [(1, 0), (2, 0), (2, 1)])
def test_taps_on_the_pulse_or_its_half_take_the_detectors_exact_beats(step, offset):
    rng = np.random.default_rng(1)
    uneven = np.cumsum(0.45 + 0.02 * np.sin(np.arange(64) / 9))
    grid = beats.from_times(uneven, uneven[::4], 0.5)
    wanted = uneven[offset::step]
    heard = wanted[6:18] + rng.normal(0, 0.015, 12)
    made = beat_taps.tapped(grid, beat_taps.fit_taps(heard), 30.0, heard)
    assert made.times == pytest.approx(wanted)
    assert (made.flags & EDITED).all()


def test_taps_twice_as_fast_double_the_grid():
    heard = 0.25 + 0.25 * np.arange(8, 24)
    assert beat_taps.tapped(even(), beat_taps.fit_taps(heard), 16, heard).bpm == pytest.approx(240)


def test_tapping_without_any_beats_yet():
    taps = 1 + 0.5 * np.arange(8)
    made = beat_taps.tapped(beats.EditedGrid(), beat_taps.fit_taps(taps), 10.0, taps)
    assert len(made) == 21 and 1.0 in np.round(made.downbeats, 6)


@pytest.mark.parametrize("late", [-0.05, 0.0, 0.08, 0.2, 0.35])
@pytest.mark.parametrize("step", [1, 2])
def test_the_delay_of_taps_is_measured_on_the_beats_that_are_there(late, step):
    rng = np.random.default_rng(5)
    heard = even().times[4:28:step] + late + rng.normal(0, 0.015, len(even().times[4:28:step]))
    assert beat_taps.delay(even(), heard) == pytest.approx(late, abs=0.015)


def test_a_delay_needs_beats_that_the_taps_follow():
    with pytest.raises(Problem, match="do not follow the beats"):
        beat_taps.delay(even(), 0.25 + 0.37 * np.arange(16))
    with pytest.raises(Problem, match="do not follow the beats"):
        beat_taps.delay(beats.EditedGrid(), 0.25 + 0.5 * np.arange(16))
    with pytest.raises(Problem, match="at least 4"):
        beat_taps.delay(even(), [1.0, 2.0])


@settings(deadline=None)
@given(st.floats(0.35, 0.9), st.floats(-0.2, 0.7))
def test_any_delay_within_a_beat_is_found(gap, share):
    grid = even(40, gap)
    heard = grid.times[5:30] + share * gap
    assert beat_taps.delay(grid, heard) == pytest.approx(share * gap, abs=1e-6)

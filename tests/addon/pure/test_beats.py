"""The beat grid and what an artist does to it."""

import json

import numpy as np
import pytest
from addon import beats
from addon.beats import BAR, EDITED, PIN
from addon.errors import Problem
from hypothesis import assume, given
from hypothesis import strategies as st


def even(count=32, gap=0.5, first=0.25, metre=4, confidence=0.5):
    times = first + gap * np.arange(count)
    return beats.from_times(times, times[::metre], confidence)


def rising(grid):
    return (np.diff(grid.times) > 0).all()


# Reading and writing


def test_a_grid_survives_being_written():
    grid = beats.lock(beats.move_beat(even(), 5, 2.8), 1.0, 2.0)
    grid = beats.remove(grid, 12)
    back = beats.from_json(json.dumps(grid.to_plain()))
    assert back.times == pytest.approx(grid.times, abs=1e-6)
    assert (back.flags == grid.flags).all()
    assert (back.locks, back.confidence) == (grid.locks, grid.confidence)
    assert back.removed == pytest.approx(grid.removed)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"times": [1, 1], "flags": [0, 0], "locks": [], "removed": [], "confidence": 1}',
     '{"times": [1], "flags": [], "locks": [], "removed": [], "confidence": 1}',
     '{"times": [1], "flags": [0], "locks": [[1]], "removed": [], "confidence": 1}'],
)  # fmt: skip
def test_a_damaged_grid_is_refused_in_words(text):
    with pytest.raises(Problem):
        beats.from_json(text)


def test_a_request_holds_beats_and_downbeats():
    body = even(8).to_request()
    assert body["beats"] == pytest.approx(0.25 + 0.5 * np.arange(8))
    assert body["downbeats"] == pytest.approx([0.25, 2.25])
    json.dumps(body)


def test_bars_are_counted_from_the_first_downbeat():
    grid = beats.from_times([0, 1, 2, 3, 4, 5], [2, 5])
    bars, places = beats.bar_numbers(grid)
    assert bars.tolist() == [0, 0, 1, 1, 1, 2]
    assert places.tolist() == [1, 2, 1, 2, 3, 1]


def test_metre_and_tempo_are_read_off():
    assert even().bpm == pytest.approx(120)
    assert [even(metre=m).metre for m in (2, 3, 4, 5, 7)] == [2, 3, 4, 5, 7]
    assert (beats.Grid().metre, beats.Grid().bpm) == (4, 0.0)


def test_confidence_in_words_and_by_beat():
    words = [beats.in_words(even(confidence=c)) for c in (0.9, 0.5, 0.1)]
    assert len(set(words)) == 3
    assert words[0] == "sure" and words[2] == "not sure: check the tempo"
    assert beats.in_words(beats.half(even(confidence=0.1))) == "set by you"
    times = even(confidence=0.8).times.copy()
    times[10] += 0.1
    sure = beats.sureness(beats.from_times(times, [], 0.8))
    assert sure[10] < 0.5 < sure[20] == pytest.approx(0.8)
    assert beats.sureness(beats.move_beat(even(), 3, 1.8))[3] == 1.0


# Half, double, nudge


def test_half_keeps_the_downbeats_and_the_metre():
    grid = beats.half(even(33, first=0.75, metre=4))
    assert grid.times == pytest.approx(0.75 + np.arange(17))
    assert grid.downbeats == pytest.approx(0.75 + 4.0 * np.arange(5))
    late = beats.from_times(0.5 * np.arange(16), 0.5 + 2.0 * np.arange(4))
    assert beats.half(late).times[0] == pytest.approx(0.5)  # the first beat was no downbeat


def test_double_puts_beats_between_and_half_takes_them_away():
    grid = beats.double(even())
    assert grid.bpm == pytest.approx(240)
    assert beats.half(grid).times == pytest.approx(even().times)
    assert np.diff(grid.downbeats) == pytest.approx(np.full(15, 1.0))


def test_half_within_a_span_leaves_the_rest():
    grid = beats.half(even(), (4.0, 8.0))
    outside = (even().times < 4) | (even().times > 8)
    assert set(np.round(even().times[outside], 6)) <= set(np.round(grid.times, 6))
    gaps = np.diff(grid.times[(grid.times > 4) & (grid.times < 8)])
    assert gaps == pytest.approx(np.ones(len(gaps)))


def test_double_within_a_span_fills_up_to_the_beat_behind_it():
    grid = beats.double(even(), (4.0, 8.0))
    gaps = np.diff(grid.times)
    assert (gaps < 0.26).sum() == 16
    assert gaps.min() == pytest.approx(0.25)


def test_too_fast_to_double():
    with pytest.raises(Problem, match="too close"):
        beats.double(even(gap=0.15))


def test_nudge_moves_all_but_what_is_locked():
    grid = beats.nudge(beats.lock(even(), 3.0, 5.0), 0.03)
    locked = grid.locked
    assert grid.times[locked] == pytest.approx(even().times[locked])
    assert grid.times[~locked] == pytest.approx(even().times[~locked] + 0.03)
    assert (grid.flags[~locked] & EDITED).all() and not (grid.flags[locked] & EDITED).any()


def test_a_nudge_into_a_lock_is_refused():
    with pytest.raises(Problem, match="run into"):
        beats.nudge(beats.lock(even(), 3.0, 5.0), 0.45)


# Downbeats


def test_set_downbeat_counts_bars_both_ways():
    grid = beats.set_downbeat(even(), 1.2, 3)
    places = np.flatnonzero(grid.flags & beats.DOWN)
    assert (places % 3 == 2).all() and len(places) == 10  # beat 2 and every third around it


def test_a_second_downbeat_starts_anew_from_there():
    grid = beats.set_downbeat(even(), 0.25, 4)
    grid = beats.set_downbeat(grid, 0.25 + 10 * 0.5, 3)
    places = np.flatnonzero(grid.flags & beats.DOWN).tolist()
    assert places == [0, 4, 8, *range(10, 32, 3)]
    again = beats.set_downbeat(grid, 0.25 + 0.5, 4)  # bars up to the second one only
    assert np.flatnonzero(again.flags & beats.DOWN).tolist()[-8:] == [*range(10, 32, 3)]


def test_downbeats_in_a_lock_stay():
    grid = beats.lock(even(), 5.0, 9.0)
    moved = beats.set_downbeat(grid, 0.75, 4)
    assert (moved.flags[moved.locked] == grid.flags[grid.locked]).all()
    with pytest.raises(Problem, match="locked"):
        beats.set_downbeat(grid, 6.0, 4)


@pytest.mark.parametrize("metre", [0, 1, 8])
def test_a_metre_that_is_none(metre):
    with pytest.raises(Problem, match="from 2 to 7"):
        beats.set_downbeat(even(), 1.0, metre)


# Single beats


def test_a_moved_beat_takes_its_neighbours_along_less_and_less():
    grid = beats.move_beat(even(), 16, even().times[16] + 0.1)
    shift = grid.times - even().times
    assert shift[16] == pytest.approx(0.1)
    assert (np.diff(shift[11:17]) > 0).all() and (np.diff(shift[16:22]) < 0).all()
    assert shift[:12] == pytest.approx(np.zeros(12)) and shift[21:] == pytest.approx(np.zeros(11))
    assert grid.flags[16] & PIN and not grid.flags[15] & PIN


def test_a_moved_beat_leaves_pins_and_locks():
    grid = beats.move_beat(even(), 14, even().times[14] + 0.02)
    moved = beats.move_beat(grid, 16, grid.times[16] - 0.1)
    assert moved.times[:15] == pytest.approx(grid.times[:15])
    locked = beats.lock(even(), even().times[17], 20)
    moved = beats.move_beat(locked, 16, even().times[16] - 0.1)
    assert moved.times[17:] == pytest.approx(even().times[17:])
    with pytest.raises(Problem, match="locked"):
        beats.move_beat(locked, 17, 8.0)


def test_a_beat_cannot_jump_over_one_that_stays():
    grid = beats.move_beat(even(), 14, even().times[14] + 0.02)
    with pytest.raises(Problem, match="no room"):
        beats.move_beat(grid, 16, 5.0)
    with pytest.raises(Problem, match="no room"):
        beats.move_beat(grid, 15, even().times[14] + 0.03)


def test_beats_are_added_and_taken_away():
    grid = beats.insert(even(), 1.0)
    assert len(grid) == 33 and 1.0 in grid.times
    with pytest.raises(Problem, match="already"):
        beats.insert(grid, 1.01)
    fewer = beats.remove(even(), 4)
    assert len(fewer) == 31
    assert fewer.downbeats[1] == pytest.approx(even().times[5])  # the bar begins at the next beat
    assert beats.nearest(grid, 1.02) == 2
    with pytest.raises(Problem, match="no beats yet"):
        beats.nearest(beats.Grid(), 1.0)
    alone = beats.insert(beats.Grid(), 3.0)
    assert alone.downbeats.tolist() == [3.0]


# Locks


def test_locks_join_and_part():
    grid = beats.lock(beats.lock(even(), 1, 3), 2, 5)
    assert grid.locks == ((1, 5),)
    assert beats.unlock(grid, 2, 3).locks == ((1, 2), (3, 5))
    assert beats.unlock(grid, 0, 9).locks == ()
    with pytest.raises(Problem, match="empty"):
        beats.lock(even(), 3, 3)


@pytest.mark.parametrize("change", [beats.half, beats.double, lambda g: beats.nudge(g, 0.01)])
def test_where_all_is_locked_nothing_can_be_done(change):
    with pytest.raises(Problem, match="unlock"):
        change(beats.lock(even(), 0, 100))


# Tapping


def test_taps_with_a_human_hand():
    rng = np.random.default_rng(3)
    taps = 10.3 + 0.6 * np.arange(16) + rng.normal(0, 0.02, 16)
    found = beats.fit_taps(taps)
    assert found.bpm == pytest.approx(100, abs=1)
    assert abs((found.phase - 10.3 + 0.3) % 0.6 - 0.3) < 0.02


def test_missed_double_and_stray_taps_do_not_count():
    taps = [10.3 + 0.6 * k for k in range(20) if k not in (4, 5, 11)]
    found = beats.fit_taps([*taps, 12.72, 14.8])
    assert found.period == pytest.approx(0.6, abs=0.004)


@pytest.mark.parametrize("taps", [[], [1, 2, 3], [0, 0.01, 0.02, 0.03, 0.04]])
def test_too_few_taps(taps):
    with pytest.raises(Problem, match="at least 4"):
        beats.fit_taps(taps)


def test_taps_without_a_pulse():
    with pytest.raises(Problem, match="no steady pulse"):
        beats.fit_taps([0, 0.3, 1.7, 1.9, 2.2, 4.1, 4.5, 4.7, 6.6])


def test_the_clock_is_finer_than_the_frames():
    true = 5.0 + 0.47 * np.arange(20)
    frames = np.floor(true * 24) / 24
    found = beats.tap_seconds(true + 1000, frames)
    assert np.abs(np.diff(found) - 0.47).max() < 1e-9
    assert np.abs(found - true).max() < 0.045


def test_playback_that_drags_counts_by_its_frames():
    walls = 0.5 * np.arange(20)
    assert beats.tap_seconds(walls, walls * 0.6) == pytest.approx(walls * 0.6)
    assert beats.drags(walls, walls * 0.6)
    assert not beats.drags(walls, walls * 0.99) and not beats.drags([], [])


def test_playback_that_starts_over_counts_once():
    walls = 0.5 * np.arange(20)
    found = beats.tap_seconds(walls, np.concatenate([np.arange(6), np.arange(14)]) * 0.5)
    assert found == pytest.approx(np.arange(14) * 0.5)


def test_a_tapped_tempo_spaces_the_beats_evenly_and_keeps_locks():
    grid = beats.lock(even(), 4.0, 6.0)
    taps = 0.1 + 0.4 * np.arange(12)
    made = beats.tapped(grid, beats.fit_taps(taps), 16.0, taps)
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
    made = beats.tapped(grid, beats.fit_taps(heard), 30.0, heard)
    assert made.times == pytest.approx(wanted)
    assert (made.flags & EDITED).all()


def test_taps_twice_as_fast_double_the_grid():
    heard = 0.25 + 0.25 * np.arange(8, 24)
    assert beats.tapped(even(), beats.fit_taps(heard), 16, heard).bpm == pytest.approx(240)


def test_tapping_without_any_beats_yet():
    taps = 1 + 0.5 * np.arange(8)
    made = beats.tapped(beats.Grid(), beats.fit_taps(taps), 10.0, taps)
    assert len(made) == 21 and 1.0 in np.round(made.downbeats, 6)


# What the detector says


def test_a_proposal_replaces_what_nobody_has_touched():
    other = even(gap=0.6, first=0.1, confidence=0.9)
    merged = beats.merge(even(), other)
    assert merged.times == pytest.approx(other.times) and merged.confidence == 0.9


def test_a_proposal_does_not_touch_edits():
    grid = beats.lock(even(), 9.0, 11.0)
    grid = beats.move_beat(grid, 4, 2.35)
    grid = beats.remove(grid, 30)
    merged = beats.merge(grid, even(first=0.27))
    kept = ((grid.flags & EDITED) > 0) | grid.locked
    for at, flags in zip(grid.times[kept], grid.flags[kept], strict=True):
        index = beats.nearest(merged, at)
        assert merged.times[index] == at and merged.flags[index] == flags
    assert np.abs(merged.times - even().times[30]).min() > 0.2  # taken away for good
    assert merged.locks == grid.locks
    assert np.diff(merged.times).min() > 0.3


def test_a_proposal_does_not_bring_back_what_half_took_away():
    grid = beats.half(even())
    assert beats.merge(grid, even()).times[:-1] == pytest.approx(grid.times)


def test_a_proposal_keeps_the_artists_bars():
    grid = beats.set_downbeat(even(), 0.75, 3)
    merged = beats.merge(grid, even(first=0.26))
    index = beats.nearest(merged, 0.75)
    assert merged.times[index] == 0.75 and merged.flags[index] & BAR
    down = np.flatnonzero(merged.flags & beats.DOWN)
    assert index in down


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 60), st.floats(-0.3, 0.3)),
        st.tuples(st.just("nudge"), st.floats(-0.05, 0.05), st.none()),
        st.tuples(st.just("half"), st.floats(0, 8), st.floats(8, 20)),
        st.tuples(st.just("double"), st.floats(0, 8), st.floats(8, 20)),
        st.tuples(st.just("lock"), st.floats(0, 8), st.floats(8.1, 20)),
        st.tuples(st.just("unlock"), st.floats(0, 8), st.floats(8.1, 20)),
        st.tuples(st.just("down"), st.floats(0, 20), st.integers(2, 7)),
        st.tuples(st.just("insert"), st.floats(0, 20), st.none()),
        st.tuples(st.just("remove"), st.integers(0, 60), st.none()),
        st.tuples(st.just("merge"), st.floats(0.3, 0.9), st.floats(0, 0.5)),
    ),
    max_size=12,
)


def edit(grid, name, a, b):
    if name == "move":
        index = a % len(grid)
        return beats.move_beat(grid, index, grid.times[index] + b)
    if name == "remove":
        return beats.remove(grid, a % len(grid))
    if name == "merge":
        return beats.merge(grid, even(int(16 / a), a, b))
    if name in ("half", "double"):
        return getattr(beats, name)(grid, (a, b))
    if name in ("nudge", "insert"):
        return getattr(beats, name)(grid, a)
    return {"lock": beats.lock, "unlock": beats.unlock, "down": beats.set_downbeat}[name](grid, a, b)


@given(EDITS)
def test_whatever_is_done_locks_hold_and_beats_follow_one_another(steps):
    grid = even()
    for name, a, b in steps:
        before = grid
        assume(len(grid))
        try:
            grid = edit(grid, name, a, b)
        except Problem:
            continue
        assert rising(grid)
        if name not in ("lock", "unlock"):
            old, new = before.locked, grid.locked
            assert grid.times[new].tolist() == before.times[old].tolist()
            if name != "remove":
                assert (grid.flags[new] == before.flags[old]).all()
        assert beats.from_json(json.dumps(grid.to_plain())).times == pytest.approx(grid.times, abs=1e-6)


@given(EDITS, st.floats(0.3, 0.9), st.floats(0, 0.5))
def test_a_detector_never_changes_an_edited_beat(steps, gap, first):
    grid = even()
    for name, a, b in steps:
        assume(len(grid))
        try:
            grid = edit(grid, name, a, b)
        except Problem:
            continue
    kept = ((grid.flags & EDITED) > 0) | grid.locked
    merged = beats.merge(grid, even(int(16 / gap), gap, first))
    assert set(grid.times[kept].tolist()) <= set(merged.times.tolist())
    if len(grid.removed) and len(merged):
        new = merged.times[~np.isin(merged.times, grid.times)]
        assert not len(new) or np.abs(new[:, None] - grid.removed[None]).min() > 0.1

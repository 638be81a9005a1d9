"""What an artist does to a beat grid, and whatever else happens to it."""

import json

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.music import beat_changes, beat_proposals, beats
from addon.model.music.beats import BAR, EDITED, PIN
from grids_for_tests import even, rising
from hypothesis import assume, given, settings
from hypothesis import strategies as st

# Half, double, nudge


def test_half_keeps_the_downbeats_and_the_metre():
    grid = beat_changes.half(even(33, first=0.75, metre=4))
    assert grid.times == pytest.approx(0.75 + np.arange(17))
    assert grid.downbeats == pytest.approx(0.75 + 4.0 * np.arange(5))
    late = beats.from_times(0.5 * np.arange(16), 0.5 + 2.0 * np.arange(4))
    assert beat_changes.half(late).times[0] == pytest.approx(0.5)  # the first beat was no downbeat


def test_double_puts_beats_between_and_half_takes_them_away():
    grid = beat_changes.double(even())
    assert grid.bpm == pytest.approx(240)
    assert beat_changes.half(grid).times == pytest.approx(even().times)
    assert np.diff(grid.downbeats) == pytest.approx(np.full(15, 1.0))


def test_half_within_a_span_leaves_the_rest():
    grid = beat_changes.half(even(), (4.0, 8.0))
    outside = (even().times < 4) | (even().times > 8)
    assert set(np.round(even().times[outside], 6)) <= set(np.round(grid.times, 6))
    gaps = np.diff(grid.times[(grid.times > 4) & (grid.times < 8)])
    assert gaps == pytest.approx(np.ones(len(gaps)))


def test_double_within_a_span_fills_up_to_the_beat_behind_it():
    grid = beat_changes.double(even(), (4.0, 8.0))
    gaps = np.diff(grid.times)
    assert (gaps < 0.26).sum() == 16
    assert gaps.min() == pytest.approx(0.25)


def test_three_to_two_finds_the_dotted_beats_of_six_eight():
    counted = beats.from_times(
        0.64 + 0.8 * np.arange(20), 1.44 + 2.4 * np.arange(6)
    )  # 3/4 at 75 where 6/8 at 50 is
    dotted = beat_changes.three_to_two(counted)
    assert dotted.times == pytest.approx(1.44 + 1.2 * np.arange(len(dotted)))
    assert dotted.times[-1] > counted.times[-1] - 1.2
    assert dotted.downbeats == pytest.approx(1.44 + 2.4 * np.arange(len(dotted.downbeats)))
    assert dotted.metre == 2 and dotted.bpm == pytest.approx(50)


def test_three_to_two_within_a_span_leaves_the_rest():
    grid = beat_changes.three_to_two(even(40), (4.0, 9.99))
    assert (grid.times < 4).sum() == (even(40).times < 4).sum()
    assert (grid.times >= 10).sum() == (even(40).times >= 10).sum()
    assert np.diff(grid.times).max() < 0.76


def test_no_beat_lies_before_the_song():
    grid = beat_changes.nudge(even(8), -0.3)
    assert len(grid) == 7 and grid.times[0] == pytest.approx(even(8).times[1] - 0.3)
    for change in (
        lambda: beat_changes.insert(even(8), -0.2),
        lambda: beat_changes.move_beat(even(8), 0, -0.1),
    ):
        with pytest.raises(Problem, match="has not begun"):
            change()
    assert beat_changes.move_beat(even(8), 1, 0.05).times.min() >= 0


def test_too_fast_to_double():
    with pytest.raises(Problem, match="too close"):
        beat_changes.double(even(gap=0.15))


def test_nudge_moves_all_but_what_is_locked():
    grid = beat_changes.nudge(beat_changes.lock(even(), 3.0, 5.0), 0.03)
    locked = grid.locked
    assert grid.times[locked] == pytest.approx(even().times[locked])
    assert grid.times[~locked] == pytest.approx(even().times[~locked] + 0.03)
    assert (grid.flags[~locked] & EDITED).all() and not (grid.flags[locked] & EDITED).any()


def test_a_nudge_into_a_lock_is_refused():
    with pytest.raises(Problem, match="run into"):
        beat_changes.nudge(beat_changes.lock(even(), 3.0, 5.0), 0.45)


# Downbeats


def test_set_downbeat_counts_bars_both_ways():
    grid = beat_changes.set_downbeat(even(), 1.2, 3)
    places = np.flatnonzero(grid.flags & beats.DOWN)
    assert (places % 3 == 2).all() and len(places) == 10  # beat 2 and every third around it


def test_a_second_downbeat_starts_anew_from_there():
    grid = beat_changes.set_downbeat(even(), 0.25, 4)
    grid = beat_changes.set_downbeat(grid, 0.25 + 10 * 0.5, 3)
    places = np.flatnonzero(grid.flags & beats.DOWN).tolist()
    assert places == [0, 4, 8, *range(10, 32, 3)]
    again = beat_changes.set_downbeat(grid, 0.25 + 0.5, 4)  # bars up to the second one only
    assert np.flatnonzero(again.flags & beats.DOWN).tolist()[-8:] == [*range(10, 32, 3)]


def test_downbeats_in_a_lock_stay():
    grid = beat_changes.lock(even(), 5.0, 9.0)
    moved = beat_changes.set_downbeat(grid, 0.75, 4)
    assert (moved.flags[moved.locked] == grid.flags[grid.locked]).all()
    with pytest.raises(Problem, match="locked"):
        beat_changes.set_downbeat(grid, 6.0, 4)


@pytest.mark.parametrize("metre", [0, 1, 8])
def test_an_invalid_metre(metre):
    with pytest.raises(Problem, match="from 2 to 7"):
        beat_changes.set_downbeat(even(), 1.0, metre)


# Single beats


def test_a_moved_beat_takes_its_neighbours_along_less_and_less():
    grid = beat_changes.move_beat(even(), 16, even().times[16] + 0.1)
    shift = grid.times - even().times
    assert shift[16] == pytest.approx(0.1)
    assert (np.diff(shift[11:17]) > 0).all() and (np.diff(shift[16:22]) < 0).all()
    assert shift[:12] == pytest.approx(np.zeros(12)) and shift[21:] == pytest.approx(np.zeros(11))
    assert grid.flags[16] & PIN and not grid.flags[15] & PIN


def test_a_moved_beat_leaves_pins_and_locks():
    grid = beat_changes.move_beat(even(), 14, even().times[14] + 0.02)
    moved = beat_changes.move_beat(grid, 16, grid.times[16] - 0.1)
    assert moved.times[:15] == pytest.approx(grid.times[:15])
    locked = beat_changes.lock(even(), even().times[17], 20)
    moved = beat_changes.move_beat(locked, 16, even().times[16] - 0.1)
    assert moved.times[17:] == pytest.approx(even().times[17:])
    with pytest.raises(Problem, match="locked"):
        beat_changes.move_beat(locked, 17, 8.0)


def test_a_beat_cannot_jump_over_one_that_stays():
    grid = beat_changes.move_beat(even(), 14, even().times[14] + 0.02)
    with pytest.raises(Problem, match="no room"):
        beat_changes.move_beat(grid, 16, 5.0)
    with pytest.raises(Problem, match="no room"):
        beat_changes.move_beat(grid, 15, even().times[14] + 0.03)


def test_beats_are_added_and_taken_away():
    grid = beat_changes.insert(even(), 1.0)
    assert len(grid) == 33 and 1.0 in grid.times
    with pytest.raises(Problem, match="already"):
        beat_changes.insert(grid, 1.01)
    fewer = beat_changes.remove(even(), 4)
    assert len(fewer) == 31
    assert fewer.downbeats[1] == pytest.approx(even().times[5])  # the bar begins at the next beat
    assert beats.nearest(grid, 1.02) == 2
    with pytest.raises(Problem, match="no beats yet"):
        beats.nearest(beats.EditedGrid(), 1.0)
    alone = beat_changes.insert(beats.EditedGrid(), 3.0)
    assert alone.downbeats.tolist() == [3.0]


# Locks


def test_locks_join_and_part():
    grid = beat_changes.lock(beat_changes.lock(even(), 1, 3), 2, 5)
    assert grid.locks == ((1, 5),)
    assert beat_changes.unlock(grid, 2, 3).locks == ((1, 2), (3, 5))
    assert beat_changes.unlock(grid, 0, 9).locks == ()
    with pytest.raises(Problem, match="empty"):
        beat_changes.lock(even(), 3, 3)


@pytest.mark.parametrize(
    "change", [beat_changes.half, beat_changes.double, lambda g: beat_changes.nudge(g, 0.01)]
)
def test_where_all_is_locked_nothing_can_be_done(change):
    with pytest.raises(Problem, match="unlock"):
        change(beat_changes.lock(even(), 0, 100))


# What the detector says


def test_a_proposal_replaces_what_nobody_has_touched():
    other = even(gap=0.6, first=0.1, confidence=0.9)
    merged = beat_proposals.merge(even(), other)
    assert merged.times == pytest.approx(other.times) and merged.confidence == 0.9


def test_a_proposal_does_not_touch_edits():
    grid = beat_changes.lock(even(), 9.0, 11.0)
    grid = beat_changes.move_beat(grid, 4, 2.35)
    grid = beat_changes.remove(grid, 30)
    merged = beat_proposals.merge(grid, even(first=0.27))
    kept = ((grid.flags & EDITED) > 0) | grid.locked
    for at, flags in zip(grid.times[kept], grid.flags[kept], strict=True):
        index = beats.nearest(merged, at)
        assert merged.times[index] == at and merged.flags[index] == flags
    assert np.abs(merged.times - even().times[30]).min() > 0.2  # taken away for good
    assert merged.locks == grid.locks
    assert np.diff(merged.times).min() > 0.3


def test_a_proposal_does_not_bring_back_what_half_took_away():
    grid = beat_changes.half(even())
    assert beat_proposals.merge(grid, even()).times[:-1] == pytest.approx(grid.times)


def test_a_proposal_brings_how_clearly_each_of_its_beats_is_heard():
    times, clearly = even(first=0.27).times, np.linspace(0.2, 0.9, 32)
    merged = beat_proposals.merge(
        beat_changes.move_beat(even(), 4, 2.35, reach=0), beats.from_times(times, heard=clearly)
    )
    sure = beats.sureness(merged)
    assert sure[beats.nearest(merged, 2.35)] == 1.0
    assert sure[beats.nearest(merged, times[20])] == pytest.approx(clearly[20])


def test_a_proposal_keeps_the_artists_bars():
    grid = beat_changes.set_downbeat(even(), 0.75, 3)
    merged = beat_proposals.merge(grid, even(first=0.26))
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
        return beat_changes.move_beat(grid, index, grid.times[index] + b)
    if name == "remove":
        return beat_changes.remove(grid, a % len(grid))
    if name == "merge":
        return beat_proposals.merge(grid, even(int(16 / a), a, b))
    if name in ("half", "double"):
        return getattr(beat_changes, name)(grid, (a, b))
    if name in ("nudge", "insert"):
        return getattr(beat_changes, name)(grid, a)
    return getattr(beat_changes, "set_downbeat" if name == "down" else name)(grid, a, b)


@settings(deadline=None)
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


@settings(deadline=None)
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
    merged = beat_proposals.merge(grid, even(int(16 / gap), gap, first))
    assert set(grid.times[kept].tolist()) <= set(merged.times.tolist())
    if len(grid.removed) and len(merged):
        new = merged.times[~np.isin(merged.times, grid.times)]
        assert not len(new) or np.abs(new[:, None] - grid.removed[None]).min() > 0.1

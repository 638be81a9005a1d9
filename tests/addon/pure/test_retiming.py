from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from addon.model.dance import retiming
from addon.model.errors import Problem
from addon.model.tempo import feel, tempo_sections
from addon.model.tempo.playback import Timing
from addon.model.tempo.timing import Span
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.tempo import TempoMap
from tempose_pose.tempo import TempoMap as CoreMap

factors = st.floats(0.5, 2.0)
sections = st.lists(st.tuples(st.floats(0, 20), factors), max_size=4)


def heard(sections=(), left=1.0, seconds=20.0, rate=24.0):
    tempo = TempoMap.from_sections(0.0, seconds, 1.0, sections)
    return Timing(Span(left, float(tempo.to_timeline(seconds)), rate), tempo)


def test_a_ramp_changes_the_tempo_linearly_over_the_section():
    tempo = TempoMap.from_sections(0.0, 20.0, 1.0, [(4.0, 1.0, 2.0), (12.0, 2.0)])
    # ∫ ds / v = 8 ln 2 seconds for a ramp from 1 to 2 over eight seconds of song
    assert float(tempo.to_timeline(12.0)) == pytest.approx(4 + 8 * np.log(2), abs=1e-9)
    song = np.linspace(4, 12, 3001)
    exact = 4 + 8 * np.log(1 + (song - 4) / 8)
    assert np.abs(tempo.to_timeline(song) - exact).max() < 0.0006
    assert len(tempo.points) > 20
    CoreMap(tuple(tempo.points))  # the server takes it


def test_a_ramp_that_begins_before_the_strip_is_heard_from_its_middle_on():
    cut = TempoMap.from_sections(8.0, 4.0, 1.0, [(4.0, 1.0, 2.0), (12.0, 2.0)])
    whole = TempoMap.from_sections(0.0, 20.0, 1.0, [(4.0, 1.0, 2.0), (12.0, 2.0)])
    assert float(cut.to_timeline(12.0)) == pytest.approx(
        float(whole.to_timeline(12.0) - whole.to_timeline(8.0)), abs=0.001
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 20), factors, factors), max_size=4))
def test_any_ramps_make_a_rising_map(ramps):
    tempo = TempoMap.from_sections(2.0, 15.0, 1.0, ramps)
    assert (np.diff(np.asarray(tempo.points), axis=0) > 0).all()
    assert tempo.points[-1][1] == pytest.approx(17.0, abs=1e-5)


@settings(max_examples=80, deadline=None)
@given(sections, sections)
def test_keys_go_to_where_their_song_is_heard_and_back(before, after):
    old, new = heard(before), heard(after, left=13.0)
    frames = np.linspace(*old.ends, 40)
    moved = retiming.new_frames(frames, old, new)
    assert (np.diff(moved) > 0).all()
    assert np.allclose(new.song_at(moved), old.song_at(frames), atol=1e-6)
    assert np.allclose(retiming.new_frames(moved, new, old), frames, atol=1e-5)


def test_keys_beside_the_dance_go_along_with_its_ends():
    old, new = heard(), heard([(0.0, 2.0)], left=11.0)
    assert retiming.new_frames([-9.0, 1.0, 481.0, 500.0], old, new).tolist() == [1.0, 11.0, 251.0, 270.0]


@given(st.lists(st.floats(0, 60), max_size=60, unique=True), st.data())
def test_keys_by_hand_are_never_lost_and_no_two_share_a_frame(frames, data):
    frames = np.sort(frames)
    if len(frames) > 1 and np.diff(frames).min() < 1e-3:
        return
    hand = np.asarray(data.draw(st.lists(st.booleans(), min_size=len(frames), max_size=len(frames))), bool)
    index, placed = retiming.placed(frames, hand)
    assert set(np.flatnonzero(hand)) <= set(index.tolist())
    assert (np.diff(placed) > 0).all()
    assert np.abs(placed - frames[index]).max(initial=0) <= 0.5


def test_only_what_runs_at_another_speed_is_touched():
    old, new = heard(), heard([(6.0, 1.5), (10.0, 1.0)])
    assert retiming.tempo_differs(old.tempo, new.tempo, 0.0, 20.0) == [(6.0, 10.0)]
    assert retiming.tempo_differs(new.tempo, new.tempo, 0.0, 20.0) == []
    ramp = heard([(6.0, 1.0, 1.5), (10.0, 1.0)])
    spans = retiming.joined(retiming.tempo_differs(old.tempo, ramp.tempo, 0.0, 20.0), 0.0, 20.0, 0.5)
    assert len(spans) == 1 and spans[0][0] == pytest.approx(6.0, abs=0.05) and spans[0][1] == 10.0


def test_short_stretches_grow_and_near_ones_join():
    assert retiming.joined([(5.0, 5.1)], 0, 20, 0.5) == [pytest.approx((4.8, 5.3))]
    assert retiming.joined([(5.0, 6.0), (6.3, 7.0)], 0, 20, 0.5) == [(5.0, 7.0)]
    assert retiming.joined([(0.3, 1.0), (18.0, 19.8)], 0, 20, 0.5) == [(0, 1.0), (18.0, 20)]
    assert retiming.joined([(-3.0, 30.0)], 0, 20, 0.5) == [(0, 20)]


@settings(max_examples=80, deadline=None)
@given(sections, st.sampled_from([24.0, 25.0, 30.0, 29.97]), st.booleans())
def test_kept_stretches_are_heard_where_they_were_danced(after, rate, whole):
    old, new = heard(rate=rate), heard(after, rate=rate)
    touched = retiming.joined(retiming.tempo_differs(old.tempo, new.tempo, 0.0, 20.0), 0.0, 20.0, 0.54)
    kept = retiming.pieces(touched, old, new, whole)
    assert kept[0].start == -np.inf and kept[-1].stop == np.inf
    assert all(a.stop <= b.start + 1e-6 for a, b in pairwise(kept))
    for piece in kept:
        a, b = max(piece.start, new.ends[0]), min(piece.stop, new.ends[1])
        frames = np.linspace(a, b, 9)[1:-1]
        if b - a < 2:
            continue
        off = np.abs(old.song_at(frames - piece.shift) - new.song_at(frames)).max() * rate
        assert off <= (0.51 * 2 if whole else 0.01)  # half a frame of the timeline, at up to twice the speed
        assert not whole or piece.shift == round(piece.shift)


def test_half_time_keeps_every_second_beat_and_bar_and_double_time_adds_them():
    beats, bars = np.arange(0, 20, 0.5).tolist(), np.arange(0, 20, 2.0).tolist()
    half, half_bars = feel.heard(beats, bars, [(4.0, 12.0, "HALF")])
    inside = [b for b in half if 4 <= b < 12]
    assert inside == np.arange(4.0, 12.0, 1.0).tolist()
    assert [b for b in half_bars if 4 <= b < 12] == [4.0, 8.0]
    assert [b for b in half if not 4 <= b < 12] == [b for b in beats if not 4 <= b < 12]
    double, double_bars = feel.heard(beats, bars, [(4.0, 8.0, "DOUBLE")])
    assert [b for b in double if 4 <= b < 8] == np.arange(4.0, 8.0, 0.25).tolist()
    assert [b for b in double_bars if 4 <= b < 8] == [4.0, 5.0, 6.0, 7.0]
    assert feel.heard(beats, bars, []) == (beats, bars)


def test_double_time_of_three_four_begins_its_bars_between_the_old_beats():
    beats, bars = np.arange(0, 12, 0.5).tolist(), np.arange(0, 12, 1.5).tolist()
    double, double_bars = feel.heard(beats, bars, [(3.0, 6.0, "DOUBLE")])
    assert [b for b in double_bars if 3 <= b < 6] == [3.0, 3.75, 4.5, 5.25]
    assert set(double_bars) <= set(double)


@pytest.mark.parametrize("mode", ["HALF", "DOUBLE"])
def test_a_passage_touches_itself_and_no_more(mode):
    beats, bars = np.arange(0, 20, 0.5).tolist(), np.arange(0, 20, 2.0).tolist()
    other = feel.heard(beats, bars, [(4.0, 12.0, mode)])
    spans = retiming.joined(feel.differing((beats, bars), other, 0.0, 20.0), 0.0, 20.0, 0.5)
    assert len(spans) == 1
    assert spans[0] == (4.0, 12.0)
    assert feel.differing(other, other, 0.0, 20.0) == []


def test_the_local_tempo_is_that_of_the_section():
    beats = [*np.arange(0, 10, 0.5), *np.arange(10, 20, 0.4)]
    assert feel.local_bpm(beats, 0, 10) == pytest.approx(120)
    assert feel.local_bpm(beats, 10, 20) == pytest.approx(150)
    assert feel.local_bpm(beats, 12.1, 12.2) == pytest.approx(150)
    assert feel.local_bpm(beats, 3.1, 1e9) > 0
    assert feel.local_bpm([1.0], 0, 5) == 0.0


def test_bars_are_named_as_the_markers_name_them():
    bars = np.arange(0, 40, 2.0)
    assert retiming.bars(bars, [(16.0, 24.0)]) == "bars 9–12"
    assert retiming.bars(bars, [(0.0, 2.0)]) == "bar 1"
    assert retiming.bars(bars, [(0.0, 2.0), (5.0, 5.5), (8.0, 12.0)]) == "bars 1, 3 and 5–6"
    assert retiming.bars([], [(0.0, 2.0)]) == ""


def section(start, **values):
    usual = {
        "kind": "FACTOR",
        "factor": 1.0,
        "bpm": 120.0,
        "ramp": False,
        "last_factor": 1.0,
        "last_bpm": 120.0,
    }
    return SimpleNamespace(start=start, **{**usual, "feel": "NORMAL", **values})


def test_sections_become_speeds_in_order_and_a_target_counts_the_whole_strips_factor():
    assert tempo_sections.speeds([], 20.0, 1.0, []) == []
    made = [section(8.0, factor=1.2), section(2.0, kind="BPM", bpm=180.0, ramp=True, last_bpm=90.0)]
    beats = np.arange(0, 20, 0.5).tolist()
    assert tempo_sections.speeds(made, 20.0, 1.5, beats) == [
        (2.0, pytest.approx(1.0), pytest.approx(0.5)), (8.0, 1.2, 1.2)
    ]  # fmt: skip
    with pytest.raises(Problem, match="Find Beats"):
        tempo_sections.speeds(made, 20.0, 1.0, [])
    with pytest.raises(Problem, match="out of reach"):
        tempo_sections.speeds([section(0.0, kind="BPM", bpm=900.0)], 20.0, 1.0, beats)


def test_passages_last_up_to_the_next_section():
    made = [section(8.0), section(2.0, feel="HALF")]
    assert tempo_sections.passages(made, 20.0) == [(2.0, 8.0, "HALF")]
    assert tempo_sections.passages([], 20.0) == []

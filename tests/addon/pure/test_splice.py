import math

import numpy as np
import pytest
from addon.model.dance.retiming import Piece
from addon.model.keys.key_arrays import BEZIER, COLUMNS, CONSTANT, FREE, CurveKeys, concatenate, cut_at, split
from addon.model.keys.key_marks import ALIGNED
from addon.model.keys.seam import MEET_SECONDS
from addon.model.keys.splice import Moves, retimed, spliced
from addon.model.tempo.playback import Timing
from addon.model.tempo.timing import Span
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.tempo import TempoMap


def keys(frames, values=None, by_hand=()):
    frames = np.asarray(frames, float)
    out = CurveKeys.new(frames, np.sin(frames / 7) if values is None else values)
    out.by_hand[list(by_hand)] = True
    return out


def at(keys, frame):
    """A curve's value at a frame, as Blender plays it."""
    low = int(np.clip(np.searchsorted(keys.frames, frame, "right") - 1, 0, len(keys) - 2))
    if abs(keys.frames[low] - frame) < 1e-6:
        return keys.values[low]
    return float(split(keys, low, frame)[1].values[0])


def heard(left=1.0, seconds=10.0, sections=()):
    tempo = TempoMap.from_sections(0.0, seconds, 1.0, sections)
    return Timing(Span(left, float(tempo.to_timeline(seconds)), 24.0), tempo)


PIECES = [Piece(-math.inf, 100, 0), Piece(160, math.inf, -20)]


def test_kept_keys_are_bit_identical_and_moved_by_the_shift():
    base, fresh = keys(range(1, 241)), keys(range(1, 221), np.cos(np.arange(220)))
    out = spliced(base, fresh, PIECES, 24.0, lambda f: at(fresh, f), Moves(heard(), heard()))
    before, after = out.frames < 100, out.frames >= 160
    assert np.array_equal(out.co[before], base.co[:99])
    assert np.array_equal(out.co[after, 1], base.co[179:, 1])
    assert np.array_equal(out.frames[after], base.frames[179:] - 20)
    assert np.array_equal(out.frames, np.arange(1, 221))


@pytest.mark.parametrize("miss", [0.0, 0.4, -2.0])
def test_new_keys_meet_the_kept_ones_however_far_off_they_are(miss):
    base, fresh = keys(range(1, 241)), keys(range(1, 221), np.sin(np.arange(1, 221) / 7) + miss)
    pieces = [Piece(-math.inf, 100, 0), Piece(160, math.inf, 0)]
    out = spliced(base, fresh, pieces, 24.0, lambda f: at(fresh, f), Moves(heard(), heard()))
    steps = np.abs(np.diff(out.values))
    usual = np.abs(np.diff(base.values)).max()
    assert steps[[98, 158]].max() < usual + abs(miss) * 0.03
    assert np.allclose(out.values[125:135], fresh.values[125:135], atol=1e-6)


def test_whole_turns_are_taken_off_and_a_turn_between_the_ends_is_a_jump():
    base = keys(range(1, 241))
    turned = keys(
        range(1, 241),
        np.where(np.arange(1, 241) < 130, 0, -2 * np.pi) + np.sin(np.arange(1, 241) / 7) + 4 * np.pi,
    )
    pieces = [Piece(-math.inf, 100, 0), Piece(160, math.inf, 0)]
    out = spliced(base, turned, pieces, 24.0, lambda f: at(turned, f), Moves(heard(), heard()), angle=True)
    assert abs(out.values[99] - base.values[99]) < 0.01
    wrapped = np.abs(np.angle(np.exp(1j * np.diff(out.values))))
    assert wrapped.max() < 0.2
    assert out.columns["interpolation"][out.frames == 159] == CONSTANT


def few(frames, kind=0, phase=0.0):
    """Keys with handles as dances have them, of whole poses where `kind` is not that of generated ones."""
    out = keys(frames, np.sin(np.asarray(frames) / 12 + phase))
    gaps = np.diff(out.frames)
    for array, gap, sign in (
        (out.left, np.r_[gaps[0], gaps] / 3, -1),
        (out.right, np.r_[gaps, gaps[-1]] / 3, 1),
    ):
        slopes = np.cos(out.frames / 12 + phase) / 12
        array[:] = np.stack([out.frames + sign * gap, out.values + sign * gap * slopes], 1)
    for side in ("left", "right"):
        out.columns[f"handle_{side}_type"][:] = ALIGNED
    out.columns["type"][:] = kind
    return out


@pytest.mark.parametrize("last_before", [99, 97, 88, 70])
@pytest.mark.parametrize("kind", [0, 5])
def test_few_kept_keys_keep_everything_and_new_ones_join_them(last_before, kind):
    base = few([1, 20, 45, last_before, 112, 131, 148, 175, 200, 240], kind)
    fresh = few([1, 60, 110, 140, 180, 220], kind, 0.8)
    pieces = [Piece(-math.inf, 100, 0), Piece(160, math.inf, 0)]
    out = spliced(base, fresh, pieces, 24.0, lambda f: at(fresh, f), Moves(heard(), heard()))
    for side in (out.frames < 100, out.frames >= 160):
        there = (base.frames < 100) if side[0] else (base.frames >= 160)
        assert side.sum() - there.sum() in (0, 1)  # one more beside the outermost where handles do not do
        at_old = side & np.isin(out.frames, base.frames)
        for name in ("co", "left", "right"):
            assert np.array_equal(getattr(out, name)[at_old], getattr(base, name)[there])
        assert all(np.array_equal(out.columns[n][at_old], base.columns[n][there]) for n in COLUMNS)
    new = out.frames[(out.frames >= 100) & (out.frames < 160)]
    assert set(new) == {110, 140, 159} | ({100} if last_before < 99 else set())
    for frame in [*range(1, 100), *range(160, 241)]:
        assert at(out, frame) == pytest.approx(at(base, frame), abs=0.01)
    steps = np.diff([at(out, f) for f in np.arange(90, 170, 0.5)])
    assert np.abs(np.diff(steps)).max() < 0.05  # neither a jump nor a kink


def test_a_stretch_without_keys_between_two_that_are_danced_again_plays_as_before():
    base, fresh = few([1, 60, 150, 240]), few([1, 80, 118, 200, 240], 0, 2.0)
    pieces = [Piece(-math.inf, 70, 0), Piece(100, 120, 0), Piece(140, math.inf, 0)]
    out = spliced(base, fresh, pieces, 24.0, lambda f: at(fresh, f), Moves(heard(), heard()))
    assert not ((out.frames >= 100) & (out.frames < 120)).any()
    for frame in range(99, 121):
        assert at(out, frame) == pytest.approx(at(base, frame), abs=1e-5)


def test_an_artists_key_beside_the_range_plays_as_before_with_handles_that_stay():
    base = keys([1, 20, 45, 80, 120, 175, 200], by_hand=range(7))  # handles that Blender works out
    fresh = few([1, 60, 110, 140, 180])
    pieces = [Piece(-math.inf, 100, 0), Piece(160, math.inf, 0)]
    out = spliced(base, fresh, pieces, 24.0, lambda f: at(fresh, f), Moves(heard(), heard()))
    kinds = dict(zip(out.frames.tolist(), out.columns["handle_right_type"].tolist(), strict=True))
    assert kinds[80] == kinds[175] == ALIGNED and kinds[45] == base.columns["handle_right_type"][2]
    assert np.array_equal(out.right[out.frames == 80], base.right[base.frames == 80])


def test_a_key_between_two_does_not_change_the_curve():
    waves = few([1, 20, 45, 90])
    for frame in np.arange(1, 90, 0.7):
        assert at(cut_at(waves, 33), frame) == pytest.approx(at(waves, frame), abs=1e-4)
    base = keys([1, 20, 45], [0.0, 3.0, -1.0])
    before, middle, after = split(base, 0, 13)
    base.right[0], base.left[1] = before, after
    longer = concatenate([base, middle])
    assert len(longer) == 4
    whole = keys([1, 20, 45], [0.0, 3.0, -1.0])
    for frame in np.arange(1, 45, 0.7):
        assert at(longer, frame) == pytest.approx(at(whole, frame), abs=1e-4)
    stepped = keys([1, 20], [2.0, 5.0]).changed(0, interpolation=CONSTANT)
    assert split(stepped, 0, 10)[1].values[0] == 2.0


def test_hand_set_keys_inside_of_what_is_danced_again_move_and_stay():
    base = keys(range(1, 241), by_hand=[120])  # frame 121: 5 s into the song
    base.co[120, 1] = 9.0
    new = heard(sections=[(4.0, 2.0), (6.0, 1.0)])
    fresh = keys(range(1, 217))
    out = spliced(
        base,
        fresh,
        [Piece(-math.inf, 97, 0), Piece(121, math.inf, -24)],
        24.0,
        lambda f: at(fresh, f),
        Moves(heard(), new),
    )
    assert out.frames[out.by_hand].tolist() == [109.0]  # 4 s, and one at double speed
    assert out.values[out.by_hand].tolist() == [9.0]
    assert len(np.unique(out.frames)) == len(out)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(105, 155), min_size=1, max_size=4, unique=True).map(sorted),
    st.floats(-2, 2),
    st.integers(0, 3),
)
def test_the_new_dance_leads_through_a_key_set_by_hand_without_a_spike(frames, off, turns):
    base = keys(range(1, 241), by_hand=[f - 1 for f in frames])
    for f in frames:
        base.co[f - 1, 1] += off
    fresh = keys(range(1, 241), np.sin(np.arange(1, 241) / 7) + 2 * np.pi * turns)
    pieces = [Piece(-math.inf, 100, 0), Piece(160, math.inf, 0)]
    out = spliced(base, fresh, pieces, 24.0, lambda f: at(fresh, f), Moves(heard(), heard()), angle=True)
    for f in frames:
        assert out.by_hand[f - 1]
        assert out.values[f - 1] == pytest.approx(base.values[f - 1], abs=1e-5)
    steps = np.abs(np.diff(out.values))
    reach = min(MEET_SECONDS * 24, *(min(f - 99, 160 - f) for f in frames))
    assert steps.max() < 1 / 7 + abs(off) * np.pi / 2 / reach + 1e-3  # a key alone would be off by all of it
    assert np.allclose(out.values[:99], base.values[:99])


def test_retiming_moves_every_key_and_handle_with_the_tempo():
    base = keys([1, 49, 97, 145])
    for side in ("left", "right"):
        base.columns[f"handle_{side}_type"][:] = FREE
    out = retimed(base, Moves(heard(), heard(sections=[(2.0, 0.5)])))
    assert out.frames.tolist() == [1, 49, 145, 241]
    assert np.array_equal(out.co[:, 1], base.co[:, 1])
    assert np.allclose(out.right[2] - out.co[2], (2 / 3, 0), atol=1e-3)
    same = retimed(base, Moves(heard(), heard()))
    assert np.array_equal(same.co, base.co) and np.array_equal(same.left, base.left)


def test_dense_keys_stay_on_whole_frames_unless_exact_places_are_wanted():
    base, new = keys(range(1, 241), by_hand=[100, 101, 102]), heard(sections=[(0.0, 1.9)])
    out = retimed(base, Moves(heard(), new))
    generated = ~out.by_hand
    assert np.array_equal(out.frames[generated], np.round(out.frames[generated]))
    assert out.by_hand.sum() == 3 and (np.diff(out.frames) > 0).all()
    exact = retimed(base, Moves(heard(), new, whole=False))
    assert len(exact) == 240
    assert np.allclose(exact.frames, 1 + (base.frames - 1) / 1.9, atol=1e-4)


def test_every_column_of_a_key_goes_along():
    base = keys([1, 2, 3]).changed(1, easing=2, type=3, interpolation=CONSTANT)
    out = retimed(base, Moves(heard(), heard(sections=[(0.0, 0.5)])))
    assert all(np.array_equal(out.columns[n], base.columns[n]) for n in COLUMNS)
    assert out.columns["interpolation"].tolist() == [BEZIER, CONSTANT, BEZIER]

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.tempo import ranges
from addon.model.tempo.timing import Span
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.tempo import TempoMap

SPAN = Span(11.0, 20.0, 24.0)


def test_frames_are_both_danced_and_cut_to_the_strip():
    assert ranges.of_frames(SPAN, 35, 58) == (1.0, 2.0)
    assert ranges.of_frames(SPAN, -100, 34) == (0.0, 1.0)
    assert ranges.of_frames(SPAN, 467, 9999) == (19.0, 20.0)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(40, 30, "range_backwards"), (1000, 1100, "range_outside"), (35, 40, "range_short")],
)
def test_a_range_that_cannot_be_danced_says_why(first, last, code):
    with pytest.raises(Problem) as caught:
        ranges.of_frames(SPAN, first, last)
    assert caught.value.code == code


def test_bars_begin_on_downbeats_and_bar_0_lies_before():
    downs = [0.5, 2.5, 4.5]
    assert ranges.bar_frames(SPAN, downs, 1, 1) == (23, 70)
    assert ranges.bar_frames(SPAN, downs, 0, 0) == (11, 22)
    assert ranges.bar_frames(SPAN, downs, 2, 9) == (71, 490)  # to the end
    assert [ranges.bar_at(downs, s) for s in (0.0, 0.5, 2.4999, 2.5, 99.0)] == [0, 1, 1, 2, 3]
    for downbeats, bar in (([], 1), (downs, 4)):
        with pytest.raises(Problem):
            ranges.bar_frames(SPAN, downbeats, bar, bar)


@given(
    st.lists(st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)), min_size=1, max_size=8),
    st.floats(0, 0.6),
    st.floats(0.05, 0.4),
)
def test_the_song_goes_on_in_a_part_as_it_does_in_the_whole(steps, start, length):
    pieces = [(seconds, seconds * speed) for seconds, speed in steps]
    points = np.concatenate([[[0.0, 3.0]], np.cumsum(pieces, 0) + np.array([0, 3])])
    whole, end = TempoMap(points), points[-1][0]
    start, stop = start * end, (start + length) * end
    part = ranges.cut(whole, start, stop)
    assert part.points[0][0] == 0
    at = np.linspace(0, stop - start, 50)
    assert np.allclose(part.to_song(at), whole.to_song(start + at), atol=1e-4)

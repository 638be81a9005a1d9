"""What is drawn of a beat grid, computed without a window."""

import numpy as np
import pytest
from addon.model.music import beat_changes, beats
from addon.model.music.beat_view import GRAB, LABEL_GAP, LINE_GAP, View, grab, lay, picture
from addon.model.tempo.timing import Span
from hypothesis import given
from hypothesis import strategies as st

from tempose_pose.tempo import TempoMap

RATE = 24.0


def grid(count=64, gap=0.5, metre=4, confidence=1.0):
    times = 0.25 + gap * np.arange(count)
    return beats.from_times(times, times[::metre], confidence)


def laid(some=None, start=0.0, factor=1.0, left=1.0, seconds=None):
    some = grid() if some is None else some
    length = float(some.times[-1]) + 1
    span = Span(left, (length - start) / factor if seconds is None else seconds, RATE)
    return lay(some, span, TempoMap([(0, start), (1, start + factor)]))


def view(first=0.0, last=200.0, width=1000, scale=1.0, **more):
    return View(first, last, width, 300, 280.0, scale, **more)


def test_beats_lie_at_the_frames_where_they_are_heard():
    found = laid(start=2.0, factor=2.0, left=11.0)
    heard = grid().times[grid().times >= 2.0]
    assert found.frames == pytest.approx(11 + (heard - 2) / 2 * RATE)
    assert (found.index == np.flatnonzero(grid().times >= 2.0)).all()


def test_beats_outside_of_the_sound_are_not_drawn():
    found = laid(seconds=4.0)
    assert found.frames.max() < 1 + 4 * RATE + 1e-3
    assert len(found.frames) == 8


def test_a_line_stands_on_each_visible_beat():
    seen = picture(laid(), view(50, 150))
    frames = laid().frames
    inside = frames[(frames >= 50) & (frames <= 150)]
    assert seen.at == pytest.approx((inside - 50) * 10)
    boxes = seen.rects[seen.rects[:, 1] == 0]  # lines that go all the way down
    assert sorted(boxes[:, 0]) == pytest.approx(sorted(np.floor(seen.at)))


def test_lines_need_not_cross_the_editor():
    seen = picture(laid(), view(lines=False))
    assert (seen.rects[:, 1] > 0).all()


def test_the_ruler_may_lie_at_the_bottom_where_there_is_room():
    for height, bottom in ((300, 28), (40, 0)):
        seen = picture(laid(), View(0, 200, 1000, height, height - 23.0, low=28.0))
        labels = [y for _, y, _, _ in seen.labels]
        assert bottom < min(labels) < bottom + 20
        assert seen.rects[:, 3].max() <= max(height - 23, 20)


def test_bars_are_numbered_from_their_downbeats():
    seen = picture(laid(), view(0, 200))
    frames = laid().frames
    for x, _, text, _ in seen.labels:
        if "." not in text:
            at = frames[4 * (int(text) - 1)]
            assert x == pytest.approx(np.floor(at * 5) + 4)
    assert [text for *_, text, _ in seen.labels if "." not in text][:3] == ["1", "2", "3"]


def test_wide_beats_are_numbered_too():
    assert "1.2" in [label[2] for label in picture(laid(), view(0, 60)).labels]
    assert not [label for label in picture(laid(), view(0, 500)).labels if "." in label[2]]


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("frames", [100, 1000, 5000, 50_000, 1_000_000])
def test_lines_and_numbers_never_crowd(frames, scale):
    seen = picture(laid(grid(2000)), view(0, frames, 1500, scale))
    assert len(seen.at) >= 1
    if len(seen.at) > 1:
        assert np.diff(seen.at).min() >= LINE_GAP * scale - 1e-6
    places = [label[0] for label in seen.labels]
    if len(places) > 1:
        assert np.diff(places).min() >= LABEL_GAP * scale - 1.01
    assert len(seen.rects) < 4000  # as many as the screen has room for, not as the song has beats


def test_only_the_visible_part_is_made():
    whole = laid(grid(2000))
    seen = picture(whole, view(10_000, 10_200))
    assert 15 < len(seen.at) < 19
    assert len(seen.rects) < 80
    assert (seen.rects[:, [0, 2]] >= -3).all() and (seen.rects[:, [0, 2]] <= 1003).all()


def test_nothing_is_drawn_where_there_is_nothing():
    assert not len(
        picture(lay(beats.EditedGrid(), Span(1, 5, RATE), TempoMap([(0, 0), (1, 1)])), view()).rects
    )
    assert not len(picture(laid(), view(10, 10)).rects)
    assert not len(picture(laid(), View(0, 10, 0, 0, 0)).rects)


def test_an_unsure_grid_looks_unlike_a_sure_one():
    sure, unsure = (picture(laid(grid(confidence=c)), view()).colors for c in (1.0, 0.1))
    assert sure.shape == unsure.shape
    assert np.abs(sure - unsure).max() > 0.3


def luminance(rgb):
    rgb = np.asarray(rgb, float)
    linear = np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("confidence", [0.0, 1.0])
@pytest.mark.parametrize(("light", "back"), [(False, 0.16), (True, 0.70)])
def test_bars_and_numbers_stand_out_from_both_themes(light, back, confidence):
    # Backgrounds of the sequencer in Blender's own dark and light themes, under our half-transparent ruler.
    seen = picture(laid(grid(confidence=confidence)), view(light=light))
    ground = back * 0.55 if not light else back * 0.45 + 0.55
    below = luminance([ground] * 3)
    ticks = seen.colors[(seen.rects[:, 3] == 280) & (seen.colors[:, 3] == 1)]
    shades = [*ticks[:, :3], *[label[3][:3] for label in seen.labels]]
    assert len(shades) > 5
    for shade in shades:
        high, low = sorted((luminance(shade), below), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3


def test_locks_are_shown_where_they_are():
    some = beat_changes.lock(grid(), 2.0, 4.0)
    seen = picture(laid(some), view(0, 200, 1000))
    blue = seen.rects[(seen.colors[:, 3] == 1.0) & (seen.colors[:, 2] == 1.0) & (seen.rects[:, 3] == 280)]
    assert blue[0, [0, 2]] == pytest.approx([(1 + 48) * 5, (1 + 96) * 5])


def test_the_beat_under_the_mouse():
    seen = picture(laid(), view(0, 200))
    assert grab(seen, seen.at[3] + GRAB - 0.1) == 3
    assert grab(seen, (seen.at[3] + seen.at[4]) / 2) is None
    assert grab(seen, seen.at[3] + 1.5 * GRAB, scale=2.0) == 3
    assert grab(picture(laid(), view(10, 10)), 3) is None


def test_the_held_beat_is_drawn_on_top():
    seen = picture(laid(), view(0, 200), held=5)
    assert seen.rects[-1, 0] == pytest.approx(np.floor(seen.at[5]) - 1)


@given(
    st.floats(-1e5, 1e5), st.floats(0.5, 1e6), st.integers(1, 4000), st.floats(0.5, 3),
    st.floats(0.25, 2), st.booleans(), st.integers(1, 60),
)  # fmt: skip
def test_any_view_can_be_drawn(first, width, pixels, scale, gap, light, count):
    found = laid(grid(count, gap))
    seen = picture(found, View(first, first + width, pixels, 200, 180, scale, light))
    assert np.isfinite(seen.rects).all()
    assert (seen.rects[:, 2] >= seen.rects[:, 0]).all() and (seen.rects[:, 3] >= seen.rects[:, 1]).all()
    assert (seen.colors >= 0).all() and (seen.colors <= 1).all()
    assert len(seen.rects) == len(seen.colors)

"""The beat grid: written, read and described."""

import json

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.music import beat_changes, beats
from grids_for_tests import even


def test_a_grid_survives_being_written():
    grid = beat_changes.lock(beat_changes.move_beat(even(), 5, 2.8), 1.0, 2.0)
    grid = beat_changes.remove(grid, 12)
    back = beats.from_json(json.dumps(grid.to_plain()))
    assert back.times == pytest.approx(grid.times, abs=1e-6)
    assert (back.flags == grid.flags).all()
    assert (back.locks, back.confidence) == (grid.locks, grid.confidence)
    assert back.removed == pytest.approx(grid.removed)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"times": [1, 1], "flags": [0, 0], "locks": [], "removed": [], "confidence": 1}',
     '{"times": [1], "flags": [], "locks": [], "removed": [], "confidence": 1}',
     '{"times": [1], "flags": [0], "locks": [[1]], "removed": [], "confidence": 1}',
     '{"times": [1], "flags": [0], "locks": [], "removed": [], "confidence": 1, "heard": [[1, 2], [1, 2]]}',
     '{"times": [1], "flags": [0], "locks": [], "removed": [], "confidence": 1, "heard": [1]}'],
)  # fmt: skip
def test_a_damaged_grid_is_refused_in_words(text):
    with pytest.raises(Problem):
        beats.from_json(text)


def test_the_tempo_of_a_song_that_changes_it_is_said_from_where_to_where():
    times = np.cumsum([0.25, *[0.6] * 16, *[0.46] * 16])
    assert beats.tempo_in_words(beats.EditedGrid(times, np.zeros(33, int))) == "100 to 130 BPM"
    shaken = even(32).times + 0.01 * np.random.default_rng(1).standard_normal(32)
    assert beats.tempo_in_words(beats.EditedGrid(shaken, np.zeros(32, int))).startswith("1")
    assert "to" not in beats.tempo_in_words(beats.EditedGrid(shaken, np.zeros(32, int)))
    assert beats.tempo_in_words(even(1)) == "0.0 BPM"


def test_a_request_holds_beats_and_downbeats():
    asked = even(8).beat_grid
    assert asked.beats == pytest.approx(0.25 + 0.5 * np.arange(8))
    assert asked.downbeats == pytest.approx([0.25, 2.25])


def test_bars_are_counted_from_the_first_downbeat():
    grid = beats.from_times([0, 1, 2, 3, 4, 5], [2, 5])
    bars, places = beats.bar_numbers(grid)
    assert bars.tolist() == [0, 0, 1, 1, 1, 2]
    assert places.tolist() == [1, 2, 1, 2, 3, 1]


def test_metre_and_tempo_are_read_off():
    assert even().bpm == pytest.approx(120)
    assert [even(metre=m).metre for m in (2, 3, 4, 5, 7)] == [2, 3, 4, 5, 7]
    assert (beats.EditedGrid().metre, beats.EditedGrid().bpm) == (4, 0.0)


def test_confidence_in_words_and_by_beat():
    words = [beats.in_words(even(confidence=c)) for c in (0.9, 0.5, 0.1)]
    assert len(set(words)) == 3
    assert words[0] == "sure" and words[2] == "not sure: check the tempo"
    assert beats.in_words(beat_changes.half(even(confidence=0.1))) == "set by you"


def test_each_beat_is_as_sure_as_the_detector_hears_it_and_the_artists_are_sure():
    times, clearly = even().times, np.linspace(0.1, 0.9, 32)
    grid = beats.from_times(times, times[::4], 0.8, heard=clearly)
    assert beats.sureness(grid) == pytest.approx(clearly)
    moved = beat_changes.move_beat(grid, 3, grid.times[3] + 0.05, reach=0)
    sure = beats.sureness(moved)
    assert sure[3] == 1.0 and np.delete(sure, 3) == pytest.approx(np.delete(clearly, 3))
    locked = beats.sureness(beat_changes.lock(grid, times[5], times[9]))
    assert (locked[5:10] == 1.0).all() and locked[10] == pytest.approx(clearly[10])
    back = beats.from_json(json.dumps(grid.to_plain()))
    assert beats.sureness(back) == pytest.approx(clearly, abs=1e-3)


def test_where_the_detector_says_nothing_of_single_beats_its_word_on_the_whole_counts():
    assert beats.sureness(even(confidence=0.8)) == pytest.approx(np.full(32, 0.8))
    old = even(confidence=0.6).to_plain()
    del old["heard"]  # as version 0.2 wrote it
    assert beats.sureness(beats.from_plain(old)) == pytest.approx(np.full(32, 0.6))

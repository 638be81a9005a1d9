"""Songs with form: sections that differ in loudness and in who plays, stops that are silent, endings that end."""

import os
from pathlib import Path

import numpy as np
import pytest

from tempose.datasets.form import FOLLOWS, KINDS, SILENT, SongForm, SongSection, applied, draw_form, drum_roll
from tempose.datasets.synth import SampleLibrary, beat_seconds, render_song
from tempose.music.spectra import SAMPLE_RATE

DATA = Path(os.environ.get("TEMPOSE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "fluidr3" / "zones.json").is_file(), reason="no training data: set TEMPOSE_DATA to its folder"
)
ROLES = ("drums", "bass", "chords", "lead")
SONG = SongForm((
    SongSection("verse", 0, 2, -6, -6), SongSection("build", 2, 2, -12, -2), SongSection("drop", 4, 2, 0, 0, stop=2),
    SongSection("break", 6, 2, -20, -20, frozenset({"drums", "bass"})), SongSection("silence", 8, 1, SILENT, SILENT),
    SongSection("ending", 9, 2, 0, 0),
))  # fmt: skip


def loudness(samples, seconds, first, end):
    """Decibels of the beats from first up to end."""
    part = samples[int(seconds[first] * SAMPLE_RATE) : int(seconds[end] * SAMPLE_RATE)]
    return 20 * np.log10(np.sqrt(np.mean(part.astype(float) ** 2)) + 1e-9)


def test_forms_fill_the_song_and_follow_the_rules():
    kinds = set()
    for seed in range(60):
        form = draw_form(np.random.default_rng(seed), 32, ROLES)
        assert form.bars == 32
        assert [s.first for s in form.sections] == list(np.cumsum([0] + [s.bars for s in form.sections[:-1]]))
        assert form.sections[-1].kind == "ending"
        for a, b in zip(form.sections[:-2], form.sections[1:-1], strict=True):
            assert b.kind in FOLLOWS[a.kind]
        for s in form.sections:
            assert s.resting < set(ROLES)
        kinds |= {s.kind for s in form.sections}
    assert kinds == set(KINDS)


def test_the_same_seed_draws_the_same_form():
    a, b, c = (draw_form(np.random.default_rng(seed), 24, ROLES) for seed in (1, 1, 2))
    assert a == b != c


def test_nobody_plays_where_the_form_says_so():
    beats = np.arange(0, 44, 0.5)
    assert not SONG.plays("drums", beats[(beats >= 24) & (beats < 36)]).any()
    assert SONG.plays("chords", beats[(beats >= 24) & (beats < 32)]).all()
    assert not SONG.plays("chords", beats[(beats >= 22) & (beats < 23.9)]).any()  # the stop before the break
    last_bar = beats[beats >= 40]
    assert SONG.plays("drums", last_bar).tolist() == [True] + [False] * 7  # one last hit


def test_rolls_become_faster_and_louder_towards_the_drop():
    hits = drum_roll(np.random.default_rng(0), SONG)
    assert hits[0, 0] == 8
    assert hits[-1, 0] < 16
    gaps = np.diff(hits[:, 0])
    assert (np.diff(gaps) <= 0).all()
    assert hits[-1, 2] > hits[0, 2] + 0.3


def test_levels_are_those_of_the_form():
    seconds = beat_seconds(120, 44)
    noise = np.random.default_rng(0).normal(0, 0.1, int(seconds[-1] * SAMPLE_RATE)).astype(np.float32)
    shaped = applied(noise, SONG, seconds, SAMPLE_RATE)
    whole = loudness(noise, seconds, 0, 44)
    for first, end, level in ((1, 8, -6), (16.5, 22, 0), (24.5, 32, -20)):
        assert loudness(shaped, seconds, int(np.ceil(first)), end) - whole == pytest.approx(level, abs=0.5)
    assert loudness(shaped, seconds, 14, 16) - loudness(shaped, seconds, 8, 10) == pytest.approx(7.5, abs=1)
    assert loudness(shaped, seconds, 23, 24) - whole < -60  # the stop
    assert loudness(shaped, seconds, 33, 36) - whole < -60  # the silence
    assert loudness(shaped, seconds, 43, 44) < loudness(shaped, seconds, 40, 41) - 6  # the end dies away


@needs_data
@pytest.mark.parametrize("genre", ["house", "rock", "strings"])
def test_rendered_songs_are_loud_and_quiet_where_their_form_says_so(genre):
    library = SampleLibrary(DATA)
    samples, grid = render_song(np.random.default_rng(3), library, 120.0, 11, genre=genre, form=SONG)
    again, _ = render_song(np.random.default_rng(3), library, 120.0, 11, genre=genre, form=SONG)
    np.testing.assert_array_equal(samples, again)
    seconds = np.append(grid.beats, grid.beats[-1] + 0.5)
    drop, quiet, silence = (loudness(samples, seconds, a, b) for a, b in ((16, 22), (25, 32), (33, 36)))
    assert quiet < drop - 8
    assert silence < drop - 45
    assert loudness(samples, seconds, 23, 24) < drop - 45
    assert loudness(samples, seconds, 0, 8) < drop - 1

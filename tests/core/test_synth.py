"""Training music: what is heard lies on the grid that comes with it."""

import os
from pathlib import Path

import numpy as np
import pytest

from tempose.datasets.arrange import drums_by_program, swung
from tempose.datasets.genres import GENRES, GENRES_FOR_STYLE
from tempose.datasets.gmd import load_takes, quantised
from tempose.datasets.patterns import PATTERNS
from tempose.datasets.synth import SampleLibrary, beat_seconds, render_song
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.request import STYLES

DATA = Path(os.environ.get("TEMPOSE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "fluidr3" / "zones.json").is_file(), reason="no training data: set TEMPOSE_DATA to its folder"
)


@pytest.fixture(scope="module")
def library():
    return SampleLibrary(DATA)


def onset_offset(samples, beats):
    """Seconds by which the folded spectral flux peaks after the beats."""
    import librosa

    flux = librosa.onset.onset_strength(y=samples, sr=SAMPLE_RATE, hop_length=110, n_fft=1024)
    times = np.arange(len(flux)) * 110 / SAMPLE_RATE
    lags = np.arange(-0.08, 0.0801, 0.005)
    return lags[np.argmax([np.interp(beats + lag, times, flux).mean() for lag in lags])]


def test_beats_follow_each_other_at_the_tempo_given():
    np.testing.assert_allclose(beat_seconds(120, 4, 0.25), [0.25, 0.75, 1.25, 1.75, 2.25])
    np.testing.assert_allclose(beat_seconds([60, 120], 3), [0, 1, 1.5, 2])


@pytest.mark.parametrize("bpm", [0, -3, 19, 500, float("nan"), [100, float("inf")]])
def test_a_tempo_that_nobody_can_play_is_refused(bpm):
    with pytest.raises(TemposeError) as caught:
        beat_seconds(bpm, 4)
    assert caught.value.code == "bpm_range"


def test_a_folder_without_instruments_is_refused(tmp_path):
    with pytest.raises(TemposeError) as caught:
        SampleLibrary(tmp_path)
    assert caught.value.code == "data_missing"
    with pytest.raises(TemposeError):
        load_takes(tmp_path)


def test_every_dance_style_has_music():
    assert set(GENRES_FOR_STYLE) == set(STYLES)
    assert {g for names in GENRES_FOR_STYLE.values() for g in names} <= set(GENRES)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_made_drums_lie_on_sixteenths_within_their_bars(name):
    hits = drums_by_program(np.random.default_rng(0), name, 8)
    assert len(hits) > 7
    np.testing.assert_allclose(hits[:, 0] * 4, np.round(hits[:, 0] * 4))
    assert hits[:, 0].min() >= 0
    assert hits[:, 0].max() < 32
    assert ((hits[:, 2] > 0) & (hits[:, 2] <= 1)).all()


def test_swing_moves_the_half_beat_and_leaves_the_beat():
    np.testing.assert_allclose(swung(np.array([0, 0.25, 0.5, 0.75, 1.0]), 2 / 3), [0, 1 / 3, 2 / 3, 5 / 6, 1])
    straight = np.linspace(0, 8, 65)
    np.testing.assert_allclose(swung(straight, 0.5), straight)


def test_quantised_hits_go_to_triplets_where_the_take_swings():
    hits = np.array([[0.01, 36, 1], [0.66, 42, 1], [1.34, 42, 1], [2.0, 38, 1]])
    np.testing.assert_allclose(quantised(hits)[:, 0], [0, 2 / 3, 4 / 3, 2])
    hits[:, 0] = [0.02, 0.24, 0.77, 1.01]
    np.testing.assert_allclose(quantised(hits)[:, 0], [0, 0.25, 0.75, 1])


@needs_data
@pytest.mark.parametrize("genre", sorted(GENRES))
def test_what_is_struck_is_struck_on_the_grid(library, genre):
    offsets = []
    for seed in range(3):
        samples, grid = render_song(np.random.default_rng(seed), library, 96.0, 8, genre=genre, offset=0.3)
        offsets.append(onset_offset(samples, grid.beats))
    # The flux of a click itself peaks some 2 ms after it.
    assert abs(np.median(offsets) - 0.002) <= 0.0151


@needs_data
def test_the_same_seed_renders_the_same_song(library):
    a, _ = render_song(np.random.default_rng(5), library, 110.0, 4)
    b, _ = render_song(np.random.default_rng(5), SampleLibrary(DATA), 110.0, 4)
    c, _ = render_song(np.random.default_rng(6), library, 110.0, 4)
    np.testing.assert_array_equal(a, b)
    assert len(a) != len(c) or not np.allclose(a, c)


@needs_data
def test_the_grid_has_every_beat_and_bar_of_the_song(library):
    tempo = [100.0] * 8 + [140.0] * 8
    samples, grid = render_song(
        np.random.default_rng(0), library, tempo, 4, genre="house", offset=0.5, tail=1.0
    )
    np.testing.assert_allclose(grid.beats, beat_seconds(tempo, 16, 0.5)[:-1])
    np.testing.assert_allclose(grid.downbeats, grid.beats[::4])
    assert len(samples) / SAMPLE_RATE == pytest.approx(beat_seconds(tempo, 16, 0.5)[-1] + 1.0, abs=0.01)
    waltz = render_song(np.random.default_rng(0), library, 150.0, 4, genre="waltz")[1]
    np.testing.assert_allclose(waltz.downbeats, waltz.beats[::3])


@needs_data
def test_songs_are_loud_enough_finite_and_within_full_scale(library):
    for seed in range(12):
        samples, _ = render_song(np.random.default_rng(seed), library, 120.0, 4, drums=bool(seed % 2))
        assert samples.dtype == np.float32
        assert np.isfinite(samples).all()
        assert 0.05 < np.abs(samples).max() <= 1.0


@needs_data
def test_an_unknown_genre_is_refused(library):
    with pytest.raises(TemposeError) as caught:
        render_song(np.random.default_rng(0), library, 120.0, 4, genre="polka")
    assert caught.value.code == "genre_unknown"

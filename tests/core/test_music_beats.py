"""The beat tracker: where the beats are, which begin a bar, and how sure it is."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from tempose.datasets.synth import SampleLibrary, render_song
from tempose.music.audio import Song
from tempose.music.bars import METERS, downbeats
from tempose.music.beat_ears import Heard
from tempose.music.beat_levels import EVIDENCE, counted, odds, readings
from tempose.music.beat_octave import at_its_octave, confidence_of, dotted, doubt_of_level
from tempose.music.beat_path import best_path
from tempose.music.beats import Count, bars_of, loudness, tempo_curve, track_beats
from tempose.music.chords import changes
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.grid import BeatGrid

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TEMPOSE_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "fluidr3" / "zones.json").is_file(), reason="no training data: set TEMPOSE_DATA to its folder"
)


def f_measure(true, found, tolerance=0.07):
    """Harmonic mean of recall and precision; each true beat is found at most once."""
    hits = i = j = 0
    while i < len(true) and j < len(found):
        if abs(true[i] - found[j]) <= tolerance:
            hits, i, j = hits + 1, i + 1, j + 1
        elif found[j] < true[i]:
            j += 1
        else:
            i += 1
    return 2 * hits / max(1, len(true) + len(found))


def late(true, found):
    """Seconds by which the nearest found beats come after the true ones."""
    return found[np.abs(found[None] - true[:, None]).argmin(1)] - true


def drum_machine(bpm, seconds, start=0.0):
    """Kick, snare and hats of a plain beat, and its beats; `bpm` is a number or one number per beat."""
    rng = np.random.default_rng(0)
    steps = np.full(400, 60.0 / bpm) if np.isscalar(bpm) else 60 / np.asarray(bpm, float)
    beats = start + np.concatenate([[0], np.cumsum(steps)])
    t = np.arange(4000) / SAMPLE_RATE
    kick = np.sin(2 * np.pi * 60 * t + 8 * (1 - np.exp(-t / 0.02))) * np.exp(-t / 0.08)
    hiss = rng.standard_normal(4000)
    snare = 0.6 * hiss * np.exp(-t / 0.05)
    high = signal.sosfilt(signal.butter(2, 6000, "high", fs=SAMPLE_RATE, output="sos"), hiss)
    out = np.zeros(int(seconds * SAMPLE_RATE) + 8000)
    for k in range(len(beats) - 1):
        if beats[k] >= seconds:
            break
        middle = (beats[k] + beats[k + 1]) / 2
        for time, sound in ((beats[k], (kick, snare)[k % 2]), (beats[k], 0.3 * high), (middle, 0.2 * high)):
            at = round(time * SAMPLE_RATE)
            if time < seconds:
                out[at : at + 4000] += sound[: len(out) - at] * np.exp(-t / 0.05) ** (sound is high)
    return out[: int(seconds * SAMPLE_RATE)].astype(np.float32), beats[beats < seconds - 0.05]


@pytest.mark.parametrize("bpm", [70, 84, 100, 118, 128, 140, 160])
def test_a_plain_beat_is_found_from_its_first_to_its_last_stroke(bpm):
    samples, beats = drum_machine(bpm, 20.0)
    grid = track_beats(samples)
    assert f_measure(beats, grid.beats) > 0.97
    assert grid.bpm == pytest.approx(bpm, rel=0.01)
    assert grid.beats[0] == pytest.approx(beats[0], abs=0.03)
    assert grid.beats[-1] == pytest.approx(beats[-1], abs=0.05)


def test_beats_are_neither_a_frame_late_nor_a_frame_early():
    offsets = []
    for start in (0.0, 0.237, 0.511):
        samples, beats = drum_machine(112, 20.0, start)
        offsets.append(late(beats, track_beats(samples).beats))
    assert abs(np.mean(np.concatenate(offsets))) < 0.008
    assert np.abs(np.concatenate(offsets)).max() < 0.03


@pytest.mark.parametrize("to", [0.75, 1.3, 1.5])
def test_an_abrupt_change_of_tempo_is_followed_within_two_beats(to):
    samples, beats = drum_machine([104.0] * 20 + [104.0 * to] * 60, 26.0)
    off = np.abs(late(beats, track_beats(samples).beats))
    assert (off[:18] < 0.05).all()
    assert (off[23:] < 0.05).all()


def test_a_gradual_change_of_tempo_is_followed():
    samples, beats = drum_machine(np.linspace(95, 135, 60), 28.0)
    assert f_measure(beats, track_beats(samples).beats) > 0.95


def test_the_demo_song_is_tracked_through_its_change_of_tempo():
    truth = json.loads((ROOT / "examples" / "demo_song.json").read_text())
    song = Song.load(ROOT / "examples" / "demo_song.ogg")
    assert song.seconds == pytest.approx(truth["seconds"], abs=0.05)
    beats, grid = np.array(truth["beats"]), track_beats(song.samples)
    off = np.abs(late(beats, grid.beats))
    change = np.abs(beats - truth["tempo"][1]["second"]).argmin()
    assert (np.delete(off, [change - 1, change, change + 1]) < 0.03).all()
    assert f_measure(beats, grid.beats) > 0.96
    assert f_measure(np.array(truth["downbeats"]), grid.downbeats) > 0.9
    assert grid.confidence > 0.7


def test_beats_go_on_through_a_break_and_stop_with_the_sound():
    samples, beats = drum_machine(120, 24.0)
    t = np.arange(len(samples)) / SAMPLE_RATE
    drone = (0.02 * np.sin(2 * np.pi * 220 * t)).astype(np.float32)
    broken = np.where((t > 10) & (t < 14), drone, samples + drone)
    found = track_beats(np.concatenate([broken, np.zeros(6 * SAMPLE_RATE, np.float32)])).beats
    for begin, end, tolerance in ((0, 10, 0.03), (10.2, 13.8, 0.1), (14, 24, 0.03)):
        inside = [t[(t > begin) & (t < end)] for t in (beats, found)]
        assert f_measure(*inside, tolerance) > 0.9
    assert found[-1] < 24.3


@pytest.mark.parametrize("gain", [0.003, 1.0])
def test_the_level_does_not_matter(gain):
    samples, beats = drum_machine(120, 12.0)
    assert f_measure(beats, track_beats(gain * samples).beats) > 0.97


@pytest.mark.parametrize("seconds", [0.0, 1e-4, 0.3, 0.5, 0.9, 5.0])
def test_silence_gives_an_even_or_empty_grid_without_confidence(seconds):
    grid = track_beats(np.zeros(int(seconds * SAMPLE_RATE), np.float32))
    assert grid.confidence == 0
    assert len(grid.beats) == (
        0 if seconds < 0.5 else np.ceil(int(seconds * SAMPLE_RATE) / SAMPLE_RATE / 0.5)
    )


@pytest.mark.parametrize("seconds", [0.5, 0.7, 1.3, 2.5])
@pytest.mark.parametrize("kind", ["noise", "click", "constant", "nan", "drums"])
def test_a_moment_of_sound_never_fails(seconds, kind):
    n = int(seconds * SAMPLE_RATE)
    samples = {
        "noise": np.random.default_rng(0).standard_normal(n),
        "click": np.eye(1, n, n // 2)[0],
        "constant": np.ones(n),
        "nan": np.full(n, np.nan),
        "drums": drum_machine(120, seconds)[0],
    }[kind]
    grid = track_beats(samples)
    assert ((grid.beats >= 0) & (grid.beats <= seconds)).all()
    assert np.isin(grid.downbeats, grid.beats).all()
    assert 0 <= grid.confidence <= 1


def beatless(kind):
    rng, n = np.random.default_rng(1), 20 * SAMPLE_RATE
    t = np.arange(n) / SAMPLE_RATE
    if kind == "noise":
        return rng.standard_normal(n)
    if kind == "drone":
        return np.sin(2 * np.pi * 220 * t) * (1 + np.sin(2 * np.pi * 0.07 * t))
    out = np.zeros(n)
    for moment in rng.uniform(0, 19.8, 40):
        out[int(moment * SAMPLE_RATE) :][:300] += rng.standard_normal(300)
    return out


@pytest.mark.parametrize("kind", ["noise", "drone", "strokes at random"])
def test_what_has_no_beat_gets_little_confidence(kind):
    assert track_beats(beatless(kind)).confidence < 0.4


def test_the_best_path_takes_the_well_rated_frames():
    rating = np.full(1000, -4.0)
    rating[30::50] = 3.0
    np.testing.assert_array_equal(best_path(rating), np.arange(30, 1000, 50))


def test_the_best_path_changes_its_interval_where_the_ratings_do():
    rating = np.full(1600, -4.0)
    expected = np.concatenate([np.arange(0, 800, 60), np.arange(780 + 46, 1600, 46)])
    rating[expected] = 3.0
    np.testing.assert_array_equal(best_path(rating), expected)


def test_the_tempo_curve_shows_the_tempo_from_each_beat_on():
    grid = BeatGrid(np.concatenate([np.arange(0, 5, 0.5), np.arange(5, 11, 1.0)]))
    curve = tempo_curve(grid)
    assert curve.shape == (len(grid.beats) - 1, 2)
    np.testing.assert_allclose(curve[:9, 1], 120)
    np.testing.assert_allclose(curve[11:, 1], 60)
    assert tempo_curve(BeatGrid(np.zeros(0))).shape == (0, 2)
    assert tempo_curve(BeatGrid(np.array([1.0]))).shape == (0, 2)


def test_loudness_has_ten_numbers_a_second_and_its_loudest_is_one():
    samples = np.concatenate(
        [np.zeros(SAMPLE_RATE), 0.1 * np.ones(SAMPLE_RATE), 0.2 * np.ones(SAMPLE_RATE // 2)]
    )
    level = loudness(samples)
    assert len(level) == 25
    np.testing.assert_allclose(level[[0, 5, 15, 22]], [0, 0, 0.5, 1], atol=1e-6)
    assert not loudness(np.zeros(SAMPLE_RATE)).any()
    assert len(loudness(np.zeros(0))) == 0


def rated(beats, strong, weak, bars):
    """(F, 2) activations: beats in turn strong and weak, every `bars`-th one a downbeat."""
    heard = np.full((2000, 2), 0.02)
    for k, frame in enumerate((beats * 50).astype(int)):
        heard[frame, 0] = (strong, weak)[k % 2]
        heard[frame, 1] = 0.9 if k % bars == 0 else 0.03
    return heard


def test_a_doubled_slow_song_is_halved_and_a_plain_one_is_not():
    beats = np.arange(0.5, 38, 0.5)
    np.testing.assert_array_equal(at_its_octave(beats, rated(beats, 0.95, 0.6, 8)), beats[::2])
    for strong, weak, bars in ((0.95, 0.95, 4), (0.9, 0.72, 4)):
        np.testing.assert_array_equal(at_its_octave(beats, rated(beats, strong, weak, bars)), beats)


def test_doubt_of_the_octave_faint_beats_and_gaps_cost_confidence():
    beats = np.arange(0.5, 38, 0.5)
    curve = rated(beats, 0.95, 0.95, 4)[:, 0]
    sure = confidence_of(beats, curve, 38.0)
    assert sure > 0.85
    assert confidence_of(beats, curve, 38.0, certainty=0.4) < sure - 0.02
    assert confidence_of(beats, rated(beats, 0.4, 0.4, 4)[:, 0], 38.0) < sure - 0.02
    assert confidence_of(beats[:30], curve, 38.0) < sure / 2
    assert confidence_of(beats[:4], curve, 2.0) < 0.4


def test_a_path_that_leaves_the_side_open_keeps_its_tempo_where_the_off_beats_are_heard():
    rating = np.full(4000, -4.0)
    rating[30::50] = 3.0
    rating[1000:2500] = np.roll(rating[1000:2500], 25)
    assert (np.diff(best_path(rating)) != 50).any()
    np.testing.assert_array_equal(np.diff(best_path(rating, either_side=True)), 50)


def heard(beats, off_beats=(), odds=3.0):
    """What both networks hear where beats sound, and off-beats half as clearly."""
    curve = np.full((2000, 2), -4.0)
    for times, clear in ((off_beats, odds / 2), (beats, odds)):
        curve[(np.asarray(times) * 50).round().astype(int)] = clear
    return Heard(curve, curve, np.zeros((2000, 12)))


def test_the_whole_song_says_on_which_side_the_beats_lie():
    beats = np.arange(0.5, 38, 0.5)
    middles = beats + 0.25
    swapped = np.concatenate([beats[:50], middles[50:]])  # for a third of the song the off-beats are heard
    for path in (beats, middles):
        found, certainty = counted(readings(swapped, heard(swapped), beats, path))
        np.testing.assert_allclose(found, beats[np.isin(beats.round(3), found.round(3))])
        assert len(found) >= len(beats) - 1
        assert 0.5 < certainty < counted(readings(beats, heard(beats), beats, beats))[1]


def test_a_level_is_chosen_by_what_both_networks_hear_and_how_usual_it_is():
    beats = np.arange(0.5, 38, 0.6)  # 100 BPM
    twice = np.arange(0.5, 38, 0.3)
    sure = []
    for path in (beats, twice):
        found, certainty = counted(readings(path, heard(beats), beats, path))
        np.testing.assert_allclose(np.diff(found), 0.6)
        sure.append(certainty)
    assert min(sure) > 0.8
    assert counted(readings(twice, heard(twice), twice))[1] < min(sure)  # few people tap 200 a minute


@pytest.mark.parametrize("first", [0, 1, 3])
def test_bars_begin_where_the_harmony_changes_where_the_networks_do_not_know(first):
    beats = np.arange(0.5, 38, 0.5)
    pitches = np.eye(12)[np.clip((np.arange(2000) / 50 - 0.5) // 0.5 - first, -1, None).astype(int) // 4 % 3]
    told = replace(heard(beats), pitches=pitches)
    bars = bars_of(beats, Count([], beats, METERS), told, (0.5, 38.0), odds()["bar"])
    np.testing.assert_array_equal(bars, np.arange(first, len(beats), 4))
    changed = np.flatnonzero(changes(beats, pitches) > 1)
    assert set(bars[1:]) <= set(changed)


def test_what_is_not_steady_keeps_its_path_and_short_songs_tell_nothing():
    beats = np.arange(0.5, 38, 0.5)
    bent = 0.5 + np.cumsum(0.5 * np.linspace(0.8, 1.3, 70))
    bent = bent[bent < 38]
    np.testing.assert_array_equal(counted(readings(bent, heard(bent), bent, beats))[0], bent)
    assert readings(beats[:10], heard(beats), beats[:10], beats[:10]) == []


def test_all_that_is_weighed_has_its_number():
    assert set(odds()) == {"reading", "bar", "confidence"}
    assert list(odds()["reading"]) == list(EVIDENCE)


@needs_data
def test_rendered_songs_are_tracked_better_than_by_plain_librosa():
    import librosa

    library, ours, theirs = SampleLibrary(DATA), [], []
    for k, genre in enumerate(["house", "rock", "funk", "hip_hop", "ballad", "waltz", "strings", "disco"]):
        rng = np.random.default_rng(900 + k)
        samples, grid = render_song(
            rng, library, 76.0 + 10 * k, 10, genre=genre, offset=0.4, split="validation"
        )
        ours.append(f_measure(grid.beats, track_beats(samples).beats))
        found = librosa.beat.beat_track(y=samples, sr=SAMPLE_RATE, units="time")[1]
        theirs.append(f_measure(grid.beats, found))
    assert np.mean(ours) > 0.85
    assert np.mean(ours) > np.mean(theirs) + 0.1


@needs_data
@pytest.mark.parametrize(
    "name, tempi", [("Vibe_Ace", (130, 65)), ("Sugar_Plum", (108, 54)), ("Fishin", (177, 88.4))]
)
def test_real_recordings_have_their_known_tempo(name, tempi):
    path = next((DATA / "music").glob(f"*{name}*.ogg"))
    grid = track_beats(Song.load(path).samples)
    assert min(abs(grid.bpm / t - 1) for t in tempi) < 0.03


def test_a_ritardando_is_followed_to_its_last_beat():
    tempo = np.concatenate([np.full(24, 120.0), np.linspace(120, 70, 12)])
    seconds = float((60 / tempo).sum())
    samples, beats = drum_machine(tempo, seconds)
    found = track_beats(samples).beats
    assert max(np.abs(found - at).min() for at in beats) < 0.07


@pytest.mark.parametrize("bpm", [90, 120])
@pytest.mark.parametrize("bars", [1, 2, 4])
def test_a_loop_that_begins_on_beat_one_begins_with_a_bar(bpm, bars):
    grid = track_beats(drum_machine(bpm, bars * 240 / bpm)[0])
    assert 0 <= grid.downbeats[0] < 0.05
    assert np.diff(grid.downbeats) == pytest.approx(np.full(len(grid.downbeats) - 1, 240 / bpm), abs=0.05)


def test_a_metronome_has_bars_of_four_and_threes_that_are_heard_stay_three():
    for alike in (-1.0, 0.0, 0.2, 1.5):
        assert (np.diff(downbeats(np.full(80, alike))) == 4).all()
    for meter in (3, 4):
        accents = np.where(np.arange(80) % meter == 1, 2.0, 0.5)
        assert downbeats(accents).tolist() == list(range(1, 80, meter))


def test_tempi_that_few_people_tap_and_fast_threes_are_doubted():
    for gap, bars, doubted in (
        (0.5, 4, False),
        (0.31, 4, True),
        (0.95, 4, True),
        (0.4, 3, True),
        (0.4, 4, False),
    ):
        beats = np.arange(0.5, 38, gap)
        assert (doubt_of_level(beats, rated(beats, 0.95, 0.95, bars)) > 0.3) == doubted


def test_eighths_of_six_eight_and_three_for_two_become_dotted_beats():
    slow = np.arange(0.5, 40, 1.2)  # 50 BPM
    eighths = np.arange(0.5, 40, 0.4)
    curve = np.maximum(rated(eighths, 0.7, 0.7, 4)[:, 0], rated(slow, 0.97, 0.97, 4)[:, 0])
    np.testing.assert_allclose(dotted(eighths, curve), eighths[::3])
    quick = np.arange(0.5, 39, 0.6)  # 100 BPM, counted as three for two
    three = np.arange(0.5, 39, 0.4)
    curve = np.maximum(rated(three, 0.5, 0.5, 4)[:, 0], rated(quick, 0.95, 0.95, 4)[:, 0])
    np.testing.assert_allclose(dotted(three, curve), quick[: 2 * len(three[::3]) - 1], atol=1e-9)
    waltz = np.arange(0.5, 39, 0.36)  # 167 BPM in three: bars stand out a little
    curve = np.maximum(rated(waltz, 0.9, 0.9, 3)[:, 0], rated(waltz[::3], 0.95, 0.95, 3)[:, 0])
    np.testing.assert_allclose(dotted(waltz, curve), waltz)

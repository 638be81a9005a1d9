"""What the sound asks of the dancer: calm where it is quiet, still where it is silent, sharp where it strikes."""

import numpy as np
import pytest

from tempose.listening import LAST_HIT, STILL, last_stroke, sound_energy, sound_hits
from tempose.music.features import LISTENED, song_features
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.curves import RANGES
from tempose_pose.grid import BeatGrid

SECONDS = 12
GRID = BeatGrid(np.arange(24) / 2)


def clicks(gains) -> np.ndarray:
    """Bursts twice a second, the k-th as loud as gains[k]."""
    rng = np.random.default_rng(0)
    samples = np.zeros(SECONDS * SAMPLE_RATE)
    burst = np.exp(-np.arange(6000) / 1500) * rng.normal(0, 0.3, 6000)
    for beat, gain in enumerate(gains):
        samples[beat * SAMPLE_RATE // 2 :][: len(burst)] += (
            gain * burst[: len(samples) - beat * SAMPLE_RATE // 2]
        )
    return samples.astype(np.float32)


def test_a_half_that_is_25_dB_quieter_is_danced_at_less_than_half_the_speed():
    energy = sound_energy(song_features(clicks([1.0] * 12 + [10 ** (-25 / 20)] * 12)), GRID)
    assert np.exp(energy[200:330].mean() - energy[20:160].mean()) < 0.45


def test_silence_stands_and_a_steady_song_asks_for_nothing_special():
    energy = sound_energy(song_features(clicks([1.0] * 12 + [0.0] * 12)), GRID)
    assert (energy[200:330] == STILL).all()
    assert np.abs(energy[30:150]).max() < 1.0


def test_a_louder_recording_of_the_same_song_is_danced_alike():
    song = clicks(np.linspace(0.2, 1, 24))
    energy = (sound_energy(song_features(samples), GRID) for samples in (song, song / 8))
    assert np.allclose(*energy, atol=0.05)


def test_strong_beats_stop_more_than_weak_ones():
    hits = sound_hits(song_features(clicks([1.0, 0.1] * 12)), GRID)
    on_beat = hits[(GRID.beats * 30).astype(int)]
    assert (on_beat[2:22:2] > on_beat[3:22:2] + 0.1).all()
    assert hits.min() >= RANGES["hits"][0]
    assert hits.max() <= RANGES["hits"][1]


@pytest.mark.parametrize("beats", [[], [1.0]])
def test_without_a_beat_nothing_is_asked_of_hits(beats):
    assert np.isnan(sound_hits(np.zeros((30, 35)), BeatGrid(np.asarray(beats)))).all()


def heard(loudness, struck) -> np.ndarray:
    """(F, 35) listened features of a loudness and of the seconds of strokes."""
    listened = np.zeros((len(loudness), LISTENED.width), np.float32)
    listened[:, LISTENED["loudness"]] = np.asarray(loudness)[:, None]
    listened[(np.asarray(struck) * 30).astype(int), LISTENED["onset"]] = 4.0
    return listened


def test_the_last_stroke_is_hit_and_held_and_a_quiet_outro_is_still_danced():
    ringing = np.r_[np.full(290, 0.5), np.linspace(0.5, -0.3, 70)]
    listened = heard(ringing, GRID.beats[:20])
    assert last_stroke(listened, GRID) == pytest.approx(9.5)
    energy, hits = sound_energy(listened, GRID), sound_hits(listened, GRID)
    assert (energy[295:] == STILL).all()
    assert (energy[30:280] > STILL).all()
    assert hits[290] == pytest.approx(LAST_HIT)
    outro = np.r_[np.full(150, 0.5), np.full(210, 0.0)]
    assert last_stroke(heard(outro, GRID.beats[:10]), GRID) is None

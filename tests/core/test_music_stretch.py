"""The song on an edited timeline: beats land where the map says, the pitch stays."""

import numpy as np
import pytest

from tempose.music.stretch import stretch
from tempose_pose.errors import TemposeError
from tempose_pose.tempo import TempoMap

RATE = 22_050
CHANGING = TempoMap(((0.0, 0.0), (3.0, 3.0), (6.0, 7.5), (9.0, 9.0)))


def clicks(times, seconds, rate=RATE):
    out = np.zeros(int(seconds * rate), np.float32)
    click = (np.exp(-np.arange(1000) / 150) * np.random.default_rng(0).standard_normal(1000)).astype(
        np.float32
    )
    for t in times:
        k = round(t * rate)
        n = min(1000, len(out) - k)
        out[k : k + n] += click[:n]
    return out


def attack_near(samples, time, rate=RATE):
    begin = max(0, int((time - 0.08) * rate))
    level = np.convolve(np.abs(samples[begin : int((time + 0.08) * rate)]), np.ones(22) / 22, "same")
    return (begin + int(np.argmax(level > 0.3 * level.max()))) / rate


@pytest.mark.parametrize(
    "tempo_map",
    [
        *(TempoMap.constant(f) for f in (0.5, 0.8, 1.0, 1.1, 1.5, 2.0)),
        TempoMap.constant(1.3, start=2.2),
        CHANGING,
        TempoMap.from_sections(0.0, 12.5, 1.0, [(4.0, 1.3), (8.0, 0.7)]),
    ],
    ids=["half", "0.8", "same", "1.1", "1.5", "double", "trimmed", "changing", "sections on beats"],
)
def test_clicks_land_on_their_mapped_seconds(tempo_map):
    beats = np.arange(0.5, 12, 0.5)
    song = clicks(beats, 12.5)
    seconds = min(10.0, float(tempo_map.to_timeline(12.0)))
    sound = stretch(song, RATE, tempo_map, seconds)
    expected = tempo_map.to_timeline(beats)
    inside = (expected > 0.15) & (expected < seconds - 0.15)
    assert inside.sum() >= 8
    late = [attack_near(sound, e) - e - (attack_near(song, b) - b)
            for e, b in zip(expected[inside], beats[inside], strict=True)]  # fmt: skip
    assert np.abs(late).max() < 0.010


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.25, 2.0])
def test_the_pitch_and_the_level_stay(factor):
    song = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE * 12) / RATE)
    sound = stretch(song, RATE, TempoMap.constant(factor), 5.0)[RATE : 4 * RATE]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) / 3 == pytest.approx(440, abs=1)
    assert sound.std() == pytest.approx(song.std(), rel=0.05)


def test_parts_at_their_own_tempo_are_copied_as_they_are():
    song = np.random.default_rng(1).standard_normal((RATE * 9, 2)).astype(np.float32)
    sound = stretch(song, RATE, CHANGING, 9.0)
    np.testing.assert_allclose(sound[2205 : int(2.9 * RATE)], song[2205 : int(2.9 * RATE)], atol=1e-5)
    assert (
        np.abs(sound[int(3.5 * RATE) : int(3.6 * RATE)] - song[int(3.5 * RATE) : int(3.6 * RATE)]).max() > 0.1
    )


def test_a_map_that_only_moves_the_start_copies_every_sample():
    song = np.random.default_rng(2).standard_normal(RATE).astype(np.float32)
    sound = stretch(song, RATE, TempoMap.constant(1.0, start=0.25), 2.0)
    first = round(0.25 * RATE)
    np.testing.assert_array_equal(sound[: RATE - first], song[first:])
    assert not sound[RATE - first :].any()


def test_before_and_after_the_song_there_is_silence():
    song = np.random.default_rng(3).standard_normal(RATE * 2).astype(np.float32)
    sound = stretch(song, RATE, TempoMap.constant(1.5, start=-3.0), 6.0)
    assert not sound[: int(1.9 * RATE)].any()
    assert sound[int(2.1 * RATE) : int(3.2 * RATE)].std() > 0.3
    assert not sound[int(3.5 * RATE) :].any()


@pytest.mark.parametrize("shape", [(RATE,), (RATE, 1), (RATE, 2), (RATE, 6)])
@pytest.mark.parametrize("factor", [1.0, 1.7])
def test_channels_are_kept_and_the_length_is_the_timeline_s(shape, factor):
    sound = stretch(np.ones(shape, np.float32), RATE, TempoMap.constant(factor), 1.234)
    assert sound.shape == (round(1.234 * RATE), *shape[1:])
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()


def test_the_two_sides_of_a_stereo_song_stay_in_step():
    left = clicks(np.arange(0.5, 6, 0.5), 6.5) + 0.2 * np.sin(np.arange(int(6.5 * RATE)) * 0.1).astype(
        np.float32
    )
    sound = stretch(np.stack([left, 0.5 * left], 1), RATE, TempoMap.constant(1.2), 5.0)
    np.testing.assert_allclose(sound[:, 1], 0.5 * sound[:, 0], atol=1e-4)


@pytest.mark.parametrize("length", [0, 1, 50, 700])
def test_hardly_any_song_at_all_is_stretched_without_complaint(length):
    sound = stretch(np.ones(length, np.float32), RATE, TempoMap.constant(0.7), 0.5)
    assert len(sound) == RATE // 2
    assert np.isfinite(sound).all()


def test_no_time_at_all_gives_no_samples():
    assert stretch(np.ones(100, np.float32), RATE, TempoMap.constant(2.0), 0.0).shape == (0,)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e6])
def test_an_invalid_length_is_refused(seconds):
    with pytest.raises(TemposeError) as caught:
        stretch(np.ones(100, np.float32), RATE, TempoMap(), seconds)
    assert caught.value.code == "seconds_range"

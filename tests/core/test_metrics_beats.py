"""Metrics of beats and tempo: perfect and random dancers, golden figures, and what chance gives."""

from dataclasses import replace

import numpy as np
import pytest
from dances import BEATS, STANDING, dance, dancer, noise, sequence

from tempose import metrics
from tempose.metrics import beats, tempo, variety
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18

# --- beats ---


def test_a_perfect_dancer_has_a_perfect_score_and_a_noisy_one_has_chance():
    perfect = beats.beat_scores(dancer(), BEATS)
    assert perfect["bas"] > 0.97
    assert perfect["mm_align"] > 0.97
    assert perfect["beat_lock"] > 0.6
    assert perfect["beat_coverage"] == pytest.approx(1, abs=0.05)
    locks = [beats.beat_scores(noise(seed=s), BEATS)["beat_lock"] for s in range(12)]
    assert abs(np.mean(locks)) < 0.03
    assert np.mean([beats.beat_scores(noise(seed=s), BEATS)["bas"] for s in range(4)]) > 0.15  # and yet


def test_the_two_directions_punish_missed_beats_and_extra_stops():
    half = beats.beat_scores(dancer(bpm=60), BEATS)  # stops on every second beat only
    assert half["bas"] == pytest.approx(0.5, abs=0.06)
    assert half["mm_align"] > 0.95
    double = beats.beat_scores(dancer(bpm=240, fps=60), BEATS)
    assert double["bas"] > 0.9
    assert double["mm_align"] == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_a_score_does_not_depend_on_the_frame_rate_and_falls_with_delay(fps):
    score = [beats.beat_scores(dancer(fps=fps, delay=d), BEATS)["bas"] for d in (0, 0.05, 0.1)]
    assert score[0] > 0.97
    assert score[1] == pytest.approx(np.exp(-0.5), abs=0.05)
    assert score[2] == pytest.approx(np.exp(-2), abs=0.05)


def test_scores_ignore_size_place_and_canvas():
    poses = dancer()
    moved = replace(poses, keypoints=poses.keypoints * 0.3 + 0.4)
    a, b = (metrics.evaluate(dance(p)) for p in (poses, moved))
    assert {k: pytest.approx(v, abs=2e-3) for k, v in a.items()} == b


@pytest.mark.parametrize(
    ("name", "expected"), [("bailando", 0.283), ("bailando30", 0.281), ("fact", 0.234), ("fact30", 0.485)]
)
def test_peers_conventions_give_their_own_codes_figures_on_white_noise(name, expected):
    """Golden: the peers' own code on white noise per frame, 24 seeds of 20 s at 120 BPM, mean."""
    fps = beats.convention(name).rate
    figures = [beats.published(noise(fps=fps, seed=s), np.arange(0, 20, 0.5), name) for s in range(24)]
    assert np.mean(figures) == pytest.approx(expected, abs=0.02)


def test_a_perfect_dancer_gets_what_the_peers_codes_give_him():
    """Golden: 0.93 from Bailando's code (half-frame shift, first beat), 1 from FACT's."""
    poses = dancer(fps=60, first=0)
    assert beats.published(poses, np.arange(0, 20, 0.5), "bailando") == pytest.approx(0.925, abs=0.04)
    assert beats.published(poses, np.arange(0, 20, 0.5), "fact") == pytest.approx(1.0, abs=0.04)


def test_no_beats_and_no_motion_beats_score_zero():
    empty = beats.beat_scores(dancer(), np.zeros(0))
    still = beats.beat_scores(sequence(np.zeros((90, 1, 2))), BEATS)
    for scores in (empty, still):
        assert scores["bas"] == scores["mm_align"] == scores["beat_lock"] == 0
    outside = beats.beat_scores(dancer(seconds=5), np.arange(100, 120, 0.5))
    assert outside["bas"] == 0


@pytest.mark.parametrize("bad", [[1.0, 0.5], [0.5, 0.5], [np.nan], [[1, 2]], ["x"], [np.inf]])
def test_bad_beats_are_refused(bad):
    with pytest.raises(TemposeError):
        beats.beat_scores(dancer(seconds=2), bad)


def test_unknown_conventions_and_too_few_shifts_are_refused():
    with pytest.raises(TemposeError, match="bailando"):
        beats.published(dancer(seconds=2), BEATS, "mine")
    with pytest.raises(TemposeError, match="20"):
        beats.beat_scores(dancer(seconds=2), BEATS, shifts=3)


# --- tempo ---


@pytest.mark.parametrize("bpm", [63, 90, 120, 171])
def test_the_tempo_of_a_dancer_is_found_up_to_an_octave(bpm):
    found, clarity = tempo.dance_tempo(dancer(bpm=bpm, seconds=24))
    assert tempo.is_clean(found, bpm, 0.02)
    assert clarity > 0.3
    assert tempo.dance_tempo(sequence(np.zeros((300, 1, 2)))) == (0, 0)
    assert tempo.dance_tempo(noise())[1] < 0.15


def test_following_is_told_from_dancing_at_one_tempo_or_at_random():
    song = np.arange(70, 171, 20.0)
    follows = tempo.tempo_following(song, song / 2)
    assert follows["slope"] == pytest.approx(1)
    assert follows["factor"] == 0.5
    assert follows["hits"] == 1
    stays = tempo.tempo_following(song, np.full(6, 110.0))
    assert stays["slope"] == pytest.approx(0)
    assert stays["hits_excess"] < 0.01
    anything = tempo.tempo_following(song, np.random.default_rng(1).uniform(40, 220, 6))
    assert anything["hits"] < 0.7
    with pytest.raises(TemposeError, match="three or more"):
        tempo.tempo_following(np.ones(2), np.ones(2))


def test_following_is_seen_in_the_spectrum_without_choosing_a_period():
    song = [80.0, 100.0, 120.0]
    follows = tempo.spectral_following(song, [dancer(bpm=b, seed=i) for i, b in enumerate(song)])
    assert follows == pytest.approx(1, abs=0.15)
    stays = tempo.spectral_following(song, [dancer(bpm=100, seed=i) for i in range(3)])
    assert stays == pytest.approx(0, abs=0.15)
    with pytest.raises(TemposeError, match="three or more"):
        tempo.spectral_following(song, [])


def test_a_change_of_tempo_is_seen_where_there_is_one():
    slow = np.arange(0.25, 10, 60 / 80)
    fast = np.arange(slow[-1] + 0.5, 20, 0.5)
    change = slow[-1]
    first, second = dancer(bpm=80, seconds=change), dancer(bpm=120, first=0, seconds=20 - change)
    keypoints = np.concatenate([first.keypoints, second.keypoints])
    poses = PoseSequence(keypoints, np.ones(keypoints.shape[:2]), 30, OPENPOSE_18)
    answer = tempo.tempo_change(poses, np.concatenate([slow, fast]), change)
    assert answer["song_ratio"] == pytest.approx(120 / 80, rel=0.01)
    assert answer["dance_ratio"] == pytest.approx(120 / 80, rel=0.1)
    assert answer["speed_ratio"] > 1.25
    assert abs(answer["delay_beats"]) <= 2
    deaf = tempo.tempo_change(dancer(bpm=80), np.concatenate([slow, fast]), change)
    assert deaf["dance_ratio"] == pytest.approx(1, abs=0.05)
    assert not deaf["delay_beats"] <= 2  # later, or never (NaN)
    octave = tempo.tempo_change(poses, np.concatenate([slow, np.arange(slow[-1] + 0.375, 20, 0.375)]), change)
    assert np.isnan(octave["delay_beats"])  # half and double time are the same dance
    with pytest.raises(TemposeError, match="three beats"):
        tempo.tempo_change(poses, slow, change)


def test_beat_power_is_high_on_the_beat_and_at_chance_for_noise():
    on = tempo.beat_power(dancer(), BEATS)
    assert on["beat_power"] > 0.5
    off = np.mean([list(tempo.beat_power(noise(seed=s), BEATS).values()) for s in range(8)], axis=0)
    assert off[0] == pytest.approx(off[1], abs=0.02)
    assert tempo.beat_power(dancer(), [])["beat_power"] == 0


# --- variety ---


def test_a_loop_has_no_variety_noise_has_all_and_half_of_each_has_some():
    t = np.arange(600) / 30
    looped = sequence(0.1 * np.sin(2 * np.pi * t)[:, None, None] * np.ones((1, 18, 2)))  # every second beat
    assert variety.evaluate(dance(looped))["variety"] == pytest.approx(0, abs=0.02)
    assert variety.evaluate(dance(looped))["loop_beats"] in (2, 4, 8)
    assert variety.evaluate(dance(noise()))["variety"] > 0.9
    assert variety.evaluate(dance(dancer()))["variety"] > 0.8  # new places on every beat
    mixed = looped.keypoints.copy()
    mixed[300:] = dancer().keypoints[300:]
    assert 0.2 < variety.evaluate(dance(replace(looped, keypoints=mixed)))["variety"] < 0.95
    still = sequence(np.zeros((90, 1, 2)))
    assert variety.evaluate(dance(still))["variety"] == 0


def test_a_loop_is_seen_through_a_change_of_tempo_and_without_beats_too():
    beats = np.concatenate([np.arange(0, 10, 0.6), np.arange(10.2, 20, 0.4)])
    position = np.interp(np.arange(600) / 30, beats, np.arange(len(beats)))
    poses = sequence(0.1 * np.sin(np.pi * position)[:, None, None] * np.ones((1, 18, 2)))
    assert variety.loop_share(poses, beats)[0] == pytest.approx(1, abs=0.02)
    assert variety.loop_share(poses, beats + 0.1)[0] < 1
    assert variety.loop_share(sequence(np.zeros((8, 1, 2))), []) == (0.0, 0)  # not one beat twice


def test_a_clean_octave_counts_as_the_songs_tempo_and_a_wrong_tempo_does_not():
    song = np.arange(70, 171, 20.0)
    mixed = song * np.asarray([0.5, 1, 1, 0.5, 2, 0.5])
    found = tempo.tempo_following(song, mixed)
    assert found["slope_folded"] == pytest.approx(1)
    assert abs(found["slope_folded_chance"]) < 0.4
    assert abs(tempo.tempo_following(song, np.full(6, 97.0))["slope_folded"]) < 0.1
    random = np.random.default_rng(0)
    slopes = [tempo.tempo_following(song, random.uniform(40, 220, 6))["slope_folded"] for _ in range(40)]
    assert abs(np.median(slopes)) < 0.4  # to hit nothing is not helped by folding


def test_a_dancer_who_was_at_the_new_tempo_before_there_was_one_has_not_answered():
    slow = np.arange(0.25, 10, 60 / 80)
    beats = np.concatenate([slow, np.arange(slow[-1] + 0.5, 20, 0.5)])
    early = tempo.tempo_change(dancer(bpm=120), beats, slow[-1])
    assert np.isnan(early["delay_beats"])
    assert early["amplitude_ratio"] == pytest.approx(1, abs=0.2)


def test_the_first_beats_after_a_change_are_seen_one_by_one():
    offsets, kernel = tempo.alignment_around(dancer(), BEATS, 10.25)
    assert offsets.tolist() == list(range(-8, 9))
    assert kernel.min() > 0.8
    late = dancer().keypoints.copy()
    late[308:] = dancer(delay=0.25).keypoints[308:]
    _, kernel = tempo.alignment_around(sequence((late - STANDING) / 0.7), BEATS, 10.25)
    assert kernel[:8].min() > 0.8
    assert kernel[10:].max() < 0.2
    assert np.isnan(tempo.alignment_around(dancer(), BEATS[:4], 1.75)[1][-1])

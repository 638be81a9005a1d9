"""Metrics: perfect, empty and bad input, golden figures, and what chance gives."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tempose import metrics
from tempose.metrics import beats, curves, kinetics, motion, representation, tempo, variety
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import COCO_17, OPENPOSE_18
from tempose_pose.standing import standing_pose

DATA = Path(os.environ.get("TEMPOSE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
STANDING = standing_pose().keypoints[0]
BEATS = np.arange(0.25, 20, 0.5)  # 120 BPM


def sequence(offsets: np.ndarray, fps: float = 30.0) -> PoseSequence:
    """The standing figure moved by (T, K or 1, 2) offsets, in body heights."""
    keypoints = STANDING + 0.7 * np.asarray(offsets)
    return PoseSequence(keypoints, np.ones(keypoints.shape[:2]), fps, OPENPOSE_18)


def dancer(seconds=20.0, fps=30.0, bpm=120.0, first=0.25, delay=0.0, seed=0) -> PoseSequence:
    """Every joint travels to a new place each beat and stops there, exactly on the beat."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * fps)) / fps
    position = (t - first - delay) * bpm / 60
    index = np.floor(position).astype(int) + 2
    part = position - np.floor(position)
    eased = (1 - np.cos(np.pi * part)) / 2
    places = random.normal(0, 0.06, (index.max() + 2, 18, 2))
    return sequence(
        places[index] * (1 - eased)[:, None, None] + places[index + 1] * eased[:, None, None], fps
    )


def noise(seconds=20.0, fps=30.0, seed=0) -> PoseSequence:
    return sequence(np.random.default_rng(seed).normal(0, 0.02, (round(seconds * fps), 18, 2)), fps)


def dance(poses: PoseSequence, beat_times=BEATS, seams=()) -> Dance:
    beat_times = np.asarray(beat_times, float)
    return Dance(poses, beat_times, beat_times[::4], np.asarray(seams, int), 0, "test")


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


# --- curves, bad input over all modules ---


@pytest.mark.parametrize("module", [beats, kinetics, motion, tempo, variety])
def test_every_module_refuses_what_cannot_be_measured(module):
    short = dance(sequence(np.zeros((2, 1, 2))), [])
    nobody = dance(replace(dancer(seconds=1), scores=np.zeros((30, 18))), [])
    for bad in (short, nobody):
        with pytest.raises(TemposeError):
            module.evaluate(bad)


@pytest.mark.parametrize("module", [beats, kinetics, motion, tempo, variety])
def test_every_module_measures_dances_with_hidden_joints_and_no_beats(module):
    poses = dancer(seconds=4)
    scores = (np.random.default_rng(0).random(poses.scores.shape) > 0.4).astype(np.float32)
    scores[10:20] = 0  # out of sight altogether
    scores[:, 4] = 0  # one wrist is never seen
    figures = module.evaluate(dance(replace(poses, scores=scores), []))
    assert all(np.isfinite(v) for v in figures.values())


def test_resampling_keeps_time_and_does_not_invent_joints():
    poses = dancer(seconds=2, fps=60)
    back = curves.resampled(poses, 30)
    assert np.allclose(back.keypoints, poses.keypoints[::2], atol=1e-6)
    scores = np.ones((120, 18))
    scores[1::2] = 0
    assert (curves.resampled(replace(poses, scores=scores), 120).scores[1] == 0).all()


# --- motion ---


def test_a_figure_moving_evenly_has_that_speed_and_no_jitter():
    t = np.arange(90)[:, None, None] / 30
    figures = motion.evaluate(dance(sequence(t * np.asarray([0.1, 0.0]))))
    assert figures["joint_speed"] == pytest.approx(0.1, rel=1e-3)
    assert figures["jitter"] < 0.01
    assert figures["limb_ratio"] == pytest.approx(1, abs=1e-3)
    assert figures["limb_drift"] == pytest.approx(1, abs=1e-3)
    assert figures["foot_slide"] == pytest.approx(0.1, rel=1e-2)
    assert figures["foot_contact"] == 1
    assert figures["freezing"] == 0


def test_noise_jitters_and_a_stretching_figure_is_caught():
    assert motion.jitter(noise()) == pytest.approx(np.sqrt(3), abs=0.1)  # of white noise
    assert motion.jitter(dancer()) < 0.6
    grow = np.linspace(1, 1.5, 90)[:, None, None]
    poses = PoseSequence(0.5 + (STANDING - 0.5) * grow, np.ones((90, 18)), 30, OPENPOSE_18)
    lengths = motion.limb_lengths(poses)
    assert motion.limb_drift(lengths) == pytest.approx(1.5 / (7 / 6), rel=0.02)
    assert motion.limb_ratio(lengths) > 1.15


def test_a_jump_at_a_seam_stands_out():
    poses = dancer()
    assert motion.seam_ratio(poses, np.asarray([300])) < 1.2
    keypoints = poses.keypoints.copy()
    keypoints[300:, :, 0] += 0.2
    assert motion.seam_ratio(replace(poses, keypoints=keypoints), np.asarray([300])) > 2
    assert motion.seam_ratio(poses, np.zeros(0, int)) == 0
    with pytest.raises(TemposeError, match="frame of the dance"):
        motion.evaluate(dance(poses, seams=[600]))


def test_freezing_counts_holds_but_not_short_stops():
    assert motion.freezing(dancer()) == 0
    keypoints = dancer().keypoints.copy()
    keypoints[150:300] = keypoints[150]
    assert motion.freezing(sequence((keypoints - STANDING) / 0.7)) == pytest.approx(0.25, abs=0.01)
    assert motion.freezing(sequence(np.zeros((90, 1, 2)))) == 1


def test_joints_outside_of_the_picture_are_counted():
    poses = sequence(np.repeat([[[1.0, 0]]], 10, 0))  # far to the right: all but nothing left inside
    assert motion.off_canvas(poses) == 1
    assert motion.off_canvas(dancer()) == 0
    cut_off = replace(poses, keypoints=np.clip(poses.keypoints, 0, 1))  # to the edge: seen all the same
    assert motion.off_canvas(cut_off) == 1


def test_a_planted_foot_does_not_slide_though_the_body_sways():
    t = np.arange(150) / 30
    lift = (STANDING[:, 1].max() - STANDING[:, 1]) / 0.7
    sway = np.stack([lift * 0.1 * np.sin(2 * np.pi * t)[:, None], np.zeros((150, 18))], -1)
    slide, contact = motion.foot_slide(sequence(sway))
    assert slide == 0
    assert contact == 1


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


# --- kinetics ---


def test_kinetic_features_of_known_motion_are_as_calculated():
    t = np.arange(90)[:, None, None] / 30
    across = kinetics.kinetic_features(sequence(t * np.asarray([0.2, 0.0]))).reshape(18, 3)
    height = curves.in_body_heights(sequence(np.zeros((4, 1, 2))))  # one body height is exactly 0.7
    assert np.ptp(height[0, :, 1]) == pytest.approx(0.9, abs=0.01)
    assert np.allclose(across, [0.04, 0, 0], atol=1e-3)
    down = kinetics.kinetic_features(sequence(0.5 * t**2 * np.asarray([0.0, 0.1]))).reshape(18, 3)
    assert np.allclose(down[:, 2], 0.1, rtol=0.02)
    assert np.allclose(down[:, 0], 0, atol=1e-6)
    rms = kinetics.kinetic_features(sequence(t * np.asarray([0.2, 0.0])), "rms").reshape(18, 3)
    assert np.allclose(rms, [0.2, 0, 0], atol=1e-3)


def test_the_published_form_shows_its_misplaced_bracket():
    still = sequence(np.zeros((30, 1, 2)))
    published = kinetics.kinetic_features(still, "published").reshape(18, 3)
    points = curves.in_body_heights(still)[0]
    distance = np.linalg.norm(points - points[[8, 11]].mean(0), axis=1)
    assert np.allclose(published[:, 2], 3540 * distance, rtol=1e-3)
    assert np.allclose(kinetics.kinetic_features(still), 0, atol=1e-6)
    with pytest.raises(TemposeError, match="published"):
        kinetics.kinetic_features(still, "right")


def test_fid_is_zero_for_equal_sets_known_for_shifted_ones_and_guarded():
    rows = np.random.default_rng(0).normal(size=(200, 6))
    assert kinetics.fid(rows, rows) == pytest.approx(0, abs=1e-9)
    assert kinetics.frechet(rows + 2, rows) == pytest.approx(6 * 4)
    assert kinetics.frechet(rows * 3, rows) == pytest.approx(
        4 * np.trace(np.cov(rows, rowvar=False)) + 4 * (rows.mean(0) ** 2).sum()
    )
    constant = rows.copy()
    constant[:, 2] = 7  # does not vary in the reference: left out, not divided by
    assert kinetics.fid(rows, constant) < 1
    assert np.isnan(kinetics.fid(rows, np.ones((5, 6))))
    few = kinetics.fid(rows[:4], rows)  # rank deficient: still finite and real
    assert np.isfinite(few)
    assert kinetics.fid_floor(rows) < 0.5
    twice = np.repeat(rows, 2, 0)  # each clip in two like pieces: they must not lie on both sides
    assert kinetics.fid_floor(twice) < kinetics.fid_floor(twice, np.repeat(np.arange(200), 2))
    assert np.isnan(kinetics.fid_floor(rows[:4], size=50))


@pytest.mark.parametrize("bad", [np.zeros((1, 3)), np.zeros(3), np.full((4, 3), np.nan), np.zeros((4, 2))])
def test_bad_sets_are_refused(bad):
    with pytest.raises(TemposeError):
        kinetics.fid(bad, np.random.default_rng(0).normal(size=(5, 3)))


def test_diversity_of_equal_dances_is_nothing():
    rows = np.random.default_rng(0).normal(size=(100, 8))
    assert kinetics.diversity(np.repeat(rows[:1], 5, 0), rows) == pytest.approx(0, abs=1e-6)
    assert kinetics.diversity(rows) == pytest.approx(np.sqrt(2 * 8), rel=0.05)
    assert kinetics.diversity(np.ones((4, 3))) == 0


def test_windows_are_of_one_length():
    assert [len(w) for w in kinetics.windows(dancer(seconds=12))] == [150, 150, 150]
    assert kinetics.feature_set([dancer(seconds=12), dancer(seconds=3)]).shape == (3, 54)
    assert kinetics.feature_set([dancer(seconds=3)]).shape == (0, 54)


# --- representation ---


def test_a_round_trip_is_measured_in_bins():
    poses = dancer(seconds=2)
    same = representation.evaluate([poses], lambda p: p)
    assert same["mean_bins"] == same["beyond_2_bins"] == 0
    assert same["hidden_f1"] == 1
    off = replace(poses, keypoints=poses.keypoints + np.float32(3 / 512))
    assert representation.round_trip(poses, off)["mean_bins"] == pytest.approx(3, rel=1e-3)
    assert representation.round_trip(poses, off)["beyond_2_bins"] == 1
    scores = np.ones((60, 18))
    scores[:, :4] = 0
    found = scores.copy()
    found[:, 0] = 1
    figures = representation.round_trip(replace(poses, scores=scores), replace(poses, scores=found))
    assert figures["hidden_precision"] == 1
    assert figures["hidden_recall"] == 0.75
    with pytest.raises(TemposeError, match="same frames"):
        representation.round_trip(poses, poses[:10])
    with pytest.raises(TemposeError):
        representation.evaluate([], lambda p: p)


# --- the whole, and the data ---


def test_equal_dances_have_equal_figures():
    a, b = (metrics.evaluate(dance(dancer(seconds=6)), ("bailando", "fact")) for _ in range(2))
    assert a == b
    assert {"bas_bailando", "bas_fact", "beat_lock", "jitter", "dance_bpm"} <= set(a)


@pytest.mark.skipif(not (DATA / "dance" / "index.json").is_file(), reason="the dance clips are not at hand")
def test_real_dance_has_the_figures_the_documentation_states():
    rows = []
    for entry in json.loads((DATA / "dance" / "index.json").read_text()):
        if entry["source"] != "aistpp_mm" or entry["genre"] not in ("KR", "PO"):
            continue
        keypoints = np.load(DATA / "dance" / entry["file"])["kp"][..., :2] * (0.4, -0.4) + (0.5, 0.8)
        poses = PoseSequence(keypoints, np.ones(keypoints.shape[:2]), entry["fps"], COCO_17)
        grid = entry["beat0"] + 60 / entry["bpm"] * np.arange(300)
        rows.append(metrics.evaluate(dance(poses, grid[grid < poses.seconds])))
    mean = {k: np.mean([r[k] for r in rows]) for k in rows[0]}
    assert mean["beat_lock"] == pytest.approx(0.125, abs=0.02)
    assert mean["bas"] == pytest.approx(0.32, abs=0.02)
    assert mean["joint_speed"] == pytest.approx(0.23, abs=0.02)
    assert mean["jitter"] == pytest.approx(0.42, abs=0.03)
    assert 1.05 < mean["limb_ratio"] < 1.2
    assert mean["tempo_clean"] > 0.8


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

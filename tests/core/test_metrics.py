"""Metrics of motion and of whole dances: known motion, empty and bad input, and real clips."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dances import STANDING, dance, dancer, noise, sequence

from tempose import metrics
from tempose.metrics import beats, curves, kinetics, motion, representation, tempo, variety
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import COCO_17, OPENPOSE_18

DATA = Path(os.environ.get("TEMPOSE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


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
    torn, seam = replace(poses, keypoints=keypoints), np.asarray([300])
    assert motion.seam_ratio(torn, seam) > 2
    assert motion.seam_ratio_chance(torn, seam) < 1.2
    assert motion.seam_ratio_chance(poses, np.arange(1, 600)) == motion.seam_ratio(poses, np.arange(1, 600))
    for figure in (motion.seam_ratio, motion.seam_ratio_chance):
        assert figure(poses, np.zeros(0, int)) == 0
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

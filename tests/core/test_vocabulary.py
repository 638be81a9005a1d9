"""The vocabulary: figures of an independent measurement, real dances, what each descriptor sees."""

import importlib.util
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dances import lively

from tempose.metrics import vocabulary
from tempose.metrics.phrases import BODY
from tempose.metrics.vocabulary import DESCRIPTORS, REAL, describe, deviations
from tempose_pose.errors import TemposeError

SHARED = Path(os.environ.get("TEMPOSE_DATA", Path(__file__).parents[2].parent / "shared" / "data")).parent

# Of `lively`, by a program written by others from the same definitions.
MEASURED = {
    "speed": 0.46103183,
    "wrist_speed": 0.90869477,
    "ankle_speed": 0.57474942,
    "hip_speed": 0.26927258,
    "share_legs": 0.34623364,
    "share_root": 0.22546841,
    "poses": 13.25,
    "pose_dimensions": 3.5450807,
    "pose_amplitude": 0.16281408,
    "turned_aside": 0.31149799,
    "flips": 1.25,
    "travel_across": 0.26652064,
    "travel_up": 0.17256225,
    "steps": 0.984375,
    "step_height": 0.24670323,
    "step_length": 0.040273015,
    "kicks": 11.75,
    "jumps": 0,
    "crouching": 0.5471004,
    "stance_change": 0.086306104,
    "knee_change": 28.783854,
    "elbow_change": 43.202968,
    "bounce": 0.023887543,
    "sway": 0.029721886,
    "foot_slide": 0.14051055,
    "hands_above_head": 0.37975904,
    "roundness": 0.075206646,
    "stroke_length": 0.73557105,
    "lean_change": 4.3887365e-06,
    "shoulder_tilt": 0,
    "hip_tilt": 0,
    "leg_foreshortening": 0.44121091,
    "holds": 0,
    "outbursts": 1.4120398,
    "jitter": 0.25161039,
    "returns": 0.38012839,
    "bar_novelty": 0.25633302,
    "bar_energy": 0.094775916,
}
# That program's names, in the order of the descriptors.
THEIR_NAMES = (
    "speed", "wrist_speed", "ankle_speed", "hip_speed", "share_legs", "share_root", "poses_r10",
    "pose_dim", "pose_amp", "turned60", "flips_per_16b", "travel_x_8b", "travel_y_8b", "steps_per_beat",
    "step_lift", "step_len", "kicks_per_16b", "jumps_per_16b", "crouch85", "stance_std", "knee_std",
    "elbow_std", "bounce", "sway", "slide", "wrist_above_head", "arc", "stroke_len", "lean_std",
    "shoulder_tilt_std", "hip_tilt_std", "leg_p5_p95", "hold", "dyn_p95_mean", "jitter", "R8",
    "bar_novelty", "bar_energy_cv",
)  # fmt: skip


def test_figures_are_those_of_an_independent_measurement():
    found = describe(*lively())
    assert list(found) == [d.name for d in DESCRIPTORS] == list(MEASURED)
    assert found == pytest.approx(MEASURED, rel=1e-6, abs=1e-6)


@pytest.mark.skipif(not (SHARED / "metrics" / "vocab.py").is_file(), reason="the other program is not here")
@pytest.mark.skipif(not (SHARED / "data" / "dance").is_dir(), reason="real dances are not here")
def test_figures_of_real_dances_are_those_of_the_other_program(monkeypatch):
    from tempose.datasets.clips import load_clips
    from tempose.evaluation.real_motion import from_clips

    monkeypatch.setattr(sys, "path", [*sys.path, str(SHARED / "metrics")])
    spec = importlib.util.spec_from_file_location("vocab", SHARED / "metrics" / "vocab.py")
    assert spec is not None
    assert spec.loader is not None
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    real = json.loads((SHARED / "metrics" / "real.json").read_text())["mean_sd"]
    assert tuple(real) == THEIR_NAMES
    assert [list(pair) for pair in REAL.values()] == list(real.values())
    compared = 0
    for truth in from_clips(load_clips(SHARED / "data"))[::40]:
        points, beats = truth.poses.keypoints.astype(float), truth.grid.beats
        windows, whole = theirs.describe(points, 30.0, beats[beats < len(points) / 30])
        mean = {n: float(np.mean([w[n] for w in windows])) for n in (windows[0] if windows else ())} | whole
        found = describe(truth.poses, truth.grid.beats)
        for descriptor, name in zip(DESCRIPTORS, THEIR_NAMES, strict=True):
            assert found[descriptor.name] == pytest.approx(mean.get(name, np.nan), abs=1e-6, nan_ok=True), (
                name
            )
            compared += 1
    assert compared >= 3 * len(DESCRIPTORS)


def test_every_descriptor_has_real_dances_to_stand_beside():
    assert list(REAL) == [d.name for d in DESCRIPTORS]
    assert len(REAL) == 38
    assert all(sd > 0 for _, sd in REAL.values())
    kept = json.loads(Path(vocabulary.__file__).with_name("real_dances.json").read_text())
    assert "CC BY 4.0" in kept["credit"]


def test_the_mean_over_dances_counts_in_standard_deviations_of_real_ones():
    mean = {name: m for name, (m, _) in REAL.items()}
    far = {name: m + 4 * sd for name, (m, sd) in REAL.items()}
    assert list(deviations([mean]).values()) == pytest.approx([0] * 38, abs=1e-9)
    assert list(deviations([mean, far]).values()) == pytest.approx([2] * 38)
    unknown = dict.fromkeys(REAL, float("nan"))
    assert deviations([unknown, far])["speed"] == pytest.approx(4)
    assert np.isnan(deviations([unknown])["speed"])
    assert np.isnan(deviations([])["speed"])


def test_size_place_and_picture_do_not_matter_and_tempo_is_read_in_beats():
    poses, beats = lively()
    small = replace(poses, keypoints=0.2 + 0.4 * poses.keypoints)
    assert describe(small, beats) == pytest.approx(describe(poses, beats), rel=1e-4, abs=1e-5)
    wide = replace(poses, keypoints=poses.keypoints * (0.5, 1), canvas=(2 * poses.canvas[0], poses.canvas[1]))
    assert describe(wide, beats) == pytest.approx(describe(poses, beats), rel=1e-4, abs=1e-5)
    slow, slow_beats = lively(30, 92)
    quick = describe(poses, beats)
    assert describe(slow, slow_beats)["steps"] == pytest.approx(quick["steps"], rel=0.1)
    assert describe(slow, slow_beats)["speed"] < 0.85 * quick["speed"]


def change(joints: str, across=0.0, up=0.0):
    """The lively dancer with some joints elsewhere: numbers, or arrays over time."""
    poses, beats = lively()
    points = poses.keypoints.astype(float)
    for joint in joints.split():
        at = poses.skeleton.joints.index(joint)
        points[:, at, 0] += across
        points[:, at, 1] -= up
    return describe(replace(poses, keypoints=points), beats)


def test_each_descriptor_sees_its_own():
    usual, (poses, beats) = describe(*lively()), lively()
    body = " ".join(poses.skeleton.joints)
    time = np.arange(len(poses)) / 30
    walks = change(body, 0.15 * np.sin(time))
    assert walks["travel_across"] > 1.5 * usual["travel_across"]
    assert walks["share_root"] > usual["share_root"]
    assert walks["steps"] == pytest.approx(usual["steps"])
    wrists = "left_wrist right_wrist"
    assert change(wrists, up=0.2)["hands_above_head"] > 1.5 * usual["hands_above_head"]
    assert change("neck nose", 0.06 * np.sin(2 * time))["lean_change"] > 5
    assert change("left_hip", up=0.02 * np.sin(3 * time))["hip_tilt"] > 2
    noise = np.random.default_rng(0).normal(0, 0.004, len(poses))
    assert change(wrists, noise)["jitter"] > 1.2 * usual["jitter"]
    loop = replace(poses, keypoints=poses.keypoints[np.arange(len(poses)) % round(8 * 60 / 116 * 30)])
    assert describe(loop, beats)["returns"] > 0.97 > usual["returns"]
    half = np.where(time < 12, 1, 0.3)[:, None, None]
    calm = replace(poses, keypoints=poses.keypoints[:1] + half * (poses.keypoints - poses.keypoints[:1]))
    assert describe(calm, beats)["bar_energy"] > 2 * usual["bar_energy"]


def test_standing_still_is_measured_and_a_short_dance_has_no_figures():
    poses, beats = lively()
    still = replace(poses, keypoints=np.repeat(poses.keypoints[:1], len(poses), 0))
    found = describe(still, beats)
    assert all(np.isfinite(list(found.values())))
    assert found["speed"] == found["steps"] == found["travel_across"] == 0
    few = describe(poses[: 8 * 30], beats)  # 15 beats
    assert np.isfinite(few["bar_novelty"])
    few = describe(poses[: 5 * 30], beats)  # 9 beats: neither a phrase nor three bars
    assert np.isnan(list(few.values())).all()
    assert np.isnan(list(describe(poses, np.zeros(0)).values())).all()
    with pytest.raises(TemposeError, match="4 frames"):
        describe(poses[:2], beats)


def test_hidden_joints_and_a_detectors_slips_are_bridged():
    poses, beats = lively()
    usual = describe(poses, beats)
    scores, points = poses.scores.copy(), poses.keypoints.copy()
    wrist = poses.skeleton.joints.index("left_wrist")
    scores[100:104, wrist] = 0
    points[100:104, wrist] = 0.9
    points[300, wrist] = 0.9
    mended = describe(replace(poses, keypoints=points, scores=scores), beats)
    assert mended["wrist_speed"] == pytest.approx(usual["wrist_speed"], rel=0.02)


def test_the_body_is_fourteen_joints_and_mirrors_itself():
    assert len(BODY) == 14
    joints = [BODY[i] for i in vocabulary.PARTS]
    mirrored = [joints[i] for i in vocabulary._MIRRORED]
    assert mirrored[joints.index("left_knee")] == "right_knee"
    assert mirrored[joints.index("neck")] == "neck"
    assert [joints[i] for i in (vocabulary._MIRRORED[m] for m in vocabulary._MIRRORED)] == joints

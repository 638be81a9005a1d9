"""Larger movement from the same clips: what grows, and what must not change."""

import os
from pathlib import Path

import numpy as np
import pytest
from made_dancers import standing_figure

from tempose.datasets.clips import load_clips, stops
from tempose.datasets.exaggerate import Exaggeration, exaggerate
from tempose_pose.skeletons import OPENPOSE_18, OPENPOSE_60

DATA = Path(os.environ.get("TEMPOSE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
J = OPENPOSE_18.at
LARGE = Exaggeration(sink=0.05, bounce=1.8, lift=1.6, path=1.2, lean=1.5, swing=1.6)


def stepping_dancer(frames=240):
    """Walks on the spot and bounces: each foot rests while the other one steps aside and back."""
    motion = np.repeat(standing_figure()[None], frames, 0)
    turns = np.arange(frames) / 30
    bounce = 0.02 * np.cos(4 * np.pi * turns) - 0.03
    motion[:, [j for n, j in J.items() if "ankle" not in n], 1] += bounce[:, None]
    sway = 0.04 * np.sin(2 * np.pi * turns)
    motion[:, [j for n, j in J.items() if not any(part in n for part in ("ankle", "knee"))], 0] += sway[
        :, None
    ]
    for q, side in enumerate(("left", "right")):
        step = np.clip(np.sin(2 * np.pi * turns + np.pi * q), 0, None) ** 2
        ankle = J[f"{side}_ankle"]
        motion[:, ankle, 1] += 0.08 * step
        motion[:, ankle, 2] += 0.1 * step
        motion[:, J[f"{side}_knee"]] = _knee(motion[:, J[f"{side}_hip"]], motion[:, ankle])
    return motion


def _knee(hip, ankle, length=0.26):
    """Knees ahead of the line from hip to ankle, so that thigh and shin are `length` each."""
    middle, half = (hip + ankle) / 2, np.linalg.norm(hip - ankle, axis=-1) / 2
    way = (ankle - hip) / (2 * half[:, None])
    ahead = np.array([0, 0, 1.0]) - way[:, 2:] * way
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    return middle + np.sqrt(np.maximum(length**2 - half**2, 0))[:, None] * ahead


def lengths(motion, *bones):
    return np.stack([np.linalg.norm(motion[:, J[a]] - motion[:, J[b]], axis=-1) for a, b in bones], 1)


LIMBS = [
    (f"{s}_{a}", f"{s}_{b}")
    for s in ("left", "right")
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
] + [("neck", "nose"), ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")]


def middle(motion):
    return (motion[:, J["left_hip"]] + motion[:, J["right_hip"]]) / 2


def test_bones_keep_their_lengths_to_the_last_digit():
    motion = stepping_dancer()
    larger = exaggerate(motion, LARGE, OPENPOSE_18)
    np.testing.assert_allclose(lengths(larger, *LIMBS), lengths(motion, *LIMBS), atol=1e-9)
    trunk = [np.linalg.norm(m[:, J["neck"]] - middle(m), axis=-1) for m in (larger, motion)]
    np.testing.assert_allclose(*trunk, atol=1e-9)


def test_hips_sink_and_bounce_steps_are_higher_and_ways_wider():
    motion = stepping_dancer()
    larger = exaggerate(motion, LARGE, OPENPOSE_18)
    assert middle(larger)[:, 1].mean() < middle(motion)[:, 1].mean() - 0.03
    inside = slice(40, -40)
    assert np.std(middle(larger)[inside, 1]) > 1.3 * np.std(middle(motion)[inside, 1])
    assert np.ptp(middle(larger)[:, 0]) == pytest.approx(1.2 * np.ptp(middle(motion)[:, 0]), rel=1e-6)
    lift = [np.ptp(m[:, J["left_ankle"], 1]) for m in (motion, larger)]
    assert lift[1] > 1.2 * lift[0]


def test_arms_swing_further_as_the_trunk_sees_it():
    motion = stepping_dancer()
    turns = np.arange(len(motion)) / 30
    shoulder, elbow, wrist = (J[f"left_{name}"] for name in ("shoulder", "elbow", "wrist"))
    swing = 0.3 * np.sin(2 * np.pi * turns)
    rest = motion[:, elbow] - motion[:, shoulder]
    length = np.linalg.norm(rest, axis=-1)
    upper = np.stack([0 * swing, -length * np.cos(swing), length * np.sin(swing)], -1)
    lower = motion[:, wrist] - motion[:, elbow]
    motion[:, elbow] = motion[:, shoulder] + upper
    motion[:, wrist] = motion[:, elbow] + lower
    larger = exaggerate(motion, Exaggeration(swing=1.6), OPENPOSE_18)

    def angle(m):
        way = m[:, elbow] - m[:, shoulder]
        return np.arctan2(way[:, 2], -way[:, 1])

    inside = slice(60, -60)
    assert np.ptp(angle(larger)[inside]) == pytest.approx(1.6 * np.ptp(angle(motion)[inside]), rel=0.12)
    legs = [j for name, j in J.items() if name.endswith(("hip", "knee", "ankle"))]
    np.testing.assert_allclose(middle(larger), middle(motion), atol=2e-3)
    assert np.abs(larger[:, legs] - motion[:, legs]).max() < 0.02


def test_planted_feet_stay_planted():
    motion = stepping_dancer()
    larger = exaggerate(motion, LARGE, OPENPOSE_18)
    for side in ("left", "right"):
        still = np.linalg.norm(np.diff(motion[:, J[f"{side}_ankle"]], axis=0), axis=-1) < 1e-9
        assert still.sum() > 60
        moved = np.linalg.norm(np.diff(larger[:, J[f"{side}_ankle"]], axis=0), axis=-1)
        assert moved[still].max() < 1e-6


def test_moves_on_a_beat_stay_on_it():
    motion = stepping_dancer()
    before, after = stops(motion), stops(exaggerate(motion, LARGE, OPENPOSE_18))
    near = [np.abs(after - moment).min() for moment in before]
    assert np.median(near) <= 1


def test_none_of_it_changes_nothing_and_half_lies_between():
    motion = stepping_dancer()
    assert np.array_equal(exaggerate(motion, Exaggeration(), OPENPOSE_18), motion)
    half = LARGE.halved()
    assert half.size == pytest.approx(LARGE.size / 2)
    low, mid, high = (
        middle(exaggerate(motion, how, OPENPOSE_18))[:, 1].mean() for how in (LARGE, half, Exaggeration())
    )
    assert low < mid < high


def test_draws_grow_with_the_strength_and_are_the_same_for_the_same_seed():
    weak, strong = (
        np.mean([Exaggeration.draw(np.random.default_rng(i), strength).size for i in range(50)])
        for strength in (0.5, 1.5)
    )
    assert strong == pytest.approx(3 * weak)
    assert Exaggeration.draw(np.random.default_rng(1), 1.0) == Exaggeration.draw(
        np.random.default_rng(1), 1.0
    )


def test_hands_go_with_the_wrists():
    motion = stepping_dancer()
    wide = np.zeros((len(motion), 60, 3))
    wide[:, :18] = motion
    for joint in range(18, 60):
        side = "left" if OPENPOSE_60.joints[joint].startswith("left") else "right"
        wide[:, joint] = motion[:, J[f"{side}_wrist"]] + [0, -0.05, 0.01]
    larger = exaggerate(wide, LARGE, OPENPOSE_60)
    np.testing.assert_allclose(larger[:, :18], exaggerate(motion, LARGE, OPENPOSE_18), atol=1e-12)
    finger = OPENPOSE_60.index("left_index_4")
    gap = np.linalg.norm(larger[:, finger] - larger[:, J["left_wrist"]], axis=-1)
    np.testing.assert_allclose(gap, np.hypot(0.05, 0.01), atol=1e-9)


@pytest.mark.skipif(not (DATA / "dance" / "index.json").is_file(), reason="no dance data")
def test_recorded_dances_grow_without_sliding_or_breaking():
    clips = [c for c in load_clips(DATA) if c.motion.shape[-1] == 3 and len(c.motion) >= 256][::20]
    assert len(clips) > 5
    grown = []
    for i, clip in enumerate(clips):
        motion = clip.motion[:256].astype(float)
        larger = exaggerate(motion, Exaggeration.draw(np.random.default_rng(i), 1.3), OPENPOSE_18)
        assert np.isfinite(larger).all()
        np.testing.assert_allclose(lengths(larger, *LIMBS), lengths(motion, *LIMBS), atol=1e-6)
        grown.append(np.std(middle(larger)[:, 1]) / np.std(middle(motion)[:, 1]))
    assert np.median(grown) > 1.2

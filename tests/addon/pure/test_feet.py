"""Feet that stand."""

import numpy as np
import pytest
from addon.model.character.joints import with_mid_hip
from addon.model.character.mapping import JOINTS
from addon.model.keys.contacts import contacts_of
from addon.model.keys.feet import plant
from addon.model.keys.swings import swung
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.reference import Reference

RATE, HEIGHT = 30.0, 700.0
LEFT, RIGHT = (JOINTS.index(f"{side}_ankle") for side in ("left", "right"))


def walk(frames=180, slip=40.0, seed=0):
    """A figure that steps in place every second, on feet that slip while they carry."""
    rng = np.random.default_rng(seed)
    points = np.repeat((Reference.standing().points * (1, -1))[None], frames, 0)
    t = np.arange(frames) / RATE
    points[:, :, 0] += (20 * np.sin(2 * np.pi * t / 2))[:, None]
    for joint, phase in (("left", 0.0), ("right", 0.5)):
        lift = np.maximum(np.sin(2 * np.pi * (t + phase)), 0) ** 2 * 90
        slide = slip * np.sin(2 * np.pi * t / 2 + rng.uniform(0, 6))
        for part, share in (("ankle", 1.0), ("knee", 0.6)):
            k = JOINTS.index(f"{joint}_{part}")
            points[:, k, 1] += share * lift
            points[:, k, 0] += share * slide
    return with_mid_hip(points, np.ones(points.shape[:2]))


def slide(points, contacts):
    """Speed of feet that carry, heights per second."""
    speed = np.linalg.norm(np.diff(points[:, [LEFT, RIGHT]], axis=0), axis=-1) * RATE / HEIGHT
    both = contacts[1:] & contacts[:-1]
    return speed[both].mean()


def test_feet_that_carry_do_not_slide_and_nothing_pops():
    points, scores = walk()
    held = plant(points, scores, RATE, HEIGHT)
    assert 0.3 < held.contacts.mean() < 0.9
    assert slide(points, held.contacts) > 0.05
    assert slide(held.points, held.contacts) < 0.005
    bend = [np.linalg.norm(np.diff(p, 2, axis=0), axis=-1).max() for p in (points, held.points)]
    assert bend[1] <= 1.4 * bend[0]  # who stands longer has less time to get elsewhere


def test_legs_nearly_keep_their_length_and_the_upper_body_its_shape():
    points, scores = walk()
    held = plant(points, scores, RATE, HEIGHT).points
    for side in ("left", "right"):
        for a, b in (("hip", "knee"), ("knee", "ankle")):
            ends = [JOINTS.index(f"{side}_{joint}") for joint in (a, b)]
            before, after = (np.linalg.norm(p[:, ends[0]] - p[:, ends[1]], axis=-1) for p in (points, held))
            assert np.abs(after / before - 1).max() <= 0.15
    legs = [JOINTS.index(f"{s}_{j}") for s in ("left", "right") for j in ("knee", "ankle")]
    upper = [k for k in range(len(JOINTS)) if k not in legs]
    moved = (held - points)[:, upper]
    assert np.abs(moved - moved[:, :1]).max() < 1e-9


def test_on_a_ground_line_the_feet_neither_float_nor_sink():
    points, scores = walk()
    points[:, :, 1] += (10 * np.sin(np.arange(len(points)) / 30))[:, None]
    ground = float(np.median(points[:, [LEFT, RIGHT], 1].min(1)))
    held = plant(points, scores, RATE, HEIGHT, ground=ground)
    ankles = held.points[:, [LEFT, RIGHT], 1][held.contacts]
    assert np.abs(ankles - ground).max() < 0.003 * HEIGHT
    before = points[:, [LEFT, RIGHT], 1][held.contacts]
    assert np.abs(before - ground).max() > 0.01 * HEIGHT


def test_never_changes_nothing_and_always_lets_nobody_fly():
    points, scores = walk()
    assert plant(points, scores, RATE, HEIGHT, "NEVER").points is points
    points[80:100, :, 1] += 150 * np.sin(np.linspace(0, np.pi, 20))[:, None]  # a jump
    auto = plant(points, scores, RATE, HEIGHT, "AUTO", ground=float(points[0, LEFT, 1]))
    always = plant(points, scores, RATE, HEIGHT, "ALWAYS", ground=float(points[0, LEFT, 1]))
    assert not auto.contacts[85:95].any()
    assert always.contacts.any(1).mean() > 0.95
    flying = [(p.points[90, [LEFT, RIGHT], 1].min() - points[0, LEFT, 1]) / HEIGHT for p in (auto, always)]
    assert flying[0] > 0.15
    assert flying[1] < 0.06


def test_a_floating_figure_is_let_down_stays_down_and_can_still_jump():
    points, scores = walk(frames=240)
    ground = float(points[0, LEFT, 1]) - 90.0  # it floats by an eighth of its height
    jump = np.zeros(len(points))
    jump[100:130] = 120 * np.sin(np.linspace(0, np.pi, 30)) ** 2
    points[:, :, 1] += jump[:, None]
    held = plant(points, scores, RATE, HEIGHT, ground=ground).points
    low = held[:, [LEFT, RIGHT], 1].min(1) - ground
    assert np.abs(low[jump == 0]).max() < 0.04 * HEIGHT
    assert np.median(np.abs(low[jump == 0])) < 0.003 * HEIGHT
    assert low.max() == pytest.approx(120, abs=0.05 * HEIGHT)


def test_a_foot_that_wanders_takes_steps_and_stands_between_them():
    points, scores = walk(frames=240, slip=0.0)
    way = 0.3 * HEIGHT * (np.arange(240) / 240 + 0.02 * np.sin(np.arange(240) / 9))
    left = [JOINTS.index(f"left_{j}") for j in ("ankle", "knee", "hip")]
    points[:, left, 0] += way[:, None]
    points[:, left, 1] = points[0, left, 1]
    held = plant(points, scores, RATE, HEIGHT).points
    speed = np.abs(np.diff(held[:, LEFT, 0])) * RATE / HEIGHT
    assert (np.abs(np.diff(points[:, LEFT, 0])) * RATE / HEIGHT > 0.02).mean() > 0.8
    assert (speed > 0.02).mean() < 0.3
    lift = held[:, LEFT, 1] - held[0, LEFT, 1]
    assert lift[1:][speed > 0.3].min(initial=1) > 0  # it rises on the way
    assert np.abs(held - points).max() < 0.16 * HEIGHT


def test_a_fast_foot_is_not_held():
    ankles = np.zeros((60, 2, 2))
    ankles[:, 0, 0] = np.arange(60) * 120.0
    contacts = contacts_of(ankles, np.ones((60, 2), bool), RATE, HEIGHT)
    assert not contacts[:, 0].any()
    assert contacts[:, 1].all()


def test_a_foot_rises_before_it_goes_elsewhere_and_lands_before_it_stands():
    path = np.zeros((40, 2))
    path[15:25, 0] = np.linspace(0, 150, 12)[1:-1]
    path[25:, 0] = 150
    pinned = np.r_[np.ones(15, bool), np.zeros(10, bool), np.ones(15, bool)]
    out = swung(path, pinned, RATE, HEIGHT)
    low = out[:, 1] < 0.015 * HEIGHT
    steps = np.abs(np.diff(out[:, 0]))
    assert steps[low[1:] & low[:-1]].max() <= 0.012 * HEIGHT
    assert out[18:22, 1].min() > 0.04 * HEIGHT
    assert np.array_equal(out[pinned], path[pinned])
    high = path + [0, 200] * ~pinned[:, None]  # a leap: it is above the ground anyway
    assert np.array_equal(swung(high, pinned, RATE, HEIGHT), high)


@pytest.mark.parametrize("rate", [24.0, 30.0])
def test_who_hops_is_up_at_once_and_comes_down_softly(rate):
    """Who leaves the ground with both feet has a lower foot all the same, and that must not slide."""
    path = np.zeros((40, 2))
    path[15:25, 0] = np.linspace(0, 150, 12)[1:-1]
    path[25:, 0] = 150
    pinned = np.r_[np.ones(15, bool), np.zeros(10, bool), np.ones(15, bool)]
    out = swung(path, pinned, rate, HEIGHT, other=pinned)
    low = out[:, 1] < 0.04 * HEIGHT
    steps = np.linalg.norm(np.diff(out, axis=0), axis=1)
    assert steps[low[1:] & low[:-1]].max() <= 0.012 * HEIGHT
    assert 0 < out[[15, 24], 1].min() <= out[[15, 24], 1].max() < 0.012 * HEIGHT


def test_feet_that_are_not_seen_are_left_alone():
    points, scores = walk()
    scores[:, LEFT] = 0
    held = plant(points, scores, RATE, HEIGHT)
    assert not held.contacts[:, 0].any()
    assert held.contacts[:, 1].any()


def test_a_knee_is_not_flung_away_by_a_foot_that_is_drawn_off_its_hip():
    points, scores = walk(slip=0.0)
    hip, knee, ankle = (JOINTS.index(f"left_{joint}") for joint in ("hip", "knee", "ankle"))
    raised = slice(80, 100)  # the heel is at the hip
    points[raised, ankle] = points[raised, hip] + (0.01 * HEIGHT, 0)
    held = plant(points, scores, RATE, HEIGHT, ground=float(points[0, ankle, 1])).points
    legs, thighs = (
        [np.linalg.norm(p[:, joint] - p[:, hip], axis=-1) for p in (points, held)] for joint in (ankle, knee)
    )
    assert (legs[1] / legs[0])[raised].max() > 1.9
    assert (thighs[1] / thighs[0]).max() < 1.26


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 1000),
    st.integers(1, 90),
    st.sampled_from(["AUTO", "ALWAYS"]),
    st.booleans(),
)
def test_whatever_comes_stays_finite_and_near(seed, frames, mode, grounded):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 700, (frames, len(JOINTS), 2))
    scores = (rng.random((frames, len(JOINTS))) > 0.2).astype(float)
    held = plant(points, scores, RATE, HEIGHT, mode, 0.0 if grounded else None).points
    assert held.shape == points.shape
    assert np.isfinite(held).all()
    assert np.abs(held - points).max() < 4 * HEIGHT


def test_the_ground_line_moves_the_figure_smoothly():
    points, scores = walk(slip=0.0)
    held = plant(points, scores, RATE, HEIGHT, ground=float(points[0, LEFT, 1]) - 30).points
    shift = held[:, JOINTS.index("nose"), 1] - points[:, JOINTS.index("nose"), 1]
    assert shift[90] == pytest.approx(-30, abs=8)
    assert np.abs(np.diff(shift, 2)).max() < 0.5

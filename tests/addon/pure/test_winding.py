"""Angles that do not wind up."""

import numpy as np
from addon.model.character import rotations
from addon.model.character.winding import unwound
from hypothesis import given, settings
from hypothesis import strategies as st

TURN = 2 * np.pi


def limb(tilt, heading):
    """Angle and visible length of a limb that leaves the picture's plane by `tilt`, at `heading` in the plane."""
    along = np.cos(tilt)
    return np.arctan2(np.sign(along) * np.sin(heading), np.sign(along) * np.cos(heading)), np.abs(along)


def all_clear(angles):
    return np.ones(len(angles), bool)


def test_a_limb_that_swings_through_the_viewer_again_and_again_does_not_wind_up():
    t = np.arange(900) / 30
    angles, shown = limb(1.9 * np.sin(2.1 * t) + 0.3 * np.sin(0.7 * t), 0.5 * np.sin(0.9 * t) + 1.2)
    plain = np.unwrap(angles)
    found = unwound(angles, all_clear(angles), shown)
    assert np.abs(np.exp(1j * found) - np.exp(1j * angles)).max() < 1e-9
    assert np.ptp(plain) > 2 * TURN
    assert np.abs(found).max() < np.pi + 1.0
    steps = np.abs(np.diff(found))
    assert steps.max() < TURN
    assert shown[1:][steps > 2].max() < 0.35  # it goes round only where the limb is short


def test_a_windmill_in_full_view_winds_as_it_does():
    angles = np.linspace(0, 3 * TURN, 200)
    found = unwound(np.angle(np.exp(1j * angles)), all_clear(angles), np.ones(200))
    assert np.allclose(np.diff(found), np.diff(angles))


def test_after_a_windmill_it_comes_back_where_the_limb_is_gone_for_a_moment():
    angles = np.concatenate([np.linspace(0, 2 * TURN, 90), np.full(200, 2 * TURN + 0.3)])
    shown, clear = np.ones(290), np.ones(290, bool)
    shown[90:96], clear[90:96] = 0.0, False
    found = unwound(np.angle(np.exp(1j * angles)), clear, shown)
    assert np.abs(found[100:] - 0.3).max() < 1e-9
    assert np.abs(np.diff(found)).max() < TURN


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 200))
def test_it_is_always_the_same_direction_and_neighbours_never_differ_by_a_turn(seed, frames):
    rng = np.random.default_rng(seed)
    angles = np.angle(np.exp(1j * np.cumsum(rng.normal(0, 0.5, frames))))
    shown, clear = rng.uniform(0, 1.3, frames), rng.random(frames) > 0.2
    found = unwound(angles, clear, shown)
    assert np.isfinite(found).all()
    assert np.allclose(np.exp(1j * found[clear]), np.exp(1j * angles[clear]))
    assert np.abs(np.diff(found)).max(initial=0) < TURN
    assert np.abs(found).max() <= np.abs(np.unwrap(angles)).max() + 3 * TURN


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]), st.integers(0, 10_000))
def test_euler_angles_of_a_turn_wind_no_more_than_it(order, seed):
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = rng.uniform(-3, 3, 60)
    prop, values = rotations.channels(order, axis, angle)
    assert prop == "rotation_euler"
    assert max(np.abs(v).max() for v in values.values()) < 1.5 * np.pi + 1e-6
    again = rotations.channels(order, axis, angle[::-1])[1]  # the way there does not matter
    assert all(np.allclose(again[i][::-1], values[i]) for i in values)

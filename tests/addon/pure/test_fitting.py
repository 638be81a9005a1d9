"""Few keys, and how far they may be from many."""

import numpy as np
import pytest
from addon.character.forward import Forward
from addon.character.joints import joints_at_rest
from addon.character.mapping import JOINTS
from addon.character.posing import Options
from addon.character.retarget import solve
from addon.keys.fitting import at_fixed, evaluate, every, miss, sparse
from armatures import foreign
from hypothesis import given, settings
from hypothesis import strategies as st


def chain(count: int):
    """A chain of bones of length 1, each turned against the last by its angle, the first also moved."""

    def forward(values):
        place, turn, out = values["b0"][:, :2], np.zeros(len(values["b0"])), []
        for i in range(count):
            turn = turn + values[f"b{i}"][:, -1]
            place = place + np.stack([np.cos(turn), np.sin(turn)], 1)
            out.append(place)
        return np.stack(out)

    return forward


def motion(seed: int, count: int, frames: int, noise: float) -> dict:
    rng, t = np.random.default_rng(seed), np.linspace(0, 6, frames)[:, None]
    out = {}
    for i in range(count):
        width = 3 if i == 0 else 1
        smooth = rng.uniform(0, 1.2, width) * np.sin(
            t * rng.uniform(0.2, 4, width) + rng.uniform(0, 6, width)
        )
        out[f"b{i}"] = smooth + noise * rng.standard_normal((frames, width))
    return out


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 120), st.floats(0, 0.1), st.floats(1e-4, 0.5),
    st.booleans(),
)  # fmt: skip
def test_no_joint_is_ever_farther_off_than_allowed(seed, count, frames, noise, tolerance, together):
    dense, forward = motion(seed, count, frames, noise), chain(count)
    fit = sparse(dense, forward, tolerance, 30.0, [frames // 3, frames // 2], together)
    off = miss(fit.keys, dense, forward)
    assert off.max() <= tolerance * (1 + 1e-9)
    assert off.max() == pytest.approx(fit.worst)
    for name, keys in fit.keys.items():
        assert keys.at[0] == 0
        assert keys.at[-1] == frames - 1
        assert (np.diff(keys.at) > 0).all()
        assert keys.values.shape == keys.slopes.shape == (len(keys.at), dense[name].shape[1])
        assert np.isfinite(keys.values).all() and np.isfinite(keys.slopes).all()
    if together:
        assert len({tuple(keys.at) for keys in fit.keys.values()}) == 1


def test_a_smooth_motion_takes_few_keys_and_a_looser_tolerance_fewer():
    dense, forward = motion(1, 4, 300, 0.0), chain(4)
    counts = [sparse(dense, forward, tolerance).count for tolerance in (0.001, 0.01, 0.1)]
    assert counts[0] > counts[1] > counts[2]
    assert counts[1] < 0.15 * 300 * 6


def test_a_hit_on_a_beat_keeps_its_key_and_its_pose():
    t = np.arange(120)
    swing = np.abs((t - 15) % 60 - 30) / 30  # turns round at 15, 45, 75, 105
    dense = {"b0": np.stack([np.zeros(120), np.zeros(120), swing], 1)}
    fit = sparse(dense, chain(1), 0.3, 30.0, [45, 60])
    keys = fit.keys["b0"]
    assert 45 in keys.at
    assert keys.values[list(keys.at).index(45), 2] == pytest.approx(swing[45], abs=1e-12)
    assert 60 not in keys.at  # in the middle of the swing nothing hits


def test_a_hold_stays_still():
    t = np.arange(90)
    move = np.clip((t - 40) / 10, 0, 1) ** 2 * (3 - 2 * np.clip((t - 40) / 10, 0, 1))
    dense = {"b0": np.stack([np.zeros(90), np.zeros(90), move], 1)}
    fit = sparse(dense, chain(1), 0.1)
    still = evaluate(fit.keys["b0"], 90)[:38, 2]
    assert np.abs(still).max() < 1e-9


def test_on_twos_the_poses_at_the_keys_are_the_dances_own():
    dense = motion(3, 3, 41, 0.05)
    at = every(41, 2, [7])
    assert list(at) == sorted({*range(0, 41, 2), 7})
    for name, keys in at_fixed(dense, at).items():
        assert np.allclose(keys.values, dense[name][at], atol=1e-9)
        assert np.allclose(evaluate(keys, 41)[at], dense[name][at], atol=1e-9)


def test_single_poses_and_pairs_are_keyed_too():
    for frames in (1, 2, 3):
        dense = motion(4, 2, frames, 0.1)
        assert miss(at_fixed(dense, every(frames, 3)), dense, chain(2)).max() < 0.2
    assert len(every(1, 2)) == 1


def _forward_is_right(points, bones, bone_map, plane, stretch):
    solution = solve(points, np.ones(points.shape[:2]), bones, bone_map, plane, Options(stretch=stretch))
    layout, values = {}, {}
    for c in solution.channels:
        layout.setdefault(c.bone, []).append((c.property, c.index))
        values.setdefault(c.bone, []).append(c.values)
    forward = Forward(bones, bone_map, plane, layout)
    joints = forward({bone: np.stack(v, 1) for bone, v in values.items()})
    assert {"left_ankle", "right_wrist", "mid_hip"} <= set(forward.names)
    size = np.ptp(np.stack(list(solution.joints.values())))
    for k, joint in enumerate(forward.names):
        assert np.abs(joints[k] - solution.joints[joint]).max() < 1e-6 * size


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_forward_puts_the_joints_of_any_armature_where_the_solver_says(seed, stretch):
    bones, bone_map, plane = foreign(seed)
    at = joints_at_rest(bones, bone_map, plane)
    rng, size = np.random.default_rng(seed), np.ptp(np.stack(list(at.values())))
    points = np.stack([at.get(joint, np.zeros(2)) for joint in JOINTS])[None]
    points = points + 0.04 * size * rng.standard_normal((6, len(JOINTS), 2))
    _forward_is_right(points, bones, bone_map, plane, stretch)

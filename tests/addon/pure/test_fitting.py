"""Few keys, and how far they may be from many."""

import numpy as np
import pytest
from addon.model.character.forward_kinematics import Forward
from addon.model.character.joints import joints_at_rest
from addon.model.character.mapping import JOINTS
from addon.model.character.posing import Options
from addon.model.character.retarget import solve
from addon.model.keys.fitting import BREAKDOWN, HELD, REST, Search, at_fixed, every, miss
from addon.model.keys.hermite import evaluate
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


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 90), st.floats(0, 0.1), st.floats(1e-3, 0.5),
    st.booleans(),
)  # fmt: skip
def test_errors_are_as_stated_and_within_the_tolerance(seed, count, frames, noise, tolerance, whole):
    dense, forward = motion(seed, count, frames, noise), chain(count)
    search = Search(dense, forward, 0.01, 30.0, [frames // 3, frames // 2])
    fit = search.poses(tolerance) if whole else search.sparse(tolerance)
    off = miss(fit.keys, dense, forward)
    assert fit.typical <= tolerance
    assert fit.typical == pytest.approx(np.sqrt((off**2).mean()), abs=1e-9)
    assert fit.worst == pytest.approx(off.max(), abs=1e-9)
    for name, keys in fit.keys.items():
        assert keys.at[0] == 0
        assert keys.at[-1] == frames - 1
        assert (np.diff(keys.at) > 0).all()
        assert keys.values.shape == keys.slopes.shape == (len(keys.at), dense[name].shape[1])
        assert np.isfinite(keys.values).all() and np.isfinite(keys.slopes).all()
    if whole:
        assert len({tuple(keys.at) for keys in fit.keys.values()}) == 1
        assert set(fit.kinds) == set(next(iter(fit.keys.values())).at.tolist())


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.booleans())
def test_a_larger_tolerance_never_takes_more_keys(seed, whole):
    search = Search(motion(seed, 3, 150, 0.02), chain(3), 0.01, 30.0, [40, 80, 120])
    found = [
        (search.poses if whole else search.sparse)(t).count for t in (0.005, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_a_budget_is_kept_and_more_poses_miss_less():
    search = Search(motion(3, 3, 200, 0.0), chain(3), 0.01, 30.0, range(0, 200, 20))
    fits = [search.budget(n) for n in (5, 10, 20, 40)]
    assert [len(fit.kinds) for fit in fits] == [5, 10, 20, 40]
    assert fits[0].typical > fits[1].typical > fits[2].typical > fits[3].typical
    assert len(search.budget(10_000).kinds) == 200


def test_poses_lie_on_beats_and_extremes_and_breakdowns_are_told_apart():
    t = np.arange(160)
    swing = np.cos(np.pi * t / 20) * (1 + 0.4 * np.sin(t / 50))  # turns round at 0, 20, 40 …
    dense = {"b0": np.stack([0 * t, 0 * t, swing], 1)}
    search = Search(dense, chain(1), 0.001, 30.0, range(0, 160, 40))
    fit = search.poses(0.2)
    assert {0, 40, 80, 120, 159} <= set(fit.kinds)
    for turn in (20, 60, 100, 140):
        assert min(abs(at - turn) for at in fit.kinds) <= 1
    assert BREAKDOWN not in fit.kinds.values()
    fine = search.poses(0.003)
    assert BREAKDOWN in fine.kinds.values()
    assert {at for at, kind in fit.kinds.items() if kind == REST} <= set(fine.kinds)
    values = fit.keys["b0"].values[:, 2]
    assert np.allclose(values, swing[fit.keys["b0"].at])  # the dance's own poses


def test_unseen_channels_take_no_keys():
    """A forearm that points at the viewer may turn as it likes."""
    t, rng = np.arange(120), np.random.default_rng(0)
    dense = {
        "arm": 0.5 * np.sin(t / 15)[:, None],
        "forearm": rng.normal(0, 1, (120, 1)),
        "length": np.ones((120, 1)),
    }
    dense["length"][30:90] = 0.001

    def forward(values):
        elbow = np.concatenate([np.cos(values["arm"]), np.sin(values["arm"])], 1)
        way = np.concatenate([np.cos(values["forearm"]), np.sin(values["forearm"])], 1)
        return np.stack([elbow, elbow + values["length"] * way])

    at = Search(dense, forward, 0.01).sparse(0.02).keys["forearm"].at
    assert ((at > 32) & (at < 87)).sum() < 6
    assert (at < 30).sum() >= 12


def test_a_hit_on_a_beat_keeps_its_key_and_its_pose():
    t = np.arange(120)
    swing = np.cos(np.pi * (t - 15) / 30)  # turns round at 15, 45, 75, 105
    dense = {"b0": np.stack([np.zeros(120), np.zeros(120), swing], 1)}
    keys = Search(dense, chain(1), 0.001, 30.0, [45, 60]).sparse(0.01).keys["b0"]
    assert 45 in keys.at
    assert keys.values[list(keys.at).index(45), 2] == pytest.approx(swing[45], abs=1e-12)


def test_a_hold_stays_still():
    t = np.arange(90)
    move = np.clip((t - 40) / 10, 0, 1) ** 2 * (3 - 2 * np.clip((t - 40) / 10, 0, 1))
    dense = {"b0": np.stack([np.zeros(90), np.zeros(90), move], 1)}
    fit = Search(dense, chain(1), 0.001).sparse(0.1)
    still = evaluate(fit.keys["b0"], 90)[:38, 2]
    assert np.abs(still).max() < 1e-9
    assert HELD in Search(dense, chain(1), 0.001).poses(0.1).kinds.values()


def test_a_canceled_search_ends():
    class Stopped(Exception):
        pass

    def tell(_count):
        raise Stopped

    with pytest.raises(Stopped):
        Search(motion(1, 2, 60, 0.0), chain(2), 0.01, tell=tell)


def test_on_twos_the_poses_at_the_keys_are_the_dances_own():
    dense = motion(3, 3, 41, 0.05)
    at = every(41, 2, [7])
    assert list(at) == sorted({*range(0, 41, 2), 7})
    for name, keys in at_fixed(dense, at, chain(3)).keys.items():
        assert np.allclose(keys.values, dense[name][at], atol=1e-9)
        assert np.allclose(evaluate(keys, 41)[at], dense[name][at], atol=1e-9)


def test_single_poses_and_pairs_are_keyed_too():
    for frames in (1, 2, 3):
        dense = motion(4, 2, frames, 0.1)
        assert at_fixed(dense, every(frames, 3), chain(2)).worst < 0.2
        search = Search(dense, chain(2), 0.01, 30.0, [0])
        assert search.sparse(0.01).typical <= 0.01
        assert len(search.budget(2).kinds) == min(frames, 2)
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


def test_quaternions_are_fitted_together_as_angles_are():
    frames, tilt = 90, np.array([0.0, 0.6, 0.8])
    across = np.stack([[1.0, 0, 0], np.cross(tilt, [1.0, 0, 0])])  # the picture's plane
    dense = {
        f"{name}.rotation_quaternion": np.c_[np.cos(v[:, -1] / 2), np.sin(v[:, -1:] / 2) * tilt]
        for name, v in motion(5, 3, frames, 0.0).items()
    }

    def forward(values):
        place, turn, out = 0.0, np.eye(3), []
        for q in values.values():
            w, v = np.split(q / np.linalg.norm(q, axis=1, keepdims=True), [1], axis=1)
            cross = np.cross(v[:, None], np.eye(3)).transpose(0, 2, 1)
            turn = turn @ (np.eye(3) + 2 * w[..., None] * cross + 2 * cross @ cross)
            place = place + turn[:, :, 0] @ across.T
            out.append(place)
        return np.stack(out)

    at = every(frames, 15)
    alone, together = at_fixed(dense, at, forward), Search(dense, forward, 0.01).fixed(at)
    assert together.typical < 0.8 * alone.typical

"""Few keys of a dance that the shipped model made: how near they are, and that beats and holds keep theirs."""

from pathlib import Path

import numpy as np
import pytest
from addon.model.character.forward_kinematics import Forward
from addon.model.character.plane import FRONT
from addon.model.character.retarget import solve
from addon.model.keys import feet
from addon.model.keys.fitting import HELD, REST, Search, miss
from addon.model.keys.hermite import evaluate
from test_retarget import own_rig, plane

RATE, PIXEL = 30.0, 2.5 / 1080  # the picture of the dance fills the frame


@pytest.fixture(scope="module")
def danced():
    """Ten seconds on a rig of our own, and its beats as frames."""
    with np.load(Path(__file__).parent / "data" / "dance.npz", allow_pickle=False) as file:
        points, scores = plane(file["keypoints"].astype(float) * 1000)
        beats = np.round(file["beat_times"] * RATE).astype(int)
    points[90:110] = points[90]  # it holds, as dances do at a break
    bones, bone_map = own_rig()
    height = float(np.ptp(points[0, :, 1]))
    points = feet.plant(points, scores, RATE, height, ground=0.0).points
    channels = solve(points, scores, bones, bone_map, FRONT).channels
    layout, values = {}, {}
    for c in channels:
        layout.setdefault(c.bone, []).append((c.property, c.index))
        values.setdefault(c.bone, []).append(c.values)
    dense = {bone: np.stack(own, 1) for bone, own in values.items()}
    return dense, Forward(bones, bone_map, FRONT, layout), beats[(beats > 4) & (beats < len(points) - 5)]


@pytest.fixture(scope="module")
def search(danced):
    return Search(*danced[:2], PIXEL, RATE, danced[2])


@pytest.fixture(scope="module")
def fit(search):
    return search.sparse(2 * PIXEL)


def test_holds_stay_still_and_begin_and_end_with_a_key(danced, fit):
    dense, _, _ = danced
    still = 0
    for bone, keys in fit.keys.items():
        held = np.ptp(dense[bone][92:108], axis=0).max() < 1e-9
        if held:
            still += 1
            assert np.ptp(evaluate(keys, len(dense[bone]))[93:107], axis=0).max() < 1e-6
            assert not ((keys.at > 93) & (keys.at < 106)).any()
    assert still >= 5


def test_few_keys_of_a_real_dance_are_as_near_as_stated(danced, search, fit):
    dense, forward, _ = danced
    off = miss(fit.keys, dense, forward) / PIXEL
    assert np.sqrt((off**2).mean()) <= 2
    assert np.percentile(off, 95) < 5
    full = sum(values.size for values in dense.values())
    assert fit.count < 0.2 * full
    counts = [search.sparse(t * PIXEL).count for t in (4, 8, 25, 50)]
    assert [fit.count, *counts] == sorted([fit.count, *counts], reverse=True)
    assert counts[1] < 0.12 * full


def test_whole_poses_lie_on_the_beats_and_are_the_dances_own(danced, search):
    dense, _, beats = danced
    fit = search.poses(12 * PIXEL)
    assert {int(beat) for beat in beats} <= set(fit.kinds)
    assert fit.typical <= 12 * PIXEL
    assert {fit.kinds[int(beat)] for beat in beats} <= {REST, HELD}
    for name, keys in fit.keys.items():
        assert np.allclose(keys.values, dense[name][keys.at], atol=1e-9)
    counts = [search.poses(t * PIXEL).count for t in (2, 8, 25, 50)]
    assert counts == sorted(counts, reverse=True)
    budget = search.budget(40)
    assert len(budget.kinds) == 40

"""Few keys of a dance that the shipped model made: hits on beats and holds keep theirs."""

from pathlib import Path

import numpy as np
import pytest
from addon.character.forward import Forward
from addon.character.plane import FRONT
from addon.character.retarget import solve
from addon.keys import feet
from addon.keys.fitting import evaluate, miss, sparse
from test_retarget import own_rig, plane

RATE, TOLERANCE = 30.0, 0.005  # units: two pixels of a figure 700 pixels tall


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
def fit(danced):
    dense, forward, beats = danced
    return sparse(dense, forward, TOLERANCE, RATE, beats)


def test_bones_that_turn_round_on_a_beat_have_their_pose_there(danced, fit):
    dense, _, beats = danced
    hits = 0
    for bone, keys in fit.keys.items():
        angle = dense[bone][:, 0]
        for beat in beats:
            before, after = angle[beat] - angle[beat - 4], angle[beat + 4] - angle[beat]
            turns = before * after < 0 and min(abs(before), abs(after)) > 0.1
            sharp = abs(angle[beat + 1] - angle[beat - 1]) < 0.1 * np.ptp(angle[beat - 3 : beat + 4])
            if turns and sharp:
                hits += 1
                assert beat in keys.at
                assert keys.values[list(keys.at).index(beat)] == pytest.approx(dense[bone][beat], abs=1e-9)
    assert hits >= 5


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


def test_every_joint_is_near_at_every_frame(danced, fit):
    dense, forward, _ = danced
    assert miss(fit.keys, dense, forward).max() <= TOLERANCE * (1 + 1e-9)
    assert fit.count < 0.6 * sum(values.size for values in dense.values())

"""Feet on the rig under few keys, measured in every frame on what the keys play."""

from pathlib import Path

import armatures
import numpy as np
import pytest
from addon.model.character.bones import Bone
from addon.model.character.forward_kinematics import Forward
from addon.model.character.joints import joints_at_rest
from addon.model.character.legs import bent, lowered
from addon.model.character.mapping import JOINTS, BoneMap
from addon.model.character.plane import FRONT
from addon.model.character.posing import Options
from addon.model.character.retarget import solve
from addon.model.keys import feet
from addon.model.keys.fitting import Search, every
from addon.model.keys.foot_targets import Pulled
from addon.model.keys.footing import SLIP, Footing
from addon.model.keys.hermite import BoneKeys, evaluate
from addon.model.keys.key_curves import SampledCurve
from addon.model.keys.tracks import Tracks
from hypothesis import given, settings
from hypothesis import strategies as st
from test_retarget import own_rig, plane

RATE, PIXEL = 30.0, 2.5 / 1080
ANKLES = ("left_ankle", "right_ankle")


def with_targets(bones, bone_map):
    """The same with something for the feet to be pulled to."""
    at, bones, mapped = joints_at_rest(bones, bone_map, FRONT), dict(bones), dict(bone_map.bones)
    for letter, side in (("L", "left"), ("R", "right")):
        name = f"foot_ik.{letter}"
        bones[name] = Bone(name, None, np.eye(3), FRONT.lifted(at[f"{side}_ankle"]) + 0.3 * np.eye(3)[1], 0.1)
        mapped[name] = name
    return bones, BoneMap(mapped, bone_map.nose)


RIGS = {
    "drawn out": (own_rig, True),
    "rigid": (own_rig, False),
    "IK": (lambda: with_targets(*own_rig()), False),
}


@pytest.fixture(scope="module", params=RIGS)
def danced(request):
    """A dance on a rig: what a search needs, and its beats."""
    make, stretch = RIGS[request.param]
    with np.load(Path(__file__).parent / "data" / "dance.npz", allow_pickle=False) as file:
        points, scores = plane(file["keypoints"].astype(float) * 1000)
        beats = np.round(file["beat_times"] * RATE).astype(int)
    bones, bone_map = make()
    height = float(np.ptp(points[0, :, 1]))
    planting = feet.plant(points, scores, RATE, height, ground=0.0)
    found = solve(planting.points, scores, bones, bone_map, FRONT, Options(stretch=stretch))
    tracks = Tracks(
        [SampledCurve(f"{c.bone}.{c.property}", c.index, c.bone, c.values) for c in found.channels]
    )
    forward = Forward(bones, bone_map, FRONT, tracks.layout)
    joints = np.array([forward.names.index(a) for a in ANKLES])
    pulled = Pulled.of(bone_map, tracks, forward)
    footing = Footing(joints, planting.contacts, height, 0.0, pulled)
    assert (pulled is not None) == (request.param == "IK")
    hits = beats[beats < len(points)]
    search = Search(tracks.values, tracks.by_bone(forward), PIXEL, RATE, hits, footing, unseen=forward.unseen)
    fits = {
        "sparse 2": search.sparse(2 * PIXEL),
        "sparse 8": search.sparse(8 * PIXEL),
        "poses": search.poses(12 * PIXEL),
        "budget": search.budget(45),
        "threes": search.fixed(every(len(points), 3)),
    }
    return tracks.values, tracks.by_bone(forward), footing, fits


def firm(found: dict, count: int, forward, footing) -> tuple[float, float]:
    """The share of frames in which a foot bears that it stays in, and how far the lowest foot is below the ground."""
    at = forward({name: evaluate(keys, count) for name, keys in found.items()})[footing.joints]
    both = footing.bears[1:] & footing.bears[:-1]
    step = np.linalg.norm(np.diff(at, axis=1), axis=2).T
    slips = (step > SLIP * footing.height) & both
    return 1 - slips.any(1).sum() / both.any(1).sum(), max(-at[..., 1].min(), 0.0) / footing.height


def test_in_every_density_feet_stay_and_none_is_below_the_ground(danced):
    dense, forward, footing, fits = danced
    count = len(footing.bears)
    each = {n: BoneKeys(np.arange(count), v, np.gradient(v, axis=0)) for n, v in dense.items()}
    for found in (each, *(fit.keys for fit in fits.values())):
        stay, below = firm(found, count, forward, footing)
        assert stay >= 0.97
        assert below < 1e-4, [len(k.at) for k in found.values()]


def test_where_feet_need_more_keys_than_were_asked_for_only_legs_get_them(danced):
    dense, _, footing, fits = danced
    full = sum(values.size for values in dense.values())
    threes, wanted = fits["threes"], set(every(len(footing.bears), 3))
    off = {name for name, keys in threes.keys.items() if set(keys.at) != wanted}
    assert all(any(part in name for part in ("thigh", "shin", "foot")) for name in off)
    assert all(wanted <= set(keys.at) for keys in threes.keys.values())
    assert threes.count < 0.4 * full
    poses = {len(keys.at) for name, keys in fits["budget"].keys.items() if "arm" in name}
    assert poses == {45}


def sliding(at, height) -> float:
    """The share of frames with a foot near the ground, whether it bears in the dance or not, in which one slides."""
    low = (at[..., 1] < 0.015 * height).T
    both = low[1:] & low[:-1]
    far = (np.abs(np.diff(at[..., 0], axis=1)) > SLIP * height).T
    return (far & both).any(1).sum() / both.any(1).sum()


def test_no_foot_slides_while_it_is_near_the_ground(danced):
    dense, forward, footing, fits = danced
    assert sliding(forward(dense)[footing.joints], footing.height) < 0.01
    for fit in (fits["sparse 2"], fits["poses"]):
        at = forward({name: evaluate(keys, len(footing.bears)) for name, keys in fit.keys.items()})
        assert sliding(at[footing.joints], footing.height) < 0.035


def test_few_keys_do_and_targets_stand_within_reach(danced):
    dense, _forward, footing, fits = danced
    full = sum(values.size for values in dense.values())
    assert fits["sparse 2"].count < 0.23 * full
    assert fits["sparse 8"].count < 0.14 * full
    for track, ankle in footing.pulled.targets.items() if footing.pulled else ():
        bears = footing.bears[:, list(footing.joints).index(ankle)]
        both = bears[1:] & bears[:-1]
        for fit in (fits["sparse 2"], fits["sparse 8"], fits["poses"]):
            played = {name: evaluate(keys, len(bears)) for name, keys in fit.keys.items()}
            assert np.abs(np.diff(played[track], axis=0)[both]).max() < 1e-9
            assert max(down.max() for down in footing.pulled.short(played).values()) < 1e-3 * footing.height


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_a_leg_bends_to_where_it_should_end_or_as_far_as_it_goes(seed, frames):
    rng = np.random.default_rng(seed)
    hip, goal, knee = rng.normal(0, 1, (3, frames, 2))
    thigh, shin = rng.uniform(0.2, 1.5, 2)
    at, end = bent(hip, goal, thigh, shin, knee)
    assert np.allclose(np.linalg.norm(at - hip, axis=1), thigh)
    assert np.allclose(np.linalg.norm(end - at, axis=1), shin)
    far = np.linalg.norm(goal - hip, axis=1)
    within = (far < 0.999 * (thigh + shin)) & (far > 1.01 * abs(thigh - shin))
    assert np.allclose(end[within], goal[within])


def test_a_knee_does_not_flicker_from_side_to_side():
    t = np.arange(120)
    hip, goal = np.zeros((120, 2)), np.stack([0 * t, -1.6 + 0 * t], 1)
    knee = np.stack([0.05 * np.sin(t * 1.3), -0.8 + 0 * t], 1)  # the dance has it before the leg
    at, _ = bent(hip, goal, 1.0, 1.0, knee)
    assert np.abs(np.diff(at[:, 0])).max() < 1e-9


def test_a_figure_goes_down_smoothly_where_its_legs_are_too_short():
    t = np.arange(90)
    hips = np.zeros((2, 90, 2))
    goals = np.stack(
        [np.stack([side + 0 * t, -1.8 - 0.4 * (np.abs(t - 45) < 10)], 1) for side in (-0.2, 0.2)]
    )
    down = lowered(hips, goals, np.array([2.0, 2.0]))
    assert (down[36:55] >= 0.2).all()
    assert down[0] == down[-1] == 0
    assert np.abs(np.diff(down)).max() < 0.06


def test_a_rigid_armature_stands_where_the_dance_does():
    bones, bone_map = own_rig()
    points, scores = plane(
        np.load(Path(__file__).parent / "data" / "dance.npz")["keypoints"].astype(float) * 1000
    )
    found = solve(points, scores, bones, bone_map, FRONT, Options(stretch=False))
    at = armatures.posed(bones, found.channels, len(points))
    for letter, side in (("L", "left"), ("R", "right")):
        ankle = FRONT.flat(at[f"shin.{letter}"].point((0, bones[f"shin.{letter}"].length, 0)))
        assert np.abs(ankle - points[:, JOINTS.index(f"{side}_ankle")]).max() < 0.01
    assert {c.property for c in found.channels} <= {"location", "rotation_euler"}

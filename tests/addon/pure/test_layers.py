"""A figure's picture cut apart into layers: whole at rest, whole behind what hid it, and the right limb in front."""

from itertools import pairwise

import numpy as np
import pytest
from addon.model.character import depth, layers
from addon.model.character.anatomy import ARMS, LEGS, PARTS
from addon.model.character.filling import filled
from addon.model.character.unseen import behind
from addon.model.keys import layering
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.skeletons import OPENPOSE_18

AT = OPENPOSE_18.at
TINT = {"trunk": (0.2, 0.3, 0.8), "head": (0.9, 0.7, 0.5), "left_arm": (0.1, 0.7, 0.1), "right_arm": (0.8, 0.1, 0.1),
        "left_leg": (0.3, 0.3, 0.3), "right_leg": (0.6, 0.5, 0.1)}  # fmt: skip


def standing(**moved):
    """(18, 2) pixels of a figure that faces the viewer in a picture of 200 by 320."""
    points = {
        "nose": (100, 50), "neck": (100, 80), "left_shoulder": (125, 88), "right_shoulder": (75, 88),
        "left_elbow": (160, 100), "left_wrist": (192, 112), "right_elbow": (40, 100), "right_wrist": (8, 112),
        "left_hip": (112, 170), "right_hip": (88, 170), "left_knee": (124, 230), "right_knee": (76, 230),
        "left_ankle": (128, 290), "right_ankle": (72, 290), "left_eye": (106, 45), "right_eye": (94, 45),
        "left_ear": (114, 48), "right_ear": (86, 48), **moved,
    }  # fmt: skip
    return np.array([points[joint] for joint in OPENPOSE_18.joints], float)


def drawn(points, order=("left_leg", "right_leg", "trunk", "head", "right_arm", "left_arm")):
    """(320, 200, 4): each part in a colour of its own, on nothing."""
    y, x = np.mgrid[:320, :200]
    pixels = np.zeros((320, 200, 4), np.float32)

    def rod(a, b, radius, colour):
        a, b = np.asarray(a, float), np.asarray(b, float)
        along = b - a
        share = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(along @ along, 1e-9), 0, 1)
        inside = np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1]) < radius
        pixels[inside] = (*colour, 1)

    for part in order:
        side, _, limb = part.partition("_")
        if part == "trunk":
            rod(points[AT["neck"]] + (0, 22), (100, 165), 27, TINT[part])
        elif part == "head":
            rod(points[AT["neck"]], points[AT["nose"]], 8, TINT[part])
            rod(points[AT["nose"]], points[AT["nose"]], 24, TINT[part])
        else:
            chain = ("shoulder", "elbow", "wrist") if limb == "arm" else ("hip", "knee", "ankle")
            for one, two in pairwise(chain):
                rod(points[AT[f"{side}_{one}"]], points[AT[f"{side}_{two}"]], 9, TINT[part])
    return pixels


def laid_over(made):
    """The layers over each other, the first on top."""
    out = np.zeros((320, 200, 4), np.float32)
    for layer in reversed(made):
        (x, y), (h, w) = layer.corner, layer.pixels.shape[:2]
        part, alpha = out[y : y + h, x : x + w], layer.pixels[..., 3:]
        part[:] = part * (1 - alpha) + np.concatenate([layer.pixels[..., :3] * alpha, alpha], 2)
    return out


ACROSS = standing(left_elbow=(130, 130), left_wrist=(84, 138))  # the forearm lies over the belly


@pytest.mark.parametrize("points", [standing(), ACROSS], ids=["apart", "across"])
def test_layers_show_the_picture_at_rest_and_each_part_is_its_own(points):
    pixels = drawn(points)
    made = layers.cut_apart(pixels, pixels[..., 3], points, {})
    assert {layer.part for layer in made} == set(PARTS)
    whole = laid_over(made)
    off = np.abs(whole - pixels * pixels[..., 3:]).max(-1)
    assert (off > 0.1).sum() < 0.01 * (pixels[..., 3] > 0).sum()
    for layer in made:
        solid = layer.pixels[..., 3] > 0.9
        near = np.abs(layer.pixels[solid][:, :3] - TINT[layer.part]).max(-1) < 0.1
        assert near.mean() > (0.6 if layer.part in ARMS else 0.75), (
            layer.part
        )  # the rest is the ball of its joint


def test_what_an_arm_hid_of_the_trunk_is_filled_in_its_colour():
    pixels = drawn(ACROSS)
    trunk = next(one for one in layers.cut_apart(pixels, pixels[..., 3], ACROSS, {}) if one.part == "trunk")
    (x, y), behind = trunk.corner, (105, 134)  # of the forearm
    assert np.allclose(pixels[behind[1], behind[0], :3], TINT["left_arm"])
    assert np.allclose(trunk.pixels[behind[1] - y, behind[0] - x], (*TINT["trunk"], 1), atol=0.12)


def test_a_leg_that_another_hides_looks_as_that_one():
    """From the side, only the near leg is seen."""
    points = standing(left_hip=(100, 170), right_hip=(100, 170), left_knee=(100, 230), right_knee=(100, 230),
                      left_ankle=(100, 290), right_ankle=(101, 290))  # fmt: skip
    pixels = drawn(points, ("right_leg", "left_leg", "trunk", "head", "right_arm", "left_arm"))
    made = {layer.part: layer for layer in layers.cut_apart(pixels, pixels[..., 3], points, {})}
    far = made["right_leg"].pixels
    solid = far[..., 3] > 0.9
    assert solid.sum() > 1500
    assert (np.abs(far[solid][:, :3] - TINT["left_leg"]).max(-1) < 0.1).mean() > 0.7


@settings(max_examples=12)
@given(st.integers(0, 2**31))
def test_any_outline_and_any_joints_are_cut_apart(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.random((31, 24, 4)).astype(np.float32)
    pixels[..., 3] = rng.random((31, 24)) > 0.5
    pixels[3, 3, 3] = 1
    made = layers.cut_apart(pixels, pixels[..., 3], rng.uniform(-10, 40, (18, 2)), {})
    assert made
    for layer in made:
        assert np.isfinite(layer.pixels).all()
        assert layer.pixels.min() > -1e-6 and layer.pixels.max() < 1 + 1e-6


def test_known_colours_stay_and_gaps_are_smooth():
    ramp = np.linspace(0, 1, 64)[None, :, None] * np.ones((40, 1, 3))
    known = np.ones((40, 64))
    known[10:30, 20:44] = 0
    out = filled(np.where(known[..., None] > 0, ramp, 9), known)
    assert np.abs(out - ramp).max() < 0.05
    assert np.array_equal(out[known > 0], ramp[known > 0].astype(np.float32))


def turning(frames=96):
    """A figure whose left arm goes to the belly, away, and there again: first before it, then hidden."""
    poses = np.stack([standing()] * frames)
    for start in (20, 60):
        poses[start : start + 16, AT["left_elbow"]] = (130, 130)
        poses[start : start + 16, AT["left_wrist"]] = (84, 138)
    scores = np.ones(poses.shape[:2])
    scores[60:76, AT["left_wrist"]] = 0
    return poses, scores


def test_a_hidden_arm_passes_behind_and_changes_sides_where_it_lies_free():
    levels = depth.levels_over_time(*turning(), 24.0)
    arm = levels["left_arm"]
    assert (arm[20:36] > 0).all() and (arm[60:76] < 0).all()
    assert (np.diff(arm) != 0).sum() == 1  # and it does not flicker
    assert 36 < int(np.flatnonzero(np.diff(arm))[0]) < 60
    at, values = depth.keys_of(arm, 24.0)
    assert 3 <= len(at) <= 4
    assert np.allclose(np.interp([20, 35, 60, 75], at, values), arm[[20, 35, 60, 75]])
    assert np.unique(levels["right_arm"]).tolist() == [depth.LEVELS["right_arm"]]


@pytest.mark.parametrize("way", [1, -1])
def test_the_arm_and_the_leg_of_the_side_that_is_turned_to_the_viewer_are_near(way):
    """Who looks to the picture's left shows the left side."""
    profile = standing(left_shoulder=(102, 88), right_shoulder=(98, 88), left_hip=(101, 170), right_hip=(99, 170),
                       nose=(100 - 14 * way, 50), left_ear=(100, 48), right_ear=(100, 48), left_elbow=(100, 120),
                       right_elbow=(100, 120), left_wrist=(98, 150), right_wrist=(98, 150))  # fmt: skip
    found = depth.of_pose(profile)
    near, far = (0, 1) if way == 1 else (1, 0)
    assert found[ARMS[near]] > 0 > found[ARMS[far]]
    assert found[LEGS[near]] > found[LEGS[far]]


def test_a_raised_knee_is_before_the_trunk():
    poses = np.stack([standing(left_knee=(120, 130), left_ankle=(120, 190))] * 30)
    assert (depth.levels_over_time(poses, np.ones(poses.shape[:2]), 24.0)["left_leg"] > 0).all()


def test_every_limb_has_a_bone_for_its_depth():
    assert {layering.part_of(f"{limb}_depth.{side}") for limb in ("arm", "leg") for side in "LR"} == {
        *ARMS,
        *LEGS,
    }


def test_far_limbs_that_are_not_seen_in_profile_are_behind_the_near_ones():
    turned = {
        "left_shoulder": (0.5, 0.3), "right_shoulder": (0.52, 0.3), "left_hip": (0.5, 0.55),
        "right_hip": (0.51, 0.55), "left_elbow": (0.45, 0.4), "left_wrist": (0.4, 0.5), "right_knee": (0.5, 0.7),
    }  # fmt: skip
    found = behind(turned, 0.75)
    assert set(found) == {"right_elbow", "right_wrist"}
    assert found["right_wrist"] == pytest.approx((0.42, 0.5))
    assert behind({**turned, "right_shoulder": (0.7, 0.3)}, 0.75) == {}, (
        "who shows both sides may hide it anywhere"
    )
    assert behind({"left_shoulder": (0.5, 0.3)}, 0.75) == {}

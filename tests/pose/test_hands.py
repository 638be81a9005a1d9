"""Hands for dances that have none."""

import numpy as np
import pytest

from tempose_pose.hands import POINTS, SHAPES, at_rest, chosen, hand, placed, read, steady
from tempose_pose.skeletons import HANDS, OPENPOSE_18
from tempose_pose.standing import standing_pose

J = OPENPOSE_18.at
FPS = 30.0


def standing(frames=120):
    return np.repeat(standing_pose().pixels.astype(float), frames, 0)


def nearest(numbers):
    return min(SHAPES, key=lambda name: np.abs(SHAPES[name].numbers - numbers).sum())


def test_each_shape_is_a_hand_of_its_own():
    tips = {name: hand(shape.numbers[None])[0] for name, shape in SHAPES.items()}
    long = {name: points[12, 1] for name, points in tips.items()}  # tip of the middle finger
    assert long["flat"] == pytest.approx(0.98, abs=0.05)
    assert long["fist"] < long["snap"] < long["relaxed"] < long["flat"]
    assert tips["point"][8, 1] > 0.8 and tips["point"][12, 1] < 0.6
    assert np.ptp(tips["spread"][:, 0]) > 1.4 * np.ptp(tips["flat"][:, 0])
    assert all(np.isfinite(points).all() for points in tips.values())


def test_hands_lie_at_the_ends_of_the_arms_thumbs_inwards():
    pixels = standing(1)
    at = at_rest(pixels[0])
    assert set(at) == {joint for side in HANDS for joint in HANDS[side]}
    for side, inwards in (("left", -1), ("right", 1)):
        wrist, elbow = pixels[0, J[f"{side}_wrist"]], pixels[0, J[f"{side}_elbow"]]
        assert np.allclose(at[f"{side}_hand"], wrist)
        arm = wrist - elbow
        reach = np.subtract(at[f"{side}_middle_4"], wrist)
        assert reach @ arm / np.linalg.norm(arm) == pytest.approx(0.69 * np.linalg.norm(arm), rel=0.05)
        assert np.sign(at[f"{side}_thumb_4"][0] - wrist[0]) == inwards


def test_calm_hands_are_relaxed_hits_are_held_as_the_style_has_it_and_hands_that_meet_clap():
    pixels = standing()
    reach = np.zeros(120)
    for beat in (30, 60, 90):  # the left hand shoots up for each of these beats and stops there
        reach += 120 * np.clip((np.arange(120) - beat + 6) / 6, 0, 1)
    pixels[:, J["left_wrist"], 1] -= reach
    pixels[:, J["left_elbow"], 1] -= reach / 2
    beats = np.arange(0, 120, 15) / FPS
    held = chosen(pixels, FPS, beats, "lock")
    assert nearest(held[30, 0]) == "point" and nearest(held[60, 0]) == "point"
    assert nearest(held[3, 0]) == "relaxed" and nearest(held[30, 1]) == "relaxed"
    assert np.abs(np.diff(held, axis=0)).max() < 0.5, "shapes are blended over frames"
    middle = pixels[:, [J["left_wrist"], J["right_wrist"]]].mean(1)
    pixels[40:50, J["left_wrist"]] = pixels[40:50, J["right_wrist"]] = middle[40:50]
    assert [nearest(h) for h in chosen(pixels, FPS, beats, "krump")[45]] == ["clap", "clap"]
    assert (chosen(pixels, FPS, beats, only="fist") == SHAPES["fist"].numbers).all()
    assert chosen(pixels, FPS, np.zeros(0)).shape == (120, 2, 6)


def test_hands_keep_their_direction_where_an_arm_points_at_the_viewer_and_their_score():
    pixels, scores = standing(30), np.ones((30, 18))
    pixels[10:20, J["left_wrist"]] = pixels[10:20, J["left_elbow"]] + 1e-3
    scores[5, J["right_wrist"]] = 0
    points = placed(pixels, scores, chosen(pixels, FPS, np.zeros(0), only="flat"))
    tip = HANDS["left"].index("left_middle_4")
    reach = points[:, tip, :2] - pixels[:, J["left_wrist"]]
    assert np.ptp(np.arctan2(reach[:, 1], reach[:, 0])) < 0.05
    assert (points[5, POINTS:, 2] == 0).all() and points[5, 0, 2] == 1


def test_shapes_are_told_from_points_in_any_size_and_turn_and_flickers_are_not_held():
    names = list(SHAPES)
    for name in ("flat", "fist", "point", "spread", "relaxed"):
        points = hand(SHAPES[name].numbers[None])[0] * (3.0, -3.0) @ [[0.6, 0.8], [-0.8, 0.6]] + 40
        seen = np.concatenate([points, np.ones((POINTS, 1))], 1)[None]
        found = names[read(seen)[0]]
        assert found == name or {found, name} == {"flat", "clap"}, (name, found)
    assert names[read(np.zeros((1, POINTS, 3)))[0]] == "relaxed"
    held = np.zeros((30, 2), int)
    held[10:20], held[20, 0], held[21:] = 2, 5, 3
    calm = steady(held, FPS)
    assert calm[:10].max() == 0 and (calm[10:20] == 2).all() and (calm[20:] == 3).all()

"""Hands and toes that a pose file has."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from addon.model.character import extremities
from addon.model.dance import reshape, takes
from addon.model.files import pose_files
from addon.model.keys import hand_swaps

from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError as Problem
from tempose_pose.formats import read_reference
from tempose_pose.reference import Reference
from tempose_pose.sequence import hands_of, of_joints, to_openpose18
from tempose_pose.skeletons import BODY_25, BODY_67, EXTREMITIES, FEET, HALPE_26, HANDS, OPENPOSE_18


def person(layout, hand=None):
    at = dict(zip(OPENPOSE_18.joints, Reference.standing().points, strict=True))
    at |= {"mid_hip": np.array([500, 525.0]), "head": np.array([500, 180.0])}
    for side, sign in (("left", 1), ("right", -1)):
        at |= {
            f"{side}_big_toe": at[f"{side}_ankle"] + (30 * sign, 20),
            f"{side}_small_toe": at[f"{side}_ankle"] + (20 * sign, 20),
        }
        at[f"{side}_heel"] = at[f"{side}_ankle"] + (0, 15)
    body = {"pose_keypoints_2d": [float(v) for j in layout for v in (*at[j], 1.0)]}
    return {
        "people": [body | ({"hand_right_keypoints_2d": hand} if hand else {})],
        "width": 1000,
        "height": 1000,
    }


def read(folder, data):
    (folder / "pose.json").write_text(json.dumps(data))
    return read_reference(folder / "pose.json")


@pytest.mark.parametrize("layout", [BODY_25.joints, HALPE_26.joints])
def test_toes_come_along(tmp_path, layout):
    pose = read(tmp_path, person(layout))
    ankle = pose.points[OPENPOSE_18.index("left_ankle")]
    assert pose.more["left_big_toe"] == pytest.approx(tuple(ankle + np.array([30, 20])), abs=1e-3)
    assert set(pose.more) == set(FEET)
    assert np.allclose(pose.points, Reference.standing().points)


def test_a_hand_that_was_found_comes_along_and_one_that_was_not_does_not(tmp_path):
    seen = person(OPENPOSE_18.joints, [300.0, 600.0, 0.9] * 21)
    more = read(tmp_path, seen).more
    assert tuple(more) == HANDS["right"]
    assert np.allclose(list(more.values()), (300.0, 600.0))
    for hand in ([300.0, 600.0, 0.0] * 21, [float("nan")] * 63):
        assert read(tmp_path, person(OPENPOSE_18.joints, hand)).more == {}
    for hand in ([1.0] * 5, ["x"] * 63, [float("inf")] * 63):
        with pytest.raises(Problem, match="cannot be read"):
            read(tmp_path, person(OPENPOSE_18.joints, hand))


def dancing(frames=5):
    """Poses with hands and feet that move against wrists and ankles."""
    t = np.arange(frames)
    body = Reference.standing().points[None] + 6.0 * t[:, None, None]
    body[:, 1] = (body[:, 2] + body[:, 5]) / 2  # COCO has no neck but this
    at = {}
    for joint in EXTREMITIES:
        lower = OPENPOSE_18.index(extremities.limb_of(joint)[1])
        k = EXTREMITIES.index(joint)
        step = np.stack([5 + 0.5 * k + 2 * np.sin(t + k), 3 + k + np.cos(t)], 1)
        at[joint] = np.column_stack([body[:, lower] + step, np.full(frames, 0.75)])
    more = np.stack([at[joint] for joint in EXTREMITIES], 1)
    points, scores = (
        np.concatenate([body, more[..., :2]], 1),
        np.concatenate([np.ones((frames, 18)), more[..., 2]], 1),
    )
    return Dance.of(of_joints((*OPENPOSE_18.joints, *EXTREMITIES), points, scores, 30.0, (1000, 1000)))


def extremities_of(poses):
    """(T, 48, 3) pixels and score."""
    columns = [poses.skeleton.index(joint) for joint in EXTREMITIES]
    return np.concatenate([poses.pixels, poses.scores[..., None]], 2)[:, columns]


@pytest.mark.parametrize("kind", ["OPENPOSE", "COCO", "NPZ", "FOLDER"])
def test_hands_and_feet_come_back_from_a_file(tmp_path, kind):
    dance = dancing()
    path = str(tmp_path / {"NPZ": "a.npz", "FOLDER": "a"}.get(kind, "a.json"))
    pose_files.save(dance, path, kind)
    back = pose_files.load(path, 30.0, (1000, 1000)).poses
    assert np.allclose(to_openpose18(back).pixels, to_openpose18(dance.poses).pixels, atol=0.01)
    assert np.allclose(extremities_of(back), extremities_of(dance.poses), atol=0.01)
    assert hands_of(back).shape == (5, 2, 21, 3)


def test_a_take_keeps_hands_and_feet_and_takes_without_stay_as_they_were():
    poses = dancing().poses
    for kept in (poses, to_openpose18(poses)):
        back = takes.from_text(takes.to_text(takes.Take(Dance.of(kept), [], 0.0, 1.0, ""))).dance.poses
        assert back.skeleton is kept.skeleton
        assert np.array_equal(back.keypoints, kept.keypoints) and np.array_equal(back.scores, kept.scores)
    flipped = reshape.flipped(Dance.of(poses))
    assert np.allclose(reshape.flipped(flipped).poses.keypoints, poses.keypoints, atol=1e-6)
    at, mirrored = poses.skeleton.at, flipped.poses.keypoints[:, :, 0]
    axis = (mirrored[0, at["nose"]] + poses.keypoints[0, at["nose"], 0]) / 2
    other = poses.keypoints[:, at["right_big_toe"], 0]
    assert np.allclose(mirrored[:, at["left_big_toe"]], 2 * axis - other, atol=1e-6)


def test_a_take_of_an_older_version_keeps_its_hands():
    poses = dancing().poses
    rows = [np.concatenate([p.keypoints, p.scores[..., None]], 2) for p in (to_openpose18(poses), poses)]
    wide = np.concatenate([rows[0], rows[1][:, poses.skeleton.indices(*EXTREMITIES)]], 1).astype("<f4")
    buffer = io.BytesIO()
    np.save(buffer, wide)
    head, _, _ = takes.to_text(takes.Take(Dance.of(to_openpose18(poses)), [], 0.0, 1.0, "")).partition("\n")
    text = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    back = takes.from_text(f"{head}\n{text}").dance.poses
    assert back.skeleton is BODY_67
    assert np.array_equal(extremities_of(back), extremities_of(poses))


def test_hands_are_carried_by_forearms_and_keep_their_size():
    rest = Reference.standing().points
    elbow, wrist = OPENPOSE_18.index("left_elbow"), OPENPOSE_18.index("left_wrist")
    more = {"left_middle_4": tuple(rest[wrist] + (4, 50)), "left_big_toe": tuple(rest[13] + (30, 10))}
    points = np.repeat(rest[None], 3, 0)
    arm = rest[wrist] - rest[elbow]
    points[1, wrist] = rest[elbow] + (-arm[1], arm[0])  # a quarter turn
    points[2, wrist] = rest[elbow] + 0.01 * arm  # at the viewer
    made = extremities.carried(points, np.ones((3, 18)), rest, more)
    tip = EXTREMITIES.index("left_middle_4")
    assert np.allclose(made[0, tip, :2], more["left_middle_4"])
    assert np.allclose(made[1, tip, :2] - points[1, wrist], (-50, 4))
    assert np.allclose(np.linalg.norm(made[:, tip, :2] - points[:, wrist], axis=1), np.hypot(4, 50))
    assert made[:, tip, 2].tolist() == [1, 1, 1]
    assert np.allclose(made[:, EXTREMITIES.index("left_big_toe"), :2], more["left_big_toe"])
    assert not made[:, EXTREMITIES.index("right_heel")].any()


def swung(frames, by):
    """Poses whose left forearm swings; from frame `by` on it goes its own way."""
    rest = Reference.standing().points
    elbow, wrist = OPENPOSE_18.index("left_elbow"), OPENPOSE_18.index("left_wrist")
    t = np.arange(frames)
    away = np.clip(t - by, 0, None) * 0.04
    points = np.repeat(rest[None], frames, 0)
    angle = 0.5 * np.sin(0.1 * t) + away
    x, y = rest[wrist] - rest[elbow]
    turned = np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y], 1)
    points[:, wrist] = points[:, elbow] + turned
    return points


def test_hands_of_a_take_go_with_limbs_that_are_danced_again():
    before, after = swung(60, 60), swung(60, 30)
    more = np.zeros((60, len(EXTREMITIES), 3))
    wrist, elbow = OPENPOSE_18.index("left_wrist"), OPENPOSE_18.index("left_elbow")
    tip, toe = EXTREMITIES.index("left_middle_4"), EXTREMITIES.index("right_heel")
    wave = np.stack([20 * np.cos(np.arange(60) / 4), 20 * np.sin(np.arange(60) / 4)], 1)
    more[:, tip] = np.column_stack([before[:, wrist] + wave, np.full(60, 0.8)])
    more[:, toe] = (400, 900, 0.5)
    made = extremities.moved_along(more, before, after, np.ones((60, 18)))
    assert np.array_equal(made[:31], more[:31])  # what is kept stays bit for bit
    assert np.array_equal(made[:, toe], more[:, toe])

    def in_the_arm(points, tips):
        arm = points[:, wrist] - points[:, elbow]
        hand = tips[:, tip, :2] - points[:, wrist]
        return np.arctan2(*hand.T[::-1]) - np.arctan2(*arm.T[::-1]), np.hypot(*hand.T)

    for was, now in zip(in_the_arm(before, more), in_the_arm(after, made), strict=True):
        assert np.allclose(np.cos(was), np.cos(now)) and np.allclose(np.sin(was), np.sin(now))
    steps = np.linalg.norm(np.diff(made[:, tip, :2] - after[:, wrist], axis=0), axis=1)
    assert steps.max() < 1.5 * np.linalg.norm(np.diff(wave, axis=0), axis=1).max()  # no jump at the border


def test_hands_whose_forearm_points_at_the_viewer_or_is_not_seen_are_not_thrown_about():
    before, after = swung(40, 40), swung(40, 20)
    wrist, elbow = OPENPOSE_18.index("left_wrist"), OPENPOSE_18.index("left_elbow")
    after[25:30, wrist] = after[25:30, elbow] + np.random.default_rng(0).normal(0, 1, (5, 2))
    more = np.zeros((40, len(EXTREMITIES), 3))
    tip = EXTREMITIES.index("left_middle_4")
    more[:, tip, :2], more[:, tip, 2] = before[:, wrist] + (4, 50), 1
    scores = np.ones((40, 18))
    scores[35:, wrist] = 0
    made = extremities.moved_along(more, before, after, scores)
    hand = made[:35, tip, :2] - after[:35, wrist]
    angle = np.unwrap(np.arctan2(*hand.T[::-1]))
    assert np.abs(np.diff(angle)).max() < 0.2
    assert (made[35:, tip, 2] == 0).all() and (made[:35, tip, 2] == 1).all()


def test_drawings_of_hands_are_told_by_their_names_and_stand_in_for_those_that_are_not_drawn():
    names = ("Fist.L", "left hand open", "HandPoint_R", "Spread Hand.R.001", "Hand.L", "Fist", "Waistcoat.L")
    said = {name: hand_swaps.drawing_of(name) for name in names}
    assert list(said.values()) == [
        ("fist", "L"),
        ("flat", "L"),
        ("point", "R"),
        ("spread", "R"),
        *[("", "")] * 3,
    ]
    shown = hand_swaps.shown_for(dict.fromkeys(("flat", "fist")))
    assert sorted(n for numbers in shown.values() for n in numbers) == list(range(len(hand_swaps.SHAPES)))
    assert [hand_swaps.SHAPES[n] for n in shown["fist"]] == ["fist", "point", "snap"]
    assert hand_swaps.shown_for({}) == {}

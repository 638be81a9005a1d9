"""People and drawn figures in pictures, by the model that ships."""

import numpy as np
import pytest
from PIL import Image

from tempose.blazepose.crops import Crop, upright_turn
from tempose.blazepose.detector import anchors, merged
from tempose.blazepose.figures import figure_boxes
from tempose.blazepose.look_fusion import FLIP, one_sided
from tempose.blazepose.people import apart, pieces
from tempose.estimator import BlazePose, poses_in
from tempose_pose.errors import TemposeError

LIMBS = [
    f"{s}_{j}" for s in ("left", "right") for j in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]


@pytest.mark.parametrize(
    ("style", "least"), [("flat", 1.0), ("silhouette", 0.9), ("lines", 0.8), ("half", 1.0)]
)
def test_the_joints_of_drawn_figures_are_found(drawn, style, least):
    figure = drawn.figure(style, 1)
    pose, *others = poses_in(np.asarray(figure.picture), BlazePose())
    assert not others
    at, sure = pose.skeleton.at, pose.scores[0]
    trunk = np.hypot(*(figure.joints["neck"] - figure.joints["mid_hip"]))
    known = [j for j in LIMBS if j in figure.joints]
    right = [np.hypot(*(pose.pixels[0, at[j]] - figure.joints[j])) < 0.2 * trunk for j in known]
    assert np.mean(right) >= least, [j for j, ok in zip(known, right, strict=True) if not ok]
    assert all(sure[at[j]] == 0 for j in set(LIMBS) - set(known)), "joints outside the picture are not seen"


def test_two_drawings_beside_each_other_are_two_people(drawn):
    pair = [drawn.figure("lines", number) for number in (1, 3)]
    page = Image.new("RGB", (2 * pair[0].picture.width, pair[0].picture.height), drawn.PAPER)
    for k, one in enumerate(pair):
        page.paste(one.picture, (k * one.picture.width, 0))
    assert (
        len(figure_boxes(page)) == 2 and figure_boxes(Image.effect_noise((64, 64), 80).convert("RGB")) == []
    )
    found = poses_in(np.asarray(page), BlazePose())
    assert len(found) == 2
    for pose in found:
        wrist, nose = (pose.pixels[0, pose.skeleton.index(joint)] for joint in ("left_wrist", "nose"))
        side = int(nose[0] // pair[0].picture.width)
        true = pair[side].joints["left_wrist"] + (side * pair[0].picture.width, 0)
        assert np.hypot(*(wrist - true)) < 40


def test_circles_round_the_same_person_are_one():
    circles = np.array([[[100, 100], [100, 200]], [[130, 100], [130, 210]], [[300, 100], [300, 190]]], float)
    assert len(apart(circles)) == 2 and len(apart(circles[:0])) == 0
    squares = pieces(Image.new("RGB", (800, 600)))
    assert min(s.x - s.side / 2 for s in squares) == 0 and max(s.x + s.side / 2 for s in squares) == 800
    assert max(s.y + s.side / 2 for s in squares) == 600


def test_hands_with_fingers_are_found_and_mittens_are_not_taken_for_hands(drawn):
    figure = drawn.handed("spread", 0)
    pose = poses_in(np.asarray(figure.picture), BlazePose())[0]
    length = np.hypot(*(figure.joints["left_middle_4"] - figure.joints["left_hand"]))
    found = 0
    for side in ("left", "right"):  # which of the two is found hangs on the last digit of a product
        tips = [f"{side}_{finger}_4" for finger in ("thumb", "index", "middle", "little")]
        columns = pose.skeleton.indices(*tips)
        off = np.hypot(*(pose.pixels[0, columns] - np.stack([figure.joints[j] for j in tips])).T)
        if pose.scores[0, columns].min() > 0.4:
            found += 1
            assert np.median(off) < 0.25 * length
    assert found
    plain = poses_in(np.asarray(drawn.figure("flat", 2).picture), BlazePose())[0]
    assert plain.scores[0, plain.skeleton.index("left_middle_4")] == 0


def test_nobody_is_found_where_nobody_is():
    assert poses_in(np.full((120, 160, 3), 200, np.uint8), BlazePose()) == []
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    assert poses_in(noise, BlazePose()) == []


def test_a_crop_and_its_way_back_agree():
    from PIL import Image

    picture = np.zeros((200, 300, 3), np.uint8)
    picture[118:122, 208:212] = 255
    crop = Crop(180.0, 100.0, 120.0, 0.6)
    cut = crop.cut(Image.fromarray(picture), 96)[..., 0]
    y, x = np.unravel_index(cut.argmax(), cut.shape)
    assert np.allclose(crop.back((np.array([x, y]) + 0.5) / 96), (210, 120), atol=1.5)
    assert upright_turn(np.array([0, 0]), np.array([1, 0])) == pytest.approx(np.pi / 2)


def test_finds_that_overlap_are_one_and_anchors_have_their_number():
    assert len(anchors(224, (8, 16, 32, 32, 32))) == 2254
    assert len(anchors(192, (8, 16, 16, 16))) == 2016
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], float)
    found, points, scores = merged(boxes, boxes.reshape(3, 2, 2), np.array([0.9, 0.3, 0.8]))
    assert scores.tolist() == [0.9, 0.8]
    assert found[0].tolist() == [0.25, 0, 10.25, 10]
    assert points.shape == (2, 2, 2)


def test_looks_agree_on_which_side_is_left():
    from tempose.blazepose.body import BodyLandmarks

    points = np.random.default_rng(0).normal(size=(33, 2))
    body = BodyLandmarks(points, np.ones(33), 1.0, Crop(0, 0, 1), points[:2])
    other = body._replace(points=points[FLIP])
    assert all(np.array_equal(b.points, points) for b in one_sided([body, other, body]))
    assert all(np.array_equal(b.points, points[FLIP]) for b in one_sided([body, other, other]))


def test_the_command_writes_a_reference_pose(drawn, tmp_path, capsys):
    from tempose.pose_cli import pose
    from tempose_pose.formats import load_poses

    drawn.figure("flat", 0).picture.save(tmp_path / "me.png")
    pose(tmp_path / "me.png", tmp_path / "me.json")
    assert load_poses(tmp_path / "me.json").scores[0, 0] > 0.8
    assert "joints" in capsys.readouterr().out
    with pytest.raises(TemposeError, match="one person"):
        pose(tmp_path / "me.png", tmp_path / "me.json", person=2)

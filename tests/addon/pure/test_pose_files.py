"""Dances go into files and come back, from us and from others."""

import json

import numpy as np
import pytest
from addon.model.character import reference
from addon.model.errors import Problem
from addon.model.files import pose_drawing
from addon.model.files.openpose import openpose
from addon.model.files.pose_files import load, save
from addon.model.files.poses import Poses, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.skeletons import OPENPOSE_18

DEFAULTS = (25.0, (640, 480))


def poses(seed=0, frames=7, hands=False, missing=True):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-50, 900, (frames, 18, 2))
    scores = rng.uniform(0.2, 1, (frames, 18))
    if missing:
        scores[:, 14:16] = 0
    made = rng.uniform(1, 900, (frames, 48, 3)) if hands else None
    if made is not None:
        made[..., 2] /= 900
        made[:, :6] = 0
    if made is not None:
        made[..., 2] = 0.9
    return Poses(points, scores, 29.97, (1000, 800), made, [0.5, 1.0], [0.5], 12, "abc")


def same(a: Poses, b: Poses, atol=1e-4, joints=range(18)):
    joints = list(joints)
    assert (a.fps, a.canvas, len(a)) == (pytest.approx(b.fps), b.canvas, len(b))
    seen = b.scores[:, joints] > 0
    assert ((a.scores[:, joints] > 0) == seen).all()
    assert np.abs(a.points[:, joints] - b.points[:, joints])[seen].max() < atol
    assert np.abs(a.scores[:, joints] - b.scores[:, joints]).max() < 1e-4


@pytest.mark.parametrize(("kind", "name"), [("OPENPOSE", "a.json"), ("FOLDER", "a"), ("NPZ", "a.npz")])
def test_a_dance_comes_back_from_its_file(tmp_path, kind, name):
    before = poses()
    assert save(before, str(tmp_path / name), kind) == (7 if kind == "FOLDER" else 1)
    after = load(str(tmp_path / name), *DEFAULTS)
    same(after, before, 1e-3)
    if kind == "NPZ":
        assert (after.beats, after.downbeats, after.seed, after.revision) == ([0.5, 1.0], [0.5], 12, "abc")


def test_coco_keeps_all_but_the_neck_which_lies_between_the_shoulders(tmp_path):
    before = poses()
    save(before, str(tmp_path / "a.json"), "COCO")
    after = load(str(tmp_path / "a.json"), *DEFAULTS)
    neck, left, right = (OPENPOSE_18.index(j) for j in ("neck", "left_shoulder", "right_shoulder"))
    same(after, before, 1e-3, [k for k in range(18) if k != neck])
    assert np.allclose(after.points[:, neck], (after.points[:, left] + after.points[:, right]) / 2)


def test_hands_come_back(tmp_path):
    before = poses(hands=True)
    save(before, str(tmp_path / "a.json"), "OPENPOSE")
    assert np.abs(load(str(tmp_path / "a.json"), *DEFAULTS).hands - before.hands).max() < 1e-4


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for t in (2, 10, 9):
        page = openpose(poses(seed=t, frames=1, missing=False))[0]
        (tmp_path / f"frame{t}.json").write_text(json.dumps(page))
    after = load(str(tmp_path), *DEFAULTS)
    for t, seed in enumerate((2, 9, 10)):
        assert np.abs(after.points[t] - poses(seed=seed, frames=1).points[0]).max() < 1e-3


def test_the_one_dancer_is_followed_among_several(tmp_path):
    pages = openpose(poses(missing=False))
    far = [
        v + 5000 if i % 3 < 2 else v / 10 for i, v in enumerate(pages[0]["people"][0]["pose_keypoints_2d"])
    ]
    for t, page in enumerate(pages):
        page["people"].insert(t % 2, {"pose_keypoints_2d": far})
    (tmp_path / "a.json").write_text(json.dumps(pages))
    assert load(str(tmp_path / "a.json"), *DEFAULTS).points.max() < 2000


def test_what_a_file_does_not_say_is_taken_from_the_scene(tmp_path):
    page = {"people": [{"pose_keypoints_2d": [10, 20, 0.5] * 25}]}
    (tmp_path / "a.json").write_text(json.dumps([page, {"people": []}, page]))
    after = load(str(tmp_path / "a.json"), *DEFAULTS)
    assert (after.fps, after.canvas, len(after)) == (25.0, (640, 480), 3)
    assert (after.scores[1] == 0).all()


BAD = {
    "nothing": "", "list": "[]", "text": '"x"', "deep": "[" * 100_000, "nobody": '[{"people": []}]',
    "layout": '[{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}]',
    "words": '[{"people": [{"pose_keypoints_2d": ["a", "b", "c"]}]}]',
    "nan": json.dumps([{"people": [{"pose_keypoints_2d": [float("nan")] * 54}]}]),
    "huge": json.dumps([{"people": [{"pose_keypoints_2d": [1e300] * 54}]}]),
    "canvas": json.dumps([{"people": [], "canvas_width": -1, "canvas_height": 5}]),
    "fps": json.dumps([{"people": [{"pose_keypoints_2d": [1] * 54}], "fps": 0}]),
    "coco": '{"annotations": 3}', "coco2": '{"annotations": [{"keypoints": [1, 2]}]}',
    "coco3": '{"annotations": [], "images": []}', "hand": json.dumps(
        [{"people": [{"pose_keypoints_2d": [1] * 54, "hand_left_keypoints_2d": [1]}]}]
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_bad_files_are_refused_in_words(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(Problem, match=r"bad\.json cannot be read"):
        load(str(tmp_path / "bad.json"), *DEFAULTS)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nonsense", b"\x93NUMPY"])
def test_bad_arrays_are_refused_in_words(tmp_path, data):
    (tmp_path / "bad.npz").write_bytes(data)
    with pytest.raises(Problem, match=r"bad\.npz cannot be read"):
        load(str(tmp_path / "bad.npz"), *DEFAULTS)
    np.savez(tmp_path / "bad.npz", keypoints=np.array([{}], object))
    with pytest.raises(Problem, match=r"bad\.npz cannot be read"):
        load(str(tmp_path / "bad.npz"), *DEFAULTS)


def test_missing_files_and_folders_are_named(tmp_path):
    for name in ("no.json", "no.npz"):
        with pytest.raises(Problem, match=name):
            load(str(tmp_path / name), *DEFAULTS)
    with pytest.raises(Problem, match="the folder holds no"):
        load(str(tmp_path), *DEFAULTS)
    with pytest.raises(Problem, match="cannot be written"):
        save(poses(), str(tmp_path / "no" / "a.json"), "COCO")
    assert list(tmp_path.iterdir()) == []


def test_gaps_are_bridged_and_what_is_never_there_is_guessed():
    before = poses(frames=5)
    before.scores[1:3, 4] = 0
    points, scores = whole(before, lambda p, s: np.full((18, 2), 7.0))
    assert np.allclose(points[1, 4], before.points[0, 4] * 2 / 3 + before.points[3, 4] / 3)
    assert (points[:, 14:16] == 7).all()
    assert (scores > 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.integers(2, 90), st.integers(2, 90), st.booleans())
def test_any_pose_can_be_drawn_at_any_size(seed, width, height, hands):
    figure = poses(seed, 1, hands)
    figure.points[0, 3] = 1e6
    hand = figure.hands[0] if hands else None
    picture = pose_drawing.draw(figure.points[0], figure.scores[0], (width, height), hand)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def test_the_drawing_is_openposes():
    standing = reference.standing()
    points = pose_drawing.fitted(standing.keypoints, standing.canvas, (512, 512))
    picture = pose_drawing.draw(points, np.ones(18), (512, 512))
    nose, neck, wrist = (points[OPENPOSE_18.index(j)].astype(int) for j in ("nose", "neck", "left_wrist"))
    assert picture[nose[1], nose[0]].tolist() == [255, 0, 0]
    assert picture[neck[1], neck[0]].tolist() == [255, 85, 0]
    assert picture[wrist[1], wrist[0]].tolist() == [0, 255, 85]
    assert picture[5, 5].tolist() == [0, 0, 0]
    assert 0.005 < (picture.max(2) > 0).mean() < 0.1
    knee, ankle = (points[OPENPOSE_18.index(f"left_{j}")] for j in ("knee", "ankle"))
    x, y = ((knee + ankle) / 2).astype(int)
    assert picture[y, x].max() == pytest.approx(153, abs=1)  # limbs at 0.6


def test_a_wide_size_keeps_the_figure_round():
    square = pose_drawing.fitted(np.array([[0, 0], [1000, 1000]]), (1000, 1000), (400, 200))
    assert square.tolist() == [[100, 0], [300, 200]]


def test_a_png_can_be_read():
    image = pytest.importorskip("PIL.Image", reason="Pillow comes with the server")
    import io

    picture = np.random.default_rng(0).integers(0, 255, (20, 31, 3)).astype(np.uint8)
    assert (np.asarray(image.open(io.BytesIO(pose_drawing.png(picture)))) == picture).all()


def test_the_core_reads_the_files_and_draws_the_same(tmp_path):
    formats = pytest.importorskip("tempose_pose.formats", reason="the core is not installed")
    from tempose.render.draw import draw_pose

    before = poses(missing=False)
    for kind, name in (("OPENPOSE", "a.json"), ("COCO", "c.json"), ("NPZ", "a.npz"), ("FOLDER", "f")):
        save(before, str(tmp_path / name), kind)
        read = formats.load_poses(tmp_path / name)
        assert (read.canvas, len(read)) == ((1000, 800), 7)
        assert np.abs(read.pixels[:, 0] - (before.points[:, 0])).max() < 0.01
    standing = reference.standing()
    figure = Poses(np.repeat(standing.keypoints[None], 2, 0), np.ones((2, 18)), 30.0, standing.canvas)
    save(figure, str(tmp_path / "s.json"), "OPENPOSE")
    theirs = draw_pose(formats.load_poses(tmp_path / "s.json"), 0, (512, 512)).astype(int)
    points = pose_drawing.fitted(standing.keypoints, standing.canvas, (512, 512))
    ours = pose_drawing.draw(points, np.ones(18), (512, 512)).astype(int)
    assert np.abs(ours - theirs).mean() < 0.25
    assert ((np.abs(ours - theirs).max(2) > 60).mean()) < 0.002

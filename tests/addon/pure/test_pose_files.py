"""Dances go into files and come back, from us and from others."""

import json
from dataclasses import replace

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.files import png, pose_drawing, pose_file_reader, pose_files
from addon.model.files.pose_files import load, load_assuming, reference_in, save
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose import drawing
from tempose_pose.dance import Dance
from tempose_pose.hands import at_rest
from tempose_pose.reference import Reference
from tempose_pose.sequence import PoseSequence, hands_of, of_joints, to_openpose18
from tempose_pose.skeletons import EXTREMITIES, OPENPOSE_18
from tempose_pose.writers import to_openpose

DEFAULTS = (25.0, (640, 480))


NAMES = (*OPENPOSE_18.joints, *EXTREMITIES)


def dance(seed=0, frames=7, hands=False, missing=True):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-50, 900, (frames, len(NAMES), 2))
    scores = rng.uniform(0.2, 1, (frames, len(NAMES)))
    if missing:
        scores[:, 14:16] = 0
    scores[:, 18 : 24 if hands else None] = 0
    poses = of_joints(NAMES, points, scores, 29.97, (1000, 800))
    return Dance(poses, np.array([0.5, 1.0]), np.array([0.5]), np.zeros(0, np.int32), 12, "abc")


def same(a: PoseSequence, b: PoseSequence, atol=1e-4, joints=OPENPOSE_18.joints):
    assert (a.fps, a.canvas, len(a)) == (pytest.approx(b.fps), b.canvas, len(b))
    ours, theirs = a.skeleton.indices(*joints), b.skeleton.indices(*joints)
    seen = b.scores[:, theirs] > 0
    assert ((a.scores[:, ours] > 0) == seen).all()
    assert np.abs(a.pixels[:, ours] - b.pixels[:, theirs])[seen].max() < atol
    assert np.abs(a.scores[:, ours] - b.scores[:, theirs]).max() < 1e-4


@pytest.mark.parametrize(("kind", "name"), [("OPENPOSE", "a.json"), ("FOLDER", "a"), ("NPZ", "a.npz")])
def test_a_dance_comes_back_from_its_file(tmp_path, kind, name):
    before = dance()
    assert save(before, str(tmp_path / name), kind) == (7 if kind == "FOLDER" else 1)
    after = load(str(tmp_path / name), *DEFAULTS)
    same(after.poses, before.poses, 1e-3)
    if kind == "NPZ":
        assert (after.beat_times.tolist(), after.downbeat_times.tolist()) == ([0.5, 1.0], [0.5])
        assert (after.seed, after.model_revision) == (12, "abc")


def test_coco_keeps_all_but_the_neck_which_lies_between_the_shoulders(tmp_path):
    before = dance()
    save(before, str(tmp_path / "a.json"), "COCO")
    after = to_openpose18(load(str(tmp_path / "a.json"), *DEFAULTS).poses)
    neck, left, right = (OPENPOSE_18.index(j) for j in ("neck", "left_shoulder", "right_shoulder"))
    same(after, before.poses, 1e-3, [joint for joint in OPENPOSE_18.joints if joint != "neck"])
    assert np.allclose(after.pixels[:, neck], (after.pixels[:, left] + after.pixels[:, right]) / 2, atol=1e-3)


def test_hands_come_back(tmp_path):
    before = dance(hands=True)
    save(before, str(tmp_path / "a.json"), "OPENPOSE")
    after = load(str(tmp_path / "a.json"), *DEFAULTS)
    assert np.abs(hands_of(after.poses) - hands_of(before.poses)).max() < 1e-3


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for t in (2, 10, 9):
        page = to_openpose(dance(seed=t, frames=1, missing=False).poses)[0]
        (tmp_path / f"frame{t}.json").write_text(json.dumps(page))
    after = load(str(tmp_path), *DEFAULTS)
    assert (after.poses.scores > 0).all(1).nonzero()[0].tolist() == [
        0,
        7,
        8,
    ]  # where numbers lack, time passes
    for seed in (2, 9, 10):
        shown = dance(seed=seed, frames=1, missing=False).poses
        assert np.abs(after.poses.pixels[seed - 2] - shown.pixels[0]).max() < 1e-3


def test_the_one_dancer_is_followed_among_several(tmp_path):
    pages = to_openpose(dance(missing=False).poses)
    far = [
        v + 5000 if i % 3 < 2 else v / 10 for i, v in enumerate(pages[0]["people"][0]["pose_keypoints_2d"])
    ]
    for t, page in enumerate(pages):
        page["people"].insert(t % 2, {"pose_keypoints_2d": far})
    (tmp_path / "a.json").write_text(json.dumps(pages))
    assert load(str(tmp_path / "a.json"), *DEFAULTS).poses.pixels.max() < 2000


def test_what_a_file_does_not_say_is_taken_from_the_scene(tmp_path):
    page = {"people": [{"pose_keypoints_2d": [10, 20, 0.5] * 25}]}
    (tmp_path / "a.json").write_text(json.dumps([page, {"people": []}, page]))
    after = load(str(tmp_path / "a.json"), *DEFAULTS).poses
    assert (after.fps, after.canvas, len(after)) == (25.0, (640, 480), 3)
    assert (after.scores[1] == 0).all()


def test_it_is_known_whether_the_rate_was_the_files_or_assumed(tmp_path):
    page = {"people": [{"pose_keypoints_2d": [10, 20, 0.5] * 25}]}
    for said, expected in (({"fps": 29.476}, (29.476, False)), ({}, (25.0, True))):
        (tmp_path / "a.json").write_text(json.dumps([page | said, page]))
        loaded, assumed = load_assuming(str(tmp_path / "a.json"), *DEFAULTS)
        assert (loaded.poses.fps, assumed) == expected
    save(dance(), str(tmp_path / "a.npz"), "NPZ")
    assert not load_assuming(str(tmp_path / "a.npz"), *DEFAULTS)[1]


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
        save(dance(), str(tmp_path / "no" / "a.json"), "COCO")
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 99), st.integers(2, 90), st.integers(2, 90), st.booleans())
def test_any_pose_can_be_drawn_at_any_size(seed, width, height, hands):
    poses = dance(seed, 1, hands).poses
    body, hand = to_openpose18(poses), hands_of(poses)[0] if hands else None
    points = body.pixels[0].copy()
    points[3] = 1e6
    picture = pose_drawing.draw(points, body.scores[0], (width, height), hand)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def test_the_drawing_is_openposes():
    standing = Reference.standing()
    points = pose_drawing.fitted(standing.points, standing.canvas, (512, 512))
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
    assert (np.asarray(image.open(io.BytesIO(png.png(picture)))) == picture).all()


@pytest.mark.parametrize("name", drawing.MANNERS)
def test_the_core_draws_the_same(name):
    draw_pose = pytest.importorskip("tempose.render.draw", reason="the core is not installed").draw_pose
    standing, manner, size = Reference.standing(), drawing.MANNERS[name], (512, 512)
    more = {**at_rest(standing.points), "left_big_toe": (620, 700), "right_big_toe": (340, 700)}
    pose = replace(standing, more=more).whole
    theirs = draw_pose(pose, 0, size, manner=manner).astype(int)
    points = pose_drawing.fitted(standing.points, standing.canvas, size)
    hand, toes = hands_of(pose)[0], drawing.toes_of(pose)[0]
    hand[..., :2] = pose_drawing.fitted(hand[..., :2], pose.canvas, size)
    toes[:, :2] = pose_drawing.fitted(toes[:, :2] * pose.canvas, pose.canvas, size)
    ours = pose_drawing.draw(points, np.ones(18), size, hand, toes, manner).astype(int)
    assert np.abs(ours - theirs).mean() < 0.25
    assert ((np.abs(ours - theirs).max(2) > 60).mean()) < 0.004  # at the edges of thin fingers


def test_a_large_reference_is_read_by_another_process_and_is_the_same(tmp_path, monkeypatch):
    path = tmp_path / "pose.json"  # without a canvas, a left wrist, or any hand but one
    body = [[100 + 10 * i, 50 + 20 * i, 0.9] for i in range(18)]
    body[7] = [0, 0, 0]
    hand = [v for i in range(21) for v in (300 + i, 200 + i, 0.8)]
    person = {"pose_keypoints_2d": [v for point in body for v in point], "hand_right_keypoints_2d": hand}
    path.write_text(json.dumps({"people": [person]}))
    here = reference_in(str(path))
    monkeypatch.setattr(pose_file_reader, "LARGE", 100)
    for place in (pose_file_reader, pose_files):
        monkeypatch.setattr(place, "read_reference", lambda path: pytest.fail("it was parsed here"))
    elsewhere = reference_in(str(path))
    assert here.filled and here.more
    assert (elsewhere.filled, dict(elsewhere.more), elsewhere.canvas) == (
        here.filled,
        dict(here.more),
        here.canvas,
    )
    assert np.array_equal(elsewhere.points, here.points)
    path.write_text('{"people": [' + " " * 200 + "]}")
    with pytest.raises(Problem, match="nobody"):
        reference_in(str(path))


def test_a_large_file_is_read_by_another_process_with_the_same_poses(tmp_path, monkeypatch):
    path, made = tmp_path / "poses.json", dance(frames=40)
    save(made, str(path), "COCO")
    here = load_assuming(str(path), *DEFAULTS)
    monkeypatch.setattr(pose_file_reader, "LARGE", 100)
    monkeypatch.setattr(pose_file_reader, "read", lambda *_: pytest.fail("it was parsed here"))
    elsewhere = load_assuming(str(path), *DEFAULTS)
    assert elsewhere[1] == here[1]
    for name in ("keypoints", "scores"):
        assert np.array_equal(getattr(elsewhere[0].poses, name), getattr(here[0].poses, name))
    path.write_text('{"people": [' + " " * 200 + "]}")
    with pytest.raises(Problem, match=r"nobody|poses"):
        load_assuming(str(path), *DEFAULTS)
    with pytest.raises(Problem, match="no pose file"):
        monkeypatch.undo()
        load_assuming(str(tmp_path / "gone.json"), *DEFAULTS)

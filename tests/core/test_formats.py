"""Pose files: round trips, other people's layouts, hostile input."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tempose.errors import TemposeError
from tempose.pose import formats
from tempose.pose.formats import load_poses, load_reference, parse_poses, save_poses
from tempose.pose.reference import standing_pose
from tempose.pose.sequence import PoseSequence
from tempose.pose.skeletons import COCO_17, OPENPOSE_18

KEYPOINTS = st.floats(-0.5, 1.5, width=32)
SCORES = st.one_of(st.just(0.0), st.floats(0.0625, 1, width=32))


@st.composite
def sequences(draw, skeleton):
    frames, joints = draw(st.integers(1, 3)), len(skeleton)
    keypoints = draw(arrays(np.float32, (frames, joints, 2), elements=KEYPOINTS))
    scores = draw(arrays(np.float32, (frames, joints), elements=SCORES))
    keypoints[0, 0], scores[0, 0] = 1.25, 1  # somebody is there, and not within one pixel
    canvas = draw(st.tuples(st.integers(16, 4000), st.integers(16, 4000)))
    return PoseSequence(keypoints, scores, draw(st.sampled_from([24.0, 29.97, 30.0])), skeleton, canvas)


def same(a: PoseSequence, b: PoseSequence) -> None:
    assert a.skeleton is b.skeleton
    assert a.canvas == b.canvas
    assert a.fps == pytest.approx(b.fps)
    assert np.allclose(a.scores, b.scores, atol=1e-5)
    seen = b.scores > 0
    assert np.array_equal(a.scores > 0, seen)
    assert np.allclose(a.keypoints[seen], b.keypoints[seen], atol=1e-5)


def through_json(data):
    return parse_poses(json.loads(json.dumps(data)))


@given(st.one_of(sequences(OPENPOSE_18), sequences(COCO_17)))
def test_our_own_json_comes_back_as_it_was(poses):
    same(through_json(formats.to_own(poses)), poses)


@given(sequences(OPENPOSE_18), st.sampled_from([18, 25]))
def test_openpose_comes_back_as_it_was(poses, layout):
    same(through_json(formats.to_openpose(poses, layout)), poses)


@given(sequences(COCO_17))
def test_coco_comes_back_as_it_was(poses):
    same(through_json(formats.to_coco(poses)), poses)


@pytest.mark.parametrize("format", ["own", "openpose", "coco"])
def test_files_come_back_as_they_were(tmp_path, format):
    poses = standing_pose(canvas=(640, 480))
    save_poses(poses, tmp_path / "pose.json", format)
    back = load_reference(tmp_path / "pose.json")
    assert back.canvas == (640, 480)
    seen = [OPENPOSE_18.index(j) for j in back.skeleton.joints]
    assert np.allclose(back.keypoints, poses.keypoints[:, seen], atol=1e-5)


def test_a_folder_of_openpose_files_is_read_in_frame_order(tmp_path):
    keypoints = np.repeat(standing_pose().keypoints, 12, 0) + np.arange(12)[:, None, None] * 0.01
    poses = PoseSequence(keypoints, np.ones((12, 18)), 30, OPENPOSE_18)
    save_poses(poses, tmp_path / "clip", "openpose", layout=25)
    same(load_poses(tmp_path / "clip"), poses)
    for t, file in enumerate(sorted((tmp_path / "clip").iterdir())):  # unpadded numbers
        page = json.loads(file.read_text())
        del page["canvas_width"], page["canvas_height"], page["fps"]
        file.rename(file.with_name(f"{t}.json")).write_text(json.dumps(page))
    with pytest.raises(TemposeError, match="width and height"):
        load_poses(tmp_path / "clip")
    with pytest.raises(TemposeError, match="frame rate"):
        load_poses(tmp_path / "clip", canvas=(1000, 1000))
    same(load_poses(tmp_path / "clip", canvas=(1000, 1000), fps=30), poses)


def test_a_missing_joint_is_missing_and_not_at_zero():
    scores = np.ones((1, 18))
    scores[0, 4] = 0
    pose = PoseSequence(standing_pose().keypoints, scores, 30, OPENPOSE_18)
    page = formats.to_openpose(pose)[0]["people"][0]["pose_keypoints_2d"]
    assert page[12:15] == [0, 0, 0]
    assert through_json(formats.to_openpose(pose)).scores[0, 4] == 0
    at_zero = PoseSequence(np.zeros((1, 18, 2)), np.ones((1, 18)), 30, OPENPOSE_18)
    assert (through_json(formats.to_openpose(at_zero)).scores == 1).all()


def test_coco_flags_are_told_from_confidences():
    keypoints = np.column_stack([np.full((17, 2), 50.0), [2] * 15 + [1, 0]]).ravel().tolist()
    flagged = parse_poses([{"image_id": 7, "keypoints": keypoints}], canvas=(100, 100))
    assert flagged.scores[0, -3:].tolist() == [1, 0.5, 0]
    confident = np.column_stack([np.full((17, 2), 50.0), [0.9] * 15 + [0.4, 0]]).ravel().tolist()
    result = parse_poses([{"image_id": 7, "keypoints": confident}], canvas=(100, 100))
    assert np.allclose(result.scores[0, -3:], [0.9, 0.4, 0])


@pytest.mark.parametrize(("count", "target"), [(26, OPENPOSE_18), (133, COCO_17)])
def test_larger_coco_layouts_give_their_body(count, target):
    names = {26: formats.HALPE_26, 133: list(COCO_17.joints)}[count]
    values = np.column_stack([np.arange(count) * 2.0, np.arange(count), np.full(count, 0.5)])
    poses = parse_poses([{"image_id": 1, "keypoints": values.ravel().tolist()}], canvas=(1000, 1000))
    assert poses.skeleton is target
    assert poses.pixels[0, target.index("left_ankle"), 0] == pytest.approx(2 * names.index("left_ankle"))
    assert (target is COCO_17) or poses.pixels[0, 1, 0] == pytest.approx(2 * names.index("neck"))


def test_mediapipe_landmarks_are_shares_of_the_picture():
    marks = [{"x": i / 33, "y": 0.5, "z": 0.1, "visibility": 0.25} for i in range(33)]
    poses = parse_poses({"landmarks": marks, "width": 640, "height": 360})
    assert poses.canvas == (640, 360)
    assert poses.keypoints[0, COCO_17.index("left_hip"), 0] == pytest.approx(23 / 33)
    assert (poses.scores == 0.25).all()
    two = parse_poses([{"landmarks": marks}, {"landmarks": []}], canvas=(640, 360), fps=25)
    assert (two.scores[1] == 0).all()


def test_the_same_dancer_is_followed_among_several():
    def figure(x, confidence):
        return {"pose_keypoints_2d": np.tile([x, 300.0, confidence], 18).tolist()}

    pages = [
        {
            "people": [figure(100, 0.5), figure(800, 0.9)],
            "canvas_width": 1000,
            "canvas_height": 500,
            "fps": 30,
        },
        {"people": [figure(790, 0.4), figure(110, 0.9)]},
        {"people": []},
        {"people": [figure(120, 0.9), figure(780, 0.6)]},
    ]
    assert np.allclose(parse_poses(pages).pixels[[0, 1, 3], 0, 0], [800, 790, 780])
    assert (parse_poses(pages).scores[2] == 0).all()
    assert np.allclose(parse_poses(pages, person=0).pixels[[0, 1, 3], 0, 0], [100, 790, 120])


KEYS = [
    "skeleton", "keypoints", "scores", "canvas", "fps", "people", "pose_keypoints_2d", "annotations",
    "images", "landmarks", "visibility", "x", "image_id", "info", "width", "canvas_width", "frames",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(JSON)
def test_any_json_is_read_or_refused_in_plain_words(data):
    try:
        poses = parse_poses(data)
    except TemposeError as error:
        assert error.message  # and nothing else is raised
    else:
        assert np.isfinite(poses.keypoints).all()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"people": [{"pose_keypoints_2d": [NaN, 1, 1]}]}',
        b'{"skeleton": "openpose18", "keypoints": [[1e400, 0]]}',
        b'{"skeleton": "octopus", "keypoints": []}',
        b'{"skeleton": "openpose18", "keypoints": "abc"}',
        b'{"skeleton": "openpose18", "keypoints": [[0, 0], [0]]}',
        b'{"people": [], "canvas_width": 100, "canvas_height": 100}',
        b'{"people": [{"pose_keypoints_2d": [1, 2, 3]}], "canvas_width": 100, "canvas_height": 100}',
        b'{"people": [[]], "canvas_width": 100, "canvas_height": 100}',
        b'{"people": [], "canvas_width": -1, "canvas_height": 100}',
        b'[{"keypoints": [true]}]',
        b'{"landmarks": [1, 2, 3]}',
        b'"hello"',
        b"{}",
    ],
)
def test_hostile_files_are_refused(tmp_path, text):
    path = tmp_path / "pose.json"
    path.write_bytes(text)
    with pytest.raises(TemposeError):
        load_reference(path, canvas=(100, 100))


def test_missing_files_folders_and_frames_are_named(tmp_path):
    with pytest.raises(TemposeError, match="no pose file"):
        load_poses(tmp_path / "none.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TemposeError, match="holds no"):
        load_poses(tmp_path / "empty")
    save_poses(standing_pose(), tmp_path / "pose.json")
    with pytest.raises(TemposeError, match="frame 3 is not there"):
        load_reference(tmp_path / "pose.json", frame=3)
    with pytest.raises(TemposeError, match="Known pose formats"):
        save_poses(standing_pose(), tmp_path / "x.json", "fbx")
    with pytest.raises(TemposeError, match="18 and 25"):
        save_poses(standing_pose(), tmp_path / "x.json", "openpose", layout=19)

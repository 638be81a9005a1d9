"""Pose files: round trips, other people's layouts, hostile input."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tempose_pose import writers
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.formats import load_poses, load_reference, parse_poses
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import (
    BODY_25,
    BODY_67,
    COCO_17,
    HALPE_26,
    LAYOUTS,
    MEDIAPIPE_33,
    OPENPOSE_18,
    OPENPOSE_60,
    SKELETONS,
    skeleton,
)
from tempose_pose.standing import standing_pose
from tempose_pose.writers import save_poses

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


def whole(poses: PoseSequence) -> PoseSequence:
    """With something seen of feet and hands in the first frame, so that the file shows which layout it is."""
    scores = poses.scores.copy()
    scores[0, 18:] = np.maximum(scores[0, 18:], 0.5)
    return PoseSequence(poses.keypoints, scores, poses.fps, poses.skeleton, poses.canvas)


@settings(max_examples=40)
@given(st.sampled_from(list(LAYOUTS.values())).flatmap(sequences))
def test_our_own_json_comes_back_as_it_was(poses):
    same(through_json(writers.to_own(poses)), poses)


@settings(max_examples=40)
@given(sequences(OPENPOSE_18), st.sampled_from([18, 25]))
def test_openpose_comes_back_as_it_was(poses, layout):
    back = through_json(writers.to_openpose(poses, layout))
    assert back.skeleton is {18: OPENPOSE_18, 25: BODY_25}[layout]
    same(to_openpose18(back), poses)


@settings(max_examples=40)
@given(st.sampled_from([BODY_25, OPENPOSE_60, BODY_67]).flatmap(sequences).map(whole))
def test_openpose_keeps_feet_and_hands(poses):
    pages = writers.to_openpose(poses)
    assert all(page["people"][0]["face_keypoints_2d"] == [] for page in pages)
    same(through_json(pages), poses)


def test_controlnets_editors_get_every_joint_that_is_seen():
    """They leave out what has less than a confidence of 1, as sd-webui-controlnet's `decode_json_as_poses` does."""
    scores = np.full((2, 60), 0.4)
    scores[:, 3] = 0
    keypoints = np.random.default_rng(0).uniform(0.1, 0.9, (2, 60, 2))
    pages = writers.to_controlnet(PoseSequence(keypoints, scores, 30, OPENPOSE_60, (640, 480)))
    (person,) = pages[1]["people"]
    body = np.reshape(person["pose_keypoints_2d"], (18, 3))
    assert body[:, 2].tolist() == [1.0] * 3 + [0.0] + [1.0] * 14
    assert np.allclose(body[0, :2], keypoints[1, 0] * (640, 480), atol=1e-3)
    assert body[3].tolist() == [0, 0, 0]
    assert set(person["hand_left_keypoints_2d"][2::3]) == {1.0}
    assert (pages[1]["canvas_width"], pages[1]["canvas_height"]) == (640, 480)


def test_a_hand_out_of_sight_for_a_while_does_not_change_the_layout():
    scores = np.ones((3, 60))
    scores[1, 18:] = 0
    scores[2, 39:] = 0
    keypoints = np.random.default_rng(0).uniform(0.1, 0.9, (3, 60, 2))
    poses = PoseSequence(keypoints, scores, 30, OPENPOSE_60, (640, 480))
    pages = writers.to_openpose(poses)
    assert pages[1]["people"][0]["hand_left_keypoints_2d"] == []
    assert len(pages[2]["people"][0]["hand_left_keypoints_2d"]) == 63
    same(through_json(pages), poses)
    pages[0]["people"][0]["hand_left_keypoints_2d"] = [1, 2, 3]
    with pytest.raises(TemposeError, match="21 keypoints"):
        through_json(pages)


@settings(max_examples=40)
@given(sequences(COCO_17))
def test_coco_comes_back_as_it_was(poses):
    same(through_json(writers.to_coco(poses)), poses)


@settings(max_examples=40)
@given(sequences(HALPE_26))
def test_halpe_comes_back_as_it_was(poses):
    same(through_json(writers.to_coco(poses, 26)), poses)


@settings(max_examples=40)
@given(sequences(BODY_67).map(whole))
def test_wholebody_comes_back_as_it_was_but_for_what_it_has_no_place_for(poses):
    data = writers.to_coco(poses)
    first = data["annotations"][0]
    assert [len(first[k]) for k in ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts")] == [
        51,
        18,
        204,
        63,
    ]
    assert not first["face_valid"]
    assert not any(first["face_kpts"])
    back = through_json(data)
    assert back.skeleton is BODY_67
    kept = [i for i, j in enumerate(BODY_67.joints) if j not in ("neck", "mid_hip")]
    seen = poses.scores[:, kept] > 0
    assert np.array_equal(back.scores[:, kept] > 0, seen)
    assert np.allclose(back.scores[:, kept], poses.scores[:, kept], atol=1e-5)
    assert np.allclose(back.keypoints[:, kept][seen], poses.keypoints[:, kept][seen], atol=1e-5)


@settings(max_examples=20)
@given(sequences(MEDIAPIPE_33), st.sampled_from([17, 26, 133]))
def test_any_skeleton_can_be_written_as_coco_without_inventing_joints(poses, layout):
    back = through_json(writers.to_coco(poses, layout))
    for joint in set(back.skeleton.joints) & set(poses.skeleton.joints):
        a, b = back.scores[:, back.skeleton.index(joint)], poses.scores[:, poses.skeleton.index(joint)]
        assert np.allclose(a, b, atol=1e-5)
    strange = set(back.skeleton.joints) - set(poses.skeleton.joints) - {"neck", "mid_hip"}
    assert not back.scores[:, [back.skeleton.index(j) for j in strange]].any()


def test_the_axis_is_said_by_the_file_or_by_whoever_reads_it(tmp_path):
    pose = standing_pose()
    data = writers.to_own(pose)
    assert data["axes"] == "x right, y down"
    upwards = {**data, "axes": "x right, y up"}
    assert np.allclose(parse_poses(upwards).keypoints[..., 1], 1 - pose.keypoints[..., 1], atol=1e-6)
    assert np.allclose(parse_poses(upwards, y_up=False).keypoints, pose.keypoints, atol=1e-6)
    save_poses(pose, tmp_path / "clip", "openpose")
    turned = load_poses(tmp_path / "clip", y_up=True)
    assert np.allclose(turned.keypoints[..., 1], 1 - pose.keypoints[..., 1], atol=1e-5)
    hidden = PoseSequence(pose.keypoints, np.eye(1, 18), 30, OPENPOSE_18)
    assert (parse_poses(writers.to_openpose(hidden), y_up=True).scores[0, 1:] == 0).all()
    with pytest.raises(TemposeError, match="y down"):
        parse_poses({**data, "axes": "z up"})


@pytest.mark.parametrize("key", ["landmarks", "pose_landmarks", "poseLandmarks"])
def test_mediapipe_is_read_under_each_of_its_names(key):
    marks = [{"x": i / 33, "y": 0.5, "z": 0.1, "visibility": 0.25} for i in range(33)]
    for data in ([{key: marks}, {key: []}], {key: [marks, []]}, [{key: [marks]}, {key: []}]):
        poses = parse_poses(data, canvas=(640, 360), fps=25)
        assert poses.skeleton is MEDIAPIPE_33
        assert (poses.scores[1] == 0).all()


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
    same(to_openpose18(load_poses(tmp_path / "clip")), poses)
    for t, file in enumerate(sorted((tmp_path / "clip").iterdir())):  # unpadded numbers
        page = json.loads(file.read_text())
        del page["canvas_width"], page["canvas_height"], page["fps"]
        file.rename(file.with_name(f"{t}.json")).write_text(json.dumps(page))
    with pytest.raises(TemposeError, match="width and height"):
        load_poses(tmp_path / "clip")
    with pytest.raises(TemposeError, match="frame rate"):
        load_poses(tmp_path / "clip", canvas=(1000, 1000))
    same(to_openpose18(load_poses(tmp_path / "clip", canvas=(1000, 1000), fps=30)), poses)


def test_a_missing_joint_is_missing_and_not_at_zero():
    scores = np.ones((1, 18))
    scores[0, 4] = 0
    pose = PoseSequence(standing_pose().keypoints, scores, 30, OPENPOSE_18)
    page = writers.to_openpose(pose)[0]["people"][0]["pose_keypoints_2d"]
    assert page[12:15] == [0, 0, 0]
    assert through_json(writers.to_openpose(pose)).scores[0, 4] == 0
    at_zero = PoseSequence(np.zeros((1, 18, 2)), np.ones((1, 18)), 30, OPENPOSE_18)
    assert (through_json(writers.to_openpose(at_zero)).scores == 1).all()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=str)
def test_layouts_are_trees_with_mirror_partners_that_the_model_can_read(layout):
    assert skeleton(layout.name) is layout
    assert len(set(layout.joints)) == len(layout)
    assert [layout.flip[k] for k in layout.flip] == list(range(len(layout)))
    above = {-1}
    for _ in layout.joints:
        above |= {k for k, parent in enumerate(layout.parents) if parent in above}
    assert len(above) == len(layout) + 1  # every joint hangs on a root, none on itself
    keypoints = np.random.default_rng(1).uniform(0, 1, (2, len(layout), 2)).astype(np.float32)
    poses = PoseSequence(keypoints, np.ones((2, len(layout))), 30, layout)
    body = to_openpose18(poses)
    for k, joint in enumerate(OPENPOSE_18.joints):
        if joint in layout.joints:
            assert np.array_equal(body.keypoints[:, k], poses.keypoints[:, layout.index(joint)])
    assert (body.scores == 1).all()


def test_only_what_the_model_knows_is_said_to_be_its_own():
    assert set(SKELETONS) == {"openpose18", "coco17"}
    assert {60, 67, 25, 26, 33} <= {len(s) for s in LAYOUTS.values()}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=str)
def test_a_dance_file_keeps_its_skeleton(tmp_path, layout):
    none = np.zeros(0)
    poses = PoseSequence(np.full((4, len(layout), 2), 0.5), np.ones((4, len(layout))), 30, layout)
    Dance(poses, none, none, none.astype(int), 0, "test").save(tmp_path / "d.npz")
    assert Dance.load(tmp_path / "d.npz").poses.skeleton is layout


def test_mediapipe_landmarks_are_shares_of_the_picture():
    marks = [{"x": i / 33, "y": 0.5, "z": 0.1, "visibility": 0.25} for i in range(33)]
    poses = parse_poses({"landmarks": marks, "width": 640, "height": 360})
    assert poses.canvas == (640, 360)
    assert poses.skeleton is MEDIAPIPE_33
    assert np.allclose(poses.keypoints[0, :, 0], np.arange(33) / 33)
    assert to_openpose18(poses).keypoints[0, 1, 0] == pytest.approx(11.5 / 33)
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

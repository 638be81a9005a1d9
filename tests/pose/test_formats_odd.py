"""Damaged pose files of every form: read, or refused in plain words. TEMPOSE_FUZZ=2000 tries more of them."""

import copy
import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tempose_pose.errors import TemposeError
from tempose_pose.formats import load_poses, parse_poses
from tempose_pose.sequence import PoseSequence

EXAMPLES = max(150, int(os.environ.get("TEMPOSE_FUZZ", "0")))


def triples(count):
    return [number for i in range(count) for number in (10.0 + i, 20.0 + 2 * i, 0.9)]


HAND = triples(21)
COCO_HEAD = {"images": [{"id": 1, "width": 640, "height": 480}], "info": {"fps": 30}}
FILES = {
    "openpose": {
        "people": [{"pose_keypoints_2d": triples(25), "hand_left_keypoints_2d": HAND}],
        "canvas_width": 640, "canvas_height": 480,
    },
    "openpose pages": [
        {"people": [{"pose_keypoints_2d": triples(18)}], "canvas_width": 640, "canvas_height": 480, "fps": 25},
        {"people": []},
        {"people": [{"pose_keypoints": triples(18), "hand_right_keypoints_2d": HAND}]},
    ],
    "openpose frames": {"fps": 24, "frames": [{"people": [{"pose_keypoints_2d": triples(18)}]}]},
    "coco": {
        **COCO_HEAD,
        "annotations": [{"image_id": 1, "keypoints": [v for i in range(17) for v in (i, i, 2)], "num_keypoints": 17}],
    },
    "coco results": [{"image_id": "a.jpg", "keypoints": triples(17), "keypoint_scores": [0.5] * 17, "score": 1}],
    "halpe": [{"image_id": "1.jpg", "keypoints": triples(26)}, {"image_id": "2.jpg", "keypoints": triples(26)}],
    "wholebody": {**COCO_HEAD, "annotations": [{"image_id": 1, "keypoints": triples(133)}]},
    "wholebody parts": {
        **COCO_HEAD,
        "annotations": [{
            "image_id": 1, "keypoints": triples(17), "foot_kpts": triples(6), "face_kpts": triples(68),
            "lefthand_kpts": HAND, "righthand_kpts": HAND, "foot_valid": True,
        }],
    },
    "mediapipe": {
        "width": 640, "height": 480, "fps": 30,
        "landmarks": [[{"x": 0.5, "y": 0.5, "visibility": 1.0} for _ in range(33)]],
    },
    "mediapipe frames": [{"pose_landmarks": [{"x": 0.1, "y": 0.2} for _ in range(33)]}, {"pose_landmarks": None}],
    "mediapipe around": {
        "fps": 24, "width": 640, "height": 480,
        "frames": [{"frame": 3, "pose_landmarks": [{"x": 0.1, "y": 0.2, "visibility": 0.5} for _ in range(33)]}, {}],
    },
    "mediapipe timed": [
        {"timestamp": t, "landmarks": [{"x": 0.1, "y": 0.2} for _ in range(33)]} for t in (0, 33, 67)
    ],
    "editor": {"width": 640, "height": 480, "keypoints": [None, *[[10.0 + i, 20.0 + i] for i in range(35)]]},
    "mediapipe lists": {n: [[0.1, 0.2, 0.0, 0.9] for _ in range(33)] for n in ("0", "2")},
    "under names": {f"{n}.jpg": {"bodies": [{"joints": triples(18)}]} for n in (1, 3)},
    "objects": [{"frame_id": 1, "keypoints": [{"x": i, "y": i, "score": 0.5} for i in range(17)]}],
    "columns": [{"keypoints": {"x": [9.0] * 17, "y": [8.0] * 17, "visible": [0.5] * 17}}],
    "mmpose": {"instance_info": [
        {"frame_id": n, "instances": [{"keypoints": [[i, i] for i in range(17)], "keypoint_scores": [0.5] * 17}]}
        for n in (1, 4)
    ]},
    "own": {
        "skeleton": "openpose18", "keypoints": [[[0.5, 0.01 * i] for i in range(18)]], "scores": [[1.0] * 18],
        "canvas": [720, 1280], "fps": 30, "axes": "x right, y up",
    },
}  # fmt: skip

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(
        [0, -1, 1e308, -1e308, 5e-324, 2**63, 2**64, 10**400, "", "\ud800", "ﬀ\0", "1", "openpose18"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def places(value):
    """Every (container, key) inside of a parsed JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


def damage(document, data):
    """Replace, double or take away what stands at one place; places near the root are as likely as numbers."""
    found: dict[int, list] = {}
    for container, key in places(document):
        found.setdefault(len(container), []).append((container, key))
    if not found:
        return
    container, key = data.draw(st.sampled_from(found[data.draw(st.sampled_from(sorted(found)))]))
    match data.draw(st.sampled_from(["odd", "odd", "gone", "twice"])):
        case "odd":
            container[key] = data.draw(ODD)
        case "gone":
            del container[key]
        case "twice" if isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        case "twice":
            container[str(key) + "_"] = container[key]


def read_or_refused(read):
    try:
        poses = read()
    except TemposeError as error:
        assert error.message
        assert len(error.message) < 1000
        return
    assert isinstance(poses, PoseSequence)
    assert np.isfinite(poses.keypoints).all()
    assert np.isfinite(poses.scores).all()
    assert ((poses.scores >= 0) & (poses.scores <= 1)).all()
    assert len(poses) > 0


@pytest.mark.parametrize("form", FILES)
def test_the_undamaged_forms_are_read(form):
    poses = parse_poses(FILES[form], canvas=(640, 480), fps=30.0)
    assert (poses.scores > 0).any()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_documents_are_read_or_refused(data):
    document = copy.deepcopy(FILES[data.draw(st.sampled_from(sorted(FILES)))])
    for _ in range(data.draw(st.integers(1, 3))):
        damage(document, data)
    canvas = data.draw(st.sampled_from([None, (640, 480), (1, 1)]))
    person = data.draw(st.sampled_from([None, 0, 3, -1]))
    y_up = data.draw(st.sampled_from([None, True, False]))
    read_or_refused(lambda: parse_poses(document, canvas=canvas, fps=30.0, person=person, y_up=y_up))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_bytes_are_read_or_refused(tmp_path_factory, data):
    text = bytearray(json.dumps(FILES[data.draw(st.sampled_from(sorted(FILES)))]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = start + data.draw(st.sampled_from([0, 1, 2, 50, len(text)]))
        text[start:stop] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"1e999", b"NaN", b'"', b"[[", b"-"])
        )
    path = tmp_path_factory.getbasetemp() / "odd.json"
    path.write_bytes(text)
    read_or_refused(lambda: load_poses(path, canvas=(640, 480), fps=30.0))

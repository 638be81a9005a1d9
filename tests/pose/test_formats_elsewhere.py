"""Pose files as other programs write them: pairs, nulls, texts in texts, frames left out, hidden companions."""

import json

import numpy as np
import pytest

from tempose_pose.errors import TemposeError
from tempose_pose.formats import load_poses, load_reference, parse_poses, read_reference
from tempose_pose.reference import Reference
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import COCO_17, OPENPOSE_18
from tempose_pose.standing import standing_pose
from tempose_pose.writers import to_openpose

CANVAS = (640, 704)
BODY = standing_pose(canvas=CANVAS).pixels[0].astype(float)  # (18, 2)
SMALL = BODY * 0.3 + 20


def page(*figures, **more):
    people = [{"pose_keypoints_2d": np.c_[f, np.ones(18)].ravel().tolist()} for f in figures]
    return {"people": people, "canvas_width": CANVAS[0], "canvas_height": CANVAS[1], **more}


def coco(step: float, confidence=0.9, by=(0.0, 0.0)):
    """The 51 numbers of the standing figure, `step` pixels to the right."""
    points = BODY[[OPENPOSE_18.index(j) for j in COCO_17.joints]] + (step, 0) + by
    return np.c_[points, np.full(17, confidence)].ravel().tolist()


def steps(poses: PoseSequence) -> list[float | None]:
    """How far right the nose is in each frame; None where nobody is."""
    nose = poses.skeleton.index("nose")
    x = poses.pixels[:, nose, 0] - BODY[0, 0]
    return [round(float(v), 2) if s > 0 else None for v, s in zip(x, poses.scores[:, nose], strict=True)]


# What pose editors write.


def test_pairs_without_confidence_are_joints_that_are_there():
    poses = parse_poses({"width": 640, "height": 704, "keypoints": BODY.tolist()})
    assert (poses.skeleton, poses.canvas) == (OPENPOSE_18, CANVAS)
    assert np.allclose(poses.pixels[0], BODY, atol=1e-3)
    assert (poses.scores == 1).all()
    flat = {**page(BODY), "people": [{"pose_keypoints_2d": BODY.ravel().tolist()}]}
    assert np.allclose(parse_poses(flat).pixels[0], BODY, atol=1e-3)


@pytest.mark.parametrize("nothing", [None, [None, None], [0, 0], [-1, -1]])
def test_a_pair_that_says_nothing_is_a_joint_that_is_not_there(nothing):
    joints = BODY.tolist()
    joints[4] = nothing
    poses = parse_poses({"width": 640, "height": 704, "keypoints": joints})
    assert (poses.scores[0] > 0).tolist() == [k != 4 for k in range(18)]


def test_the_joints_of_several_figures_in_one_list_are_told_apart():
    both = {"width": 640, "height": 704, "keypoints": [*SMALL.tolist(), *BODY.tolist()]}
    assert np.allclose(parse_poses(both).pixels[0], BODY, atol=1e-3)  # of equally sure ones the largest
    assert np.allclose(parse_poses(both, person=0).pixels[0], SMALL, atol=1e-3)


@pytest.mark.parametrize("null", [[None, None, 0], [None, None, None], [12.0, None, 1.0], [-1, -1, 0]])
def test_a_null_in_a_joint_means_that_it_is_not_there(null):
    numbers = np.c_[BODY, np.ones(18)].ravel().tolist()
    numbers[12:15] = null
    hands = {"face_keypoints_2d": None, "hand_left_keypoints_2d": None}
    data = {**page(), "people": [{"pose_keypoints_2d": numbers, **hands}], "animals": []}
    poses = parse_poses(data)
    assert (poses.scores[0] > 0).tolist() == [k != 4 for k in range(18)]
    assert np.allclose(np.delete(poses.pixels[0], 4, 0), np.delete(BODY, 4, 0), atol=1e-3)


def test_nobody_may_be_null_and_so_may_a_body():
    pages = [page(BODY, fps=25), {"people": None}, {"people": [{"pose_keypoints_2d": None}]}, page(BODY)]
    assert steps(parse_poses(pages)) == [0, None, None, 0]
    assert steps(parse_poses([pages[1], pages[0]])) == [None, 0]
    with pytest.raises(TemposeError, match="no pose_keypoints_2d"):
        parse_poses(page() | {"people": [{"name": "Ann"}]})


@pytest.mark.parametrize("wrap", [json.dumps, lambda data: [json.dumps(data)]])
def test_json_may_stand_as_a_text_in_json(tmp_path, wrap):
    (tmp_path / "pose.json").write_text(json.dumps(wrap(page(BODY))))
    assert np.allclose(load_poses(tmp_path / "pose.json").pixels[0], BODY, atol=1e-3)
    (tmp_path / "pose.json").write_text(json.dumps(json.dumps("a dance")))
    with pytest.raises(TemposeError, match="cannot be read"):
        load_poses(tmp_path / "pose.json")


def test_a_joint_a_little_off_the_picture_leaves_shares_shares():
    shares = BODY / CANVAS
    shares[4, 0] = -0.02
    assert np.allclose(parse_poses(page(shares)).keypoints[0], shares, atol=1e-5)


# The same dance of three frames, the third of which shows nobody, as others write it down.


def joints(step):
    return np.c_[BODY + np.array([step, 0]), np.full(18, 0.9)]


def objects(step):
    return [{"x": x, "y": y, "score": s, "name": "?"} for x, y, s in joints(step).tolist()]


def columns(step):
    return dict(zip(("x", "y", "visible"), joints(step).T.tolist(), strict=True))


def body(written):
    return {"people": [{"pose_keypoints_2d": written}]}


LOST = {"people": [{"pose_keypoints_2d": [float("nan")] * 54}]}
LINES = [body(joints(s).ravel().tolist()) for s in (0, 1)]
WRITTEN = {
    "NaN": [*LINES, LOST, body(joints(3).tolist())],
    "joints as objects": [body(objects(0)), body(objects(1)), body([]), body(objects(3))],
    "columns": [body(columns(0)), body(columns(1)), body(None), body(columns(3))],
    "under numbers": {"0": LINES[0], "1": LINES[1], "3": body(objects(3))},
    "under names": {f"v/{n}.png": {"bodies": [{"joints": joints(n).tolist()}]} for n in (8, 9, 11)},
    "frames under numbers": {"frames": {"7": body(objects(0)), "8": body(objects(1)), "10": body(objects(3))}},
    "numbered pages": [{"frame": n, **body(objects(n - 2))} for n in (2, 3, 5)],
    "a hand alone": [*LINES, {"people": [{"hand_left_keypoints_2d": [5, 5, 1] * 21}]}, body(objects(3))],
    "annotations": [{"frame_id": n, "keypoints": coco(n)} for n in (0, 1, 3)],
    "images": {
        "images": [{"id": k, "file_name": f"f_{n}.png"} for k, n in enumerate((10, 12, 9))],
        "annotations": [{"image_id": k, "keypoints": coco(n)} for k, n in enumerate((1, 3, 0))],
    },
    "Halpe's 136": [{"image_id": f"{n}.jpg", "keypoints": coco(n) + [9, 9, 0.1] * 119} for n in (0, 1, 3)],
    "lines": [json.dumps(page) for page in (*LINES, LOST, body(objects(3)))],
}  # fmt: skip


@pytest.mark.parametrize("form", WRITTEN)
def test_a_dance_is_read_however_it_is_written_down(tmp_path, form):
    data, path = WRITTEN[form], tmp_path / "dance.json"
    path.write_text("\r\n".join(data) if form == "lines" else json.dumps(data), "utf-8-sig")
    found = steps(load_poses(path, canvas=CANVAS, fps=25))
    first = found[0]
    assert first is not None
    assert [None if s is None else s - first for s in found] == [0, 1, None, 3]


@pytest.mark.parametrize("said", [{"fps": "25"}, {"frame_rate": 25.0}, {"frameRate": "50/2"}, {"fps": None}])
def test_a_rate_may_be_a_text_or_have_another_name(said):
    for data in ([{**LINES[0], **said}, LINES[1]], {**said, "frames": LINES}):
        assert parse_poses(data, canvas=CANVAS, fps=25).fps == 25
    for wrong in ("fast", "25/0", "nan", -1, True, "1e999"):
        with pytest.raises(TemposeError, match="frame rate must be a number"):
            parse_poses([{**LINES[0], "fps": wrong}, LINES[1]], canvas=CANVAS, fps=25)


def test_a_file_in_which_nothing_is_seen_shows_nobody():
    with pytest.raises(TemposeError, match="shows nobody"):
        parse_poses(body([0.0] * 54), canvas=CANVAS)


# Detectors that leave frames out.


def results(numbers, name="{}.jpg"):
    return [{"image_id": name.format(n), "keypoints": coco(n), "score": 2.9} for n in numbers]


@pytest.mark.parametrize("name", ["{}.jpg", "take2/frame_{:06d}.png", "{}"])
def test_results_come_in_the_order_of_their_numbers_and_gaps_stay(name):
    sorted_by_name = sorted(results([0, 1, 2, 3, 9, 10, 11], name), key=lambda r: r["image_id"])
    poses = parse_poses(sorted_by_name, canvas=CANVAS, fps=25)
    assert steps(poses) == [0, 1, 2, 3, *[None] * 5, 9, 10, 11]
    every_fifth = parse_poses(results([5, 10, 20], name), canvas=CANVAS, fps=25)
    assert steps(every_fifth) == [5, 10, None, 20]


def test_numbers_of_photographs_are_no_frames():
    photos = [{"image_id": n, "keypoints": coco(i)} for i, n in enumerate((139, 785, 397133))]
    assert steps(parse_poses(photos, canvas=CANVAS, fps=25)) == [0, 1, 2]
    named = [{"image_id": n, "keypoints": coco(i)} for i, n in enumerate(("b1_2", "a2_1", "a1_2"))]
    assert steps(parse_poses(named, canvas=CANVAS, fps=25)) == [0, 1, 2]


def test_the_dancer_is_followed_past_others():
    crowd = []
    for n in range(12):
        passing = {"image_id": f"{n}.jpg", "keypoints": coco(-250 + 40 * n, 0.6, (0, 90))}
        dancer = {"image_id": f"{n}.jpg", "keypoints": coco(n)}
        crowd += [passing, dancer] if n % 2 else [dancer, passing]
    assert steps(parse_poses(crowd, canvas=CANVAS, fps=25)) == list(range(12))


@pytest.mark.parametrize("tracks", [None, (0, 1), ([0.0], [1.0]), ([0.0], [0.0])])
def test_a_passer_by_does_not_become_the_dancer_where_the_dancer_is_not_found(tracks):
    small = np.reshape(coco(0, 0.6), (17, 3)) * (0.5, 0.5, 1) - (20, 0, 0)
    crowd = []
    for n in range(8):
        figures = [{"keypoints": small.ravel().tolist()}]
        figures += [{"keypoints": coco(n)}] if n not in (3, 4) else []
        for figure, track in zip(figures, (tracks or (None, None))[::-1], strict=False):
            crowd.append({"image_id": f"{n}.jpg", **figure} | ({} if track is None else {"idx": track}))
    assert steps(parse_poses(crowd, canvas=CANVAS, fps=25)) == [0, 1, 2, None, None, 5, 6, 7]


def test_a_track_leads_to_the_dancer_wherever_that_is():
    frames = [
        {"instances": [{"keypoints": coco(s), "track_id": k} for k, s in enumerate(places)]}
        for places in ((0, 5), (200, 0), (300, 0))
    ]
    assert steps(parse_poses(frames, canvas=CANVAS, fps=25)) == [0, 200, 300]


def test_mmposes_predictions_are_read_with_frames_where_nobody_is():
    def frame(n, *shown):
        instances = [
            {"keypoints": np.reshape(coco(s), (17, 3))[:, :2].tolist(), "keypoint_scores": [0.8] * 17}
            for s in shown
        ]
        return {"frame_id": n, "instances": instances}

    frames = [frame(1), frame(2, 2), frame(3, 3), frame(6, 6), frame(7)]
    for data in ({"meta_info": {}, "instance_info": frames}, frames):
        poses = parse_poses(data, canvas=CANVAS, fps=25)
        assert steps(poses) == [None, 2, 3, None, None, 6, None]
        assert poses.scores[1] == pytest.approx(0.8)
    with pytest.raises(TemposeError, match="instances"):
        parse_poses({"instance_info": [{"frame_id": 1, "instances": 3}]}, canvas=CANVAS, fps=25)


def test_a_folder_keeps_gaps_and_leaves_out_hidden_companions(tmp_path):
    for n in (98, 99, 100, 103):
        name = f"clip_{n}_keypoints.json"
        (tmp_path / name).write_text(json.dumps(page(BODY + np.array([n - 98, 0]), fps=25)))
        (tmp_path / f"._{name}").write_bytes(b"\x00\x05\x16\x07Mac OS X")
    assert steps(load_poses(tmp_path)) == [0, 1, 2, None, None, 5]
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "._1.json").write_bytes(b"\x00\x05\x16\x07")
    with pytest.raises(TemposeError, match="holds no"):
        load_poses(hidden)


# MediaPipe.


def marks(step):
    return [{"x": (k + step) / 100, "y": 0.5, "z": 0, "visibility": 0.9} for k in range(33)]


def test_mediapipe_frames_may_lie_in_an_object_with_their_rate():
    frames = [{"pose_landmarks": marks(0)}, {"pose_landmarks": None}, {}, {"pose_landmarks": marks(3)}]
    data = {"fps": 24, "width": 640, "height": 360, "frames": frames}
    poses = parse_poses(data)
    assert (poses.fps, poses.canvas) == (24, (640, 360))
    assert (poses.scores > 0).all(1).tolist() == [True, False, False, True]
    assert np.allclose(poses.keypoints[[0, 3], 0, 0], [0, 0.03])
    lost_first = parse_poses({**data, "frames": frames[1:]})
    assert (lost_first.scores > 0).all(1).tolist() == [False, False, True]


def test_mediapipe_frames_that_are_not_listed_stay_as_gaps():
    frames = [{"frame": n, "landmarks": marks(n)} for n in (4, 5, 8)]
    poses = parse_poses(frames, canvas=CANVAS, fps=25)
    assert (poses.scores > 0).all(1).tolist() == [True, True, False, False, True]


def rows(step):
    return [[m["x"], m["y"], m["z"], m["visibility"]] for m in marks(step)]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda frames: frames,
        lambda frames: {"frames": frames},
        lambda frames: {str(n): frame for n, frame in enumerate(frames)},
        lambda frames: [{"pose_landmarks": {"landmark": frame}} for frame in frames],
        lambda frames: [{"pose_landmarks": [frame]} for frame in frames],
        lambda frames: {"landmarks": frames},
    ],
)
@pytest.mark.parametrize("one", [marks, rows])
def test_mediapipes_landmarks_may_be_lists_and_lie_in_anything(wrap, one):
    poses = parse_poses(wrap([one(0), one(1), one(3)]), canvas=CANVAS, fps=25)
    assert np.allclose(poses.keypoints[:, 0, 0], [0, 0.01, 0.03])
    assert poses.scores == pytest.approx(0.9)


@pytest.mark.parametrize("unit", [1, 1000])
def test_mediapipes_times_say_rate_and_gaps(unit):
    times, key = [0, 1, 2, 5, 6], "timestamp" if unit == 1 else "timestamp_ms"
    frames = [{key: round(unit * t / 30, 6 if unit == 1 else 0), "landmarks": marks(t)} for t in times]
    poses = parse_poses(frames, canvas=CANVAS)
    assert poses.fps == pytest.approx(30, abs=0.01)
    assert (poses.scores > 0).all(1).nonzero()[0].tolist() == times
    assert parse_poses({"fps": 12, "frames": frames}, canvas=CANVAS).fps == 12
    for t in (None, -1, "soon"):
        frames[2][key] = t
        with pytest.raises(TemposeError, match="frame rate"):
            parse_poses(frames, canvas=CANVAS)


def test_one_of_several_people_is_followed_in_mediapipes_result():
    frames = [{"landmarks": [marks(0), marks(50)]}, {"landmarks": [marks(51), marks(1)]}]
    poses = parse_poses(frames, canvas=CANVAS, fps=25)
    assert np.allclose(poses.keypoints[1, 0, 0] - poses.keypoints[0, 0, 0], 0.01, atol=1e-6)
    assert parse_poses(frames, canvas=CANVAS, fps=25, person=1).keypoints[0, 0, 0] == pytest.approx(0.5)


# One file, one pose, whoever asks.


def test_a_file_of_many_poses_gives_everybody_the_same_reference(tmp_path):
    path = tmp_path / "poses.json"
    wide = BODY * (1.4, 1)
    path.write_text(json.dumps([page(fps=25), page(SMALL, BODY), page(wide)]))
    whole, bare = read_reference(path), Reference.of(load_reference(path))
    assert np.allclose(whole.points, BODY, atol=1e-3)
    assert np.array_equal(whole.points, bare.points)
    assert np.allclose(load_reference(path, frame=2).pixels[0], wide, atol=1e-3)


def test_a_rate_or_a_size_is_found_on_whichever_page_says_it():
    first = {"people": page(BODY)["people"]}
    poses = parse_poses([first, page(BODY, fps=29.476)])
    assert (poses.fps, poses.canvas) == (29.476, CANVAS)
    around = {"fps": 12, "width": 64, "height": 48, "frames": [first, first]}
    assert (parse_poses(around).fps, parse_poses(around).canvas) == (12, (64, 48))


def test_what_is_written_elsewhere_comes_back_in_our_own_form():
    gappy = parse_poses(results([3, 5, 6]), canvas=CANVAS, fps=25)
    assert steps(parse_poses(to_openpose(gappy))) == [3, None, 5, 6]

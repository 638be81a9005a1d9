"""OpenPose and COCO files as clips: what is kept of them, and why the rest is not."""

import json

import numpy as np
import pytest
from importer_files import J, dancer_2d, write_coco

from tempose.datasets.check import check_data
from tempose.datasets.clips import joint_speed, load_clips
from tempose.datasets.importers import ImportOptions, import_data
from tempose.datasets.importers.options import read_labels
from tempose.datasets.importers.takes import at_pose_rate, filled, runs
from tempose_pose.errors import TemposeError


def write_openpose(folder, points, canvas=None):
    from tempose_pose.skeletons import OPENPOSE_18

    folder.mkdir(parents=True)
    for frame, pose in enumerate(points):
        wide = np.zeros((18, 3))
        for k, joint in enumerate(OPENPOSE_18.joints):
            wide[k] = (
                pose[[J["left_shoulder"], J["right_shoulder"]]].mean(0) if joint == "neck" else pose[J[joint]]
            )
        page = {"people": [{"pose_keypoints_2d": wide.ravel().tolist()}]}
        page |= {"canvas_width": canvas[0], "canvas_height": canvas[1]} if canvas else {}
        (folder / f"frame_{frame}.json").write_text(json.dumps(page))


def test_openpose_folders_and_coco_files_become_the_same_clip(tmp_path):
    points = dancer_2d(280)
    points[:, :5, 2] = 0.7
    write_openpose(tmp_path / "src" / "solo", points, (640, 480))
    write_coco(tmp_path / "src" / "other.json", points)
    report = import_data(tmp_path / "src", tmp_path / "data", ImportOptions(fps=30, genre="krump", bpm=100))
    assert sorted(report.clips) == ["poses__other.npz", "poses__solo.npz"]
    a, b = load_clips(tmp_path / "data")
    assert np.allclose(a.motion, b.motion, atol=1e-4)
    assert np.allclose(a.scores, b.scores)
    assert a.style == "krump"
    assert a.bpm == 100
    assert 0.05 < joint_speed(a.motion).mean() < 1


def test_a_folder_of_single_coco_frames_is_one_take(tmp_path):
    points = dancer_2d(270)
    (tmp_path / "src" / "solo").mkdir(parents=True)
    for i, pose in enumerate(points):
        write_coco(tmp_path / "src" / "solo" / f"{i:04d}.json", pose[None])
    report = import_data(tmp_path / "src", tmp_path / "data")
    assert report.clips == ["poses__solo.npz"]


@pytest.mark.parametrize("form", ["openpose", "coco"])
def test_missing_numbers_are_gaps_and_hidden_companions_no_frames(tmp_path, form):
    points, folder = dancer_2d(300), tmp_path / "src" / "solo"
    if form == "openpose":
        write_openpose(folder, points, (640, 480))
    else:
        folder.mkdir(parents=True)
        for i, pose in enumerate(points):
            write_coco(folder / f"frame_{i}.json", pose[None])
    for gone in (100, 101, 102):
        (folder / f"frame_{gone}.json").unlink()
    (folder / "._frame_0.json").write_bytes(b"\x00\x05\x16\x07")
    report = import_data(tmp_path / "src", tmp_path / "data", ImportOptions(fps=30))
    assert report.clips == ["poses__solo.npz"]
    (clip,) = load_clips(tmp_path / "data")
    assert len(clip.motion) == 300


def test_only_runs_of_a_whole_dancer_are_kept_and_the_reasons_said(tmp_path):
    points = dancer_2d(900)
    points[300:330, :, 2] = 0  # gone for a second
    points[640:643, :, 2] = 0  # three frames are bridged
    legs = dancer_2d(400)
    legs[:, [J["left_ankle"], J["right_ankle"]], 2] = 0
    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "solo.json", points)
    write_coco(tmp_path / "src" / "legs.json", legs)
    write_coco(tmp_path / "src" / "slow.json", points, fps=12)
    write_coco(tmp_path / "src" / "short.json", points[:100])
    report = import_data(tmp_path / "src", tmp_path / "data")
    assert report.clips == ["poses__solo_f000000.npz", "poses__solo_f000330.npz"]
    reasons = {d.name: d.reason for d in report.dropped}
    assert "left ankle is hidden in 100%" in reasons["legs"]
    assert "12 frames per second" in reasons["slow"]
    assert "no run of 256 frames" in reasons["short"]
    found = {f.name: f for f in check_data(tmp_path / "data")}
    assert found["legs"].verdict == "not imported"
    with np.load(tmp_path / "data" / "dance" / "poses__solo_f000330.npz") as file:
        kept = file["kp"]
    assert (kept[311, :, 2] == 0).all()
    assert np.abs(kept[311, :, :2] - kept[309, :, :2]).max() < 40  # bridged, not at the corner


def test_a_face_never_seen_is_absent_and_lies_where_a_face_would(tmp_path):
    points = dancer_2d(280)
    points[:, :5] = 0
    whole = filled(points)
    assert (whole[:, :5, 2] == 0).all()
    assert (whole[:, 0, 1] < whole[:, J["left_shoulder"], 1]).all()
    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "back.json", points)
    import_data(tmp_path / "src", tmp_path / "data")
    (clip,) = load_clips(tmp_path / "data")
    assert clip.absent.sum() == 5
    assert "never seen: nose" in "; ".join(check_data(tmp_path / "data")[0].notes)


def test_labels_precede_what_is_said_for_all_and_beats_begin_the_clip(tmp_path):
    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "one.json", dancer_2d(300))
    write_coco(tmp_path / "src" / "two.json", dancer_2d(300))
    (tmp_path / "labels.csv").write_text("name,genre,bpm,beat0,choreo\none,pop,120,0.25,routine\n")
    options = ImportOptions(genre="house", labels=read_labels(tmp_path / "labels.csv"))
    import_data(tmp_path / "src", tmp_path / "data", options)
    index = {e["name"]: e for e in json.loads((tmp_path / "data" / "dance" / "index.json").read_text())}
    assert (index["one"]["genre"], index["one"]["choreo"], index["one"]["bpm"]) == ("pop", "routine", 120)
    assert (index["one"]["frames"], index["one"]["beat0"]) == (292, 0.0)  # 0.25 s is 8 frames
    assert (index["two"]["genre"], index["two"]["bpm"]) == ("house", None)
    for text, why in (
        ("name,tempo\na,1\n", "tempo"),
        ("name,bpm\na,fast\n", "fast"),
        ("name,bpm\n,1\n", "empty"),
    ):
        (tmp_path / "labels.csv").write_text(text)
        with pytest.raises(TemposeError, match=why):
            read_labels(tmp_path / "labels.csv")


def test_rates_are_changed_by_time():
    ramp = np.arange(120.0)[:, None, None] * np.ones((1, 17, 3))
    assert np.array_equal(at_pose_rate(ramp, 60.0), ramp[::2])
    for fps in (25.0, 24.0, 59.94, 50.0):
        out = at_pose_rate(ramp, fps)
        assert np.allclose(out[2:-2, 0, 0], np.arange(len(out))[2:-2] * fps / 30, atol=1e-3)
        assert abs(len(out) / 30 - 120 / fps) < 0.05


def test_runs_bridge_short_gaps_and_end_at_cuts():
    present = np.ones(1000, bool)
    present[100:104] = present[400:450] = False
    assert runs(present, 256) == [(0, 400), (450, 1000)]
    assert runs(present, 256, np.asarray([700])) == [(0, 400), (700, 1000)]
    assert runs(present, 100, np.asarray([700])) == [(0, 400), (450, 700), (700, 1000)]
    assert runs(np.zeros(10, bool), 1) == []

"""Importing motion: each kind from files made on the spot, hostile and broken ones, and stopping half-way."""

import io
import json
import pickle
from itertools import pairwise

import numpy as np
import pytest

from tempose.datasets.check import check_data, write_page
from tempose.datasets.clips import joint_speed, load_clips
from tempose.datasets.importers import Options, import_data
from tempose.datasets.importers import run as run_module
from tempose.datasets.importers.aist import tempo
from tempose.datasets.importers.bvh import read_bvh
from tempose.datasets.importers.mocap import as_dancer, find_joints, project, stance, tokens
from tempose.datasets.importers.options import read_labels
from tempose.datasets.importers.pickles import load_arrays
from tempose.datasets.importers.shots import shot_cuts
from tempose.datasets.importers.takes import at_pose_rate, filled, runs
from tempose.datasets.importers.video import steady_tempo
from tempose.errors import TemposeError
from tempose.music.grid import BeatGrid
from tempose.pose.reference import standing_pose
from tempose.pose.sequence import convert
from tempose.pose.skeletons import COCO_17

J = {name: i for i, name in enumerate(COCO_17.joints)}
AIST = "gKR_sBM_cAll_d28_mKR2_ch01"


def dancer_2d(frames=300, fps=30.0, canvas=(640, 480)):
    """(T, 17, 3) pixels and confidence of a figure that swings its arms at 100 BPM."""
    pose = convert(standing_pose(canvas=canvas), COCO_17).pixels[0]
    points = np.repeat(pose[None], frames, 0).astype(float)
    swing = 30 * np.sin(2 * np.pi * np.arange(frames) / fps * 100 / 60)
    for joint in ("left_wrist", "right_wrist"):
        points[:, J[joint], 0] += swing
    return np.concatenate([points, np.ones((frames, 17, 1))], -1)


def dancer_3d(frames=300):
    points = dancer_2d(frames)
    solid = np.stack([points[..., 0] - 320, 480 - points[..., 1], np.zeros(points.shape[:2])], -1) / 3
    return solid  # centimetres


# --- AIST++ ---


@pytest.fixture
def aist(tmp_path):
    source = tmp_path / "aist"
    for kind, data in (
        ("keypoints3d", {"keypoints3d_optim": dancer_3d(600)}),
        ("keypoints2d", {"keypoints2d": np.stack([dancer_2d(600)] * 3), "det_scores": np.ones((3, 600))}),
    ):
        (source / kind).mkdir(parents=True)
        (source / kind / f"{AIST}.pkl").write_bytes(pickle.dumps(data))
    (source / "cameras").mkdir()
    (source / "cameras" / "mapping.txt").write_text(f"{AIST} setting1\n")
    (source / "cameras" / "setting1.json").write_text(json.dumps([{"name": "c01", "size": [640, 480]}]))
    return source


def test_aist_gives_a_clip_in_space_and_one_per_camera_at_half_its_rate(aist, tmp_path):
    report = import_data(aist, tmp_path / "data")
    assert len(report.clips) == 4
    index = json.loads((tmp_path / "data" / "dance" / "index.json").read_text())
    solid = next(e for e in index if e["source"] == "aistpp_raw3d")
    assert (solid["frames"], solid["bpm"], solid["genre"]) == (300, 100.0, "KR")
    assert (solid["choreo"], solid["situation"], solid["dancer"]) == ("ch01", "sBM", "d28")
    with np.load(tmp_path / "data" / "dance" / solid["file"]) as file:
        assert np.array_equal(file["kp"], (dancer_3d(600)[::2] / 100).astype(np.float32))
    flat = [e for e in index if e["source"] == "aistpp_raw2d"]
    assert [e["name"][8:11] for e in flat] == ["c01", "c02", "c03"]
    assert flat[0]["root"].startswith("pixels 640x480")
    clips = load_clips(tmp_path / "data")
    assert {c.style for c in clips} == {"krump"}
    assert all(np.isfinite(c.motion).all() for c in clips)


def test_tempi_follow_the_number_of_the_piece():
    assert [tempo(m) for m in ("mBR0", "mBR5", "mHO0", "mHO5")] == [80, 130, 110, 135]


def test_one_view_can_be_asked_for_and_ignored_sequences_stay_out(aist, tmp_path):
    assert len(import_data(aist, tmp_path / "a", Options(views="3d")).clips) == 1
    assert len(import_data(aist, tmp_path / "b", Options(views="2d")).clips) == 3
    (aist / "ignore_list.txt").write_text(f"{AIST}\n")
    with pytest.raises(TemposeError, match="nothing of the kind aist"):
        import_data(aist, tmp_path / "c")


# --- pickles ---


class _Evil:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_arrays_are_read_and_of_anything_else_refused(tmp_path, capsys, protocol):
    path = tmp_path / "a.pkl"
    data = {"x": np.arange(6.0).reshape(2, 3), "y": np.float32(2), "z": [1, "a", None, True]}
    path.write_bytes(pickle.dumps(data, protocol))
    got = load_arrays(path)
    assert np.array_equal(got["x"], data["x"])
    assert got["y"] == 2
    path.write_bytes(pickle.dumps({"x": _Evil()}, protocol))
    with pytest.raises(TemposeError, match=r"print is not allowed"):
        load_arrays(path)
    assert capsys.readouterr().out == ""


def test_pickles_cannot_smuggle_objects_in_arrays_or_by_number(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"x": np.asarray([_Evil()], dtype=object)}))
    with pytest.raises(TemposeError):
        load_arrays(path)
    path.write_bytes(pickle.dumps(np.arange(3)))
    with pytest.raises(TemposeError, match="no dictionary"):
        load_arrays(path)
    whole = pickle.dumps({"x": np.arange(100)})
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TemposeError):
        load_arrays(path)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    pickler.persistent_id = lambda _: "id"  # pyright: ignore[reportAttributeAccessIssue]
    pickler.dump({"x": 1})
    path.write_bytes(buffer.getvalue())
    with pytest.raises(TemposeError):
        load_arrays(path)


# --- BVH ---

RIG = {  # name → parent, offset in centimetres, of a figure that stands with its arms down, facing +z
    "Hips": (None, (0, 95, 0)), "Spine": ("Hips", (0, 20, 0)), "Neck": ("Spine", (0, 30, 0)),
    "Head": ("Neck", (0, 10, 0)),
    **{f"{side}{bone}": (parent.format(s=side), offset) for side, sign in (("Left", 1), ("Right", -1))
       for bone, parent, offset in (
        ("UpLeg", "Hips", (9 * sign, 0, 0)), ("Leg", "{s}UpLeg", (0, -42, 0)), ("Foot", "{s}Leg", (0, -42, 0)),
        ("Shoulder", "Spine", (5 * sign, 28, 0)), ("Arm", "{s}Shoulder", (12 * sign, 0, 0)),
        ("ForeArm", "{s}Arm", (2 * sign, -28, 0)), ("Hand", "{s}ForeArm", (2 * sign, -25, 0)),
    )},
}  # fmt: skip


def write_bvh(path, frames=130, frame_time=1 / 60, turn=30.0, fling=0, rig=RIG, z_up=False):
    """The rig turned by `turn` degrees about the vertical, swinging its left arm; `fling` frames far off first."""

    def block(name, depth):
        parent, offset = rig[name]
        x, y, z = offset if not z_up else (offset[0], -offset[2], offset[1])
        pad = "\t" * depth
        channels = "Zrotation Xrotation Yrotation"
        channels = f"6 Xposition Yposition Zposition {channels}" if parent is None else f"3 {channels}"
        kids = [child for child, (p, _) in rig.items() if p == name]
        inner = "".join(block(k, depth + 1) for k in kids)
        inner = inner or f"{pad}\tEnd Site\n{pad}\t{{\n{pad}\t\tOFFSET 0 0 5\n{pad}\t}}\n"
        word = "ROOT" if parent is None else "JOINT"
        head = f"{pad}{word} {name}\n{pad}{{\n{pad}\tOFFSET {x} {y} {z}\n{pad}\tCHANNELS {channels}\n"
        return f"{head}{inner}{pad}}}\n"

    order = []

    def walk(name):
        order.append(name)
        for child, (p, _) in rig.items():
            if p == name:
                walk(child)

    walk("Hips")
    rows = []
    for f in range(frames):
        row = []
        for name in order:
            if name == "Hips":
                place = (0, 95 + 400 * (f < fling), 0)
                row += [place[0], -place[2], place[1]] if z_up else place
                row += [turn, 0, 0] if z_up else [0, 0, turn]
            else:
                swing = 20 * np.sin(f / 10) if name == "LeftArm" else 0
                row += [0, 0, swing] if z_up else [swing, 0, 0]
        rows.append(" ".join(f"{v:.5f}" for v in row))
    text = "HIERARCHY\n" + block("Hips", 0) + f"MOTION\nFrames: {frames}\nFrame Time: {frame_time:.6f}\n"
    path.write_text(text + "\n".join(rows) + "\n")
    return path


def test_a_bvh_figure_stands_in_metres_facing_the_viewer(tmp_path):
    for z_up in (False, True):
        motion = as_dancer(read_bvh(write_bvh(tmp_path / "a.bvh", z_up=z_up)))
        assert motion.shape == (130, 17, 3)
        middle = motion[50]
        assert np.isclose(middle[J["left_hip"], 0] - middle[J["right_hip"], 0], 0.18, atol=0.03)
        assert np.isclose(middle[J["left_hip"], 2], middle[J["right_hip"], 2], atol=0.01)
        assert abs(middle[J["left_ankle"], 1]) < 0.02
        assert 1.35 < middle[J["nose"], 1] < 1.65
        assert middle[J["nose"], 2] > middle[J["left_ear"], 2] + 0.05  # faces +z
        assert middle[J["left_ear"], 0] > middle[J["nose"], 0] > middle[J["right_ear"], 0]
        assert np.ptp(motion[:, J["left_wrist"]], 0).max() > 0.1
        assert np.ptp(motion[:, J["right_wrist"]], 0).max() < 0.01


def test_bones_are_found_by_the_names_of_several_rigs():
    assert tokens("CC_Base_L_Thigh") == ("left", "thigh")
    assert tokens("rShldr") == ("right", "shldr")
    assert tokens("mixamorig:LeftUpLeg") == ("left", "upleg")
    assert tokens("upper_arm.R") == ("right", "upperarm")
    mixamo = find_joints(list(RIG))
    assert list(RIG)[mixamo["left_shoulder"]] == "LeftArm"  # not the collar bone
    assert list(RIG)[mixamo["right_knee"]] == "RightLeg"
    with pytest.raises(TemposeError, match="left shoulder"):
        find_joints(["Hips", "Head"])


def test_a_stated_frame_rate_overrules_a_wrong_header_and_the_start_is_cut(tmp_path):
    write_bvh(tmp_path / "take.bvh", frames=200, frame_time=1 / 120, fling=4)
    report = import_data(tmp_path / "take.bvh", tmp_path / "data", Options(fps=60, project=(0, 90)))
    assert len(report.clips) == 3
    index = json.loads((tmp_path / "data" / "dance" / "index.json").read_text())
    assert index[0]["frames"] == 97  # (200 - 4 - 2 in which a fling still slows down) / 2
    assert import_data(tmp_path / "take.bvh", tmp_path / "half").clips
    half = json.loads((tmp_path / "half" / "dance" / "index.json").read_text())
    assert half[0]["frames"] < 50
    clips = load_clips(tmp_path / "data")
    front = next(c for c in clips if c.name.endswith("v000"))
    solid = next(c for c in clips if c.name == "take")
    assert np.abs(front.motion - solid.motion[..., :2]).max() < 0.12  # the camera is near


def test_a_t_pose_at_the_start_is_cut():
    motion = np.repeat(as_dancer_pose()[None], 40, 0)
    assert stance(motion, 60) == 0
    arms = motion.copy()
    for side, sign in (("left", 1), ("right", -1)):
        for k, joint in enumerate(("shoulder", "elbow", "wrist")):
            arms[:3, J[f"{side}_{joint}"]] = (sign * (0.18 + 0.28 * k), 1.35, 0)
    assert stance(arms, 60) == 5


def as_dancer_pose():
    points = dancer_2d(1)[0]
    return np.stack([points[:, 0] - 320, 480 - points[:, 1], np.zeros(17)], -1) / 250


def test_a_camera_from_behind_sees_left_and_right_swapped(tmp_path):
    motion = as_dancer(read_bvh(write_bvh(tmp_path / "a.bvh")))
    front, back = project(motion, 0), project(motion, 180)
    assert (front[:, J["left_hip"], 0] > front[:, J["right_hip"], 0]).all()
    assert (back[:, J["left_hip"], 0] < back[:, J["right_hip"], 0]).all()
    for flat in (front, back):
        assert (flat[..., :2] > 0).all()
        assert (flat[..., :2] < (1920, 1080)).all()
        assert (flat[:, J["nose"], 1] < flat[:, J["left_ankle"], 1]).all()


@pytest.mark.parametrize(
    ("old", "new"),
    [("MOTION", "NOTION"), ("Frames: 130", "Frames: 131"), ("OFFSET 0 95 0", "OFFSET 0 up 0"),
     ("Zrotation", "Wrotation"), ("HIERARCHY", ""), ("Frame Time: 0.016667", "Frame Time: -1"), ("}", "")],
)  # fmt: skip
def test_broken_bvh_files_are_named_and_do_not_stop_the_rest(tmp_path, old, new):
    text = write_bvh(tmp_path / "good.bvh").read_text()
    (tmp_path / "bad.bvh").write_text(text.replace(old, new, 1))
    report = import_data(tmp_path, tmp_path / "data")
    assert report.clips == ["bvh__good.npz"]
    assert [f.name for f in report.failed] == ["bad.bvh"]
    assert "bad.bvh" in report.failed[0].reason


# --- pose files ---


def write_openpose(folder, points, canvas=None):
    from tempose.pose.skeletons import OPENPOSE_18

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


def write_coco(path, points, fps=30, canvas=(640, 480)):
    images = [{"id": i, "width": canvas[0], "height": canvas[1]} for i in range(len(points))]
    rows = [{"image_id": i, "keypoints": p.ravel().tolist()} for i, p in enumerate(points)]
    path.write_text(json.dumps({"info": {"fps": fps}, "images": images, "annotations": rows}))


def test_openpose_folders_and_coco_files_become_the_same_clip(tmp_path):
    points = dancer_2d(280)
    points[:, :5, 2] = 0.7
    write_openpose(tmp_path / "src" / "solo", points, (640, 480))
    write_coco(tmp_path / "src" / "other.json", points)
    report = import_data(tmp_path / "src", tmp_path / "data", Options(fps=30, genre="krump", bpm=100))
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
    options = Options(genre="house", labels=read_labels(tmp_path / "labels.csv"))
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


# --- rates, runs ---


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


# --- resuming ---


def test_a_stopped_import_leaves_files_that_load_and_goes_on(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    for name in "abc":
        write_coco(tmp_path / "src" / f"{name}.json", dancer_2d(270))
    data, written = tmp_path / "data", []
    real = np.savez_compressed

    def dies(file, **arrays):
        if len(written) == 2:
            file.write(b"half")
            raise KeyboardInterrupt
        written.append(file)
        real(file, **arrays)

    monkeypatch.setattr(np, "savez_compressed", dies)
    with pytest.raises(KeyboardInterrupt):
        import_data(tmp_path / "src", data)
    monkeypatch.undo()
    assert len(load_clips(data)) == 2
    report = import_data(tmp_path / "src", data)
    assert (report.known, report.clips) == (2, ["poses__c.npz"])
    assert len(load_clips(data)) == 3
    assert not list((data / "dance").glob("*.part"))
    assert import_data(tmp_path / "src", data).known == 3
    write_coco(tmp_path / "src" / "b.json", dancer_2d(300))  # changed: read again, in its place
    report = import_data(tmp_path / "src", data)
    assert (report.known, report.clips) == (2, ["poses__b.npz"])
    assert len(load_clips(data)) == 3


def test_what_cannot_be_imported_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TemposeError, match="nothing to import"):
        import_data(tmp_path / "empty", tmp_path / "data")
    with pytest.raises(TemposeError, match="There is no"):
        import_data(tmp_path / "nowhere", tmp_path / "data")
    (tmp_path / "empty" / "x.json").write_text("{]")
    report = import_data(tmp_path / "empty", tmp_path / "data")
    assert "not JSON" in report.failed[0].reason
    (tmp_path / "empty" / "x.bvh").write_text("")
    with pytest.raises(TemposeError, match="Unknown kind"):
        import_data(tmp_path / "empty", tmp_path / "data", kind="fbx")


# --- videos ---


def write_video(path, scenes, fps=30, sound=False):
    """Scenes: (frames, grey level, has a figure); the figure is a white square whose place codes the frame."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frames, grey, figure in scenes:
            for i in range(frames):
                picture = np.full((48, 64, 3), grey, np.uint8)
                if figure:
                    picture[20:28, 28 + i % 6 : 36 + i % 6] = 255
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


class SquareFinder:
    """Finds a dancer wherever the picture holds a white square, and a faint second one at times."""

    calls = 0

    def __call__(self, picture):
        self.calls += 1
        _, xs = np.nonzero(picture[..., 0] > 200)
        if len(xs) < 10:
            return np.zeros((0, 17, 3))
        pose = dancer_2d(1, canvas=(64, 48))[0]
        pose[:, :2] += (xs.mean() - 32, 0)
        other = pose + np.asarray([25, 0, -0.5])
        return np.stack([other, pose]) if self.calls % 2 else np.stack([pose, other])


def test_videos_are_cut_into_shots_and_runs_of_one_dancer(tmp_path):
    (tmp_path / "src").mkdir()
    write_video(
        tmp_path / "src" / "show.mp4", [(270, 30, True), (40, 120, False), (60, 30, True), (265, 90, True)]
    )
    report = import_data(tmp_path / "src", tmp_path / "data", estimator=SquareFinder())
    assert report.clips == ["video__show_f000000.npz", "video__show_f000370.npz"]
    index = json.loads((tmp_path / "data" / "dance" / "index.json").read_text())
    assert [e["frames"] for e in index] == [270, 265]
    assert {e["choreo"] for e in index} == {"show"}  # one choreography: never on both sides of the split
    with np.load(tmp_path / "data" / "dance" / index[0]["file"]) as file:
        assert np.abs(np.diff(file["kp"][:, J["nose"], 0])).max() < 10  # followed, not swapped with the other


def test_videos_without_people_or_of_odd_rates_are_dropped_with_the_reason(tmp_path):
    (tmp_path / "src").mkdir()
    write_video(tmp_path / "src" / "empty.mp4", [(30, 30, False)])
    write_video(tmp_path / "src" / "slow.mp4", [(30, 30, True)], fps=10)
    (tmp_path / "src" / "broken.mp4").write_bytes(b"no video")
    finder = SquareFinder()
    report = import_data(tmp_path / "src", tmp_path / "data", estimator=finder)
    assert {d.name: d.reason for d in report.dropped} == {
        "empty": "nobody was found in it",
        "slow": "10 frames per second, not between 20 and 60",
    }
    assert [f.name for f in report.failed] == ["broken.mp4"]
    assert finder.calls == 30  # the slow one was not looked at
    with pytest.raises(TemposeError, match="--pose-model"):
        import_data(tmp_path / "src", tmp_path / "data")


def test_cuts_are_told_from_dance_and_from_flashes():
    random = np.random.default_rng(0)
    scenes = [random.integers(0, 255, (18, 32, 3)) for _ in range(3)]
    frames = np.concatenate([np.repeat(s[None], 50, 0) for s in scenes]).astype(float)
    frames += random.normal(0, 3, frames.shape)
    for i in range(150):  # somebody moves through the picture
        frames[i, 4:14, i % 24 : i % 24 + 3] = 200
    frames[75:77] = 255  # a flash
    assert shot_cuts(frames.clip(0, 255).astype(np.uint8)).tolist() == [50, 100]
    assert shot_cuts(np.zeros((100, 18, 32, 3), np.uint8)).tolist() == []


def test_a_steady_tempo_is_taken_and_a_changing_one_is_not():
    beats = 0.3 + np.arange(40) * 0.5 + np.random.default_rng(0).normal(0, 0.01, 40)
    known = steady_tempo(BeatGrid(beats, beats[2::4]))
    assert np.isclose(known["bpm"], 120, atol=0.2)
    assert np.isclose(known["beat0"], 1.3, atol=0.02)
    assert steady_tempo(BeatGrid(np.cumsum(np.linspace(0.4, 0.6, 40)))) == {}
    assert steady_tempo(BeatGrid(beats, confidence=0.1)) == {}


# --- check and the commands ---


def test_check_says_what_is_used_and_why_not(tmp_path):
    (tmp_path / "src").mkdir()
    jumpy = dancer_2d(300)
    jumpy[::20, J["left_ankle"], 0] += 200
    jumpy[1::20, J["left_ankle"], 0] += 200
    jumpy[2::20, J["left_ankle"], 0] += 200
    write_coco(tmp_path / "src" / "jumpy.json", jumpy)
    still = dancer_2d(300)
    still[:] = still[:1]
    write_coco(tmp_path / "src" / "still.json", still)
    for name in "abcd":
        write_coco(tmp_path / "src" / f"{name}.json", dancer_2d(300))
    import_data(tmp_path / "src", tmp_path / "data", Options(bpm=100))
    found = {f.name: f for f in check_data(tmp_path / "data")}
    assert found["jumpy"].verdict == "dropped"
    assert "jumps of over 0.2 body heights" in found["jumpy"].notes[0]
    assert "nearly still" in found["still"].notes
    used = {f.name for f in found.values() if f.verdict in ("train", "held out")}
    assert used == {c.name for c in load_clips(tmp_path / "data")}
    assert {f.name for f in found.values() if f.verdict == "held out"} == {
        c.name for c in load_clips(tmp_path / "data") if c.held_out
    }
    (tmp_path / "data" / "dance" / "poses__a.npz").write_bytes(b"")
    broken = {f.name: f for f in check_data(tmp_path / "data")}["a"]
    assert broken.verdict == "dropped"
    write_page(list(found.values()), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.index("<td>jumpy") < page.index("<td>still")
    assert page.count("<svg") == len(found)


def test_the_commands_import_and_check(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from tempose.cli import app

    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "a.json", dancer_2d(300))
    run = CliRunner()
    made = run.invoke(
        app, ["data", "import", str(tmp_path / "src"), str(tmp_path / "data"), "--genre", "pop"]
    )
    assert made.exit_code == 0, made.output
    assert "1 new clips" in made.output
    shown = run.invoke(app, ["data", "check", str(tmp_path / "data"), "--all"])
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "data" / "dance" / "check.html").is_file()
    for arguments in (["--canvas", "big"], ["--project", "front"], ["--views", "4d"]):
        bad = run.invoke(app, ["data", "import", str(tmp_path / "src"), str(tmp_path / "data"), *arguments])
        assert isinstance(bad.exception, TemposeError)


def test_kinds_are_tried_from_the_most_telling_to_the_least(aist, tmp_path):
    (aist / "notes.json").write_text("{}")
    assert run_module.kind_of(aist) == "aist"
    assert run_module.kind_of(write_bvh(tmp_path / "x.bvh")) == "bvh"
    order = [run_module._MODULES[k] for k in ("aist", "bvh", "poses", "video")]
    assert all(a is not b for a, b in pairwise(order))


def test_what_was_imported_can_be_trained_on(tmp_path):
    from typer.testing import CliRunner

    from tempose.cli import app

    (tmp_path / "src").mkdir()
    write_coco(tmp_path / "src" / "a.json", dancer_2d(300))
    with (tmp_path / "bank.npz").open("wb") as file:
        features = np.random.default_rng(0).normal(size=(1500, 35)).astype(np.float16)
        np.savez(file, count=np.int64(1), f0=features, b0=np.arange(0, 50, 0.6))
    (tmp_path / "config.yaml").write_text(
        f"kind: dit\nout: {tmp_path / 'run'}\nvae: raw\nbank: {{cache: {tmp_path / 'bank.npz'}, count: 1}}\n"
        "steps: 2\nbatch: 2\nwarmup: 1\ncooldown: 1\nworkers: 0\nvalidate_every: 1\n"
        "model: {width: 32, depth: 1, heads: 1, hidden: 32}\n"
    )
    train = ["train", str(tmp_path / "config.yaml"), "--data", str(tmp_path / "data")]
    import_data(tmp_path / "src", tmp_path / "data", Options(genre="pop", bpm=100))
    alone = CliRunner().invoke(app, train)
    assert isinstance(alone.exception, TemposeError)
    assert "three choreographies" in str(alone.exception)
    for name in "bc":
        write_coco(tmp_path / "src" / f"{name}.json", dancer_2d(300))
    import_data(tmp_path / "src", tmp_path / "data", Options(genre="pop", bpm=100))
    done = CliRunner().invoke(app, train)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "dit" / "config.json").is_file()
    assert "step 2" in (tmp_path / "run" / "page.html").read_text()

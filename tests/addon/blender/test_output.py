"""Poses out of Blender and in again."""

import json
import time

import numpy as np
import pytest
from blender_helpers import all_of
from patience import PATIENCE


@pytest.fixture
def dancing(blender, ready):
    """A take of the null model, shown on its rig."""
    blender.ops.tempose.generate()
    ready.frame_set(17)
    return ready.tempose.takes[0]


def export(blender, path, **choice):
    for name, value in choice.items():
        setattr(blender.context.scene.tempose.output, name, value)
    assert blender.ops.tempose.export_poses(filepath=str(path)) == {"FINISHED"}


@pytest.mark.parametrize("kind", ["OPENPOSE", "COCO", "NPZ", "FOLDER"])
def test_the_character_goes_out_and_comes_in_as_the_same_dance(
    blender, ready, dancing, tempose, tmp_path, kind
):
    files, ob = tempose("files.pose_files"), dancing.rig
    path = tmp_path / {"NPZ": "d.npz", "FOLDER": "d"}.get(kind, "d.json")
    export(blender, path, kind=kind)
    assert ready.frame_current == 17
    poses = files.load(str(path), 1.0, (9, 9)).poses
    assert (len(poses), poses.fps, poses.canvas) == (288, 24.0, (1000, 1000))
    before = {}
    for frame in (1, 50, 288):
        ready.frame_set(frame)
        before[frame] = {b.name: b.tail.copy() for b in ob.pose.bones}
    count = len(ready.tempose.takes)
    ready.tempose.keys.feet = "NEVER"
    assert blender.ops.tempose.import_poses(filepath=str(path), frame=1) == {"FINISHED"}
    assert len(ready.tempose.takes) == count + 1
    assert ready.tempose.takes[-1].action == ob.animation_data.action
    for frame, tails in before.items():
        ready.frame_set(frame)
        for bone in ob.pose.bones:
            loose = (kind == "COCO" and bone.name in ("spine", "head", "crown")) or bone.name.startswith(
                "look"
            )
            if not loose:
                assert (bone.tail - tails[bone.name]).length < 2e-3


def test_an_imported_take_is_a_take_like_others(blender, ready, dancing, tempose, tmp_path, out_of_date):
    export(blender, tmp_path / "d.npz", kind="NPZ", source="TAKE")
    dance = tempose("files.pose_files").load(str(tmp_path / "d.npz"), 1.0, (9, 9))
    assert len(dance.beat_times) > 10
    blender.ops.tempose.discard_take()
    ready.sequence_editor_clear()
    ready.frame_set(40)
    blender.ops.tempose.import_poses(filepath=str(tmp_path / "d.npz"))
    take = ready.tempose.takes[0]
    assert take.action.frame_range[0] == 40
    assert not out_of_date(take)
    blender.ops.tempose.accept_take()
    ready.tempose.keys.density = "TWOS"
    assert blender.ops.tempose.apply_keys() == {"FINISHED"}
    assert blender.ops.tempose.discard_take() == {"FINISHED"}


def test_no_server_is_needed_for_files(blender, scene, tempose, tmp_path):
    tempose("server.connection").drop()
    blender.ops.tempose.new_rig()
    page = {
        "people": [
            {"pose_keypoints_2d": [v for k in range(18) for v in (100 + 7 * k * k % 90, 90 + 20 * k, 1)]}
        ]
    }
    (tmp_path / "d.json").write_text(json.dumps([page] * 10))
    assert blender.ops.tempose.import_poses(filepath=str(tmp_path / "d.json")) == {"FINISHED"}
    assert len(scene.tempose.takes) == 1
    export(blender, tmp_path / "e.json")
    assert (tmp_path / "e.json").is_file()


@pytest.mark.parametrize(
    ("said", "given", "rate", "word"),
    [
        (29.476, 0.0, 29.476, "29.476 frames per second"),
        (None, 0.0, 24.0, "the scene's was taken"),
        (None, 30.0, 30.0, "30 frames per second"),
        (25, 30.0, 25.0, "25 frames per second"),
    ],
)
def test_the_rate_of_a_file_is_its_own_or_given_or_the_scenes_and_said(
    blender, scene, tempose, tmp_path, said, given, rate, word
):
    blender.ops.tempose.new_rig()
    body = [v for k in range(18) for v in (100 + 7 * k * k % 90, 90 + 20 * k, 1)]
    page = {"people": [{"pose_keypoints_2d": body}]} | ({} if said is None else {"fps": said})
    (tmp_path / "d.json").write_text(json.dumps([page] * 60))
    assert blender.ops.tempose.import_poses(filepath=str(tmp_path / "d.json"), frame=1, rate=given) == {
        "FINISHED"
    }
    assert word in tempose("notes").text
    assert ("scene's" in tempose("notes").text) == (said is None and not given)
    start, end = scene.tempose.takes[-1].action.frame_range
    assert end - start == pytest.approx(60 / rate * 24, abs=1.5)


def test_through_the_camera_the_joints_lie_where_they_are_rendered(
    blender, ready, dancing, tempose, tmp_path
):
    from bpy_extras.object_utils import world_to_camera_view

    camera = blender.data.objects.new("Camera", blender.data.cameras.new("Camera"))
    ready.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (1.0, -6.0, 1.2), (1.5, 0.1, 0.2)
    ready.camera = camera
    ready.render.resolution_x, ready.render.resolution_y = 800, 600
    ob = dancing.rig
    ob.location.x = 0.3
    export(blender, tmp_path / "d.json", view="CAMERA")
    poses = tempose("files.pose_files").load(str(tmp_path / "d.json"), 1.0, (9, 9)).poses
    assert poses.canvas == (800, 600)
    ready.frame_set(100)
    for joint, bone in ((4, "forearm.R"), (13, "shin.L"), (0, "head")):
        seen = world_to_camera_view(ready, camera, ob.matrix_world @ ob.pose.bones[bone].tail)
        assert np.abs(poses.pixels[99, joint] - (seen.x * 800, (1 - seen.y) * 600)).max() < 0.05


def test_constraints_count(blender, ready, dancing, tempose, tmp_path):
    target = blender.data.objects.new("Target", None)
    ready.collection.objects.link(target)
    target.location = (5.0, 0.0, 1.0)
    dancing.rig.pose.bones["root"].constraints.new("COPY_LOCATION").target = target
    export(blender, tmp_path / "d.json")
    poses = tempose("files.pose_files").load(str(tmp_path / "d.json"), 1.0, (9, 9)).poses
    assert poses.pixels[..., 0].min() > 1500


@pytest.mark.parametrize(("video", "size"), [("PNG", (256, 0)), ("MP4", (128, 96))])
def test_a_video_is_drawn(blender, ready, dancing, tempose, tmp_path, video, size):
    choice = ready.tempose.output
    choice.video, choice.size, choice.rate = video, size, 12
    ready.use_preview_range, ready.frame_preview_start, ready.frame_preview_end = True, 10, 57
    scenes, images = len(blender.data.scenes), len(blender.data.images)
    path = tmp_path / ("v.mp4" if video == "MP4" else "v")
    assert blender.ops.tempose.export_video(filepath=str(path)) == {"FINISHED"}
    assert (len(blender.data.scenes), len(blender.data.images)) == (scenes, images)
    assert blender.context.scene == ready
    if video == "PNG":
        assert sorted(p.name for p in path.iterdir()) == [f"{t:06d}.png" for t in range(1, 25)]
        image = blender.data.images.load(str(path / "000001.png"))
        assert tuple(image.size) == (256, 256)
    else:
        clip = blender.data.movieclips.load(str(path))
        assert (tuple(clip.size), clip.frame_duration, round(clip.fps)) == ((128, 96), 24, 12)
        sound = blender.data.sounds.load(str(path))
        assert (sound.samplerate, sound.channels) == (48000, "STEREO")


@pytest.mark.parametrize("shown", ["", "a plain wall"])
def test_wan_animate_gets_a_folder_with_the_video_of_a_face(blender, ready, dancing, tmp_path, shown):
    choice = ready.tempose.output
    choice.video, choice.manner, choice.size = "MP4", "wan-animate", (128, 96)
    ready.use_preview_range, ready.frame_preview_start, ready.frame_preview_end = True, 10, 33
    if shown:
        wall = blender.data.images.new("wall", 64, 64)
        wall.file_format, wall.filepath_raw = "PNG", str(tmp_path / "wall.png")
        wall.save()
        choice.face = str(tmp_path / "wall.png")
        with pytest.raises(RuntimeError, match=r"wall\.png shows no face"):
            blender.ops.tempose.export_video(filepath=str(tmp_path / "wan"))
        choice.face = str(tmp_path / "gone.png")
        with pytest.raises(RuntimeError, match=r"There is no file gone\.png"):
            blender.ops.tempose.export_video(filepath=str(tmp_path / "wan"))
        return
    assert blender.ops.tempose.export_video(filepath=str(tmp_path / "wan")) == {"FINISHED"}
    assert sorted(p.name for p in (tmp_path / "wan").iterdir()) == ["src_face.mp4", "src_pose.mp4"]
    clips = [
        blender.data.movieclips.load(str(tmp_path / "wan" / f"src_{name}.mp4")) for name in ("pose", "face")
    ]
    assert [(tuple(c.size), c.frame_duration, round(c.fps)) for c in clips] == [
        ((128, 96), 30, 30), ((512, 512), 30, 30)]  # fmt: skip


@pytest.fixture
def no_server_here(tempose, monkeypatch):
    """No Python with the server, whose encoder is the first choice."""

    def none(*_):
        raise tempose("errors").Problem("python_unset", "There is none.")

    monkeypatch.setattr(tempose("server.server_process"), "choose_python", none)


def test_a_video_is_encoded_by_another_blender(
    blender, ready, dancing, tempose, tmp_path, monkeypatch, no_server_here
):
    """This one only waits: its scenes are not rendered."""
    rendered = []
    handlers = blender.app.handlers.render_pre
    handlers.append(lambda *_: rendered.append(True))
    choice = ready.tempose.output
    choice.video, choice.size, choice.rate = "MP4", (128, 96), 12
    shares, job = [], tempose("server.background_task").BackgroundTask
    pump = job.pump
    monkeypatch.setattr(
        job, "pump", lambda self, *s: shares.append((self.text, self.share)) or pump(self, *s)
    )
    try:
        assert blender.ops.tempose.export_video(filepath=str(tmp_path / "v.mp4")) == {"FINISHED"}
    finally:
        handlers.pop()
    assert rendered == []
    assert (tmp_path / "v.mp4").stat().st_size > 1000
    assert blender.data.sounds.load(str(tmp_path / "v.mp4")).samplerate > 0
    assert {"Reading poses", "Drawing poses", "Encoding the video"} <= {text for text, _ in shares}
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


@pytest.mark.parametrize("while_", ["Drawing the video", "Drawing poses", "Encoding the video"])
def test_a_canceled_video_leaves_nothing_behind(
    blender, ready, dancing, tempose, tmp_path, monkeypatch, while_, request
):
    if while_ != "Drawing the video":
        request.getfixturevalue("no_server_here")
    choice, job, made = ready.tempose.output, tempose("server.background_task").BackgroundTask, []
    choice.video, choice.size, choice.rate, choice.source = "MP4", (128, 96), 12, "TAKE"
    video, pump = tempose("files.video"), job.pump
    popen = video.subprocess.Popen

    def started(*args, **kwargs):
        made.append(popen(*args, **kwargs))
        return made[-1]

    def pumping(self, *seconds):
        if self.text == while_ and (made or while_ == "Drawing poses"):
            self.cancel()
        return pump(self, *seconds)

    monkeypatch.setattr(video.subprocess, "Popen", started)
    monkeypatch.setattr(job, "pump", pumping)
    monkeypatch.setattr(video.tempfile, "tempdir", str(tmp_path))
    assert blender.ops.tempose.export_video(filepath=str(tmp_path / "v.mp4")) == {"CANCELLED"}
    assert len(made) == while_.endswith("video")
    until = time.monotonic() + PATIENCE
    while list(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
    assert all(process.poll() is not None for process in made)


def test_a_video_that_cannot_be_made_is_said_in_words(
    blender, ready, dancing, tempose, tmp_path, monkeypatch, no_server_here
):
    choice, video = ready.tempose.output, tempose("files.video")
    choice.video, choice.size, choice.source = "MP4", (128, 96), "TAKE"
    monkeypatch.setattr(video.other_blender, "PROGRAM", tmp_path / "none.py")
    with pytest.raises(RuntimeError, match="could not make the video"):
        blender.ops.tempose.export_video(filepath=str(tmp_path / "v.mp4"))
    assert list(tmp_path.iterdir()) == []


def test_reading_the_character_gives_blender_its_time_back(blender, ready, dancing, tempose, monkeypatch):
    """After each step the scene is on the frame that the artist is on, wherever that is then."""
    reading = tempose("files.rig_reading")
    at_once = all_of(reading.read(ready.name, dancing.rig.name, 24.0, False))
    monkeypatch.setattr(reading, "STEP", 0.0)
    steps, now, count = reading.read(ready.name, dancing.rig.name, 24.0, False), 17, 0
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            dance = end.value
            break
        count += 1
        assert share == count / 288
        assert ready.frame_current == now
        now += 3
        ready.frame_set(now)
    assert count == 288
    np.testing.assert_array_equal(dance.poses.pixels, at_once.poses.pixels)


def test_a_character_that_goes_while_it_is_read_is_said_in_words(
    blender, ready, dancing, tempose, monkeypatch
):
    reading = tempose("files.rig_reading")
    monkeypatch.setattr(reading, "STEP", 0.0)
    steps = reading.read(ready.name, dancing.rig.name, 24.0, False)
    next(steps)
    blender.data.objects.remove(dancing.rig)
    with pytest.raises(tempose("errors").Problem, match="was deleted or renamed meanwhile"):
        next(steps)


def test_a_failed_video_leaves_nothing_behind(blender, ready, dancing, tmp_path):
    (tmp_path / "v").write_text("a file")
    with pytest.raises(RuntimeError, match="is a file"):
        blender.ops.tempose.export_video(filepath=str(tmp_path / "v"))
    with pytest.raises(RuntimeError, match="cannot be written"):
        blender.ops.tempose.export_poses(filepath=str(tmp_path / "none" / "d.json"))
    assert [p.name for p in tmp_path.iterdir()] == ["v"]


def test_a_bad_file_changes_nothing(blender, ready, tempose, tmp_path):
    from blender_helpers import summary

    (tmp_path / "d.json").write_text("{}")
    before = summary(blender)
    with pytest.raises(RuntimeError, match="cannot be read as poses"):
        blender.ops.tempose.import_poses(filepath=str(tmp_path / "d.json"))
    assert summary(blender) == before


def test_the_buttons_say_why_they_are_grey(blender, scene):
    with pytest.raises(RuntimeError, match="Select the character"):
        blender.ops.tempose.import_poses(filepath="x.json")
    scene.tempose.output.source = "TAKE"
    with pytest.raises(RuntimeError, match="There is no take"):
        blender.ops.tempose.export_poses(filepath="x.json")

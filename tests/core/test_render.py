"""Drawings, contact sheets, videos."""

from dataclasses import replace

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from tempose.render.contact_sheet import contact_sheet, sheet_frames
from tempose.render.draw import colours, draw_pose, draw_trail, place
from tempose.render.ground import VideoGround
from tempose.render.video import render_dance
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import BODY_25, OPENPOSE_18, OPENPOSE_60
from tempose_pose.standing import standing_pose
from tempose_pose.tempo import TempoMap

BEATS = np.arange(0, 3, 0.5)


def dance(frames: int = 90, canvas=(200, 300)) -> Dance:
    keypoints = np.repeat(standing_pose(canvas=canvas).keypoints, frames, 0)
    keypoints[..., 0] += 0.1 * np.sin(np.arange(frames) / 10)[:, None]
    poses = PoseSequence(keypoints, np.ones((frames, 18)), 30, OPENPOSE_18, canvas)
    return Dance(poses, BEATS, BEATS[::4], np.asarray([45]), 7, "test")


def test_colours_are_openposes_own():
    assert colours(18)[:4] == [(255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0)]
    assert colours(18)[-1] == (255, 0, 85)


def test_joints_are_drawn_where_they_are_in_their_colours():
    pose = standing_pose(canvas=(512, 768))
    picture = draw_pose(pose)
    assert picture.shape == (768, 512, 3)
    for joint, colour in zip(range(18), colours(18), strict=True):
        x, y = pose.pixels[0, joint].round().astype(int)
        if joint not in (0, 14, 15, 16, 17):  # the face's discs overlap
            assert np.abs(picture[y, x].astype(int) - colour).max() <= 2
    right_thigh = pose.pixels[0, [8, 9]].mean(0).round().astype(int)
    limb = OPENPOSE_18.limbs.index((8, 9))
    assert np.allclose(picture[right_thigh[1], right_thigh[0]], 0.6 * np.asarray(colours(17)[limb]), atol=2)
    assert (picture[0, 0] == 0).all()


def test_missing_joints_and_their_limbs_are_not_drawn():
    pose = standing_pose(canvas=(256, 256))
    scores = np.zeros((1, 18))
    nothing = replace(pose, scores=scores)
    assert draw_pose(nothing).max() == 0
    scores[0, 4] = 1
    x, y = pose.pixels[0, 4].round().astype(int)
    alone = draw_pose(replace(pose, scores=scores)).copy()
    assert alone[y, x].max() > 200
    alone[y - 4 : y + 5, x - 4 : x + 5] = 0
    assert alone.max() == 0


def test_any_size_shows_the_whole_canvas_undistorted_and_centred():
    pose = standing_pose(canvas=(100, 200))
    assert draw_pose(pose, 0, (400, 200)).shape == (200, 400, 3)
    assert np.allclose(place(np.asarray([[0, 0], [1, 1]]), (100, 200), (400, 200)), [[150, 0], [250, 200]])


def test_alpha_is_transparent_but_for_the_figure_and_a_picture_shows_through():
    pose = standing_pose(canvas=(128, 128))
    clear = draw_pose(pose, alpha=True)
    assert clear.shape == (128, 128, 4)
    assert clear[0, 0, 3] == 0
    assert clear[..., 3].max() == 255
    white = draw_pose(pose, over=np.full((64, 64, 3), 255, np.uint8))
    assert (white[0, 0] == 255).all()
    assert (white != 255).any()


def with_hands(poses: PoseSequence) -> PoseSequence:
    """The poses with two spread hands, their roots at the wrists."""
    fan = np.zeros((21, 2))
    for finger in range(5):
        angle = np.deg2rad(50 * (finger - 2))
        for k in range(4):
            fan[1 + 4 * finger + k] = (0.02 * (k + 2)) * np.asarray([np.sin(angle), np.cos(angle)])
    wide = convert(poses, OPENPOSE_60)
    keypoints, scores = wide.keypoints.copy(), wide.scores.copy()
    for first, wrist in ((18, "left_wrist"), (39, "right_wrist")):
        keypoints[:, first : first + 21] = keypoints[:, [OPENPOSE_60.index(wrist)]] + fan
        scores[:, first : first + 21] = 1
    return replace(wide, keypoints=keypoints, scores=scores)


def test_hands_are_drawn_over_the_body_with_blue_joints():
    pose = standing_pose(canvas=(1024, 1024))
    plain, handed = draw_pose(pose), draw_pose(with_hands(pose))
    tip = with_hands(pose).pixels[0, OPENPOSE_60.index("left_middle_4")].round().astype(int)
    assert plain[tip[1], tip[0]].max() == 0
    assert handed[tip[1], tip[0]].tolist() == [0, 0, 255]
    assert np.array_equal(plain[:300], handed[:300])  # head and shoulders as ever
    feet = PoseSequence(np.full((1, 25, 2), 0.5), np.ones((1, 25)), 30, BODY_25)
    assert np.array_equal(draw_pose(feet), draw_pose(convert(feet, OPENPOSE_18)))


def test_a_picture_keeps_its_proportions_under_the_figure():
    pose = standing_pose(canvas=(200, 100))
    over = np.full((50, 100, 3), 80, np.uint8)
    over[:, :50] = (200, 0, 0)
    drawn = draw_pose(pose, 0, (200, 200), over=over)
    assert drawn[0, 0].max() == 0  # above the canvas
    assert drawn[100, 10].tolist() == [200, 0, 0]
    assert drawn[100, 190].tolist() == [80, 80, 80]
    tall = draw_pose(pose, over=np.full((100, 50, 3), 80, np.uint8))
    assert tall[50, 10].max() == 0
    assert tall[5, 100].tolist() == [80, 80, 80]


def test_ghosts_are_fainter_than_the_pose():
    poses = dance().poses
    now, trail = draw_pose(poses, 40), draw_trail(poses, [20, 30, 40])
    ghost = trail.astype(int) - now
    assert ghost.max() > 20
    assert trail[now.max(-1) == 0].max() < 0.7 * 255


@pytest.mark.parametrize("bad", [(0, 10), (100_000, 10)])
def test_impossible_pictures_are_refused(bad):
    with pytest.raises(TemposeError, match="pixels"):
        draw_pose(standing_pose(), 0, bad)
    with pytest.raises(TemposeError, match="between 0 and 0"):
        draw_pose(standing_pose(), 3)


def test_a_pose_far_outside_of_the_picture_is_no_trouble():
    pose = standing_pose(canvas=(64, 64))
    assert draw_pose(replace(pose, keypoints=pose.keypoints * 1e6)).shape == (64, 64, 3)


def test_a_contact_sheet_shows_the_beats(tmp_path):
    made = dance()
    picture = contact_sheet(made, tmp_path / "sheet.png", title="test")
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    assert picture.shape[1] == 8 * 220
    assert picture.max() > 200
    assert sheet_frames(made, 32).tolist() == BEATS[BEATS <= 89 / 30].tolist()
    assert len(sheet_frames(made, 32, per_beat=2)) == 11
    assert len(sheet_frames(made, 3)) == 3
    none = np.zeros(0)
    assert len(sheet_frames(replace(made, beat_times=none), 5)) == 5
    contact_sheet(replace(made, beat_times=none, downbeat_times=none), count=2)
    with pytest.raises(TemposeError, match="1 to 200"):
        contact_sheet(made, count=0)


def test_a_video_has_the_frames_the_rate_and_the_sound(tmp_path):
    rate = 22_050
    tone = np.zeros(rate * 5, np.float32)
    tone[rate * 2 :] = 0.5 * np.sin(np.arange(rate * 3) * 2 * np.pi * 440 / rate)  # silent for two seconds
    soundfile.write(tmp_path / "song.wav", tone, rate)
    done = []
    render_dance(
        dance(), tmp_path / "dance.mp4", tmp_path / "song.wav", start=1.0, size=(161, 240), trail=2,
        beat_flash=True, on_progress=lambda *at: done.append(at),
    )  # fmt: skip
    assert done[-1] == (90, 90)
    with av.open(str(tmp_path / "dance.mp4")) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, float(video.average_rate or 0)) == (160, 240, 30)
        sound = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio)])
    assert len(sound) / 44_100 == pytest.approx(3, abs=0.1)
    with av.open(str(tmp_path / "dance.mp4")) as file:
        frames = [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
    assert len(frames) == 90
    assert frames[50][9, 9].max() < 60 < frames[45][9, 9].min()  # the beat at 1.5 s lights up
    quiet, loud = np.abs(sound[10_000:40_000]).max(), np.abs(sound[50_000:120_000]).max()
    assert quiet < 0.01
    assert loud > 0.3  # the song's second 2 is heard at 1


def test_a_tempo_map_stretches_the_sound(tmp_path):
    rate = 22_050
    tone = np.zeros(rate * 4, np.float32)
    tone[rate * 2 :] = 0.5 * np.sin(np.arange(rate * 2) * 2 * np.pi * 440 / rate)
    soundfile.write(tmp_path / "song.wav", tone, rate)
    render_dance(
        dance(60), tmp_path / "fast.mp4", tmp_path / "song.wav",
        tempo_map=TempoMap.constant(2.0), size=(64, 64), fps=15,
    )  # fmt: skip
    with av.open(str(tmp_path / "fast.mp4")) as file:
        sound = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    onset = np.flatnonzero(np.abs(sound) > 0.2)[0] / 44_100
    assert onset == pytest.approx(1.0, abs=0.08)


def test_unreadable_sound_and_unwritable_places_are_named(tmp_path):
    with pytest.raises(TemposeError, match="no audio file"):
        render_dance(dance(5), tmp_path / "a.mp4", tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(TemposeError, match="not audio"):
        render_dance(dance(5), tmp_path / "a.mp4", tmp_path / "text.wav")
    with pytest.raises(TemposeError, match="cannot be written"):
        render_dance(dance(5), tmp_path / "no" / "a.mp4", size=(64, 64))
    assert list(tmp_path.iterdir()) == [tmp_path / "text.wav"]


def test_the_command_writes_videos_sheets_stills_and_pose_files(tmp_path):
    import typer
    from typer.testing import CliRunner

    from tempose.render.cli import render

    app = typer.Typer()
    app.command()(render)
    dance(20).save(tmp_path / "d.npz")

    def run(*arguments: str):
        return CliRunner().invoke(app, [str(tmp_path / "d.npz"), *arguments])

    Image.new("RGB", (100, 150), (0, 90, 0)).save(tmp_path / "room.jpg", quality=95)
    room = ["--over", str(tmp_path / "room.jpg")]
    for name, extra in (
        ("v.mp4", ["--size", "64x64"]),
        ("w.mp4", ["--size", "64x96", "--fps", "12", "--trail", "2", *room]),
        ("c.mov", ["--size", "64x96", "--alpha", "--beats"]),
        ("o.png", ["--frame", "9", "--trail", "3", *room]),
        ("s.png", []),
        ("f.png", ["--frame", "3", "--alpha"]),
        ("p.json", []),
    ):
        result = run("-o", str(tmp_path / name), *extra)
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).stat().st_size > 0
    with av.open(str(tmp_path / "w.mp4")) as file:
        shown = [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
        assert float(file.streams.video[0].average_rate or 0) == 12
    assert shown[-1][2, 2] == pytest.approx([0, 90, 0], abs=12)
    with av.open(str(tmp_path / "c.mov")) as file:
        clear = [f.to_ndarray(format="rgba") for f in file.decode(video=0)]
    assert len(clear) == 20
    assert clear[10][0, 0, 3] == 0
    assert clear[10][..., 3].max() == 255
    still = np.asarray(Image.open(tmp_path / "o.png"))
    assert still.shape == (300, 200, 3)
    assert still[2, 2] == pytest.approx([0, 90, 0], abs=4)
    for wrong in (
        ["v.mov"],
        ["v.mp4", "--alpha"],
        ["f.png", "--alpha", *room],
        ["v.mp4", "--trail", "-1"],
        ["v.mp4", "--over", str(tmp_path / "none.png")],
        ["v.mp4", "--over", str(tmp_path / "d.npz")],
    ):
        assert isinstance(run("-o", str(tmp_path / wrong[0]), *wrong[1:]).exception, TemposeError), wrong
    assert isinstance(run("-o", str(tmp_path / "x.gif")).exception, TemposeError)
    assert isinstance(run("-o", str(tmp_path / "v.mp4"), "--size", "big").exception, TemposeError)


def grey_video(path, levels, rate=10, sound=False):
    """A video whose frame i is a grey of levels[i]; with `sound`, a tone from its middle on."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "1"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="stereo") if sound else None
        for level in levels:
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            seconds = len(levels) / rate
            time = np.arange(int(44_100 * seconds)) / 44_100
            tone = np.where(time > seconds / 2, 0.5 * np.sin(2 * np.pi * 440 * time), 0).astype(np.float32)
            for first in range(0, len(tone), 1024):
                block = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(np.tile(tone[first : first + 1024], (2, 1))), "fltp", "stereo"
                )
                block.sample_rate, block.pts = 44_100, first
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))


def test_a_video_runs_along_under_the_dance_at_its_own_rate(tmp_path):
    levels = [20, 60, 100, 140, 180, 220]
    grey_video(tmp_path / "room.mp4", levels)
    ground = VideoGround(tmp_path / "room.mp4", start=0.1)
    shown = [int(ground.at(s)[0, 0, 0]) for s in (0, 0.05, 0.1, 0.35, 9.0, 0.0)]  # past its end, and back
    assert shown == pytest.approx([60, 60, 100, 180, 220, 60], abs=4)
    ground.close()
    render_dance(dance(12), tmp_path / "over.mp4", size=(64, 48), over=VideoGround(tmp_path / "room.mp4"))
    with av.open(str(tmp_path / "over.mp4")) as file:
        corner = [int(f.to_ndarray(format="rgb24")[24, 32 - 8].max()) for f in file.decode(video=0)]
    assert len(corner) == 12
    assert corner[11] > corner[0] + 50  # 0.37 s: the fourth grey
    (tmp_path / "text.mp4").write_text("no video")
    for bad in ("none.mp4", "text.mp4"):
        with pytest.raises(TemposeError):
            VideoGround(tmp_path / bad)
    with pytest.raises(TemposeError, match="second from 0"):
        VideoGround(tmp_path / "room.mp4", start=-1)


def test_the_command_draws_over_a_video_with_its_sound(tmp_path):
    import typer
    from typer.testing import CliRunner

    from tempose.render.cli import render

    app = typer.Typer()
    app.command()(render)
    dance(30).save(tmp_path / "d.npz")
    grey_video(tmp_path / "room.mp4", [40] * 5 + [200] * 10, sound=True)
    room = str(tmp_path / "room.mp4")

    def run(*arguments: str):
        result = CliRunner().invoke(app, [str(tmp_path / "d.npz"), *arguments])
        assert result.exit_code == 0, result.output

    run("-o", str(tmp_path / "o.mp4"), "--over", room, "--audio", room, "--size", "64x96")
    with av.open(str(tmp_path / "o.mp4")) as file:
        sound = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    assert np.abs(sound[5_000:25_000]).max() < 0.02
    assert np.abs(sound[36_000:42_000]).max() > 0.3
    run("-o", str(tmp_path / "o.png"), "--over", room, "--frame", "3", "--over-start", "0.6")
    assert np.asarray(Image.open(tmp_path / "o.png"))[150, 20].max() == pytest.approx(200, abs=6)
    run("-o", str(tmp_path / "s.png"), "--poses", "4", "--per-beat", "2")
    silent = str(tmp_path / "silent.mp4")
    grey_video(silent, [0] * 3)
    failed = CliRunner().invoke(
        app, [str(tmp_path / "d.npz"), "-o", str(tmp_path / "x.mp4"), "--audio", silent]
    )
    assert "video with sound" in str(failed.exception)


def test_the_command_reads_pose_files_that_do_not_say_their_size_rate_or_axis(tmp_path):
    import json

    import typer
    from typer.testing import CliRunner

    from tempose.render.cli import render
    from tempose_pose.formats import load_poses
    from tempose_pose.skeletons import BODY_67, HALPE_26
    from tempose_pose.writers import save_poses

    app = typer.Typer()
    app.command()(render)
    made = dance(6).poses
    save_poses(made, tmp_path / "clip", "openpose")
    for file in (tmp_path / "clip").iterdir():
        page = json.loads(file.read_text())
        del page["canvas_width"], page["canvas_height"], page["fps"]
        file.write_text(json.dumps(page))

    def run(*arguments: str):
        return CliRunner().invoke(app, [str(tmp_path / "clip"), *arguments])

    out = str(tmp_path / "back.json")
    assert "width and height" in str(run("-o", out).exception)
    assert "frame rate" in str(run("-o", out, "--canvas", "200x300").exception)
    said = ["--canvas", "200x300", "--pose-fps", "25"]
    for points, kind in ((None, OPENPOSE_18), ("25", BODY_25)):
        assert run("-o", out, *said, *(["--points", points] if points else [])).exit_code == 0
        assert load_poses(out).skeleton is kind
    for points, kind in (("26", HALPE_26), ("133", BODY_67)):
        assert run("-o", out, *said, "--format", "coco", "--points", points).exit_code == 0
        back = load_poses(out)
        assert back.skeleton is kind
        assert (back.fps, back.canvas) == (25, (200, 300))
        assert np.allclose(convert(back, OPENPOSE_18).keypoints, made.keypoints, atol=1e-3)
    assert run("-o", out, *said, "--y-up", "--person", "0").exit_code == 0
    assert np.allclose(load_poses(out).keypoints[..., 1], 1 - made.keypoints[..., 1], atol=1e-3)

"""Videos read frame by frame: evenly, upright; people followed; gaps bridged; jitter calmed and hits kept."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tempose.videos import sightings
from tempose.videos.camera import CameraTracker, CameraView, steadied
from tempose.videos.dance import BRIDGE, beats_heard, poses_of
from tempose.videos.frames import open_video
from tempose.videos.people import EachFrame, Footage, dancer, ranked_people
from tempose.videos.smoothing import bridged_gaps, smooth
from tempose_pose.errors import TemposeError


def write(path, levels, times=None, fps=30, size=(64, 48), **options):
    """A video of grey frames, at these times in milliseconds or evenly."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps, **options)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for k, level in enumerate(levels):
            frame = av.VideoFrame.from_ndarray(
                np.full((size[1], size[0], 3), level, np.uint8), format="rgb24"
            )
            if times is not None:
                frame.pts, frame.time_base = int(times[k]), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_frames_come_evenly_whatever_their_rate(tmp_path):
    path = write(tmp_path / "fast.mp4", range(10, 250, 2), fps=120)
    with open_video(path) as video:
        assert video.facts.fps == 60
        assert len(list(video)) == pytest.approx(60, abs=1)
    times = np.cumsum([0, *([33] * 20), 400, *([33] * 20)])  # it stands still for a while
    path = write(tmp_path / "uneven.mkv", np.linspace(20, 240, len(times)), times)
    with open_video(path) as video:
        frames = list(video)
        assert len(frames) == pytest.approx(times[-1] / 1000 * video.facts.fps, abs=2)
        levels = np.array([f.mean() for f in frames])
    still = np.flatnonzero(np.abs(np.diff(levels)) >= 2)
    assert np.diff(still).max() == pytest.approx(0.4 * video.facts.fps, abs=2)


def test_large_frames_are_made_smaller_and_what_is_no_video_is_refused(tmp_path):
    path = write(tmp_path / "large.mp4", [100] * 3, size=(2560, 1440))
    with open_video(path) as video:
        assert next(iter(video)).shape == (720, 1280, 3)
    (tmp_path / "song.mp4").write_bytes(b"\0" * 5000)
    with pytest.raises(TemposeError, match="cannot be read as a video"), open_video(tmp_path / "song.mp4"):
        pass
    with pytest.raises(TemposeError, match="no file"), open_video(tmp_path / "gone.mp4"):
        pass
    assert beats_heard(path, None, 1.0)[0].size == 0


@pytest.mark.parametrize(
    ("matrix", "corner"), [((0, 1, -1, 0), (0, -1)), ((-1, 0, 0, -1), (-1, -1)), ((0, -1, 1, 0), (-1, 0))]
)
def test_a_turned_recording_stands_upright(tmp_path, matrix, corner):
    """As phones write it: the display matrix of the track's header turns the picture, here by quarters clockwise."""
    import av

    path = tmp_path / "turned.mp4"
    picture = np.zeros((48, 96, 3), np.uint8)
    picture[:24, :48] = 255  # the upper left quarter is white
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    a, b, c, d = (65536 * value for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    with open_video(path) as video:
        (seen,) = list(video)
    upright = seen.shape[:2] == ((96, 48) if matrix[0] == 0 else (48, 96))
    assert upright and seen[corner].mean() > 200
    assert seen[-1 - corner[0], -1 - corner[1]].mean() < 50


def figure(x, size=100.0, score=1.0):
    """(133, 3) points in a column, of the body and hands alone."""
    points = np.zeros((133, 3))
    shown = [*range(17), *range(91, 133)]
    points[shown, 0] = x + 10 * np.sin(np.arange(len(shown)))
    points[shown, 1] = np.linspace(50, 50 + size, len(shown))
    points[shown, 2] = score
    return points


def test_one_dancer_is_followed_through_shots_and_losses():
    frames = [{0: figure(100 + t), 1: figure(400, 60)} for t in range(20)]
    frames += [{1: figure(400, 60)} for _ in range(4)]  # the first is lost, and found under another number
    frames += [{7: figure(124 + t), 1: figure(400, 60)} for t in range(20)]
    main, other = ranked_people(frames)
    assert (main, other) == ({0, 7}, {1})
    shots = Footage(frames + [{9: figure(300)}] * 10, np.array([44]), (640, 480))
    first = dancer(shots)
    assert np.isclose(first[10, 0, 0], 110, atol=11) and (first[22, :, 2] == 0).all() and first[50, 0, 2] == 1
    assert (dancer(shots, 2)[44:, :, 2] == 0).all()
    poses = poses_of(shots, 30.0)
    assert poses.skeleton.name == "openpose18_hands"
    assert poses.scores[22, 0] == pytest.approx(0.3)  # bridged: it was a short loss
    with pytest.raises(TemposeError, match="no person 3"):
        poses_of(shots, 30.0, 3)


def test_what_was_seen_is_read_back_from_its_file(monkeypatch):
    """Long videos lie on the disk: the same is read, in any order, and nothing of it stays in memory."""
    monkeypatch.setattr(sightings, "HELD", 2000)
    frames = [{0: figure(t), 3: figure(200)} if t % 3 else {} for t in range(30)]
    kept = sightings.Sightings()
    for seen in frames:
        kept.append(seen)
    assert len(kept) == 30 and [list(seen) for seen in kept] == [list(seen) for seen in frames]
    for t in (29, 4, -1, 0):
        for number, points in frames[t].items():
            assert np.allclose(kept[t][number], np.where(points[:, 2:] > 0, points, 0), atol=1e-4)
    with pytest.raises(IndexError):
        kept[30]
    size = (640, 480)
    as_list, none = Footage(frames, np.zeros(0, int), size), np.zeros(0, int)
    assert np.allclose(dancer(Footage(kept, none, size), 2), dancer(as_list, 2), atol=1e-4)


def test_somebody_seen_only_for_a_moment_is_ignored():
    flash = Footage([{0: figure(100)} if t == 30 else {} for t in range(60)], np.zeros(0, int), (640, 480))
    with pytest.raises(TemposeError, match="longer than a moment"):
        poses_of(flash, 30.0)
    short = Footage([{0: figure(100)}] * 3, np.zeros(0, int), (640, 480))
    assert len(poses_of(short, 30.0)) == 3


def test_estimators_that_know_no_frames_before_are_followed_by_place():
    script = iter([[figure(100), figure(300)], [figure(302), figure(101)], [], [figure(104)], [figure(600)]])
    follow = EachFrame(lambda _picture: np.stack(found) if (found := next(script)) else np.zeros((0, 133, 3)))
    picture = np.zeros((480, 640, 3), np.uint8)
    seen = [follow(picture) for _ in range(5)]
    assert seen[1][0][0, 0] == pytest.approx(101) and seen[1][1][0, 0] == pytest.approx(302)
    assert list(seen[3]) == [0] and list(seen[4]) == [2]


def test_jitter_goes_and_hits_stay_when_they_are():
    fps, random = 30.0, np.random.default_rng(0)
    beat = np.minimum((np.arange(120) % 15) / 6, 1.0)  # arrives within six frames, then holds
    true = np.cumsum(np.where(np.diff(beat, prepend=0) > 0, np.diff(beat, prepend=0), 0)) * 60
    points = np.stack([np.stack([true, np.zeros(120)], -1)] * 2, 1)
    noisy = points + random.normal(0, 1.0, points.shape)
    calm = smooth(noisy, np.ones((120, 2), bool), fps, 100.0)
    assert np.abs(calm - points).mean() < np.abs(noisy - points).mean()
    holds = beat == 1.0
    assert np.diff(calm[holds], axis=0).std() < np.diff(noisy[holds], axis=0).std()
    speed = np.diff(calm[:, 0, 0])
    lags = [np.corrcoef(np.roll(np.diff(true), lag)[5:-5], speed[5:-5])[0, 1] for lag in (-2, -1, 0, 1, 2)]
    assert int(np.argmax(lags)) == 2, "nothing comes late or early"


def test_short_losses_are_bridged_and_long_ones_left_open():
    points, scores = np.zeros((40, 1, 2)), np.ones((40, 1))
    points[:, 0, 0] = np.arange(40)
    scores[5:10], scores[15:35], points[5:10], points[15:35] = 0, 0, 999, 999
    made, sure = bridged_gaps(points, scores, round(BRIDGE * 30), 0.3)
    assert np.allclose(made[5:10, 0, 0], np.arange(5, 10)) and (sure[5:10] == 0.3).all()
    assert (sure[15:35] == 0).all()


def test_a_moving_camera_is_told_from_what_stands_behind_the_people_and_taken_out():
    """A pan and a zoom over a soft wall: somebody who stands still in front of it stands still in the result."""
    random, (width, height) = np.random.default_rng(0), (320, 240)
    small = Image.fromarray(random.uniform(60, 220, (60, 90)).astype(np.uint8))
    wall = small.resize((900, 600), Image.Resampling.BICUBIC)
    track, points = CameraTracker(), np.zeros((40, 2, 3))
    for t in range(40):
        zoom, x, y = 1 + 0.15 * np.sin(t / 12), 450 + 90 * np.sin(t / 10), 300 + 10 * np.sin(t / 5)
        left, top = x - width / zoom / 2, y - height / zoom / 2
        matrix = (1 / zoom, 0, left, 0, 1 / zoom, top)
        seen = np.array(
            wall.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        )
        points[t] = [(*((p - (left, top)) * zoom), 1) for p in np.array([(440, 260), (460, 340)])]
        (a, b), (c, d) = points[t, :, :2].round().astype(int)
        seen[max(b, 0) : d, max(a, 0) : c] = 40 + 150 * (t % 2)  # who dances is not the wall
        track(np.repeat(seen[..., None], 3, 2), points[t : t + 1])
    still = steadied(points, track.views, (width, height))
    assert np.ptp(points[..., 0]) > 100
    assert np.abs(still - still.mean(0)).max() < 4
    plain = CameraTracker()
    for level in (80, 82, 81):
        plain(np.full((height, width, 3), level, np.uint8), points[:1])
    assert np.array_equal(steadied(points[:3], plain.views, (width, height)), points[:3])
    plain(np.zeros((height, width, 3), np.uint8), [], cut=True)
    assert plain.views[-1] == CameraView()

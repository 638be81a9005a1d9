"""Videos: shots, runs of one dancer, the tempo of their sound."""

import json

import numpy as np
import pytest
import torch
from importer_files import J, dancer_2d

from tempose.augmentation.draws import Draws
from tempose.augmentation.examples import Windows
from tempose.augmentation.music import MusicBank
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.bank import own_song
from tempose.datasets.clips import load_clip, widened
from tempose.datasets.importers import import_data
from tempose.datasets.importers.video import steady_tempo
from tempose.datasets.recombine import Recombiner
from tempose.music.features import LISTENED
from tempose.videos.shots import CutFinder
from tempose_pose.grid import BeatGrid
from tempose_pose.skeletons import OPENPOSE_18, OPENPOSE_60


def write_video(path, scenes, fps=30, bpm=0.0, late=0.0):
    """Scenes: (frames, grey level, has a figure); the figure is a white square whose place codes the frame.

    With a tempo it has sound: a click a beat, the first with the video's frame at `late` seconds, when sound begins.
    """
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=22_050, layout="mono") if bpm else None
        for frames, grey, figure in scenes:
            for i in range(frames):
                picture = np.full((48, 64, 3), grey, np.uint8)
                if figure:
                    picture[20:28, 28 + i % 6 : 36 + i % 6] = 255
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        if sound:
            put_sound(container, sound, clicks(sum(s[0] for s in scenes) / fps - late, bpm), late)
    return path


def clicks(seconds, bpm, rate=22_050):
    """Short noises, accented in fours."""
    out = np.zeros(int(seconds * rate), np.float32)
    burst = np.random.default_rng(1).normal(0, 1, 600) * np.exp(-np.arange(600) / 120)
    for k, at in enumerate(np.arange(0, seconds - 0.1, 60 / bpm)):
        start = int(at * rate)
        out[start : start + 600] += (0.3 if k % 4 else 0.6) * burst
    return out.clip(-1, 1)


def put_sound(container, stream, samples, late, rate=22_050):
    import av

    block = 1024
    for start in range(0, len(samples) - block, block):
        data = (samples[None, start : start + block] * 32000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, start + round(late * rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


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


def test_the_music_of_a_video_goes_with_its_clips_frame_by_frame(tmp_path):
    (tmp_path / "src").mkdir()
    write_video(tmp_path / "src" / "club.mkv", [(420, 30, True)], bpm=100, late=1.0)
    import_data(tmp_path / "src", tmp_path / "data", estimator=SquareFinder())
    entry = json.loads((tmp_path / "data" / "dance" / "index.json").read_text())[0]
    assert entry["bpm"] == pytest.approx(100, abs=0.5)
    song = own_song(tmp_path / "data" / "dance" / entry["song"])
    # The clip was cut to begin on a beat; its first frame is heard at a click of the song, which began a second late.
    beats = entry["song_start"] / 0.6
    assert beats == pytest.approx(round(beats), abs=0.1)
    assert entry["frames"] == pytest.approx(420 - 30 * (entry["song_start"] + 1.0), abs=2)
    assert len(song.features) == pytest.approx(30 * 13, abs=6)
    # and training hears that very music
    clips = load_clips_of(tmp_path / "data")
    recombiner = Recombiner(clips, OPENPOSE_18, own_songs={clips[0].song.file: 0})
    windows = [recombiner.window(0, k) for k in range(12)]
    own = [w for w in windows if w.song == 0]
    assert 3 <= len(own) <= 11
    for window in own:
        seconds = window.song_frames / 30
        assert np.allclose(window.beats - seconds / 0.6, (window.beats - seconds / 0.6).round(), atol=0.15)
    bank = MusicBank([song], recombiner.liveliness())
    many = Windows.of(own)
    heard = bank.pair(
        Draws((0,), len(many), "cpu"), AugmentationSettings(), torch.ones(many.beats.shape), many.style,
        many.beats, many.bpm, many.song, many.song_frames,
    ).features  # fmt: skip
    onset = LISTENED["onset"].start
    true = torch.from_numpy(song.features.astype(np.float32))[many.song_frames.round().long(), onset]
    assert (
        np.corrcoef(heard[..., onset].ravel(), true.ravel())[0, 1] > 0.8
    )  # through another equaliser, as training hears it


def load_clips_of(data):
    folder = data / "dance"
    return [load_clip(folder, entry) for entry in json.loads((folder / "index.json").read_text())]


def test_hands_that_were_found_are_learned_from(tmp_path):
    (tmp_path / "src").mkdir()
    write_video(tmp_path / "src" / "wave.mp4", [(270, 30, True)])

    class WithHands(SquareFinder):
        def __call__(self, picture):
            people = super().__call__(picture)[:1] if len(super().__call__(picture)) else []
            whole = np.zeros((len(people), 133, 3))
            for out, body in zip(whole, people, strict=True):
                out[:17] = body
                out[91:112, :2] = body[J["left_wrist"], :2] + np.arange(21)[:, None]
                out[91:112, 2] = 0.8
            return whole

    import_data(tmp_path / "src", tmp_path / "data", estimator=WithHands())
    clip = widened(load_clips_of(tmp_path / "data")[0], OPENPOSE_60)
    left, right = OPENPOSE_60.index("left_middle_4"), OPENPOSE_60.index("right_middle_4")
    assert clip.scores[:, left].min() > 0.5 and clip.scores[:, right].max() == 0
    spread = clip.motion[:, left] - clip.motion[:, OPENPOSE_60.index("left_wrist")]
    assert np.linalg.norm(spread, axis=-1).min() > 0.01
    assert np.allclose(clip.motion[:, right], clip.motion[:, OPENPOSE_60.index("right_wrist")])


def test_cuts_are_told_from_dance_and_from_flashes():
    random = np.random.default_rng(0)
    scenes = [random.integers(0, 255, (18, 32, 3)) for _ in range(3)]
    frames = np.concatenate([np.repeat(s[None], 50, 0) for s in scenes]).astype(float)
    frames += random.normal(0, 3, frames.shape)
    for i in range(150):  # somebody moves through the picture
        frames[i, 4:14, i % 24 : i % 24 + 3] = 200
    frames[75:77] = 255  # a flash
    for video, cuts in ((frames.clip(0, 255), [50, 100]), (np.zeros((100, 18, 32, 3)), [])):
        find = CutFinder()
        for frame in video.astype(np.uint8):
            find(frame)
        assert find.cuts().tolist() == cuts


def test_a_steady_tempo_is_taken_and_a_changing_one_is_not():
    beats = 0.3 + np.arange(40) * 0.5 + np.random.default_rng(0).normal(0, 0.01, 40)
    known = steady_tempo(BeatGrid(beats, beats[2::4]))
    assert np.isclose(known["bpm"], 120, atol=0.2)
    assert np.isclose(known["beat0"], 1.3, atol=0.02)
    assert steady_tempo(BeatGrid(np.cumsum(np.linspace(0.4, 0.6, 40)))) == {}
    assert steady_tempo(BeatGrid(beats, confidence=0.1)) == {}

"""Videos: shots, runs of one dancer, the tempo of their sound."""

import json

import numpy as np
import pytest
from importer_files import J, dancer_2d

from tempose.datasets.importers import import_data
from tempose.datasets.importers.shots import shot_cuts
from tempose.datasets.importers.video import steady_tempo
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid


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

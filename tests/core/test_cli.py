"""The command as people type it: once in a process of its own, else in that of the tests."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from patience import PATIENCE

from tempose import cli
from tempose_pose.dance import Dance


def run(*arguments):
    """What a process of its own wrote, and how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "tempose.cli", *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )


@pytest.fixture
def tempose(monkeypatch, capsys):
    """The command in this process: its exit status and what it said of errors."""

    def typed(*arguments):
        monkeypatch.setattr(sys, "argv", ["tempose", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, capsys.readouterr().err

    return typed


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "clicks.wav"
    samples = np.zeros(6 * 22_050, np.float32)
    for beat in np.arange(0, 6, 0.5):
        samples[int(beat * 22_050) :][:400] += 0.5 * np.exp(-np.arange(400) / 80)
    soundfile.write(path, samples, 22_050)
    return path


def test_heavy_libraries_wait_until_a_command_needs_them():
    heavy = ("torch", "diffusers", "librosa", "scipy", "matplotlib", "fastapi", "ray")
    code = f"import sys, tempose.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_generate_writes_the_same_dance_twice(song, tmp_path, tempose):
    outputs = [tmp_path / "a.npz", tmp_path / "b.npz"]
    chosen = ("--seconds", 3, "--seed", 4, "--steps", 3, "--style", "house")
    done = run("generate", song, "-o", outputs[0], *chosen)
    assert done.returncode == 0, done.stderr
    assert tempose("generate", song, "-o", outputs[1], *chosen)[0] == 0
    a, b = (Dance.load(p) for p in outputs)
    assert np.array_equal(a.poses.keypoints, b.poses.keypoints)
    assert len(a.poses) == 90
    assert a.seed == 4


def test_a_tempo_map_and_a_reference_file_are_heeded(song, tmp_path, tempose):
    (tmp_path / "map.json").write_text(json.dumps([[0, 0], [2, 4]]))
    keypoints = [[0.3 + 0.02 * j, 0.2 + 0.04 * j] for j in range(18)]
    reference = {"skeleton": "openpose18", "keypoints": keypoints, "scores": [1] * 18, "canvas": [640, 480]}
    (tmp_path / "pose.json").write_text(json.dumps(reference))
    status, said = tempose(
        "generate", song, "-o", tmp_path / "d.npz", "--model", "null",
        "--tempo-map", tmp_path / "map.json", "--reference", tmp_path / "pose.json",
    )  # fmt: skip
    assert status == 0, said
    dance = Dance.load(tmp_path / "d.npz")
    assert len(dance.poses) == 90  # six seconds of song at double speed
    assert dance.poses.canvas == (640, 480)
    assert np.allclose(np.diff(dance.beat_times), 0.25, atol=0.03)


def test_a_reference_that_does_not_say_its_pictures_size_gets_one_from_an_option(song, tmp_path, tempose):
    joints = [[300 + 4 * k, 100 + 20 * k] for k in range(18)]
    (tmp_path / "pose.json").write_text(json.dumps({"keypoints": joints}))
    output, pose = tmp_path / "d.npz", tmp_path / "pose.json"
    ask = ("generate", song, "-o", output, "--model", "null", "--reference", pose)
    status, said = tempose(*ask)
    assert status == 1
    assert "--canvas WIDTHxHEIGHT" in said
    status, said = tempose(*ask, "--canvas", "640x704")
    assert status == 0, said
    assert Dance.load(output).poses.canvas == (640, 704)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (["--style", "polka"], "style"),
        (["--seconds", 0.1], "half a second"),
        (["--start", 99], "start"),
        (["--tempo-map", "nowhere.json"], "tempo map"),
        (["--reference", "nowhere.json"], "nowhere.json"),
        (["--canvas", "640"], "widthxheight"),
        (["-o", "no/such/folder/d.npz"], "folder"),
    ],
)
def test_bad_input_ends_in_one_plain_line_and_writes_nothing(song, tmp_path, tempose, change, word):
    status, said = tempose("generate", song, "-o", tmp_path / "d.npz", "--model", "null", *change)
    assert status == 1
    assert word in said.lower()
    assert len(said.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())

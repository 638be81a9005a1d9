"""The front door: `import tempose`."""

import doctest
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import tempose
from tempose_pose.errors import Canceled, TemposeError
from tempose_pose.standing import standing_pose

ROOT = Path(__file__).parents[2]
SONG = ROOT / "examples" / "demo_song.ogg"


@pytest.fixture
def beside_examples(tmp_path, monkeypatch):
    """A folder to write into, with the examples in it."""
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_importing_loads_nothing_heavy_and_offers_every_name():
    code = (
        "import sys, tempose; before = set(sys.modules)\n"
        "print([name for name in ('numpy', 'torch', 'librosa', 'scipy', 'typer') if name in before])\n"
        "print(all(getattr(tempose, name) is not None for name in tempose.__all__))\n"
        "print(set(tempose.__all__) <= set(dir(tempose)), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split("\n")[:3] == ["[]", "True", "True False"]


def test_a_name_that_is_not_there_is_said_as_usual():
    with pytest.raises(AttributeError, match="module 'tempose' has no attribute 'sing'"):
        tempose.sing  # noqa: B018


def test_type_checkers_find_the_types():
    assert Path(tempose.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize("name", ["tempose", "tempose.api"])
def test_the_examples_in_the_docstrings_hold(beside_examples, name):
    result = doctest.testmod(import_module(name), raise_on_error=False)
    assert result.attempted >= 3
    assert result.failed == 0


def test_the_examples_of_the_manual_hold(beside_examples):
    result = doctest.testfile(str(ROOT / "docs" / "api.md"), module_relative=False)
    assert result.attempted >= 8
    assert result.failed == 0


def test_a_model_that_is_loaded_once_dances_as_one_that_is_named():
    song = tempose.load_song(SONG)
    model = tempose.load_model("null")
    named, loaded = (
        tempose.generate(song, seconds=2, seed=3, start=4.0, model=one) for one in ("null", model)
    )
    assert np.array_equal(named.poses.keypoints, loaded.poses.keypoints)
    assert (named.seed, len(named.poses)) == (3, 60)


def test_a_dancer_at_the_edge_of_its_picture_dances_inwards():
    beside = standing_pose(0.5, (0.18, 0.6))
    dance = tempose.generate(tempose.load_song(SONG), seconds=8, seed=2, start=4.0, reference=beside)
    across = dance.poses.keypoints[..., 0]
    assert (across <= 0).mean() < 0.01  # what would lie beyond stops at the edge
    assert 0.25 < np.median(across) < 0.4  # it stands at 0.18, and undirected would dance about 0.21


def test_the_dance_reaches_to_the_songs_end_through_a_tempo_map():
    song = tempose.load_song(SONG)
    twice_as_fast = tempose.TempoMap(((0.0, 0.0), (1.0, 2.0)))
    dance = tempose.generate(song, tempo_map=twice_as_fast, model="null")
    assert dance.poses.seconds == pytest.approx(song.seconds / 2, abs=0.05)


def test_bad_arguments_are_said_in_words():
    song = tempose.load_song(SONG)
    with pytest.raises(TemposeError, match="start must lie inside"):
        tempose.generate(song, start=99, model="null")
    with pytest.raises(TemposeError, match="the map says where"):
        tempose.generate(song, start=1, tempo_map=tempose.TempoMap(), model="null")
    with pytest.raises(TemposeError, match="Known styles"):
        tempose.generate(song, style="polka", model="null")


def test_a_generation_can_be_canceled():
    with pytest.raises(Canceled):
        tempose.generate(SONG, seconds=2, model="null", should_cancel=lambda: True)


def test_a_dance_draws_itself_as_its_files_name_says(tmp_path):
    dance = tempose.generate(SONG, seconds=1, model="null")
    frames = []
    dance.render(tmp_path / "dance.mp4", audio=SONG, size=(64, 64), on_progress=lambda *at: frames.append(at))
    for name in ("sheet.png", "pose.json"):
        dance.render(tmp_path / name)
    assert frames[-1] == (30, 30)
    assert all((tmp_path / name).stat().st_size for name in ("dance.mp4", "sheet.png", "pose.json"))
    with pytest.raises(TemposeError, match=r"\.mp4, \.mov, \.png or \.json"):
        dance.render(tmp_path / "dance.gif")

"""What librosa compiles is written by one process: numba's cache breaks under several."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from patience import PATIENCE

from tempose.music import compiled

ROOT = Path(__file__).parents[2]

COUNTING = """
import tempose.music.compiled as compiled
analyse = compiled._analyse_noise
def told():
    print("compiled", flush=True)
    analyse()
compiled._analyse_noise = told
compiled.compile_once()
"""
CRASHING = """
import os, pathlib
count = pathlib.Path(os.environ["COUNT"])
tried = count.stat().st_size
count.write_text("x" * (tried + 1))
if tried < int(os.environ["CRASHES"]):
    os.abort()
"""
SONGS = f"""
import numpy as np
from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
music = Song(Song.load({str(ROOT / "examples" / "demo_song.ogg")!r}).samples[: SAMPLE_RATE * 8])
clicks = np.zeros(SAMPLE_RATE * 5); clicks[::11025] = 1
moment = np.sin(np.arange(SAMPLE_RATE) / 10)
for song in (music, Song(clicks), Song(moment)):
    song.features, song.grid
"""


def child(code, folder):
    """A process with its cache in that folder."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder), "NUMBA_OPT": "0", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache, and this process as if it had not asked yet; answers what was compiled."""
    times = []
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiled, "_asked", threading.Event())
    monkeypatch.setattr(compiled, "_analyse_noise", lambda: times.append(1))
    return times


def test_of_processes_side_by_side_one_compiles_all_that_songs_need(tmp_path):
    several = [child(COUNTING, tmp_path) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE)[0] for process in several]
    assert [process.returncode for process in several] == [0, 0]
    assert sorted(said) == ["", "compiled\n"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert len(before) > 10
    later = child(SONGS, tmp_path)
    later.communicate(timeout=PATIENCE)
    assert later.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == before


def test_it_is_done_once_and_again_for_another_version(fresh, tmp_path, monkeypatch):
    compiled.compile_once()
    compiled.compile_once()
    monkeypatch.setattr(compiled, "_asked", threading.Event())
    compiled.compile_once()
    assert len(fresh) == 1
    monkeypatch.setattr(compiled, "_asked", threading.Event())
    monkeypatch.setattr(compiled, "version", lambda package: "another")
    compiled.compile_once()
    assert len(fresh) == 2


def test_a_folder_that_cannot_be_written_or_is_held_for_ever_stops_nobody(fresh, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(compiled, "_cache_folders", lambda: iter([file / "below"]))
    compiled.compile_once()
    assert fresh == []
    monkeypatch.setattr(compiled, "_asked", threading.Event())
    monkeypatch.setattr(compiled, "PATIENCE", 0.1)
    monkeypatch.setattr(compiled, "_cache_folders", lambda: iter([tmp_path]))
    with FileLock(tmp_path / compiled.LOCK):
        compiled.compile_once()
    assert fresh == []


@pytest.mark.parametrize("crashes", [1, 9])
def test_an_installation_outlives_a_compiler_that_is_brought_down(tmp_path, monkeypatch, crashes):
    count = tmp_path / "count"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    broken = tmp_path / "cache" / "librosa_1" / "beat.nbi"
    broken.parent.mkdir(parents=True)
    broken.write_text("another's index")
    monkeypatch.setenv("COUNT", str(count))
    monkeypatch.setenv("CRASHES", str(crashes))
    monkeypatch.setattr(compiled, "COMPILE", CRASHING)
    count.touch()
    assert compiled.install() is (crashes < compiled.TRIES)
    assert count.stat().st_size == min(crashes + 1, compiled.TRIES)
    assert not broken.exists()

"""The server's own environment: really made with venv and pip, from a small package built on the spot."""

import shutil
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from addon.errors import Canceled, Problem
from addon.server import environment

# Leaves a mark where it stands, so that a test can see it was run.
COMPILED = "def compile_once(): open(__file__ + '.done', 'w').close()"


class Work:
    """What a job offers to its thread."""

    def __init__(self):
        self.said, self.stop = [], threading.Event()

    def status(self, text):
        self.said.append(text)

    def progress(self, share):
        assert 0 <= share <= 1

    def sleep(self, seconds):
        if self.stop.wait(seconds):
            raise Canceled


def wheel(folder, check: str = "print('fine')", needs: str = ""):
    """A package with a `tempose_server` that can be asked whether it is well."""
    path = folder / "tempose-9.9-py3-none-any.whl"
    info = "tempose-9.9.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tempose_server/__init__.py", "")
        file.writestr("tempose/__init__.py", "")
        file.writestr("tempose/music/__init__.py", "")
        file.writestr("tempose/music/compiled.py", COMPILED)
        file.writestr("tempose_server/__main__.py", check)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tempose\nVersion: 9.9\n{needs}")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return str(path)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(environment, "ROOM", 1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "with space" / "server"


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """An environment with nothing but pip: making one takes seconds."""
    path = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", path], check=True)
    return path


@pytest.fixture
def begun(folder, bare):
    """A folder in which the environment has been begun."""
    shutil.copytree(bare, folder, symlinks=True)
    return folder


def test_it_is_made_checked_used_and_removed(folder, tmp_path):
    work = Work()
    assert environment.state(folder, "1") == "missing"
    python = environment.set_up(work, folder, wheel(tmp_path), "1", sys.executable)
    assert environment.state(folder, "1") == "ready"
    assert environment.state(folder, "2") == "old"
    where = subprocess.check_output(
        [python, "-c", "import tempose_server as t; print(t.__file__)"], text=True
    )
    assert str(folder) in where
    assert next(folder.rglob("compiled.py.done")), "what hears music is compiled before the first dance"
    assert [text for text in work.said if text.startswith("Checking")]
    assert "fine" in (folder / environment.LOG).read_text()
    environment.remove(folder)
    assert not folder.exists()


def test_what_failed_is_said_and_taken_up_again(begun, tmp_path):
    with pytest.raises(Problem, match=r"no-such-thing.*Press the button again"):
        environment.set_up(
            Work(), begun, wheel(tmp_path, needs="Requires-Dist: no-such-thing\n"), "1", sys.executable
        )
    assert environment.state(begun, "1") == "unfinished"
    before = environment.python_of(begun).lstat().st_mtime_ns
    environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable)
    assert environment.python_of(begun).lstat().st_mtime_ns == before  # not begun anew
    assert environment.state(begun, "1") == "ready"


def test_a_server_that_does_not_work_is_not_ready(begun, tmp_path):
    with pytest.raises(Problem, match="no weights here"):
        environment.set_up(
            Work(), begun, wheel(tmp_path, "raise SystemExit('no weights here')"), "1", sys.executable
        )
    assert environment.state(begun, "1") == "unfinished"


def test_an_environment_whose_python_has_gone_is_made_anew(begun, tmp_path):
    (begun / environment.READY).write_text('{"version": "1"}')
    assert environment.state(begun, "1") == "ready"
    python = environment.python_of(begun)
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    assert environment.state(begun, "1") == "unfinished"
    environment.set_up(Work(), begun, wheel(tmp_path), "1", sys.executable)
    assert environment.state(begun, "1") == "ready"


def test_cancel_ends_the_work_at_once(begun, tmp_path):
    work = Work()
    slow = wheel(tmp_path, "import time; print('waiting', flush=True); time.sleep(60)")
    threading.Thread(target=_cancel_when_waiting, args=(work, begun / environment.LOG), daemon=True).start()
    before = time.monotonic()
    with pytest.raises(Canceled):
        environment.set_up(work, begun, slow, "1", sys.executable)
    assert time.monotonic() - before < 50
    assert environment.state(begun, "1") == "unfinished"


def _cancel_when_waiting(work, log):
    while not (log.is_file() and "waiting" in log.read_text()):
        time.sleep(0.05)
    work.stop.set()


def test_nothing_else_is_ever_deleted(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(Problem, match="Nothing was deleted"):
        environment.remove(tmp_path)
    assert (tmp_path / "holiday.jpg").exists()


def test_too_little_room_is_said_before_anything_is_made(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ROOM", 2**60)
    with pytest.raises(Problem, match="room on the disk"):
        environment.set_up(Work(), folder, wheel(tmp_path), "1", sys.executable)
    assert not environment.python_of(folder).exists()


def test_a_python_is_found():
    said = subprocess.check_output([environment.base_python(), "-c", environment._ASK], text=True)
    assert tuple(map(int, said.split())) >= environment.NEEDED


def test_what_pip_says_in_words():
    work = Work()
    hear = environment._Pip(work)
    for line in ("Collecting torch==2.13.0\n", "  Downloading torch-2.13.0-cp311-none-any.whl (180 MB)\n",
                 "Progress 90000000 of 180000000\n", "Installing collected packages: torch\n"):  # fmt: skip
        hear(line)
    assert work.said == ["Downloading torch", "Downloading torch (90 of 180 MB)", "Installing"]

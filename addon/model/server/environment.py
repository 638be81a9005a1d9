# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's own Python environment: set up, checked, renewed and removed by the add-on. No bpy in here.

It has a folder of its own and never touches Blender's Python. Interrupted work is resumed: pip keeps its downloads,
and installed packages stay installed. A new environment is made beside the one in use, which stays in use until the
new one has passed its checks: `ready.json`, written last, says which of the two is in use.
"""

import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from tempose_pose.local import programs, whole_files

from ..errors import Problem
from . import packages, setup_errors
from .own_environment import own_environment
from .setup_progress import Pip, Total, Worker

NEEDED, TOO_NEW = (3, 11), (3, 15)  # the Python versions that the locked packages are built for
READY, LOG, LOCKED = "ready.json", "setup.log", "lock.txt"
PLACES = ("env-1", "env-2")
LOCK = Path(__file__).with_name("requirements.txt")  # made by scripts/lock_server.py
ROOM = 8 * 2**30  # bytes: the model's libraries with those for a graphics card
SMALL_ROOM = 3 * 2**30  # without
TAKES, SMALL_TAKES = 5.5, 1.5  # final GB on the disk, with and without libraries for a card
WITHOUT_CARD = "https://download.pytorch.org/whl/cpu"  # PyTorch's own index of CPU builds
COMPILE = "from tempose.music.compiled import compile_once; compile_once()"
BUILD = """
import json, torch
card = torch.version.cuda or torch.version.hip
name = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
mps = torch.backends.mps.is_available()
print(json.dumps({"torch": torch.__version__, "card": card, "name": "Apple" if mps else name}))
"""
LOOK = Path(__file__).with_name("installed_packages.py")
BEGUN = "begun.json"  # file in an environment that names the lock it was begun for
_ASK = "import sys; print(sys.version_info[0], sys.version_info[1])"


def python_of(folder: Path) -> Path:
    """Path of the interpreter of the environment in use or, without one, of the first to be made."""
    return _python_in(folder / str(about(folder).get("place", PLACES[0])))


def _python_in(place: Path) -> Path:
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def about(folder: Path) -> dict:
    """The record of the environment in use: ``version``, ``package``, ``place``, ``build`` (in words)."""
    try:
        said = json.loads((folder / READY).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) and said.get("place") in PLACES else {}


def state(folder: Path, version: str) -> str:
    """``missing``, ``unfinished``, ``old`` (made for another version of the add-on) or ``ready``."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return "missing"
    made_for = about(folder).get("version")
    if made_for is None or not python_of(folder).exists():  # the Python that it was made from may be gone
        return "unfinished"
    return "ready" if made_for == version else "old"


def base_python() -> str:
    """A Python to make the environment from: Blender's own interpreter, or one of the system's."""
    names = ["python3.13", "python3.12", "python3.11", "python3", "python"]
    for found in [sys.executable, *filter(None, map(programs.find_program, names))]:
        try:
            said = subprocess.run(
                [found, "-I", "-c", _ASK], capture_output=True, text=True, timeout=20, check=True
            )
            if NEEDED <= (*map(int, said.stdout.split()),) < TOO_NEW and _can_make(found):
                return found
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
    raise Problem(
        "python_needed",
        f"No Python from {NEEDED[0]}.{NEEDED[1]} to 3.{TOO_NEW[1] - 1} with venv was found. Install one from "
        "python.org (on Debian and Ubuntu: apt install python3-venv), then press the button again.",
    )


def _can_make(python: str) -> bool:
    ask = [python, "-I", "-c", "import venv, ensurepip"]
    return subprocess.run(ask, capture_output=True, timeout=20, check=False).returncode == 0


def preset_index() -> str:
    """The default index of PyTorch builds: without libraries for graphics cards if there is no card.

    Only the usual build for Linux includes them, some 5 GB.
    """
    return WITHOUT_CARD if sys.platform == "linux" and not has_card() else ""


def has_card() -> bool:
    """Whether NVIDIA's driver is installed."""
    return Path("/proc/driver/nvidia/version").exists() or programs.find_program("nvidia-smi") is not None


def in_words(torch_index: str) -> str:
    """What will be installed and how much space it takes, in words."""
    small = torch_index == WITHOUT_CARD or sys.platform == "darwin"
    build = (
        "for the processor, as no NVIDIA card is found" if torch_index == WITHOUT_CARD else "for this system"
    )
    if torch_index and torch_index != WITHOUT_CARD:
        return f"PyTorch from {torch_index}, and up to {TAKES} GB on the disk, downloaded once"
    return f"PyTorch {build}: about {SMALL_TAKES if small else TAKES} GB on the disk, downloaded once"


def set_up(
    work: Worker,
    folder: Path,
    package: str,
    version: str,
    python: str | None = None,
    lock: Path | None = None,
    torch_index: str = "",
) -> Path:
    """Make or finish an environment beside the one in use, then replace that; runs in the task's thread.

    Returns its interpreter. Whatever goes wrong, the environment in use stays in use.

    Parameters
    ----------
    work : Worker
        Receives the progress; ends the work when canceled.
    folder : Path
    package : str
        What pip should install: a wheel file, or a requirement.
    version : str
        The add-on's version, recorded at the end.
    python : str, optional
        The Python to make it from; by default `base_python`.
    lock : Path, optional
        Versions and hashes of everything that the package needs; without it, pip chooses and checks no hashes.
    torch_index : str
        Address of another index of PyTorch builds, for a smaller one or one for a graphics card. The version is the
        lock's; that index's hashes are not known.
    """
    try:
        return _set_up(work, folder, package, version, python, lock, torch_index)
    except OSError as error:
        raise setup_errors.of_system(error, folder) from None


def _set_up(
    work: Worker,
    folder: Path,
    package: str,
    version: str,
    python: str | None,
    lock: Path | None,
    torch_index: str,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    room = min(ROOM, SMALL_ROOM) if torch_index == WITHOUT_CARD else ROOM
    if shutil.disk_usage(folder).free < room:
        raise Problem(
            "disk_full", f"The server needs {room >> 30} GB of room on the disk of {folder}. Make room first."
        )
    work = Total(work, lock)
    log, used = folder / LOG, about(folder).get("place")
    name = next(place for place in PLACES if place != used or not python_of(folder).exists())
    inside = _python_in(folder / name)
    with log.open("a", encoding="utf-8") as out:
        begun = hashlib.sha256(lock.read_bytes()).hexdigest() if lock else ""
        if not _works(inside) or (lock and _begun(folder / name) != begun):
            work.status("Making the environment")
            _away(folder / name)
            _run(work, out, [python or base_python(), "-I", "-m", "venv", str(folder / name)], log)
            whole_files.write_json(folder / name / BEGUN, begun)
        work.status("Looking for the packages")
        index, bar = torch_index if lock else "", "off"

        def install(*what: str) -> None:
            nonlocal bar
            if bar == "off" and _pip_counts(inside):  # a newer pip is installed first
                bar = "raw"
            pip = [str(inside), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
            _run(work, out, [*pip, "--progress-bar", bar, *what], log, Pip(work))

        if lock is None:
            install(package, *(["--extra-index-url", torch_index] if torch_index else []))
        for what in packages.steps(lock, index, folder / name) if lock else ():
            install(*what)
        while lock and index:  # each may need others
            found = _look(work, out, inside, log, lock)
            if not (more := packages.for_the_card(found, lock, index, folder / name)):
                break
            for what in more:
                install(*what)
        install("--no-deps", "--force-reinstall", package)  # interrupted work may have left half of it
        text = lock.read_text("utf-8") if lock else None
        _whole(work, out, inside, log, text, index)
        work.at(0.9)
        build = _checked(work, out, inside, log)
        work.status("Preparing to hear music")
        work.at(0.95)
        _run(work, out, [str(inside), "-I", "-c", COMPILE], log)
    if hasattr(os, "sync"):
        os.sync()  # pip does not sync its files: they must be on the disk before anybody relies on them
    said = {"version": version, "package": Path(package).name, "place": name, "build": build, "index": index}
    if text is not None:
        whole_files.write(folder / name / LOCKED, text.encode())
    whole_files.write(folder / READY, json.dumps(said).encode())
    for place in folder.iterdir():  # the environment that was in use before
        if place.name not in (name, READY, LOG):
            _away(place)
    return inside


def verify(work: Worker, folder: Path) -> str:
    """Check that the environment in use is complete and works; return its build in words.

    Raises
    ------
    Problem
        If something is missing or does not work; setting up again makes a new environment beside it.
    """
    log, inside = folder / LOG, python_of(folder)
    with log.open("a", encoding="utf-8") as out:
        used = about(folder)
        locked = folder / str(used.get("place")) / LOCKED
        text = locked.read_text("utf-8") if locked.is_file() else None
        _whole(work, out, inside, log, text, str(used.get("index") or ""))
        return _checked(work, out, inside, log)


def _begun(place: Path) -> object:
    """The lock that an environment was begun for: packages left by another do not count as installed."""
    try:
        return whole_files.read_json(place / BEGUN)
    except whole_files.Damaged:
        return None


def _look(work: Worker, out: TextIO, inside: Path, log: Path, lock: Path | None = None) -> dict:
    """The output of `installed_packages` for an environment."""
    said: list[str] = []
    _run(work, out, [str(inside), "-I", str(LOOK), *([str(lock)] if lock else [])], log, said.append)
    return json.loads(said[-1])


def _whole(work: Worker, out: TextIO, inside: Path, log: Path, lock: str | None, torch_index: str) -> None:
    """Check that all packages are there, fit together and match the lock, and that none of their files was changed.

    If not, pip might still be content, so nothing is resumed in such an environment.
    """
    work.status("Checking the packages")
    try:
        _run(work, out, [str(inside), "-I", "-m", "pip", "--disable-pip-version-check", "check"], log)
        packages.check(_look(work, out, inside, log), lock, torch_index)
    except Problem:
        (inside.parents[1] / BEGUN).unlink(missing_ok=True)
        raise


def _checked(work: Worker, out: TextIO, inside: Path, log: Path) -> str:
    """Load the server and its libraries; return the build of PyTorch in words."""
    work.status("Checking the server")
    _run(work, out, [str(inside), "-I", "-m", "tempose_server", "--check"], log)
    said: list[str] = []
    _run(work, out, [str(inside), "-I", "-c", BUILD], log, said.append)
    found = json.loads(said[-1])
    if found["name"]:
        return f"PyTorch {found['torch']}, dances on the graphics card ({found['name']})"
    if found["card"]:
        return f"PyTorch {found['torch']} for graphics cards; none is found, so it dances on the processor"
    return f"PyTorch {found['torch']} for processors only: no graphics card is used"


def remove(folder: Path) -> None:
    """Delete the environment, and only what looks like one."""
    if (
        folder.is_dir()
        and any(folder.iterdir())
        and not any((folder / name).exists() for name in (*PLACES, LOG))
    ):
        raise Problem(
            "not_ours", f"{folder} holds other things than the server. Nothing was deleted: move them first."
        )
    _away(folder)


def _away(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _works(python: Path) -> bool:
    try:
        ask = [str(python), "-I", "-m", "pip", "--version"]
        return subprocess.run(ask, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _pip_counts(inside: Path) -> bool:
    """Whether this pip can report the progress of downloads."""
    ask = [str(inside), "-I", "-c", "import pip; print(*pip.__version__.split('.')[:2])"]
    said = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=False).stdout
    return said.split() != [] and (*map(int, said.split()),) >= (24, 1)


def _run(
    work: Worker, out: TextIO, command: list[str], log: Path, hear: Callable[[str], None] | None = None
) -> None:
    """Run a command to its end, with its output in the log; end it when the task is canceled."""
    out.write(f"$ {' '.join(command)}\n")
    out.flush()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8", errors="replace", env=own_environment(), cwd=log.parent,
        )  # fmt: skip
    except OSError as error:
        raise Problem(
            "python_failed", f"{command[0]} could not be started: {error.strerror or error}. Try again."
        ) from None
    lines: queue.Queue = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    last: list[str] = []
    try:
        while True:
            try:
                line = lines.get(timeout=0.1)
            except queue.Empty:
                work.sleep(0)  # raises when canceled
                continue
            if line is None:
                break
            if not line.startswith("Progress"):
                out.write(line)
                out.flush()
                last = [*last[-199:], line.strip()]
            if hear is not None:
                hear(line)
            work.sleep(0)
    finally:
        if process.poll() is None and lines.empty():
            try:
                process.wait(1.0 if not reader.is_alive() else 0.01)
            except subprocess.TimeoutExpired:
                process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(5)
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode:
        raise setup_errors.problem(last, log)

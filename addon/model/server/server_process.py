# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that the add-on started: it lives and dies with Blender, unless it is told to stay. No bpy in here."""

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import Problem
from .own_environment import own_environment

MAX_RUNTIME_BYTES = 10_000
LOG_LINES = 12

# The server ends when its standard input closes, so it goes with Blender even when Blender crashes.
_WATCHED = """
import os, runpy, signal, sys, threading
def watch():
    while sys.stdin.buffer.read(1): pass
    threading.Timer(8, os._exit, (1,)).start()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=watch, daemon=True).start()
runpy.run_module("tempose_server", run_name="__main__", alter_sys=True)
"""

_running: "ServerProcess | None" = None


def running() -> "ServerProcess | None":
    """The server that this Blender has started, while it lives."""
    return _running if _running is not None and _running.alive() else None


def is_there(preference: str, managed: Path | None) -> bool:
    """Whether any Python that may hold the server is known."""
    return bool(os.environ.get("TEMPOSE_PYTHON") or preference or managed)


def choose_python(preference: str, managed: Path | None = None) -> str:
    """The Python that holds the server.

    The environment's TEMPOSE_PYTHON goes first, then the preference, then the one that *Set Up Server* made.
    """
    chosen = os.environ.get("TEMPOSE_PYTHON") or preference or (str(managed) if managed else "")
    if not chosen:
        raise Problem(
            "python_unset",
            "There is no server on this machine yet. Press Set Up Server, or connect to a server that runs "
            "already. An environment of your own can be named in the add-on's preferences.",
        )
    if not (Path(chosen).is_file() or shutil.which(chosen)):
        raise Problem(
            "python_missing", f"There is no Python at {chosen}. Correct it in the add-on's preferences."
        )
    return chosen


def read_runtime_file(path: Path) -> tuple[str, str]:
    """Address and token of a running server."""
    try:
        entry = _read(path)
        url, token = entry["url"], entry["token"]
        if not isinstance(url, str) or not isinstance(token, str):
            raise ValueError
    except FileNotFoundError:
        raise Problem(
            "server_not_found", "No running Tempose server was found. Start one here, or run: tempose serve"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Problem(
            "runtime_file", f"{path} does not say where a server runs. Start the server again."
        ) from None
    return url, token


def _read(path: Path) -> dict:
    with path.open("rb") as file:
        return json.loads(file.read(MAX_RUNTIME_BYTES))


def staying_file() -> Path:
    """The runtime file of the server that was told to stay."""
    return default_runtime_file().with_name("blender.json")


def staying() -> tuple[str, str] | None:
    """Address and token of the server that a Blender left running, if it still answers its port."""
    try:
        url, token = read_runtime_file(staying_file())
        place = urlsplit(url)
        socket.create_connection((place.hostname or "", place.port or 0), timeout=0.5).close()
    except (Problem, OSError, ValueError):
        return None
    return url, token


def stop_staying(token: str) -> bool:
    """End the server that was told to stay, if it is the one with this token."""
    try:
        entry = _read(staying_file())
        if entry["token"] != token:
            return False
        os.kill(int(entry["pid"]), signal.SIGTERM)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def default_runtime_file() -> Path:
    """Where `tempose serve` says that it runs, on each system."""
    if named := os.environ.get("TEMPOSE_SERVER_RUNTIME_FILE"):
        return Path(named)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", "")) / "Temp" / "tempose" / "tempose" / "server.json"
    if os.uname().sysname == "Darwin":
        return Path.home() / "Library" / "Caches" / "TemporaryItems" / "tempose" / "server.json"
    base = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    if not os.access(base, os.W_OK):
        base = f"{tempfile.gettempdir()}/runtime-{os.getuid()}"  # as platformdirs has it
    return Path(base) / "tempose" / "server.json"


class ServerProcess:
    """`python -m tempose_server` with a runtime file and a log of its own.

    Parameters
    ----------
    python : str
    stays : bool
        Whether it goes on when Blender ends.
    """

    def __init__(self, python: str, stays: bool = False):
        self.stays = stays
        self.folder = Path(tempfile.mkdtemp(prefix="tempose-server-"))  # readable by this user alone
        self.runtime_file = staying_file() if stays else self.folder / "server.json"
        self.log = self.folder / "server.log"
        model = os.environ.get("TEMPOSE_SERVER_MODEL") or "default"
        program = ["-m", "tempose_server"] if stays else ["-c", _WATCHED]
        command = [
            python, "-I", *program, "--runtime-file", str(self.runtime_file), "--port", "0", "--model", model
        ]  # fmt: skip
        detached = (
            0x00000208 if stays and os.name == "nt" else 0
        )  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP
        try:
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL if stays else subprocess.PIPE, stdout=log, stderr=log,
                    env=own_environment(), cwd=self.folder, start_new_session=stays, creationflags=detached,
                )  # fmt: skip
        except OSError as error:
            self._clear()
            raise Problem(
                "python_failed",
                f"{python} could not be started: {error.strerror or error}. "
                "Choose another one in the add-on's preferences.",
            ) from None

    def alive(self) -> bool:
        return self.process.poll() is None

    def address(self) -> tuple[str, str] | None:
        """Address and token once the server listens; raises `Problem` when it has ended instead."""
        if not self.alive():
            raise Problem("server_ended", f"The server ended at once. Its log says: {self.last_words()}")
        return read_runtime_file(self.runtime_file) if self.runtime_file.is_file() else None

    def last_words(self) -> str:
        """The end of the log."""
        try:
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return " | ".join(line.strip() for line in lines[-LOG_LINES:] if line.strip())[-600:] or "(nothing)"

    def stop(self, seconds: float = 5.0) -> None:
        """End the server and remove its files."""
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(seconds)
        self._clear()

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def launch(python: str, stays: bool = False) -> ServerProcess:
    """Start a server in place of the one before."""
    global _running  # noqa: PLW0603
    stop()
    _running = ServerProcess(python, stays)
    return _running


def leave() -> None:
    """Blender ends: so does the server, unless it was told to stay."""
    if _running is not None and not _running.stays:
        stop()


def stop() -> bool:
    """End the server that this Blender has started; false when there is none."""
    global _running
    server, _running = _running, None
    if server is None:
        return False
    server.stop()
    return True


atexit.register(leave)

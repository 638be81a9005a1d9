# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that the add-on starts: it lives and dies with Blender, unless told to stay. No bpy in here."""

import atexit
import contextlib
import hmac
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tempose_pose.local import programs, runtime_file
from tempose_pose.local.runtime_file import RunningServer

from ..errors import Problem
from . import setup_errors
from .client import Client
from .own_environment import own_environment

LOG_LINES = 12
PROOF_SECONDS = 1.0

# The server ends when its standard input closes, so it ends with Blender even if Blender crashes.
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
    """The server that this Blender started, while it runs."""
    return _running if _running is not None and _running.alive() else None


def is_there(preference: str, managed: Path | None) -> bool:
    """Whether any Python is known that may have the server."""
    return bool(os.environ.get("TEMPOSE_PYTHON") or preference or managed)


def choose_python(preference: str, managed: Path | None = None) -> str:
    """The Python that has the server.

    The environment variable TEMPOSE_PYTHON comes first, then the preference, then the one that *Set Up Server* made.
    """
    chosen = os.environ.get("TEMPOSE_PYTHON") or preference or (str(managed) if managed else "")
    if not chosen:
        raise Problem(
            "python_unset",
            "There is no server on this machine yet. Press Set Up Server, or connect to a server that runs "
            "already. An environment of your own can be named in the add-on's preferences.",
        )
    found = str(Path(chosen).absolute()) if Path(chosen).is_file() else programs.find_program(chosen)
    if found is None:
        raise Problem(
            "python_missing", f"There is no Python at {chosen}. Correct it in the add-on's preferences."
        )
    return found


def staying_file() -> Path:
    """The runtime file of a server that was told to stay."""
    return default_runtime_file().with_name("blender.json")


def default_runtime_file() -> Path:
    """The runtime file of `tempose serve` on this system."""
    named = os.environ.get("TEMPOSE_SERVER_RUNTIME_FILE")
    return Path(named) if named else runtime_file.default()


def staying() -> RunningServer | None:
    """The server that another Blender left running, if it is still there."""
    try:
        found = runtime_file.read(staying_file())
    except Problem:
        return None
    return found if _proven(found) else None


def stop_staying(token: str) -> bool:
    """End the server that was told to stay, if it is the one with this token.

    The contents of a file are no reason to end a process. It is signalled only if the server itself, at its port,
    proves its process id together with the token, and the system says that this process is still the one that wrote
    the file.

    Raises
    ------
    Problem
        If the system does not allow it.
    """
    try:
        found = runtime_file.read(staying_file())
    except Problem:
        return False
    if not hmac.compare_digest(found.token.encode(), token.encode()):
        return False
    handle = None
    try:
        if hasattr(os, "pidfd_open"):  # on Linux: no other process can get the id meanwhile
            handle = os.pidfd_open(found.pid)
        if not found.is_ours or not _proven(found):
            return False
        if handle is not None:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
        else:
            os.kill(found.pid, signal.SIGTERM)
    except PermissionError:
        raise Problem(
            "not_allowed",
            "This system does not let the server be stopped from here. End it where it was started.",
        ) from None
    except (OSError, OverflowError):
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


def _proven(server: RunningServer) -> bool:
    """Whether the server at that port is the one that wrote the file; brief, because Blender waits."""
    try:
        Client(server.url, server.token, pid=server.pid).prove(timeout=PROOF_SECONDS)
    except Problem:
        return False
    return True


class ServerProcess:
    """`python -m tempose_server` with a runtime file and a log of its own.

    Parameters
    ----------
    python : str
    stays : bool
        Whether it keeps running when Blender ends.
    """

    def __init__(self, python: str, stays: bool = False):
        self.stays = stays
        self.folder = Path(tempfile.mkdtemp(prefix="tempose-server-"))  # readable only by this user
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

    def address(self) -> RunningServer | None:
        """Its address, once it listens; raises `Problem` if it has ended instead."""
        if not self.alive():
            said = self.last_sentence() or "Copy Diagnostics has the end of its log, to be reported."
            raise Problem("server_ended", f"The server ended at once. {said} Then press Start Server again.")
        try:
            return runtime_file.read(self.runtime_file)
        except Problem as problem:
            if problem.code != "server_not_found":  # not there yet, or an earlier server's
                raise
            return None

    def last_words(self) -> str:
        """The end of the log."""
        try:
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return " | ".join(line.strip() for line in lines[-LOG_LINES:] if line.strip())[-600:] or "(nothing)"

    def last_sentence(self) -> str:
        """The last sentence in the log that is meant for people, or nothing; never scraps of a traceback."""
        try:
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            lines = []
        return next(filter(None, map(setup_errors.sentence, reversed(lines[-LOG_LINES:]))), "")

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
    """Start a server in place of the previous one."""
    global _running  # noqa: PLW0603
    stop()
    _running = ServerProcess(python, stays)
    return _running


def leave() -> None:
    """Blender is quitting: end the server too, unless it was told to stay."""
    if _running is not None and not _running.stays:
        stop()


def stop() -> bool:
    """End the server that this Blender started; return false if there is none."""
    global _running
    server, _running = _running, None
    if server is None:
        return False
    server.stop()
    return True


atexit.register(leave)

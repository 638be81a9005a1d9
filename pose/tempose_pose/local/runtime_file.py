"""The runtime file: a server's address and token, for programs of the same user. A claim, not a fact.

Readers first check the file's owner, then whether its process is still the one that wrote it; with `proof` they
check that the server answering there knows the token.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tempose_pose.errors import TemposeError
from tempose_pose.local import permissions, programs

MAX_BYTES = 10_000


@dataclass(frozen=True)
class RunningServer:
    """What a runtime file says.

    Parameters
    ----------
    url, token : str
    pid : int
    started : str
        When that process started, by `programs.started`; "" if unknown.
    """

    url: str
    token: str
    pid: int
    started: str = ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def is_gone(self) -> bool:
        """Whether its process has ended, even if another one has its id now."""
        if self.started:
            return programs.started(self.pid) != self.started
        return programs.started(os.getpid()) is not None and programs.started(self.pid) is None

    @property
    def is_ours(self) -> bool:
        """Whether that process, as far as the system can tell, is the server that wrote this file."""
        said = programs.command_line(self.pid)
        return bool(self.started) and not self.is_gone and (not said or "tempose" in said)


def default() -> Path:
    """The runtime file of `tempose serve` on each system: platformdirs' `user_runtime_dir`, without that package."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", "")) / "Temp" / "tempose" / "tempose" / "server.json"
    if os.uname().sysname == "Darwin":
        return Path.home() / "Library" / "Caches" / "TemporaryItems" / "tempose" / "server.json"
    base = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    if not os.access(base, os.W_OK):
        base = f"{tempfile.gettempdir()}/runtime-{os.getuid()}"
    return Path(base) / "tempose" / "server.json"


def read(path: Path) -> RunningServer:
    """What a runtime file says.

    Raises
    ------
    TemposeError
        ``server_not_found``: there is none, or its server has ended; ``runtime_file``: it is unreadable;
        ``runtime_file_foreign``: it cannot be trusted.
    """
    try:
        permissions.check_file(path, "runtime_file_foreign")
        with path.open("rb") as file:
            said = json.loads(file.read(MAX_BYTES + 1)[:MAX_BYTES])
        found = RunningServer(said["url"], said["token"], said["pid"], said.get("started", ""))
        if not all(isinstance(text, str) for text in (found.url, found.token, found.started)):
            raise ValueError
        if type(found.pid) is not int or found.pid <= 0 or found.port <= 0:
            raise ValueError
    except FileNotFoundError:
        raise TemposeError(
            "server_not_found", "No running Tempose server was found. Start one here, or run: tempose serve"
        ) from None
    except OSError as error:
        raise TemposeError(
            "runtime_file", f"{path} cannot be read ({error.strerror or error}). Start the server again."
        ) from None
    except TemposeError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TemposeError(
            "runtime_file", f"{path} does not say where a server runs. Start the server again."
        ) from None
    if found.is_gone:
        raise TemposeError(
            "server_not_found",
            "The Tempose server that ran on this machine has ended. Start one here, or run: tempose serve",
        )
    return found


def prepare(path: Path) -> None:
    """Make the file's folder, and check that a file can be put there, and only by us.

    Raises
    ------
    TemposeError
    """
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        permissions.check_parent(folder, "runtime_folder")
        if path.is_dir():
            raise TemposeError("runtime_file", f"{path} is a folder. Give another --runtime-file.")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise TemposeError(
            "runtime_folder",
            f"The folder {folder} cannot be used: {error.strerror}. Give another --runtime-file.",
        ) from None


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold the file for this server; another server that would take it over is refused."""
    try:
        with programs.holding(path.with_name(f"{path.name}.lock")):
            yield
    except programs.Held:
        raise TemposeError(
            "runtime_file_in_use",
            f"Another Tempose server has the runtime file {path}. Stop it, or give this one its own --runtime-file.",
        ) from None
    except OSError as error:
        if error.filename is None or not str(error.filename).endswith(".lock"):
            raise
        raise TemposeError(
            "runtime_folder", f"The folder {path.parent} cannot be used: {error.strerror}."
        ) from None


def write(path: Path, url: str, token: str) -> None:
    """Write where this process serves: atomically, and readable only by the owner."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # 0600 before any content
    said = RunningServer(url, token, os.getpid(), programs.started(os.getpid()) or "")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(said), file)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove(path: Path, token: str) -> None:
    """Remove the file, unless a later server has already replaced it."""
    try:
        if json.loads(path.read_text()).get("token") == token:
            path.unlink()
    except (OSError, ValueError, AttributeError):
        pass  # gone, or not ours

"""Programs and processes of this machine: found only by absolute paths, told apart by their start times."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_PS = "/bin/ps"


def find_program(name: str) -> str | None:
    """Find a program in PATH's absolute folders; never in the current folder, where Windows looks first."""
    if Path(name).is_absolute():
        return name if _can_run(Path(name)) else None
    endings = ["", *os.environ.get("PATHEXT", ".EXE;.BAT;.CMD").split(";")] if _is_windows() else [""]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if Path(folder).is_absolute():
            for ending in endings:
                found = Path(folder) / f"{name}{ending}"
                if _can_run(found):
                    return str(found)
    return None


def _is_windows() -> bool:
    return os.name == "nt"


def _can_run(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def started(pid: int) -> str | None:
    """A mark that tells a process from any later one with the same id; None if unavailable.

    Linux: boot and clock tick (proc(5)); other POSIX systems: ps; Windows: GetProcessTimes.
    """
    if pid <= 0:
        return None
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        except OSError:
            return None
        return None if fields[0] in "ZX" else f"{boot} {fields[19]}"
    if sys.platform == "win32":
        return _started_on_windows(pid)
    return _ps(pid, "lstart") or None


def command_line(pid: int) -> str:
    """The command a process was started with, "" if unknown."""
    if pid <= 0 or sys.platform == "win32":
        return ""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return _ps(pid, "command")


def _ps(pid: int, column: str) -> str:
    try:
        said = subprocess.run(
            [_PS, "-o", f"{column}=", "-p", str(pid)],
            capture_output=True, text=True, timeout=5, check=False, env={"LC_ALL": "C"}, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()


def _started_on_windows(pid: int) -> str | None:
    import ctypes

    windows = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 (only there)
    handle = windows.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return None
    times = [ctypes.c_ulonglong() for _ in range(4)]
    good = windows.GetProcessTimes(handle, *map(ctypes.byref, times))
    windows.CloseHandle(handle)
    return str(times[0].value) if good else None


class Held(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold a lock file while this process lives: a killed process releases its lock.

    Raises
    ------
    Held
    OSError
        The file cannot be created; links are not followed.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags, 0o600), "r+") as file:
        try:
            _lock(file)
        except OSError:
            raise Held from None
        yield


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""The runtime file: where the server is and its token, for programs of the same user."""

from __future__ import annotations

import json
import os
import secrets
import stat
from pathlib import Path

from tempose_pose.errors import TemposeError


def write(path: Path, url: str, token: str) -> None:
    """Write {"url", "token", "pid"} at once and readable by the owner alone."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # 0600 before any content
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({"url": url, "token": token, "pid": os.getpid()}, file)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def prepare(path: Path) -> None:
    """Make the file's folder; refuse one where another user could put a file in place of this one."""
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise TemposeError(
            "runtime_folder", f"The folder {folder} cannot be used: {error.strerror}."
        ) from None
    if os.name != "posix":
        return
    status = folder.stat()
    open_to_all = status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX
    if open_to_all or status.st_uid not in (0, os.getuid()):
        raise TemposeError(
            "runtime_folder", f"Other users can change the folder {folder}. Give another --runtime-file."
        )


def remove(path: Path, token: str) -> None:
    """Remove the file, unless a later server has already put its own there."""
    try:
        if json.loads(path.read_text()).get("token") == token:
            path.unlink()
    except (OSError, ValueError, AttributeError):
        pass  # gone, or not ours

"""Owners and access rights of files and folders. On Windows, rights are left to the user's profile.

Everything here checks POSIX owners and mode bits; an `OSError` is put into words, with the path.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tempose_pose.errors import TemposeError

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_ours(status: os.stat_result) -> bool:
    """Whether the file is this user's."""
    return os.name != "posix" or status.st_uid == os.getuid()


def check_file(path: Path, code: str) -> None:
    """Refuse, before reading it, a file that somebody else may have written or can read.

    Raises
    ------
    FileNotFoundError
        There is none.
    TemposeError
        With `code`: it is a link or not a file, another user's, open to others, or in a folder that others can
        change.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise TemposeError(
            code, f"{path} is not an ordinary file. Move it away, then start the server again."
        )
    if not is_ours(status):  # whatever it says
        raise TemposeError(
            code, f"{path} belongs to another user and is not believed. Start a server of your own."
        )
    if os.name == "posix" and status.st_mode & OTHERS:
        raise TemposeError(
            code, f"Others can read or change {path}, so it is not believed. Start the server again."
        )
    check_parent(path.parent, code)


def check_secret(path: Path, code: str, what: str) -> None:
    """Refuse a secret that others can read, or that another user wrote and so knows; links to it are allowed.

    Raises
    ------
    OSError
        It cannot be examined.
    TemposeError
        With `code`; `what` names the file in its words.
    """
    if os.name != "posix":
        return
    status = path.stat()
    if status.st_uid not in (0, os.getuid()):
        raise TemposeError(
            code, f"The {what} {path} belongs to another user, who knows it. Give one of your own."
        )
    if status.st_mode & OTHERS:
        raise TemposeError(code, f"Others can read the {what} {path}; run chmod 600 on it.")


def check_parent(folder: Path, code: str) -> None:
    """Refuse a folder in which another user could put a file in place of ours."""
    if os.name != "posix":
        return
    status = folder.stat()
    sticky_root = status.st_uid == 0 and status.st_mode & stat.S_ISVTX
    if status.st_uid not in (0, os.getuid()) or (status.st_mode & OTHERS_WRITE and not sticky_root):
        raise TemposeError(code, f"Other users can change what is in the folder {folder}. Use another one.")


def claim_folder(folder: Path, known: tuple[str, ...], code: str) -> None:
    """Make a private folder, or claim an existing one: tighten its rights if that is safe, else refuse it.

    Parameters
    ----------
    folder : Path
    known : tuple of str
        Names that belong in it; one that ends in ``*`` is a prefix.
    code : str
        Code of the `TemposeError`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        entries = {path.name: path.lstat() for path in folder.iterdir()}
    except OSError as error:
        raise _unusable(folder, error, code) from None
    for name, entry in entries.items():
        if stat.S_ISLNK(entry.st_mode) and _is_known(name, known):
            raise TemposeError(code, f"{folder / name} is a link. Remove it, or give another folder.")
    if os.name != "posix":
        return
    if not is_ours(status):
        raise TemposeError(code, f"The folder {folder} belongs to another user. Give one of your own.")
    for name, entry in entries.items():
        if _is_known(name, known) and not is_ours(entry):
            raise TemposeError(
                code, f"{folder / name} belongs to another user. Remove it, or give another folder."
            )
    if not status.st_mode & OTHERS:
        return
    if status.st_mode & (OTHERS_WRITE | stat.S_ISVTX) and entries:
        raise TemposeError(
            code,
            f"Other users could write into the folder {folder}. See that all in it is yours, then run chmod 700 on "
            "it; or give another one.",
        )
    if strangers := sorted(name for name in entries if not _is_known(name, known)):
        raise TemposeError(
            code,
            f"Others can look into the folder {folder}, which holds other things too ({strangers[0]}). Give a folder "
            "of its own, or run chmod 700 on it.",
        )
    folder.chmod(0o700)


def _is_known(name: str, known: tuple[str, ...]) -> bool:
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in known)


def _unusable(path: Path, error: OSError, code: str) -> TemposeError:
    return TemposeError(code, f"{path} cannot be used: {error.strerror or error}.")

"""Durable files: written completely, on disk before anybody relies on them, and checked when read.

A rename alone is no guarantee: after a power cut the new name may refer to a file of 0 bytes. So the contents are
synced to disk, then the file is renamed, then the folder's entry is synced too (POSIX's rename and fsync; LWN,
"Ensuring data reaches disk", 2011).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

HEAD_BYTES = 200  # of the first line of a JSON file
_NUMBERED = re.compile(r"([0-9]{9,18})-")  # names of files set aside; people may put other things beside them


class Damaged(Exception):
    """A file is not what was written: it is shorter, longer, changed or gone."""


@dataclass(frozen=True)
class Seal:
    """Length and SHA-256 of the written bytes."""

    bytes: int
    sha256: str

    @classmethod
    def of_data(cls, data: bytes) -> Seal:
        return cls(len(data), hashlib.sha256(data).hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> Seal:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(file.tell(), digest)

    def check(self, path: Path) -> None:
        """Raise `Damaged` if the file is not the sealed one."""
        try:
            same = path.stat().st_size == self.bytes and Seal.of_file(path) == self
        except OSError:
            same = False
        if not same:
            raise Damaged(path.name)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which gets its name once it is complete and on disk; a failed one leaves nothing behind."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            yield file
            sync(file)
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write(path: Path, data: bytes) -> Seal:
    """Write a durable file; return its seal."""
    with writing(path) as file:
        file.write(data)
    return Seal.of_data(data)


def read(path: Path, seal: Seal) -> bytes:
    """The bytes that were sealed; raises `Damaged` for any others."""
    try:
        data = path.read_bytes()
    except OSError:
        raise Damaged(path.name) from None
    if Seal.of_data(data) != seal:
        raise Damaged(path.name)
    return data


def write_sealed(path: Path, data: bytes) -> None:
    """Write a durable file with its seal in the first line."""
    write(path, json.dumps(asdict(Seal.of_data(data))).encode() + b"\n" + data)


def read_sealed(path: Path) -> bytes:
    """The bytes that `write_sealed` wrote; raises `Damaged` if they are missing or changed."""
    try:
        head, _, data = path.read_bytes().partition(b"\n")
        seal = Seal(**json.loads(head[:HEAD_BYTES]))
    except (OSError, ValueError, TypeError, RecursionError):
        raise Damaged(path.name) from None
    if Seal.of_data(data) != seal:  # of the first line
        raise Damaged(path.name)
    return data


def write_json(path: Path, value: Any) -> None:
    """Write a value to a durable, sealed file."""
    write_sealed(path, json.dumps(value).encode())


def read_json(path: Path) -> Any:
    """The value that `write_json` wrote; raises `Damaged` if it is missing or changed."""
    try:
        return json.loads(read_sealed(path))
    except (ValueError, RecursionError):
        raise Damaged(path.name) from None


def keep_folder(folder: Path, target: Path) -> None:
    """Move a folder of fresh files to its place; it is on disk when this returns."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
            continue
        with path.open("rb+") as file:
            sync(file)
    sync_folder(folder)
    folder.rename(target)
    sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Make a private folder, with its parents, that survives a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def set_aside(path: Path, place: Path, keep: int = 20) -> None:
    """Move a damaged file into a folder where people can look at it; the newest `keep` stay."""
    make_folder(place)
    kept = sorted((int(found[1]), one) for one in place.iterdir() if (found := _NUMBERED.match(one.name)))
    number = kept[-1][0] + 1 if kept else 1
    with contextlib.suppress(FileNotFoundError):
        path.rename(place / f"{number:09d}-{path.name}")
        sync_folder(path.parent)
    for _, old in kept[: max(0, len(kept) + 1 - keep)]:
        remove(old)


def remove(path: Path) -> None:
    """Remove a file or a folder of files; silent on failure."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            for inner in path.iterdir():
                remove(inner)
            path.rmdir()
        else:
            path.unlink()


def sync(file: IO[Any]) -> None:
    """Flush everything written to a file to disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, if the system can (Windows does it with the rename)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

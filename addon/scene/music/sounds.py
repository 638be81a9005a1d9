# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of sounds: the contents of their files, whatever their names."""

import hashlib
import time
from pathlib import Path

import bpy

from ...model.music.containers import HEAD
from .. import compat

WHOLE = 4_000_000  # bytes; of larger files, as many are read in blocks from beginning to end
BLOCKS = 64
LOOK = 1.0  # seconds between checks of a file: drawing asks at every redraw
_seen: dict[tuple, tuple[float, tuple, str]] = {}  # by sound → when it was checked, its state then, its mark


def content(sound: bpy.types.Sound | None) -> str:
    """A hash of the contents of a sound's file; "" if unreadable."""
    if sound is None:
        return ""
    packed = sound.packed_file
    path = bpy.path.abspath(sound.filepath, library=sound.library)
    key = (packed.as_pointer(), packed.size) if packed else (path,)
    now = time.monotonic()
    looked, looks, mark = _seen.get(key, (-LOOK, (), ""))
    if looks and now - looked < LOOK:
        return mark
    try:
        looks_now = ("packed", packed.size) if packed else _looks(path)
        if looks_now != looks:
            mark = _mark_of_bytes(bytes(packed.data)) if packed else _mark_of_file(path, looks_now[1])
    except OSError:
        looks_now, mark = ("missing",), ""
    _seen[key] = (now, looks_now, mark)
    return mark


def head(sound: bpy.types.Sound) -> tuple[bytes, int]:
    """A sound's first bytes, and its size; empty if unreadable."""
    packed = sound.packed_file
    if packed:
        return bytes(packed.data[:HEAD]), packed.size
    try:
        with Path(bpy.path.abspath(sound.filepath, library=sound.library)).open("rb") as file:
            return file.read(HEAD), file.seek(0, 2)
    except OSError:
        return b"", 0


def _looks(path: str) -> tuple:
    stat = Path(path).stat()
    return stat.st_mtime_ns, stat.st_size


def _places(size: int) -> list[tuple[int, int]]:
    """(start, length) of the blocks to read."""
    if size <= WHOLE:
        return [(0, size)]
    length = WHOLE // BLOCKS
    return [(i * (size - length) // (BLOCKS - 1), length) for i in range(BLOCKS)]


def _mark_of_bytes(data: bytes) -> str:
    mark = hashlib.blake2b(str(len(data)).encode(), digest_size=8)
    for start, length in _places(len(data)):
        mark.update(data[start : start + length])
    return mark.hexdigest()


def _mark_of_file(path: str, size: int) -> str:
    mark = hashlib.blake2b(str(size).encode(), digest_size=8)
    with Path(path).open("rb") as file:
        for start, length in _places(size):
            file.seek(start)
            mark.update(file.read(length))
    return mark.hexdigest()


def others(sound: bpy.types.Sound) -> set[str]:
    """Marks of the other sounds in this .blend with a file of the same name."""
    name = compat.file_name(sound)
    return {content(s) for s in bpy.data.sounds if s != sound and compat.file_name(s) == name} - {
        "",
        content(sound),
    }


def forget() -> None:
    """Forget all marks: another file was loaded."""
    _seen.clear()

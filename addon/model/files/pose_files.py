# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances as files, written and read back: OpenPose and COCO JSON, and NumPy's .npz. No bpy in here."""

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from ..dance.dance import MAX_FRAMES
from ..errors import Problem
from .coco import coco, from_coco
from .npz import from_npz, npz
from .openpose import from_pages, openpose, pages_of
from .poses import Poses
from .reading import MAX_BYTES, unreadable


def save(poses: Poses, path: str, kind: str) -> int:
    """Write a file of kind ``OPENPOSE``, ``COCO`` or ``NPZ``, or with ``FOLDER`` one OpenPose file per frame.

    Returns how many files. A file that was there before is replaced only when the new one is whole.
    """
    try:
        if kind == "FOLDER":
            folder = Path(path)
            folder.mkdir(parents=True, exist_ok=True)
            for t, page in enumerate(openpose(poses)):
                _put(folder / f"{folder.name}_{t:012d}_keypoints.json", json.dumps(page).encode())
            return len(poses)
        data = (
            npz(poses)
            if kind == "NPZ"
            else json.dumps(openpose(poses) if kind == "OPENPOSE" else coco(poses)).encode()
        )
        _put(Path(path), data)
        return 1
    except OSError as error:
        raise Problem(
            "file_unwritable",
            f"{Path(path).name} cannot be written: {error.strerror or error}. Choose another place.",
        ) from None


def _put(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(part).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(part).unlink()
        raise


def load(path: str, fps: float, canvas: tuple[int, int]) -> Poses:
    """Read what `save` writes, and the same from elsewhere: a file, or a folder of one OpenPose file per frame.

    Parameters
    ----------
    fps, canvas
        Taken where the file does not say them.
    """
    at = Path(path)
    try:
        if at.is_dir():
            files = sorted(at.glob("*.json"), key=_natural)
            if not files or len(files) > MAX_FRAMES:
                raise unreadable(
                    at.name, "the folder holds no .json files" if not files else "it is too long"
                )
            pages = [page for file in files for page in pages_of(_json(file), file.name)]
            return from_pages(pages, at.name, fps, canvas)
        if at.stat().st_size > MAX_BYTES:
            raise unreadable(at.name, "it is too large")
        if at.suffix.lower() == ".npz":
            return from_npz(at)
        data = _json(at)
    except OSError as error:
        raise Problem(
            "file_missing", f"{at.name} cannot be read: {error.strerror or error}. Choose another one."
        ) from None
    if isinstance(data, dict) and "annotations" in data:
        return from_coco(data, at.name, fps, canvas)
    return from_pages(pages_of(data, at.name), at.name, fps, canvas)


def _natural(path: Path) -> list:
    """Sort key that puts frame 10 after frame 9."""
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in re.split(r"(\d+)", path.name)]


def _json(path: Path):
    if path.stat().st_size > MAX_BYTES:
        raise unreadable(path.name, "it is too large")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise unreadable(path.name, "it is not JSON") from None

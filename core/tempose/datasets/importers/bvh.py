"""BVH files: the skeleton, the channels, and where every joint is in every frame.

Format: Meredith and Maddock, Motion Capture File Formats Explained (2001). Read here rather than by a library: the
one that is kept up (bvhio) pins an exact version of PyGLM and walks joints frame by frame in Python.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from tempose_pose.errors import TemposeError

MAX_BYTES = 1 << 29
MAX_JOINTS = 1000
_CHANNELS = {f"{axis}{kind}": (kind, i) for kind in ("position", "rotation") for i, axis in enumerate("XYZ")}


@dataclass(frozen=True, eq=False)
class Bvh:
    """A parsed file.

    names, parents (J,), offsets (J, 3), channels: per joint a list of (kind, axis), values (T, C), frame_time in
    seconds as the header says it. End sites are joints without channels, named ``PARENT_end``.
    """

    names: list[str]
    parents: list[int]
    offsets: np.ndarray
    channels: list[list[tuple[str, int]]]
    values: np.ndarray
    frame_time: float

    def positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Joints' places (T, J, 3) in the file's own units, and their rotations (T, J, 3, 3) in the world."""
        frames = len(self.values)
        places = np.empty((frames, len(self.names), 3))
        turns = np.empty((frames, len(self.names), 3, 3))
        column = 0
        for joint, (parent, channels) in enumerate(zip(self.parents, self.channels, strict=True)):
            own = self.values[:, column : column + len(channels)]
            column += len(channels)
            offset = np.broadcast_to(self.offsets[joint], (frames, 3)).copy()
            order = "".join("XYZ"[axis] for kind, axis in channels if kind == "rotation")
            for index, (kind, axis) in enumerate(channels):
                if kind == "position":  # a channel takes the place of the offset, as all programs read it
                    offset[:, axis] = own[:, index]
            turn = np.broadcast_to(np.eye(3), (frames, 3, 3))
            if order:
                angles = own[:, [i for i, (kind, _) in enumerate(channels) if kind == "rotation"]]
                turn = Rotation.from_euler(order, angles, degrees=True).as_matrix()
            if parent < 0:
                places[:, joint], turns[:, joint] = offset, turn
            else:
                places[:, joint] = places[:, parent] + np.einsum("tij,tj->ti", turns[:, parent], offset)
                turns[:, joint] = turns[:, parent] @ turn
        return places, turns


def read_bvh(path: str | os.PathLike) -> Bvh:
    """Parse a file.

    Raises
    ------
    TemposeError
        The file is missing, too large, or not BVH; the message says where.
    """
    path = Path(path)
    if not path.is_file():
        raise TemposeError("bvh_missing", f"There is no file {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise TemposeError("bvh_large", f"{path.name} is larger than {MAX_BYTES >> 20} MiB.")
    text = path.read_text(encoding="utf-8", errors="replace")
    head, found, tail = text.partition("MOTION")
    if not found or "HIERARCHY" not in head:
        raise _bad(path, "HIERARCHY or MOTION is missing")
    try:
        names, parents, offsets, channels = _hierarchy(head.split(), path)
    except (IndexError, ValueError) as error:
        raise _bad(path, "the hierarchy breaks off or holds a word where a number should be") from error
    lines = tail.strip().splitlines()
    try:
        count = int(lines[0].split()[-1])
        frame_time = float(lines[1].split()[-1])
        values = np.asarray(" ".join(lines[2:]).split(), float)
    except (IndexError, ValueError) as error:
        raise _bad(path, "the motion is no table of numbers") from error
    width = sum(len(c) for c in channels)
    if count < 1 or width == 0 or values.size != count * width:
        raise _bad(path, f"{count} frames of {width} channels are announced, {values.size} numbers are there")
    if not (0 < frame_time < 10) or not np.isfinite(values).all():
        raise _bad(path, "the frame time or a value makes no sense")
    return Bvh(names, parents, np.asarray(offsets), channels, values.reshape(count, width), frame_time)


def _bad(path: Path, why: str) -> TemposeError:
    return TemposeError("bvh_unreadable", f"{path.name} cannot be read as BVH: {why}.")


def _hierarchy(
    words: list[str], path: Path
) -> tuple[list[str], list[int], list[list[float]], list[list[tuple[str, int]]]]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[list[tuple[str, int]]] = []
    stack: list[int] = []
    i = words.index("HIERARCHY") + 1
    while i < len(words):
        word = words[i]
        if word in ("ROOT", "JOINT", "End"):
            parents.append(stack[-1] if stack else -1)
            end = word == "End"
            opening = words.index("{", i)  # a name may hold spaces
            names.append(f"{names[parents[-1]]}_end" if end else " ".join(words[i + 1 : opening]))
            offsets.append([0.0, 0.0, 0.0])
            channels.append([])
            stack.append(len(names) - 1)
            if len(names) > MAX_JOINTS:
                raise _bad(path, f"more than {MAX_JOINTS} joints")
            i = opening + 1
        elif word == "OFFSET":
            offsets[stack[-1]] = [float(v) for v in words[i + 1 : i + 4]]
            i += 4
        elif word == "CHANNELS":
            count = int(words[i + 1])
            kinds = words[i + 2 : i + 2 + count]
            if any(k not in _CHANNELS for k in kinds):
                raise _bad(path, f"unknown channel among {' '.join(kinds)}")
            channels[stack[-1]] = [_CHANNELS[k] for k in kinds]
            i += 2 + count
        elif word == "}":
            stack.pop()
            i += 1
        else:
            raise _bad(path, f"unexpected {word[:40]!r} in the hierarchy")
    if not names or stack:
        raise _bad(path, "the hierarchy breaks off")
    return names, parents, offsets, channels

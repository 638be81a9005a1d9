"""Everybody's joints in each frame of a video, out of memory: half an hour of a crowd is hundreds of megabytes."""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

HELD = 16_000_000  # bytes up to which they stay in memory
_SEEN = np.dtype([("person", "<i4"), ("joint", "<i2"), ("point", "<f4", 3)])

Seen = dict[int, np.ndarray]
"""Number of a person → (K, 3) pixels and confidence."""


class Sightings(Sequence[Seen]):
    """Frame by frame, who is seen and where; read in order it costs nothing but time.

    People without any joint are not kept.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(HELD)  # noqa: SIM115 (lives as long as this does)
        weakref.finalize(self, self._file.close)
        self._ends, self._joints = array("Q", [0]), 0

    def append(self, seen: Seen) -> None:
        """Keep one more frame."""
        self._file.seek(self._ends[-1] * _SEEN.itemsize)
        count = 0
        for person, points in seen.items():
            self._joints = len(points)
            there = np.flatnonzero(points[:, 2] > 0)
            rows = np.empty(len(there), _SEEN)
            rows["person"], rows["joint"], rows["point"] = person, there, points[there]
            self._file.write(rows.tobytes())
            count += len(rows)
        self._ends.append(self._ends[-1] + count)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, frame: int) -> Seen: ...
    @overload
    def __getitem__(self, frame: slice) -> list[Seen]: ...
    def __getitem__(self, frame: int | slice) -> Seen | list[Seen]:
        if isinstance(frame, slice):
            return [self[t] for t in range(*frame.indices(len(self)))]
        at = range(len(self))[frame]
        start, end = self._ends[at], self._ends[at + 1]
        self._file.seek(start * _SEEN.itemsize)
        rows = np.frombuffer(self._file.read((end - start) * _SEEN.itemsize), _SEEN)
        seen: Seen = {}
        for person in dict.fromkeys(rows["person"].tolist()):
            own = rows[rows["person"] == person]
            seen[person] = np.zeros((self._joints, 3), np.float32)
            seen[person][own["joint"]] = own["point"]
        return seen

    def __iter__(self) -> Iterator[Seen]:
        return (self[t] for t in range(len(self)))

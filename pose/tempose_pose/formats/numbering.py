"""Frame numbers from names or fields, which give the order of frames and show missing ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tempose_pose.limits import MAX_FILE_FRAMES

SPARSEST = 10
"""Numbers that lie farther apart than this on average number photographs, not frames."""
_TIMES = ("timestamp", "timestamp_ms", "timestampMs", "time")
_FIELDS = ("frame", "frame_id", "frame_index", "frame_number")
T = TypeVar("T")


def visible_files(folder: Path) -> list[Path]:
    """The .json files of a folder, frame 10 after frame 9, without hidden ones such as macOS's ``._`` companions."""
    return sorted((f for f in folder.glob("*.json") if not f.name.startswith(".")), key=_natural)


def _natural(path: Path) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", path.name)]


def numbers_in(names: Sequence[str]) -> list[int] | None:
    """The one number in which the names differ, for each name; None if they differ in more or in nothing."""
    parts = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(p[::2]) for p in parts}) != 1:
        return None
    columns = [[int(n) for n in column] for column in zip(*(p[1::2] for p in parts), strict=True)]
    varying = [column for column in columns if len(set(column)) > 1]
    return varying[0] if len(varying) == 1 and len(set(varying[0])) == len(names) else None


def numbers_of(frames: Sequence[Any]) -> list[int] | None:
    """The frames' own numbers; None if one has none, or two are equal."""
    for field in _FIELDS:
        found = [frame.get(field) for frame in frames if isinstance(frame, dict)]
        numbers = [n for n in found if isinstance(n, int) and not isinstance(n, bool)]
        if len(numbers) == len(set(numbers)) == len(frames):
            return numbers
    return None


def timed(frames: Sequence[Any]) -> tuple[list[int], float] | None:
    """Numbers and frame rate of frames with times; None if one has none, or times do not rise.

    Steps of 1 or more are milliseconds, as in MediaPipe, smaller ones seconds.
    """
    listed = [frame for frame in frames if isinstance(frame, dict)]
    key = next((key for key in _TIMES if any(key in frame for frame in listed)), None)
    times = [frame.get(key) for frame in listed]
    times = [t for t in times if isinstance(t, int | float) and not isinstance(t, bool) and abs(t) < 1e12]
    if len(times) != len(frames) or len(times) < 2:
        return None
    steps = np.diff(np.asarray(times, float))
    step = float(np.median(steps))
    if not steps.min() > 0 or steps.max() > step * MAX_FILE_FRAMES:
        return None
    places = np.concatenate([[0], np.rint(steps / step).astype(int).cumsum()])
    rate = float(places[-1] / (times[-1] - times[0])) * (1000 if step >= 1 else 1)
    if len(set(places.tolist())) < len(places) or not 1 <= rate <= 1000:
        return None
    return places.tolist(), round(rate, 3)


def in_time(frames: Sequence[T], numbers: Sequence[int] | None, missing: T) -> list[T]:
    """The frames in the order of their numbers, with `missing` for each skipped number.

    Numbers with a common step (every fifth frame of a video) have no gaps between them.
    """
    if numbers is None or len(frames) < 2:
        return list(frames)
    order = sorted(range(len(frames)), key=numbers.__getitem__)
    first = numbers[order[0]]
    step = math.gcd(*(n - first for n in numbers))
    places = [(numbers[i] - first) // step for i in order]
    if places[-1] >= SPARSEST * len(frames):
        return [frames[i] for i in order]
    spread = [missing] * (places[-1] + 1)
    for place, i in zip(places, order, strict=True):
        spread[place] = frames[i]
    return spread

"""Single values from parsed JSON, checked, with errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.limits import MAX_FILE_BYTES

DEFAULT_FPS = 30.0  # for single poses, for which it has no meaning
RATES = ("fps", "frame_rate", "frameRate", "framerate")


def load_json(path: Path) -> Any:
    """The contents of a file, in one piece or line by line.

    JSON has neither NaN, which Python writes for a joint that was not found (here null), nor infinity (refused).
    """

    def constant(written: str) -> None:
        if written != "NaN":
            raise ValueError(written)

    if not path.is_file():
        raise TemposeError("pose_missing", f"There is no pose file {path}. Choose another one.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise unreadable(path, f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        data = _whole_or_lines(path.read_bytes(), constant)
        if isinstance(data, list):  # some nodes and browsers write JSON as a text within JSON
            return [json.loads(i, parse_constant=constant) if isinstance(i, str) else i for i in data]
        return json.loads(data, parse_constant=constant) if isinstance(data, str) else data
    except OSError as error:
        raise unreadable(path, str(error.strerror or error)) from error
    except (ValueError, RecursionError) as error:  # bad JSON, bad UTF-8, NaN, too deep
        raise unreadable(path, "it is not JSON") from error


def _whole_or_lines(written: bytes, constant: Callable[[str], Any]) -> Any:
    try:
        return json.loads(written, parse_constant=constant)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
    lines = written.decode(json.detect_encoding(written)).splitlines()
    return [json.loads(line, parse_constant=constant) for line in lines if line.strip()]


def first(data: Any, key: str) -> Any:
    """The value under `key` in a dict or in the first item of a list of dicts."""
    if isinstance(data, dict):
        return data.get(key)
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return data[0].get(key)
    return None


def has(data: Any, *keys: str) -> bool:
    """Whether a dict, or one in a list of them, has one of the keys."""
    items = data if isinstance(data, list) else [data]
    return any(isinstance(item, dict) and key in item for item in items for key in keys)


def numbers(value: Any, name: Any, *, nulls: bool = False) -> np.ndarray:
    """A float array from nested lists of numbers, or `TemposeError`; `nulls`, if allowed, become NaN."""
    if not isinstance(value, list):
        raise unreadable(name, "keypoints must be a list of numbers")
    try:
        array = np.asarray(value)
        if nulls and array.dtype.kind == "O":
            if not all(v is None or type(v) in (int, float) for v in array.flat):
                raise ValueError
        elif array.size and array.dtype.kind not in "iuf":
            raise ValueError
        array = array.astype(float)
    except (ValueError, TypeError, OverflowError):
        raise unreadable(name, "keypoints must be a list of numbers") from None
    known = array[~np.isnan(array)] if nulls else array
    if not np.isfinite(known).all() or (known.size and np.abs(known).max() > 1e7):
        raise unreadable(name, "keypoints must be finite, sensible numbers")
    return array


def picture_size(width: Any, height: Any, name: Any) -> tuple[int, int]:
    """Width and height in pixels, or `TemposeError`."""
    size = [_number(v) for v in (width, height)]
    if not all(1 <= v <= 1e6 for v in size):
        raise unreadable(name, "the canvas size must be two numbers from 1 to a million")
    return int(size[0]), int(size[1])


def frame_rate(value: Any, name: Any) -> float:
    """Frames per second, also as a fraction in text, or `TemposeError`."""
    above, line, below = value.partition("/") if isinstance(value, str) else (value, "", "")
    rate = _number(above) / (_number(below) or np.nan) if line else _number(above)
    if not 0 < rate <= 1000:
        raise unreadable(name, "the frame rate must be a number up to 1000")
    return rate


def said_rate(header: Any, name: Any) -> float | None:
    """The frame rate that an object says under one of the names that programs have for it; None where it has none."""
    said = (header.get(key) for key in RATES) if isinstance(header, Mapping) else ()
    value = next((v for v in said if v is not None), None)
    return None if value is None else frame_rate(value, name)


def _number(value: Any) -> float:
    """A number, or a number in a text; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return np.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return np.nan


def settle(
    canvas: tuple[int, int] | None, fps: float | None, frames: int, name: Any
) -> tuple[tuple[int, int], float]:
    """Canvas and frame rate; an error says what the user must give if neither they nor the file have."""
    if canvas is None:
        raise TemposeError(
            "canvas_missing", f"{_title(name)} does not say the picture's size. Give its width and height."
        )
    if fps is None:
        if frames > 1:
            raise TemposeError("fps_missing", f"{_title(name)} does not say its frame rate. Give one.")
        fps = DEFAULT_FPS
    return picture_size(*canvas, name), frame_rate(fps, name)


def unreadable(name: Any, why: str) -> TemposeError:
    """The error for a file (or parsed data with a name) that is not a pose file."""
    return TemposeError(
        "pose_unreadable", f"{_title(name)} cannot be read as poses: {why}. Choose another file."
    )


def _title(name: Any) -> str:
    return name.name if isinstance(name, Path) else str(name)

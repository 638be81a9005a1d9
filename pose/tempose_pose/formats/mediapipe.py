"""MediaPipe Pose: 33 landmarks as shares of the picture, single, in frames, or as its own result object."""

from __future__ import annotations

from typing import Any

import numpy as np

from tempose_pose.formats.numbering import in_time, numbers_of, timed
from tempose_pose.formats.people import Person, assemble, choose
from tempose_pose.formats.values import has, numbers, picture_size, said_rate, settle, unreadable
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import MEDIAPIPE_33

LANDMARKS = ("landmarks", "pose_landmarks", "poseLandmarks")  # its names in its languages


def is_mediapipe(data: Any) -> bool:
    """Whether it has landmarks, by itself or in its ``frames``."""
    frames = data.get("frames", data) if isinstance(data, dict) else data
    bare = isinstance(frames, list) and any(_is_figure(frame) for frame in frames)
    return bare or has(frames, *LANDMARKS, "visibility")


def from_mediapipe(
    data: Any, name: Any, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    """Landmarks as poses; `canvas` and `fps` if the file does not state them."""
    header = data if isinstance(data, dict) else {}
    if header.get("width") is not None:
        canvas = picture_size(header["width"], header.get("height"), name)
    frames, rate = _frames(data, name)
    fps = said_rate(header, name) or rate or fps
    people = [[_person(marks, name) for marks in figures] for figures in frames]
    canvas, fps = settle(canvas, fps, len(people), name)
    return assemble(choose(people, person), canvas, fps, name, True)


def _frames(data: Any, name: Any) -> tuple[list[list[Any]], float | None]:
    """The landmarks of each figure, for each frame; and the rate, if frames have times."""
    if isinstance(data, dict) and "frames" not in data:
        found = _landmarks(data)
        one = _is_figure(found) or not isinstance(found, list)
        return ([_figures(found)] if one else [_figures(frame) for frame in found]), None
    frames = data["frames"] if isinstance(data, dict) else data
    if not isinstance(frames, list):
        raise unreadable(name, "frames must be a list")
    if not has(frames, *LANDMARKS) and not any(isinstance(frame, list) for frame in frames):
        return [_figures(frames)], None  # a bare frame
    figures = [_figures(_landmarks(frame)) for frame in frames]
    places, rate = timed(frames) or (None, None)
    return in_time(figures, numbers_of(frames) or places, []), rate


def _landmarks(frame: Any) -> Any:
    if not isinstance(frame, dict):
        return frame if isinstance(frame, list) else None
    return _bare(next((frame[key] for key in LANDMARKS if key in frame), None))


def _bare(found: Any) -> Any:
    """Landmarks without the wrapper object of older Python results."""
    return found["landmark"] if isinstance(found, dict) and "landmark" in found else found


def _is_figure(marks: Any) -> bool:
    """Whether these are one figure's landmarks, as objects or as lists of x, y, z and visibility."""
    return (
        isinstance(marks, list) and len(marks) == 33 and all(isinstance(m, dict) or _is_row(m) for m in marks)
    )


def _is_row(mark: Any) -> bool:
    return (
        isinstance(mark, list) and len(mark) in (3, 4) and not any(isinstance(v, list | dict) for v in mark)
    )


def _figures(found: Any) -> list[Any]:
    """One item for each figure: MediaPipe's own result lists several figures, other files the landmarks of one."""
    if not found:
        return []
    several = isinstance(found, list) and not _is_figure(found) and not isinstance(found[0], dict | None)
    return [_bare(figure) for figure in found if figure] if several else [found]


def _person(marks: Any, name: Any) -> Person:
    if not _is_figure(marks):
        raise unreadable(name, "MediaPipe frames must hold 33 landmarks")
    marks = [
        dict(zip(("x", "y", "z", "visibility"), m, strict=False)) if isinstance(m, list) else m for m in marks
    ]
    rows = numbers([[m.get("x"), m.get("y"), m.get("visibility", 1.0)] for m in marks], name, nulls=True)
    lost = np.isnan(rows).any(1, keepdims=True)
    return Person(np.where(lost, 0, rows), MEDIAPIPE_33.joints, MEDIAPIPE_33)

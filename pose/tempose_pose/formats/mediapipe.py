"""MediaPipe Pose: 33 landmarks as shares of the picture, alone, in frames, or as its own result object."""

from __future__ import annotations

from typing import Any

import numpy as np

from tempose_pose.formats.numbering import in_time, numbers_of, timed
from tempose_pose.formats.people import Person, assemble, choose
from tempose_pose.formats.values import frame_rate, has, numbers, picture_size, settle, unreadable
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import MEDIAPIPE_33

LANDMARKS = ("landmarks", "pose_landmarks", "poseLandmarks")  # its names in its languages


def is_mediapipes(data: Any) -> bool:
    """Whether there are landmarks in it, or in its ``frames``."""
    frames = data.get("frames", data) if isinstance(data, dict) else data
    return has(frames, *LANDMARKS, "visibility")


def from_mediapipe(
    data: Any, name: Any, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    """Landmarks as poses; `canvas` and `fps` where the file does not say them."""
    header = data if isinstance(data, dict) else {}
    if header.get("width") is not None:
        canvas = picture_size(header["width"], header.get("height"), name)
    frames, rate = _frames(data, name)
    if header.get("fps") is not None:
        fps = frame_rate(header["fps"], name)
    elif rate is not None:
        fps = rate
    people = [[_person(marks, name) for marks in figures] for figures in frames]
    canvas, fps = settle(canvas, fps, len(people), name)
    return assemble(choose(people, person), canvas, fps, name, True)


def _frames(data: Any, name: Any) -> tuple[list[list[Any]], float | None]:
    """The landmarks of each figure, for each frame; and their rate, where they say their times."""
    if isinstance(data, dict) and "frames" not in data:
        found = _landmarks(data)
        return ([[frame] if frame else [] for frame in found] if _nested(found) else [_figures(found)]), None
    frames = data["frames"] if isinstance(data, dict) else data
    if not isinstance(frames, list):
        raise unreadable(name, "frames must be a list")
    if not has(frames, *LANDMARKS):
        return [_figures(frames)], None  # one frame without anything around it
    figures = [_figures(_landmarks(frame)) for frame in frames]
    places, rate = timed(frames) or (None, None)
    return in_time(figures, numbers_of(frames) or places, []), rate


def _landmarks(frame: Any) -> Any:
    if not isinstance(frame, dict):
        return None
    return next((frame[key] for key in LANDMARKS if key in frame), None)


def _figures(found: Any) -> list[Any]:
    """One item for each figure: MediaPipe's own result lists several, other files the landmarks of one."""
    return [figure for figure in found if figure] if _nested(found) else [found] if found else []


def _nested(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(item, list) for item in found)


def _person(marks: Any, name: Any) -> Person:
    if not isinstance(marks, list) or len(marks) != 33 or not all(isinstance(m, dict) for m in marks):
        raise unreadable(name, "MediaPipe frames must hold 33 landmarks")
    rows = numbers([[m.get("x"), m.get("y"), m.get("visibility", 1.0)] for m in marks], name, nulls=True)
    lost = np.isnan(rows).any(1, keepdims=True)
    return Person(np.where(lost, 0, rows), MEDIAPIPE_33.joints, MEDIAPIPE_33)

"""MediaPipe Pose: 33 landmarks as shares of the picture, alone, in frames, or as its own result object."""

from __future__ import annotations

from typing import Any

from tempose_pose.formats.people import Person, assemble
from tempose_pose.formats.values import frame_rate, numbers, picture_size, settle, unreadable
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import MEDIAPIPE_33

LANDMARKS = ("landmarks", "pose_landmarks", "poseLandmarks")  # its names in its languages


def from_mediapipe(data: Any, name: Any, canvas: tuple[int, int] | None, fps: float | None) -> PoseSequence:
    """Landmarks as poses; `canvas` and `fps` where the file does not say them."""
    if isinstance(data, dict):
        canvas = picture_size(data["width"], data.get("height"), name) if "width" in data else canvas
        fps = frame_rate(data["fps"], name) if "fps" in data else fps
        frames = next((data[key] for key in LANDMARKS if key in data), None)
        frames = frames if isinstance(frames, list) and frames and isinstance(frames[0], list) else [frames]
    elif any(key in data[0] for key in LANDMARKS):
        frames = [_landmarks(f) for f in data]
    else:
        frames = [data]
    people: list[Person | None] = []
    for landmarks in frames:
        if not landmarks:
            people.append(None)
            continue
        if (
            not isinstance(landmarks, list)
            or len(landmarks) != 33
            or not all(isinstance(m, dict) for m in landmarks)
        ):
            raise unreadable(name, "MediaPipe frames must hold 33 landmarks")
        rows = [[m.get("x"), m.get("y"), m.get("visibility", 1.0)] for m in landmarks]
        people.append(Person(numbers(rows, name), MEDIAPIPE_33.joints, MEDIAPIPE_33))
    canvas, fps = settle(canvas, fps, len(people), name)
    return assemble(people, canvas, fps, name, True)


def _landmarks(frame: Any) -> Any:
    """The landmarks of one frame: of its first person where MediaPipe's own result lists several."""
    if not isinstance(frame, dict):
        return None
    found = next((frame[key] for key in LANDMARKS if key in frame), None)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], list) else found

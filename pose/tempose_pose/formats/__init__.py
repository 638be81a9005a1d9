"""Reading pose files: OpenPose, pose editors, COCO, Halpe, MMPose, MediaPipe and our own JSON.

Every reader returns a `PoseSequence`: keypoints as shares of a stated canvas, a stated frame rate, and score 0
where a joint was not seen (whatever coordinates the file has there). Feet and hands are kept (`skeletons.LAYOUTS`;
`to_openpose18` keeps what the model takes), faces are left out. `tempose_pose.writers` writes some of these
formats.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.formats.coco import from_coco
from tempose_pose.formats.editor import as_pages, is_editor_file
from tempose_pose.formats.keyed import as_list
from tempose_pose.formats.layouts import AXES
from tempose_pose.formats.mediapipe import from_mediapipe, is_mediapipe
from tempose_pose.formats.mmpose import from_mmpose, is_mmpose
from tempose_pose.formats.numbering import in_time, numbers_in, visible_files
from tempose_pose.formats.openpose import from_pages, pages_of
from tempose_pose.formats.people import SHARES
from tempose_pose.formats.tempose_json import from_own
from tempose_pose.formats.values import DEFAULT_FPS, first, has, load_json, unreadable
from tempose_pose.limits import MAX_FILE_FRAMES
from tempose_pose.reference import CANVAS, Reference
from tempose_pose.sequence import PoseSequence

__all__ = ["load_poses", "load_reference", "parse_poses", "read_reference"]


def load_poses(
    path: str | os.PathLike,
    *,
    canvas: tuple[int, int] | None = None,
    fps: float | None = None,
    person: int | None = None,
    y_up: bool | None = None,
) -> PoseSequence:
    """Read a pose file, or a folder of OpenPose files: one per frame, in the order of the numbers in their names.

    A missing number, in names or in a list of frames, is a frame in which nobody is seen.

    Parameters
    ----------
    path : path
        JSON: OpenPose (BODY_25 or COCO-18, native or as a list of frames with a canvas), COCO annotations or
        results (17, Halpe's 26 or 136 or WholeBody's 133 points, these in one list or in WholeBody's own fields),
        MMPose's predictions, MediaPipe landmarks (33), the pairs that pose editors write, or our own; frames in a
        list, line by line, or each under its number. Or a ``DANCE.npz``.
    canvas : (int, int), optional
        Width and height in pixels. Needed if the file does not state them; a file's own size takes precedence.
    fps : float, optional
        Needed for several frames if the file does not state it.
    person : int, optional
        Which figure of each frame, in file order. None: the most confident one of the first frame, then the
        one nearest to it.
    y_up : bool, optional
        Whether y is measured upwards from the picture's lower edge. None: as the file says, else downwards, as in
        all of these formats.

    Raises
    ------
    TemposeError
        The file is missing, too large or not a pose file, or its size or frame rate is not stated anywhere.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        return Dance.load(path).poses
    if path.is_dir():
        files = visible_files(path)
        if not files:
            raise unreadable(path, "the folder holds no .json files")
        if len(files) > MAX_FILE_FRAMES:
            raise unreadable(path, f"more than {MAX_FILE_FRAMES} frames")
        pages = [pages_of(load_json(file), file) for file in files]
        numbers = numbers_in([file.name for file in files]) if all(len(p) == 1 for p in pages) else None
        frames = [page for found in in_time(pages, numbers, [{"people": []}]) for page in found]
        return _downwards(from_pages(frames, path, canvas, fps, person), frames[0], path, y_up)
    return parse_poses(load_json(path), name=path.name, canvas=canvas, fps=fps, person=person, y_up=y_up)


def load_reference(
    path: str | os.PathLike,
    *,
    canvas: tuple[int, int] | None = None,
    frame: int | None = None,
    person: int | None = None,
    y_up: bool | None = None,
) -> PoseSequence:
    """Read one frame of `load_poses` as a reference; by default the first that shows anybody.

    Missing joints stay missing: see `complete`.
    """
    poses = load_poses(path, canvas=canvas, fps=DEFAULT_FPS, person=person, y_up=y_up)
    if frame is None:
        frame = int((poses.scores > 0).any(1).argmax())
    if not 0 <= frame < len(poses):
        raise TemposeError(
            "pose_frame", f"{Path(path).name} has {len(poses)} frames; frame {frame} is not there."
        )
    return poses[frame : frame + 1]


def read_reference(path: str | os.PathLike) -> Reference:
    """The first figure in a pose file, completed.

    A file without its picture's size gets one with room for the figure: of a reference, only proportions and
    posture are sure to matter.

    Raises
    ------
    TemposeError
        As `load_poses` and `complete` do.
    """
    try:
        return Reference.of(load_reference(path))
    except TemposeError as error:
        if error.code != "canvas_missing":
            raise
    pose = load_reference(path, canvas=(1, 1))
    seen = pose.keypoints[pose.scores > 0]
    in_pixels = bool(len(seen)) and np.abs(seen).max() > SHARES
    width, height = (max(64, round(1.1 * float(v))) for v in seen.max(0)) if in_pixels else CANVAS
    scale = (width, height) if in_pixels else (1, 1)
    return Reference.of(
        replace(pose, keypoints=pose.keypoints / np.asarray(scale, np.float32), canvas=(width, height))
    )


def parse_poses(
    data: Any,
    *,
    name: str = "The pose",
    canvas: tuple[int, int] | None = None,
    fps: float | None = None,
    person: int | None = None,
    y_up: bool | None = None,
) -> PoseSequence:
    """Like `load_poses`, from parsed JSON."""
    return _downwards(_parsed(data, name, canvas, fps, person), data, name, y_up)


def _parsed(
    data: Any, name: str, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    if isinstance(data, dict) and "skeleton" in data:
        return from_own(data, name, fps)
    data = as_list(data)
    if is_editor_file(data):
        data = as_pages(data)
    if is_mmpose(data):
        return from_mmpose(data, name, canvas, fps, person)
    if isinstance(data, dict) and "annotations" in data:
        return from_coco(data["annotations"], data, name, canvas, fps, person)
    if has(data, "keypoints"):
        return from_coco(data, {}, name, canvas, fps, person)
    if is_mediapipe(data):
        return from_mediapipe(data, name, canvas, fps, person)
    if has(data, "people", "bodies", "frames"):
        return from_pages(pages_of(data, name), name, canvas, fps, person)
    raise unreadable(name, "neither OpenPose, COCO, MediaPipe nor Tempose keypoints")


def _downwards(poses: PoseSequence, data: Any, name: Any, y_up: bool | None) -> PoseSequence:
    """The poses with y down, whichever way the file measures it; the caller's word overrides the file's."""
    said = first(data, "axes")
    if said is not None and said not in AXES.values():
        raise unreadable(name, f"axes must be one of: {'; '.join(AXES.values())}")
    if not (said == AXES[True] if y_up is None else y_up):
        return poses
    keypoints = poses.keypoints.copy()
    keypoints[..., 1] = np.where(poses.scores > 0, 1 - keypoints[..., 1], keypoints[..., 1])
    return replace(poses, keypoints=keypoints)

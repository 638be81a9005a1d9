"""Writing pose files: OpenPose, COCO and our own JSON. `tempose_pose.formats` reads them back."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.formats.layouts import AXES, COCO_LAYOUTS, COCO_PARTS, OPENPOSE_LAYOUTS
from tempose_pose.local import whole_files
from tempose_pose.sequence import PoseSequence, convert, to_openpose18
from tempose_pose.skeletons import COCO_17, HALPE_26, OPENPOSE_60, Skeleton


def to_own(poses: PoseSequence) -> dict:
    """Our own JSON: keypoints as shares of the canvas, ``[K][2]`` for one frame, ``[T][K][2]`` for more."""
    keypoints, scores = _rounded(poses.keypoints, 7), _rounded(poses.scores, 5)
    single = len(poses) == 1
    return {
        "skeleton": poses.skeleton.name,
        "keypoints": keypoints[0] if single else keypoints,
        "scores": scores[0] if single else scores,
        "canvas": list(poses.canvas),
        "axes": AXES[False],
        "fps": poses.fps,
    }


def to_controlnet(poses: PoseSequence) -> list[dict]:
    """OpenPose pages of 18 joints for ControlNet's pose editors, which drop joints below a confidence of 1.

    So all seen joints get 1 (`decode_json_as_poses` in Mikubill/sd-webui-controlnet, annotator/openpose).
    """
    return to_openpose(replace(poses, scores=(np.asarray(poses.scores) > 0).astype(float)), 18)


def to_openpose(poses: PoseSequence, layout: int | None = None) -> list[dict]:
    """OpenPose pages, one per frame, in pixels, with hands if the poses have them; the face is left empty.

    Parameters
    ----------
    poses : PoseSequence
    layout : int, optional
        18 (COCO: feet are left out) or 25 (BODY_25: the middle of the hips is filled in); None: the lossless one.
    """
    joints = set(poses.skeleton.joints)
    if layout is None:
        layout = 25 if "left_big_toe" in joints else 18
    if layout not in OPENPOSE_LAYOUTS:
        raise TemposeError("layout_unknown", "OpenPose layouts are 18 and 25.")
    body = _triples(poses, OPENPOSE_LAYOUTS[layout][1])
    hands = _triples(poses, OPENPOSE_60)[:, 18:] if "left_hand" in joints else np.zeros((len(poses), 42, 3))
    width, height = poses.canvas
    return [
        {
            "version": 1.3,
            "people": [
                {
                    "person_id": [-1],
                    "pose_keypoints_2d": _rounded(body[t].ravel(), 5),
                    "face_keypoints_2d": [],
                    "hand_left_keypoints_2d": _rounded(hands[t, :21].ravel(), 5)
                    if hands[t, :21].any()
                    else [],
                    "hand_right_keypoints_2d": _rounded(hands[t, 21:].ravel(), 5)
                    if hands[t, 21:].any()
                    else [],
                }
            ],
            "canvas_width": width,
            "canvas_height": height,
            "fps": poses.fps,
        }
        for t in range(len(poses))
    ]


def _triples(poses: PoseSequence, target: Skeleton) -> np.ndarray:
    """(T, K, 3) x, y in pixels and score, three zeros where a joint was not seen, as OpenPose writes it."""
    poses = convert(poses, target)
    triples = np.concatenate([poses.pixels, poses.scores[..., None]], -1).astype(float)
    triples[poses.scores <= 0] = 0
    return triples


def to_coco(poses: PoseSequence, layout: int | None = None) -> dict:
    """A COCO keypoint dataset: one image and one annotation per frame, pixels.

    The third number of a keypoint is COCO's flag (2 seen, 0 absent); the confidences are in ``keypoint_scores``.

    Parameters
    ----------
    poses : PoseSequence
    layout : int, optional
        17; 26 (Halpe: with neck, middle of the hips and feet; the crown of the head only where the poses have
        it); 133 (COCO-WholeBody, in its own fields: feet and hands, the face left empty). None: 133 for poses
        with hands, 26 for others with feet, else 17.
    """
    joints = set(poses.skeleton.joints)
    if layout is None:
        layout = 133 if "left_hand" in joints else 26 if "left_big_toe" in joints else 17
    if layout not in COCO_LAYOUTS:
        raise TemposeError("layout_unknown", "COCO layouts are 17, 26 (Halpe) and 133 (WholeBody).")
    names = COCO_LAYOUTS[layout][0]
    file_layout = Skeleton("file", tuple(names), (-1,) * len(names), ())
    width, height = poses.canvas
    if layout == 17:
        poses = to_coco17(poses)
    elif poses.skeleton.name != "coco17":
        poses = convert(poses, file_layout)
    else:
        poses = convert(convert(poses, HALPE_26), file_layout)
    pixels = poses.pixels.astype(float)
    seen = np.greater(poses.scores, 0)
    pixels[np.logical_not(seen)] = 0
    annotations = []
    for t in range(len(poses)):
        flat = np.column_stack([pixels[t], 2 * seen[t]])
        box = _box(pixels[t, seen[t]])
        annotation = {
            "id": t + 1,
            "image_id": t + 1,
            "category_id": 1,
            "iscrowd": 0,
            "num_keypoints": int(seen[t, :17].sum() if layout == 133 else seen[t].sum()),
            "keypoints": _rounded(flat[: 17 if layout == 133 else None].ravel(), 5),
            "keypoint_scores": _rounded(poses.scores[t], 5),
            "bbox": box,
            "area": round(box[2] * box[3], 3),
        }
        for field, valid, first, count in COCO_PARTS if layout == 133 else ():
            annotation[field] = _rounded(flat[first : first + count].ravel(), 5)
            annotation[valid] = bool(seen[t, first : first + count].any())
        annotations.append(annotation)
    drawn = {17: COCO_17, 26: HALPE_26, 133: COCO_17}[layout]
    limbs = [[a + 1, b + 1] for a, b in drawn.limbs]
    return {
        "info": {"description": "Poses written by Tempose", "fps": poses.fps},
        "images": [
            {"id": t + 1, "file_name": f"{t + 1:06d}.png", "width": width, "height": height}
            for t in range(len(poses))
        ],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(drawn.joints), "skeleton": limbs}],
    }


def to_coco17(poses: PoseSequence) -> PoseSequence:
    """The same poses on COCO-17 (openpose18 without its neck)."""
    if poses.skeleton is COCO_17:
        return poses
    return convert(to_openpose18(poses), COCO_17)


def save_poses(
    poses: PoseSequence,
    path: str | os.PathLike,
    format: str = "own",
    layout: int | None = None,
    folder: bool | None = None,
) -> None:
    """Write poses as JSON.

    Parameters
    ----------
    poses : PoseSequence
    path : path
        A ``.json`` file; with format ``"openpose"`` or ``"controlnet"`` a path without that suffix becomes a
        folder of one file per frame, as OpenPose writes it.
    format : str
        ``"own"``, ``"openpose"``, ``"controlnet"`` or ``"coco"``.
    layout : int, optional
        OpenPose: 18 or 25; COCO: 17, 26 or 133; None: the lossless one.
    folder : bool, optional
        Whether `path` is a folder of one OpenPose file per frame; None: by its suffix.
    """
    path = Path(path)
    if folder if folder is not None else format in ("openpose", "controlnet") and path.suffix != ".json":
        path.mkdir(parents=True, exist_ok=True)
        pages = to_controlnet(poses) if format == "controlnet" else to_openpose(poses, layout)
        for t, page in enumerate(pages):
            _put(path / f"{path.name}_{t:012d}_keypoints.json", json.dumps(page))
        return
    writers: dict[str, Callable[[PoseSequence], Any]] = {"own": to_own}
    writers |= {"controlnet": to_controlnet}
    writers |= {"openpose": lambda p: to_openpose(p, layout), "coco": lambda p: to_coco(p, layout)}
    if format not in writers:
        raise TemposeError("format_unknown", f"Known pose formats: {', '.join(writers)}.")
    _put(path, json.dumps(writers[format](poses)))


def _put(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            whole_files.sync(file)
        Path(part).replace(path)
        whole_files.sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            Path(part).unlink()
        raise


def _rounded(values: np.ndarray, digits: int) -> list:
    return np.round(np.asarray(values, float), digits).tolist()


def _box(points: np.ndarray) -> list[float]:
    if not len(points):
        return [0.0, 0.0, 0.0, 0.0]
    low, high = points.min(0), points.max(0)
    return [round(float(v), 3) for v in (*low, *(high - low))]

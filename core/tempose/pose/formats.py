"""Reading pose files: OpenPose, COCO, Halpe, MediaPipe and our own JSON. `pose.writers` writes them.

Every reader turns what it finds into a `PoseSequence`: keypoints as shares of a stated canvas, a stated frame
rate, and score 0 where a joint was not seen (whatever coordinates the file holds there). Feet and hands
are kept (`skeletons.LAYOUTS`; `to_openpose18` gives what the model takes of them), faces are left out.

Sources of the layouts: OpenPose ``doc/02_output.md`` (BODY_25, COCO-18), cocodataset.org/#format-data
(keypoints), COCO-WholeBody (133 points, body first), Halpe-FullBody (26 points, body first, then head, neck,
hip, feet), MediaPipe Pose (33 landmarks, normalised).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tempose.errors import TemposeError
from tempose.pose.sequence import PoseSequence, convert
from tempose.pose.skeletons import (
    BODY_25,
    BODY_67,
    COCO_17,
    HALPE_26,
    MEDIAPIPE_33,
    OPENPOSE_18,
    OPENPOSE_60,
    Skeleton,
    skeleton,
)

MAX_BYTES = 256 * 2**20
MAX_FRAMES = 100_000
DEFAULT_FPS = 30.0  # for single poses, where it means nothing
AXES = {False: "x right, y down", True: "x right, y up"}  # as files may say; ours is the first


# COCO-WholeBody: body, feet, face (68), left hand, right hand. Its body and feet are in COCO's order.
_WHOLE_FEET = [f"{s}_{j}" for s in ("left", "right") for j in ("big_toe", "small_toe", "heel")]
_HANDS = {s: [j for j in BODY_67.joints[25:] if j.startswith(s)] for s in ("left", "right")}
COCO_WHOLEBODY = [
    *COCO_17.joints,
    *_WHOLE_FEET,
    *(f"face_{i}" for i in range(68)),
    *_HANDS["left"],
    *_HANDS["right"],
]

# Number of keypoints → joint names in the file and the skeleton they are read as.
OPENPOSE_LAYOUTS: dict[int, tuple[list[str], Skeleton]] = {
    18: (list(OPENPOSE_18.joints), OPENPOSE_18),
    25: (list(BODY_25.joints), BODY_25),
}
_HANDED = {18: OPENPOSE_60, 25: BODY_67}
COCO_LAYOUTS: dict[int, tuple[list[str], Skeleton]] = {
    17: (list(COCO_17.joints), COCO_17),
    26: (list(HALPE_26.joints), HALPE_26),
    133: (COCO_WHOLEBODY, BODY_67),
}

# COCO-WholeBody's own fields: name, "is it valid" flag, first of the 133 points, how many.
COCO_PARTS = (
    ("foot_kpts", "foot_valid", 17, 6),
    ("face_kpts", "face_valid", 23, 68),
    ("lefthand_kpts", "lefthand_valid", 91, 21),
    ("righthand_kpts", "righthand_valid", 112, 21),
)
_LANDMARKS = ("landmarks", "pose_landmarks", "poseLandmarks")  # MediaPipe's names in its languages


@dataclass(frozen=True)
class _Person:
    """One figure in one frame: (K, 3) x, y, score as in the file."""

    points: np.ndarray
    names: tuple[str, ...]
    skeleton: Skeleton


def load_poses(
    path: str | os.PathLike,
    *,
    canvas: tuple[int, int] | None = None,
    fps: float | None = None,
    person: int | None = None,
    y_up: bool | None = None,
) -> PoseSequence:
    """Read a pose file, or a folder of OpenPose files (one per frame, in the order of their names).

    Parameters
    ----------
    path : path
        JSON: OpenPose (BODY_25 or COCO-18, native or as a list of frames with a canvas), COCO annotations or
        results (17, Halpe's 26 or WholeBody's 133 points, these in one list or in WholeBody's own fields),
        MediaPipe landmarks (33), or our own. Or a ``DANCE.npz``.
    canvas : (int, int), optional
        Width and height in pixels. Needed where the file does not say it; a file's own size has precedence.
    fps : float, optional
        Needed for several frames where the file does not say it.
    person : int, optional
        Which figure of each frame, in file order. None: the most confident one of the first frame, then the
        one nearest to it.
    y_up : bool, optional
        Whether y is measured upwards from the picture's lower edge. None: as the file says, else downwards,
        as all of these formats have it.

    Raises
    ------
    TemposeError
        The file is missing, too large, no pose file, or its size or frame rate is nowhere said.
    """
    path = Path(path)
    if path.suffix == ".npz" and path.is_file():
        from tempose.dance import Dance

        return Dance.load(path).poses
    if path.is_dir():
        files = sorted(path.glob("*.json"), key=_natural)
        if not files:
            raise _unreadable(path, "the folder holds no .json files")
        if len(files) > MAX_FRAMES:
            raise _unreadable(path, f"more than {MAX_FRAMES} frames")
        pages = [page for file in files for page in _openpose_pages(_load_json(file), file)]
        return _downwards(_from_pages(pages, path, canvas, fps, person), pages[0], path, y_up)
    return parse_poses(_load_json(path), name=path.name, canvas=canvas, fps=fps, person=person, y_up=y_up)


def load_reference(
    path: str | os.PathLike,
    *,
    canvas: tuple[int, int] | None = None,
    frame: int = 0,
    person: int | None = None,
    y_up: bool | None = None,
) -> PoseSequence:
    """Read one frame of `load_poses` as a reference. Missing joints stay missing: see `complete`."""
    poses = load_poses(path, canvas=canvas, fps=DEFAULT_FPS, person=person, y_up=y_up)
    if not 0 <= frame < len(poses):
        raise TemposeError(
            "pose_frame", f"{Path(path).name} has {len(poses)} frames; frame {frame} is not there."
        )
    return poses[frame : frame + 1]


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


def _downwards(poses: PoseSequence, data: Any, name: Any, y_up: bool | None) -> PoseSequence:
    """The poses with y down, whichever way the file (or, over it, the caller) measures it."""
    said = _first(data, "axes")
    if said is not None and said not in AXES.values():
        raise _unreadable(name, f"axes must be one of: {'; '.join(AXES.values())}")
    if not (said == AXES[True] if y_up is None else y_up):
        return poses
    keypoints = poses.keypoints.copy()
    keypoints[..., 1] = np.where(poses.scores > 0, 1 - keypoints[..., 1], keypoints[..., 1])
    return replace(poses, keypoints=keypoints)


def _parsed(
    data: Any, name: str, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    if isinstance(data, dict) and "skeleton" in data:
        return _from_own(data, name, fps)
    if isinstance(data, dict) and "annotations" in data:
        return _from_coco(data["annotations"], data, name, canvas, fps, person)
    if _first(data, "keypoints") is not None:
        return _from_coco(data, {}, name, canvas, fps, person)
    if any(_first(data, key) is not None for key in (*_LANDMARKS, "visibility")):
        return _from_mediapipe(data, name, canvas, fps)
    in_frames = isinstance(data, dict) and ("people" in data or "frames" in data)
    if in_frames or _first(data, "people") is not None:
        return _from_pages(_openpose_pages(data, name), name, canvas, fps, person)
    raise _unreadable(name, "neither OpenPose, COCO, MediaPipe nor Tempose keypoints")


def _first(data: Any, key: str) -> Any:
    """The value under `key` in a dict or in the first item of a list of dicts."""
    if isinstance(data, dict):
        return data.get(key)
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return data[0].get(key)
    return None


def _unreadable(name: Any, why: str) -> TemposeError:
    name = name.name if isinstance(name, Path) else name
    return TemposeError("pose_unreadable", f"{name} cannot be read as poses: {why}.")


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Sort key that puts frame 10 after frame 9."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", path.name)]


def _load_json(path: Path) -> Any:
    def refuse(constant: str):
        raise ValueError(constant)

    if not path.is_file():
        raise TemposeError("pose_missing", f"There is no pose file {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise _unreadable(path, f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        return json.loads(path.read_bytes(), parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # bad JSON, bad UTF-8, NaN, too deep
        raise _unreadable(path, "it is not JSON") from error


def _numbers(value: Any, name: Any) -> np.ndarray:
    """A float array from nested lists of numbers, or `TemposeError`."""
    if not isinstance(value, list):
        raise _unreadable(name, "keypoints must be a list of numbers")
    try:
        array = np.asarray(value)
        if array.size and array.dtype.kind not in "iuf":
            raise ValueError
        array = array.astype(float)
    except (ValueError, TypeError, OverflowError):
        raise _unreadable(name, "keypoints must be a list of numbers") from None
    if not np.isfinite(array).all() or (array.size and np.abs(array).max() > 1e7):
        raise _unreadable(name, "keypoints must be finite, sensible numbers")
    return array


def _size(width: Any, height: Any, name: Any) -> tuple[int, int]:
    good = all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and 1 <= v <= 1e6 for v in (width, height)
    )
    if not good:
        raise _unreadable(name, "the canvas size must be two numbers from 1 to a million")
    return int(width), int(height)


def _rate(value: Any, name: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= 1000:
        raise _unreadable(name, "the frame rate must be a number up to 1000")
    return float(value)


def _person(flat: Any, layouts: dict[int, tuple[list[str], Skeleton]], name: Any) -> _Person | None:
    """x, y, score triples; None for an empty list."""
    values = _numbers(flat, name)
    if values.size == 0:
        return None
    count = values.size // 3
    if values.ndim != 1 or values.size % 3 or count not in layouts:
        known = ", ".join(str(k) for k in sorted(layouts))
        raise _unreadable(name, f"expected x, y, confidence of {known} keypoints, got {values.size} numbers")
    names, target = layouts[count]
    return _Person(values.reshape(count, 3), tuple(names), target)


def _choose(frames: list[list[_Person]], person: int | None) -> list[_Person | None]:
    """One figure per frame."""
    if person is not None:
        return [people[person] if 0 <= person < len(people) else None for people in frames]
    chosen: list[_Person | None] = []
    last: np.ndarray | None = None

    def middle(p: _Person) -> np.ndarray | None:
        seen = p.points[:, 2] > 0
        return p.points[seen, :2].mean(0) if seen.any() else None

    for people in frames:
        middles = [(p, m) for p in people if (m := middle(p)) is not None]
        if not middles:
            chosen.append(people[0] if people else None)
            continue
        if last is None:
            best, last = max(middles, key=lambda pm: pm[0].points[:, 2].sum())
        else:
            here = last
            best, last = min(middles, key=lambda pm: float(np.linalg.norm(pm[1] - here)))
        chosen.append(best)
    return chosen


def _assemble(
    people: list[_Person | None], canvas: tuple[int, int], fps: float, name: Any, normalised: bool | None
) -> PoseSequence:
    """Stack the frames; `normalised` None: where every seen coordinate lies within [0, 1]."""
    given = [p for p in people if p is not None]
    if not given:
        raise _unreadable(name, "it shows nobody")
    if len(people) > MAX_FRAMES:
        raise _unreadable(name, f"more than {MAX_FRAMES} frames")
    names, target = given[0].names, given[0].skeleton
    if any(p.names != names for p in given):
        raise _unreadable(name, "the frames use different keypoint layouts")
    points = np.stack([p.points if p is not None else np.zeros((len(names), 3)) for p in people])
    kept = [joint for joint in target.joints if joint in names]
    points = points[:, [names.index(joint) for joint in kept]]
    seen = points[..., 2] > 0
    xy = np.where(seen[..., None], points[..., :2], 0.0)
    if normalised is None:
        normalised = bool(seen.any() and xy[seen].min() >= 0 and xy[seen].max() <= 1)
    keypoints = xy if normalised else xy / np.asarray(canvas, float)
    found = np.where(seen, points[..., 2], 0)
    if len(kept) < len(target):  # neck and middle of the hips, where the layout has none
        bare = Skeleton("file", tuple(kept), (-1,) * len(kept), ())
        return convert(PoseSequence(keypoints, found, fps, bare, canvas), target)
    return PoseSequence(keypoints, found, fps, target, canvas)


def _settle(
    canvas: tuple[int, int] | None, fps: float | None, frames: int, name: Any
) -> tuple[tuple[int, int], float]:
    if canvas is None:
        raise TemposeError(
            "canvas_missing", f"{_title(name)} does not say the picture's size. Give its width and height."
        )
    if fps is None:
        if frames > 1:
            raise TemposeError("fps_missing", f"{_title(name)} does not say its frame rate. Give one.")
        fps = DEFAULT_FPS
    return _size(*canvas, name), _rate(fps, name)


def _title(name: Any) -> str:
    return name.name if isinstance(name, Path) else str(name)


def _openpose_pages(data: Any, name: Any) -> list[dict]:
    pages = data["frames"] if isinstance(data, dict) and "frames" in data else data
    pages = pages if isinstance(pages, list) else [pages]
    if isinstance(data, dict) and "fps" in data and pages and isinstance(pages[0], dict):
        pages = [{"fps": data["fps"], **pages[0]}, *pages[1:]]
    if not pages or not all(isinstance(p, dict) and isinstance(p.get("people"), list) for p in pages):
        raise _unreadable(name, "a frame has no list of people")
    return pages


def _from_pages(
    pages: list[dict], name: Any, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    if "canvas_width" in pages[0] or "canvas_height" in pages[0]:
        canvas = _size(pages[0].get("canvas_width"), pages[0].get("canvas_height"), name)
    if "fps" in pages[0]:
        fps = _rate(pages[0]["fps"], name)
    canvas, fps = _settle(canvas, fps, len(pages), name)
    frames = []
    for page in pages:
        people = []
        for figure in page["people"]:
            if not isinstance(figure, dict):
                raise _unreadable(name, "a person must be an object")
            body = _person(
                figure.get("pose_keypoints_2d", figure.get("pose_keypoints")), OPENPOSE_LAYOUTS, name
            )
            if body is not None:
                people.append(_with_hands(body, figure, name))
        frames.append(people)
    handed = {len(p.names) for people in frames for p in people if len(p.names) > 25}
    if handed:  # who is without hands in one frame still has them in the next
        frames = [[_widened(p) for p in people] for people in frames]
    return _assemble(_choose(frames, person), canvas, fps, name, None)


def _with_hands(body: _Person, figure: dict, name: Any) -> _Person:
    """The person with the hands the file gives; unchanged where it gives none."""
    hands = []
    for side in ("left", "right"):
        flat = _numbers(figure.get(f"hand_{side}_keypoints_2d") or [], name)
        if flat.size not in (0, 63) or flat.ndim != 1:
            raise _unreadable(name, f"a hand has 21 keypoints of three numbers, not {flat.size} numbers")
        hands.append(flat.reshape(-1, 3) if flat.size else np.zeros((21, 3)))
    if not any((hand[:, 2] > 0).any() for hand in hands):
        return body
    wide = _widened(body)
    return replace(wide, points=np.concatenate([body.points, *hands]))


def _widened(person: _Person) -> _Person:
    """The person on the skeleton with hands, none of them seen yet."""
    target = _HANDED.get(len(person.names))
    if target is None:
        return person
    missing = np.zeros((len(target) - len(person.names), 3))
    return _Person(np.concatenate([person.points, missing]), target.joints, target)


def _from_coco(
    annotations: Any,
    header: dict,
    name: Any,
    canvas: tuple[int, int] | None,
    fps: float | None,
    person: int | None,
) -> PoseSequence:
    annotations = annotations if isinstance(annotations, list) else [annotations]
    if not annotations or not all(isinstance(a, dict) for a in annotations):
        raise _unreadable(name, "there are no annotations")
    images = header.get("images", [])
    if not isinstance(images, list) or not all(isinstance(i, dict) for i in images):
        raise _unreadable(name, "images must be a list of objects")
    order: list[str] = [str(i.get("id")) for i in images]
    if images and "width" in images[0]:
        canvas = _size(images[0]["width"], images[0].get("height"), name)
    info = header.get("info")
    if isinstance(info, dict) and "fps" in info:
        fps = _rate(info["fps"], name)
    by_image: dict[str, list[_Person]] = {key: [] for key in order}
    for annotation in annotations:
        body = _person(annotation.get("keypoints", []), COCO_LAYOUTS, name)
        if body is None:
            continue
        body = _with_parts(body, annotation, name)
        if "keypoint_scores" in annotation:
            scores = _numbers(annotation["keypoint_scores"], name)
            if scores.shape != (len(body.points),):
                raise _unreadable(name, "keypoint_scores must hold one number per keypoint")
            points = np.column_stack([body.points[:, :2], np.where(body.points[:, 2] > 0, scores, 0)])
        else:
            cuts = [17, *(first for _, _, first, _ in COCO_PARTS[1:])] if len(body.points) == 133 else []
            parts = np.split(body.points[:, 2], cuts)  # a part may hold flags, another one confidences
            points = np.column_stack([body.points[:, :2], np.concatenate([_visibility(v) for v in parts])])
        by_image.setdefault(str(annotation.get("image_id", "0")), []).append(replace(body, points=points))
    canvas, fps = _settle(canvas, fps, len(by_image), name)
    return _assemble(_choose(list(by_image.values()), person), canvas, fps, name, None)


def _with_parts(body: _Person, annotation: dict, name: Any) -> _Person:
    """The person with COCO-WholeBody's feet, face and hands, where the annotation has any of them."""
    if len(body.points) != 17 or not any(field in annotation for field, _, _, _ in COCO_PARTS):
        return body
    points = np.zeros((len(COCO_WHOLEBODY), 3))
    points[:17] = body.points
    for field, _, first, count in COCO_PARTS:
        values = _numbers(annotation.get(field) or [], name)
        if values.size not in (0, 3 * count) or values.ndim != 1:
            raise _unreadable(name, f"{field} must hold {3 * count} numbers, not {values.size}")
        if values.size:
            points[first : first + count] = values.reshape(-1, 3)
    return _Person(points, tuple(COCO_WHOLEBODY), BODY_67)


def _visibility(v: np.ndarray) -> np.ndarray:
    """COCO's third number as a score: flags 0 absent, 1 hidden, 2 seen; or a detector's confidence."""
    if np.isin(v, (0, 1, 2)).all() and (v == 2).any():
        return v / 2
    return v


def _from_mediapipe(data: Any, name: Any, canvas: tuple[int, int] | None, fps: float | None) -> PoseSequence:
    if isinstance(data, dict):
        canvas = _size(data["width"], data.get("height"), name) if "width" in data else canvas
        fps = _rate(data["fps"], name) if "fps" in data else fps
        frames = next((data[key] for key in _LANDMARKS if key in data), None)
        frames = frames if isinstance(frames, list) and frames and isinstance(frames[0], list) else [frames]
    elif any(key in data[0] for key in _LANDMARKS):
        frames = [_landmarks(f) for f in data]
    else:
        frames = [data]
    people: list[_Person | None] = []
    for landmarks in frames:
        if not landmarks:
            people.append(None)
            continue
        if (
            not isinstance(landmarks, list)
            or len(landmarks) != 33
            or not all(isinstance(m, dict) for m in landmarks)
        ):
            raise _unreadable(name, "MediaPipe frames must hold 33 landmarks")
        rows = [[m.get("x"), m.get("y"), m.get("visibility", 1.0)] for m in landmarks]
        people.append(_Person(_numbers(rows, name), MEDIAPIPE_33.joints, MEDIAPIPE_33))
    canvas, fps = _settle(canvas, fps, len(people), name)
    return _assemble(people, canvas, fps, name, True)


def _landmarks(frame: Any) -> Any:
    """The landmarks of one frame: of its first person where MediaPipe's own result lists several."""
    if not isinstance(frame, dict):
        return None
    found = next((frame[key] for key in _LANDMARKS if key in frame), None)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], list) else found


def _from_own(data: dict, name: Any, fps: float | None) -> PoseSequence:
    if not isinstance(data["skeleton"], str):
        raise _unreadable(name, "skeleton must be a name")
    layout = skeleton(data["skeleton"])
    keypoints = _numbers(data.get("keypoints"), name)
    scores = _numbers(data["scores"], name) if "scores" in data else np.ones(keypoints.shape[:-1])
    canvas = data.get("canvas", [1000, 1000])
    if not isinstance(canvas, list) or len(canvas) != 2:
        raise _unreadable(name, "canvas must be width and height")
    if keypoints.ndim == 2:
        keypoints, scores = keypoints[None], np.atleast_2d(scores)
    if len(keypoints) > MAX_FRAMES:
        raise _unreadable(name, f"more than {MAX_FRAMES} frames")
    if "fps" in data:
        fps = _rate(data["fps"], name)
    size, rate = _settle(_size(canvas[0], canvas[1], name), fps, len(keypoints), name)
    return PoseSequence(keypoints, scores, rate, layout, size)

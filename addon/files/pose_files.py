# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances as files: OpenPose and COCO JSON and NumPy's .npz, written and read back. No bpy in here.

Layouts: OpenPose ``doc/02_output.md`` (18 joints as COCO-18, 25 as BODY_25, hands of 21);
cocodataset.org/#format-data (17 keypoints, flag 2 for seen).
"""

import io
import json
import math
import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..character.skeleton import BODY_25, COCO_17, COCO_WHOLE, EXTREMITIES, FEET, HALPE_26, HANDS, OPENPOSE_18
from ..dance.dance import MAX_FRAMES
from ..errors import Problem

MAX_BYTES = 256 * 2**20
HAND = 21  # joints of a hand
COCO_SIZES = {17: COCO_17, 26: HALPE_26, 133: COCO_WHOLE}
FARTHEST = 1e6  # pixels


@dataclass(frozen=True, eq=False)
class Poses:
    """One figure over time.

    Parameters
    ----------
    points : (T, 18, 2) float
        Pixels of the canvas, x right, y down, order `OPENPOSE_18`.
    scores : (T, 18) float
        0 where a joint is not there.
    fps : float
    canvas : (int, int)
    more : (T, 48, 3) float, optional
        Hands and feet in the order of `EXTREMITIES`: pixels and score.
    beats, downbeats : list of float
        Seconds; kept by .npz alone.
    """

    points: np.ndarray
    scores: np.ndarray
    fps: float
    canvas: tuple[int, int]
    more: np.ndarray | None = None
    beats: list = field(default_factory=list)
    downbeats: list = field(default_factory=list)
    seed: int = 0
    revision: str = "file"

    def __len__(self) -> int:
        return len(self.points)

    @property
    def hands(self) -> np.ndarray | None:
        """(T, 2, 21, 3) left and right; None without hands."""
        if self.more is None or not self.more[:, len(FEET) :, 2].any():
            return None
        return self.more[:, len(FEET) :].reshape(len(self), 2, HAND, 3)

    @property
    def feet(self) -> np.ndarray | None:
        """(T, 6, 3); None without feet."""
        return (
            None if self.more is None or not self.more[:, : len(FEET), 2].any() else self.more[:, : len(FEET)]
        )


# Writing ----------------------------------------------------------------------------------------------------------


def save(poses: Poses, path: str, kind: str) -> int:
    """Write a file of kind ``OPENPOSE``, ``COCO`` or ``NPZ``, or with ``FOLDER`` one OpenPose file per frame.

    Returns how many files. A file that was there before is replaced only when the new one is whole.
    """
    try:
        if kind == "FOLDER":
            folder = Path(path)
            folder.mkdir(parents=True, exist_ok=True)
            for t, page in enumerate(openpose(poses)):
                _put(folder / f"{folder.name}_{t:012d}_keypoints.json", json.dumps(page).encode())
            return len(poses)
        data = (
            npz(poses)
            if kind == "NPZ"
            else json.dumps(openpose(poses) if kind == "OPENPOSE" else coco(poses)).encode()
        )
        _put(Path(path), data)
        return 1
    except OSError as error:
        raise Problem(
            "file_unwritable",
            f"{Path(path).name} cannot be written: {error.strerror or error}. Choose another place.",
        ) from None


def _put(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(part).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(part).unlink()
        raise


def _triples(poses: Poses) -> np.ndarray:
    """(T, 18, 3) pixels and score, zeros where a joint is not there."""
    triples = np.concatenate([poses.points, poses.scores[..., None]], 2).astype(float)
    triples[poses.scores <= 0] = 0
    return triples


def openpose(poses: Poses) -> list[dict]:
    """OpenPose pages, one per frame: 18 joints, or 25 where there are feet, and hands where there are any."""
    body = _triples(poses)
    if poses.feet is not None:
        hips = body[:, [OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")]]
        middle = np.where((hips[..., 2] > 0).all(1)[:, None], hips.mean(1), 0)
        middle[:, 2] = hips[..., 2].min(1)
        body = np.concatenate([body[:, :8], middle[:, None], body[:, 8:], poses.feet], 1)
    body = np.round(body.reshape(len(poses), -1), 5).tolist()
    hands = None if poses.hands is None else np.round(poses.hands.reshape(len(poses), 2, -1), 5)

    def hand(t, side):
        return [] if hands is None or not hands[t, side].any() else hands[t, side].tolist()

    return [
        {
            "version": 1.3,
            "people": [
                {
                    "person_id": [-1],
                    "pose_keypoints_2d": body[t],
                    "face_keypoints_2d": [],
                    "hand_left_keypoints_2d": hand(t, 0),
                    "hand_right_keypoints_2d": hand(t, 1),
                }
            ],
            "canvas_width": poses.canvas[0],
            "canvas_height": poses.canvas[1],
            "fps": poses.fps,
        }
        for t in range(len(poses))
    ]


def coco(poses: Poses) -> dict:
    """A COCO keypoint dataset: an image and an annotation per frame; with hands or feet in WholeBody's fields."""
    order = [OPENPOSE_18.index(joint) for joint in COCO_17]
    triples, annotations, images = _triples(poses)[:, order], [], []
    for t, rows in enumerate(triples):
        seen = rows[:, 2] > 0
        low, high = (
            (rows[seen, :2].min(0), rows[seen, :2].max(0)) if seen.any() else (np.zeros(2), np.zeros(2))
        )
        box = [round(float(v), 3) for v in (*low, *(high - low))]
        flat = np.column_stack([rows[:, :2], 2 * seen])
        images.append(
            {
                "id": t + 1,
                "file_name": f"{t + 1:06d}.png",
                "width": poses.canvas[0],
                "height": poses.canvas[1],
            }
        )
        annotations.append(
            {
                "id": t + 1, "image_id": t + 1, "category_id": 1, "iscrowd": 0,
                "num_keypoints": int(seen.sum()),
                "keypoints": np.round(flat.ravel(), 5).tolist(),
                "keypoint_scores": np.round(rows[:, 2], 5).tolist(),
                "bbox": box, "area": round(box[2] * box[3], 3),
            }
        )  # fmt: skip
    if poses.more is not None:
        _whole_body(annotations, poses.more)
    return {
        "info": {"description": "Poses written by Tempose", "fps": poses.fps},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17), "skeleton": []}],
    }


_PARTS = {"foot": FEET, "lefthand": HANDS["left"], "righthand": HANDS["right"]}


def _whole_body(annotations: list[dict], more: np.ndarray) -> None:
    """Add the fields of COCO-WholeBody: feet, face (not there) and hands, and the confidences of all 133 points."""
    for annotation, rows in zip(annotations, more, strict=True):
        annotation |= {"face_kpts": [0] * (3 * 68), "face_valid": False}
        for part, joints in _PARTS.items():
            own = rows[[EXTREMITIES.index(joint) for joint in joints]]
            seen = own[:, 2] > 0
            flat = np.column_stack([own[:, :2], 2 * seen]) * seen[:, None]
            annotation[f"{part}_kpts"] = np.round(flat.ravel(), 5).tolist()
            annotation[f"{part}_valid"] = bool(seen.any())
        scores = np.round(rows[:, 2], 5).tolist()
        annotation["keypoint_scores"] += [*scores[: len(FEET)], *[0.0] * 68, *scores[len(FEET) :]]


def npz(poses: Poses) -> bytes:
    """The arrays of ``DANCE.npz``, as `tempose generate` writes it."""
    buffer, rows, names = io.BytesIO(), _triples(poses), OPENPOSE_18
    if poses.more is not None:  # on a skeleton with hands and feet, as the core has it
        names = (*BODY_25, *HANDS["left"], *HANDS["right"])
        have = dict(
            zip(
                (*OPENPOSE_18, *EXTREMITIES),
                np.concatenate([rows, poses.more], 1).swapaxes(0, 1),
                strict=True,
            )
        )
        hips = np.stack([have["left_hip"], have["right_hip"]])
        have["mid_hip"] = hips.mean(0)
        have["mid_hip"][:, 2] = hips[..., 2].min(0)
        rows = np.stack([have[joint] for joint in names], 1)
    np.savez_compressed(
        buffer,
        keypoints=(rows[..., :2] / np.asarray(poses.canvas, float)).astype(np.float32),
        scores=rows[..., 2].astype(np.float32),
        fps=np.float64(poses.fps),
        canvas=np.asarray(poses.canvas, np.int32),
        skeleton=np.asarray("openpose18" if poses.more is None else "body25_hands"),
        joint_names=np.asarray(names),
        beat_times=np.asarray(poses.beats, np.float64),
        downbeat_times=np.asarray(poses.downbeats, np.float64),
        seams=np.zeros(0, np.int32),
        seed=np.int64(poses.seed),
        model_revision=np.asarray(poses.revision),
    )
    return buffer.getvalue()


# Reading ----------------------------------------------------------------------------------------------------------


def load(path: str, fps: float, canvas: tuple[int, int]) -> Poses:
    """Read what `save` writes, and the same from elsewhere: a file, or a folder of one OpenPose file per frame.

    Parameters
    ----------
    fps, canvas
        Taken where the file does not say them.
    """
    at = Path(path)
    try:
        if at.is_dir():
            files = sorted(at.glob("*.json"), key=_natural)
            if not files or len(files) > MAX_FRAMES:
                raise _bad(at.name, "the folder holds no .json files" if not files else "it is too long")
            pages = [page for file in files for page in _pages(_json(file), file.name)]
            return _from_pages(pages, at.name, fps, canvas)
        if at.stat().st_size > MAX_BYTES:
            raise _bad(at.name, "it is too large")
        if at.suffix.lower() == ".npz":
            return _from_npz(at)
        data = _json(at)
    except OSError as error:
        raise Problem(
            "file_missing", f"{at.name} cannot be read: {error.strerror or error}. Choose another one."
        ) from None
    if isinstance(data, dict) and "annotations" in data:
        return _from_coco(data, at.name, fps, canvas)
    return _from_pages(_pages(data, at.name), at.name, fps, canvas)


def _bad(name: str, why: str) -> Problem:
    return Problem("file_unreadable", f"{name} cannot be read as poses: {why}. Choose another file.")


def _natural(path: Path) -> list:
    """Sort key that puts frame 10 after frame 9."""
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in re.split(r"(\d+)", path.name)]


def _json(path: Path):
    if path.stat().st_size > MAX_BYTES:
        raise _bad(path.name, "it is too large")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise _bad(path.name, "it is not JSON") from None


def _pages(data, name: str) -> list[dict]:
    pages = data.get("frames", [data]) if isinstance(data, dict) else data
    good = isinstance(pages, list) and pages and len(pages) <= MAX_FRAMES
    if not good or not all(isinstance(p, dict) and isinstance(p.get("people"), list) for p in pages):
        raise _bad(name, "it holds neither OpenPose nor COCO keypoints")
    if isinstance(data, dict) and "fps" in data:
        pages[0].setdefault("fps", data["fps"])
    return pages


def _numbers(flat, name: str, sizes: tuple[int, ...]) -> np.ndarray | None:
    """(K, 3) finite numbers of one of these sizes; None for an empty list."""
    if not isinstance(flat, list):
        raise _bad(name, "keypoints must be a list of numbers")
    if not flat:
        return None
    try:
        rows = np.asarray(flat, float)
    except (ValueError, TypeError, OverflowError):
        raise _bad(name, "keypoints must be a list of numbers") from None
    if rows.ndim != 1 or rows.size not in [3 * k for k in sizes]:
        raise _bad(name, f"a figure must have {' or '.join(map(str, sizes))} keypoints of three numbers")
    if not np.isfinite(rows).all() or np.abs(rows).max() > FARTHEST:
        raise _bad(name, "keypoints must be sensible numbers")
    return rows.reshape(-1, 3)


def _canvas(width, height, name: str) -> tuple[int, int]:
    if not all(isinstance(v, int | float) and math.isfinite(v) and 1 <= v <= 65536 for v in (width, height)):
        raise _bad(name, "its picture size makes no sense")
    return int(width), int(height)


def _rate(value, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 1000:
        raise _bad(name, "its frame rate makes no sense")
    return float(value)


def _from_pages(pages: list[dict], name: str, fps: float, canvas: tuple[int, int]) -> Poses:
    first = pages[0]
    if "canvas_width" in first or "canvas_height" in first:
        canvas = _canvas(first.get("canvas_width"), first.get("canvas_height"), name)
    fps = _rate(first["fps"], name) if "fps" in first else fps
    figures, last = [], None
    for page in pages:
        people = []
        for person in page["people"]:
            if not isinstance(person, dict):
                raise _bad(name, "a person must be an object")
            rows = _numbers(person.get("pose_keypoints_2d", []), name, (18, 25))
            if rows is not None and (rows[:, 2] > 0).any():
                people.append((rows, person))
        chosen = _nearest(people, last)
        if chosen is None:
            figures.append(None)
            continue
        rows, person = chosen
        last = rows[rows[:, 2] > 0, :2].mean(0)
        hands = [_numbers(person.get(f"hand_{side}_keypoints_2d") or [], name, (HAND,)) for side in HANDS]
        figures.append(np.concatenate([rows, *(np.zeros((HAND, 3)) if h is None else h for h in hands)]))
    given = [rows for rows in figures if rows is not None]
    if not given:
        raise _bad(name, "it shows nobody")
    if len({len(rows) for rows in given}) > 1:
        raise _bad(name, "its frames have different numbers of keypoints")
    names = OPENPOSE_18 if len(given[0]) == 18 + 2 * HAND else BODY_25
    return _poses(figures, (*names, *HANDS["left"], *HANDS["right"]), fps, canvas)


def _nearest(people: list, last):
    """The figure that goes on: the surest one first, then the one nearest to the last."""
    if not people:
        return None
    if last is None:
        return max(people, key=lambda p: p[0][:, 2].sum())
    return min(people, key=lambda p: float(np.linalg.norm(p[0][p[0][:, 2] > 0, :2].mean(0) - last)))


def _from_coco(data: dict, name: str, fps: float, canvas: tuple[int, int]) -> Poses:
    images, annotations = data.get("images") or [], data["annotations"]
    good = isinstance(images, list) and isinstance(annotations, list)
    if not good or not all(isinstance(x, dict) for x in [*images, *annotations]):
        raise _bad(name, "images and annotations must be lists of objects")
    info = data.get("info")
    if isinstance(info, dict) and "fps" in info:
        fps = _rate(info["fps"], name)
    if images and "width" in images[0]:
        canvas = _canvas(images[0]["width"], images[0].get("height"), name)
    by_image: dict[str, list] = {str(image.get("id")): [] for image in images}
    for annotation in annotations:
        rows = _numbers(annotation.get("keypoints", []), name, tuple(COCO_SIZES))
        if rows is None:
            continue
        rows = _with_parts(rows, annotation, name)
        scores = annotation.get("keypoint_scores")
        if isinstance(scores, list) and len(scores) == len(rows):
            sure = _numbers([v for s in scores for v in (0, 0, s)], name, tuple(COCO_SIZES))
            rows[:, 2] = np.where(rows[:, 2] > 0, sure[:, 2] if sure is not None else 0, 0)
        elif rows[:, 2].max() > 1:
            rows[:, 2] /= 2  # flags: 0 absent, 1 hidden, 2 seen
        by_image.setdefault(str(annotation.get("image_id", "")), []).append(rows)
    if len(by_image) > MAX_FRAMES:
        raise _bad(name, "it is too long")
    figures, last = [], None
    for people in by_image.values():
        chosen = _nearest([(rows, None) for rows in people if (rows[:, 2] > 0).any()], last)
        figures.append(None if chosen is None else chosen[0])
        if chosen is not None:
            last = chosen[0][chosen[0][:, 2] > 0, :2].mean(0)
    if not any(rows is not None for rows in figures):
        raise _bad(name, "it shows nobody")
    sizes = {len(rows) for rows in figures if rows is not None}
    if len(sizes) > 1:
        raise _bad(name, "its figures have different numbers of keypoints")
    return _poses(figures, COCO_SIZES[sizes.pop()], fps, canvas)


def _with_parts(rows: np.ndarray, annotation: dict, name: str) -> np.ndarray:
    """COCO's 17 joints, with feet and hands where they stand in WholeBody's own fields."""
    if len(rows) != len(COCO_17) or "foot_kpts" not in annotation:
        return rows.copy()
    whole = np.zeros((len(COCO_WHOLE), 3))
    whole[: len(rows)] = rows
    for part, joints in _PARTS.items():
        own = _numbers(annotation.get(f"{part}_kpts") or [], name, (len(joints),))
        if own is not None:
            whole[[COCO_WHOLE.index(joint) for joint in joints]] = own
    return whole


def _poses(figures: list, names: tuple, fps: float, canvas: tuple[int, int]) -> Poses:
    """Figures in a layout as `Poses`; a neck that is nowhere given lies between the shoulders."""
    rows = np.stack([f if f is not None else np.zeros((len(names), 3)) for f in figures])
    out = np.zeros((len(rows), len(OPENPOSE_18), 3))
    for i, joint in enumerate(OPENPOSE_18):
        if joint in names:
            out[:, i] = rows[:, names.index(joint)]
        elif joint == "neck":
            pair = rows[:, [names.index("left_shoulder"), names.index("right_shoulder")]]
            out[:, i, :2], out[:, i, 2] = pair[..., :2].mean(1), pair[..., 2].min(1)
    more = np.zeros((len(rows), len(EXTREMITIES), 3))
    for i, joint in enumerate(EXTREMITIES):
        if joint in names:
            more[:, i] = rows[:, names.index(joint)]
    for some in (out, more):
        some[some[..., 2] <= 0] = 0
        some[..., 2] = np.minimum(some[..., 2], 1)
    seen = out[..., 2] > 0
    if seen.any() and np.abs(out[seen][:, :2]).max() <= 1.5:  # shares of the picture instead of pixels
        out[..., :2] *= canvas
        more[..., :2] *= canvas
    return Poses(out[..., :2], out[..., 2], fps, canvas, more if more.any() else None)


def _from_npz(path: Path) -> Poses:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise _bad(path.name, "it is too large")
        with np.load(path, allow_pickle=False) as data:
            names = tuple(str(j) for j in data["joint_names"])
            keypoints, scores = np.asarray(data["keypoints"], float), np.asarray(data["scores"], float)
            if keypoints.shape != (*scores.shape, 2) or scores.shape[1:] != (len(names),) or not len(scores):
                raise ValueError
            if (
                not (np.isfinite(keypoints).all() and np.isfinite(scores).all())
                or np.abs(keypoints).max() > 1e4
            ):
                raise ValueError
            if len(scores) > MAX_FRAMES or not set(COCO_17) <= set(names):
                raise ValueError
            canvas = (
                _canvas(*(int(v) for v in data["canvas"]), path.name) if "canvas" in data else (1000, 1000)
            )
            rows = np.concatenate([keypoints * canvas, np.clip(scores, 0, 1)[..., None]], 2)
            made = _poses(list(rows), names, _rate(float(data["fps"]), path.name), canvas)
            beats = [
                sorted(set(np.asarray(data[k], float).tolist())) if k in data else []
                for k in ("beat_times", "downbeat_times")
            ]
            seed = int(data["seed"]) if "seed" in data else 0
            revision = str(data["model_revision"])[:200] if "model_revision" in data else "file"
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError, OverflowError):
        raise _bad(path.name, "it is no dance that Tempose has written") from None
    if not all(math.isfinite(v) for times in beats for v in times):
        raise _bad(path.name, "its beats are not numbers")
    return Poses(
        made.points, made.scores, made.fps, made.canvas, made.more, beats[0], beats[1], max(seed, 0), revision
    )


def whole(poses: Poses, complete: Callable) -> tuple[np.ndarray, np.ndarray]:
    """Points and scores without gaps in time: a joint that is missing for a while goes straight to where it is again.

    A joint that is never there is completed by `complete` from the first pose that can be.
    """
    points, scores = bridged(poses.points, poses.scores)
    never = (poses.scores <= 0).all(0)
    if never.any():
        for t in range(len(points)):
            points[t, never] = complete(points[t], scores[t])[never]
        scores[:, never] = 0.3
    return points, scores


def bridged(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (T, K, 2) and scores (T, K) without gaps: a missing joint goes straight to where it is again."""
    points, bridge = points.copy(), scores.copy()
    at = np.arange(len(points))
    for k in range(points.shape[1]):
        seen = scores[:, k] > 0
        if seen.any() and not seen.all():
            for i in range(2):
                points[:, k, i] = np.interp(at, at[seen], points[seen, k, i])
            bridge[~seen, k] = 0.3
    return points, bridge

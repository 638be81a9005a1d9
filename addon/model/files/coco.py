# SPDX-License-Identifier: GPL-3.0-or-later
"""COCO JSON, by cocodataset.org/#format-data: 17 keypoints, flag 2 for seen, or Halpe's 26 or WholeBody's 133.

No bpy in here.
"""

import numpy as np

from ..character.skeleton import COCO_17, COCO_WHOLE, EXTREMITIES, FEET, HALPE_26, HANDS, OPENPOSE_18
from ..dance.dance import MAX_FRAMES
from .poses import Poses, triples
from .reading import as_poses, followed, frame_rate, numbers, picture_size, unreadable

COCO_SIZES = {17: COCO_17, 26: HALPE_26, 133: COCO_WHOLE}
_PARTS = {"foot": FEET, "lefthand": HANDS["left"], "righthand": HANDS["right"]}


def coco(poses: Poses) -> dict:
    """A COCO keypoint dataset: an image and an annotation per frame; with hands or feet in WholeBody's fields."""
    order = [OPENPOSE_18.index(joint) for joint in COCO_17]
    annotations, images = [], []
    for t, rows in enumerate(triples(poses)[:, order]):
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


def from_coco(data: dict, name: str, fps: float, canvas: tuple[int, int]) -> Poses:
    """A parsed dataset as poses; `fps` and `canvas` where it does not say them."""
    images, annotations = data.get("images") or [], data["annotations"]
    good = isinstance(images, list) and isinstance(annotations, list)
    if not good or not all(isinstance(x, dict) for x in [*images, *annotations]):
        raise unreadable(name, "images and annotations must be lists of objects")
    info = data.get("info")
    if isinstance(info, dict) and "fps" in info:
        fps = frame_rate(info["fps"], name)
    if images and "width" in images[0]:
        canvas = picture_size(images[0]["width"], images[0].get("height"), name)
    by_image: dict[str, list] = {str(image.get("id")): [] for image in images}
    for annotation in annotations:
        rows = numbers(annotation.get("keypoints", []), name, tuple(COCO_SIZES))
        if rows is None:
            continue
        rows = _with_parts(rows, annotation, name)
        scores = annotation.get("keypoint_scores")
        if isinstance(scores, list) and len(scores) == len(rows):
            sure = numbers([v for s in scores for v in (0, 0, s)], name, tuple(COCO_SIZES))
            rows[:, 2] = np.where(rows[:, 2] > 0, sure[:, 2] if sure is not None else 0, 0)
        elif rows[:, 2].max() > 1:
            rows[:, 2] /= 2  # flags: 0 absent, 1 hidden, 2 seen
        by_image.setdefault(str(annotation.get("image_id", "")), []).append(rows)
    if len(by_image) > MAX_FRAMES:
        raise unreadable(name, "it is too long")
    frames = list(by_image.values())
    figures = [
        people[i] if i is not None else None for people, i in zip(frames, followed(frames), strict=True)
    ]
    if not any(rows is not None for rows in figures):
        raise unreadable(name, "it shows nobody")
    sizes = {len(rows) for rows in figures if rows is not None}
    if len(sizes) > 1:
        raise unreadable(name, "its figures have different numbers of keypoints")
    return as_poses(figures, COCO_SIZES[sizes.pop()], fps, canvas)


def _with_parts(rows: np.ndarray, annotation: dict, name: str) -> np.ndarray:
    """COCO's 17 joints, with feet and hands where they stand in WholeBody's own fields."""
    if len(rows) != len(COCO_17) or "foot_kpts" not in annotation:
        return rows.copy()
    whole = np.zeros((len(COCO_WHOLE), 3))
    whole[: len(rows)] = rows
    for part, joints in _PARTS.items():
        own = numbers(annotation.get(f"{part}_kpts") or [], name, (len(joints),))
        if own is not None:
            whole[[COCO_WHOLE.index(joint) for joint in joints]] = own
    return whole

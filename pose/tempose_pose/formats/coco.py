"""COCO's annotations and results: 17 points, Halpe's 26, or WholeBody's 133 in one list or in fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tempose_pose.formats.layouts import COCO_LAYOUTS, COCO_PARTS, COCO_WHOLEBODY
from tempose_pose.formats.numbering import in_time, numbers_in
from tempose_pose.formats.people import Person, assemble, choose, read_person, read_points, track_of
from tempose_pose.formats.values import has, numbers, picture_size, said_rate, settle, unreadable
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import BODY_67

PICTURES = ("image_id", "frame_id", "frame", "frame_index", "image_name", "file_name")
"""What annotations call the picture they belong to."""


def from_coco(
    annotations: Any,
    header: dict,
    name: Any,
    canvas: tuple[int, int] | None,
    fps: float | None,
    person: int | None,
) -> PoseSequence:
    """Annotations as poses; `header` is the object around them, with images and info, empty for results.

    Numbers in the images' names (or ids) give the order and the frames that show nobody.
    """
    annotations = annotations if isinstance(annotations, list) else [annotations]
    if not annotations or not all(isinstance(a, dict) for a in annotations):
        raise unreadable(name, "there are no annotations")
    images = header.get("images", [])
    if not isinstance(images, list) or not all(isinstance(i, dict) for i in images):
        raise unreadable(name, "images must be a list of objects")
    order: list[str] = [str(i.get("id", "0")) for i in images]
    if images and "width" in images[0]:
        canvas = picture_size(images[0]["width"], images[0].get("height"), name)
    fps = said_rate(header.get("info"), name) or said_rate(header, name) or fps
    key = next((k for k in PICTURES if has(annotations, k)), PICTURES[0])
    by_image: dict[str, list[Person]] = {key: [] for key in order}
    for annotation in annotations:
        figure = read_annotation(annotation, name)
        if figure is not None:
            by_image.setdefault(str(annotation.get(key, "0")), []).append(figure)
    frames = list(by_image.values())
    names = [str(i.get("file_name", i.get("id", "0"))) for i in images] or list(by_image)
    frames = in_time(frames, numbers_in(names) if len(names) == len(frames) else None, [])
    canvas, fps = settle(canvas, fps, len(frames), name)
    return assemble(choose(frames, person), canvas, fps, name, None)


def read_annotation(annotation: dict, name: Any) -> Person | None:
    """The figure of an annotation, with confidences beside or among the keypoints; None if it has no figure."""
    body = read_person(annotation.get("keypoints"), COCO_LAYOUTS, name)
    if body is None:
        return None
    body = _with_parts(body, annotation, name)
    if "keypoint_scores" in annotation:
        scores = numbers(annotation["keypoint_scores"], name)
        if scores.shape != (len(body.points),):
            raise unreadable(name, "keypoint_scores must hold one number per keypoint")
        scores = np.where(body.points[:, 2] > 0, scores, 0)
    else:
        cuts = [17, *(first for _, _, first, _ in COCO_PARTS[1:])] if len(body.points) == 133 else []
        parts = np.split(body.points[:, 2], cuts)  # one part may have flags, another confidences
        scores = np.concatenate([_visibility(v) for v in parts])
    points = np.column_stack([body.points[:, :2], scores])
    return replace(body, points=points, track=track_of(annotation))


def _with_parts(body: Person, annotation: dict, name: Any) -> Person:
    """The person with COCO-WholeBody's feet, face and hands, if the annotation has any of them."""
    if len(body.points) != 17 or not any(field in annotation for field, _, _, _ in COCO_PARTS):
        return body
    points = np.zeros((len(COCO_WHOLEBODY), 3))
    points[:17] = body.points
    for field, _, first, count in COCO_PARTS:
        part = read_points(annotation.get(field), (count,), name, field)
        if part is not None:
            points[first : first + count] = part
    return Person(points, tuple(COCO_WHOLEBODY), BODY_67)


def _visibility(v: np.ndarray) -> np.ndarray:
    """COCO's third number as a score: flags 0 absent, 1 hidden, 2 seen; or a detector's confidence."""
    if np.isin(v, (0, 1, 2)).all() and (v == 2).any():
        return v / 2
    return v

"""OpenPose's pages: one per frame, with a list of people, on 18 or 25 joints, hands beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tempose_pose.formats.layouts import COCO_LAYOUTS, HANDED, OPENPOSE_LAYOUTS
from tempose_pose.formats.people import Person, assemble, choose, read_person
from tempose_pose.formats.values import frame_rate, numbers, picture_size, settle, unreadable
from tempose_pose.sequence import PoseSequence

SIZES = (("canvas_width", "canvas_height"), ("width", "height"), ("image_width", "image_height"))
"""What files call the picture's size."""
LAYOUTS = COCO_LAYOUTS | OPENPOSE_LAYOUTS
"""AlphaPose and others write COCO's and Halpe's joints in OpenPose's form."""


def pages_of(data: Any, name: Any) -> list[dict]:
    """The pages of a file: one, a list of them, or ``frames`` beside an ``fps``."""
    pages = data["frames"] if isinstance(data, dict) and "frames" in data else data
    pages = pages if isinstance(pages, list) else [pages]
    if isinstance(data, dict) and "fps" in data and pages and isinstance(pages[0], dict):
        pages = [{"fps": data["fps"], **pages[0]}, *pages[1:]]
    if not pages or not all(isinstance(p, dict) and isinstance(p.get("people"), list) for p in pages):
        raise unreadable(name, "a frame has no list of people")
    return pages


def from_pages(
    pages: list[dict], name: Any, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    """Pages as poses; `canvas` and `fps` where the first page does not say them."""
    for width, height in SIZES:
        if width in pages[0] or height in pages[0]:
            canvas = picture_size(pages[0].get(width), pages[0].get(height), name)
            break
    if "fps" in pages[0]:
        fps = frame_rate(pages[0]["fps"], name)
    canvas, fps = settle(canvas, fps, len(pages), name)
    frames = []
    for page in pages:
        people = []
        for figure in page["people"]:
            if not isinstance(figure, dict):
                raise unreadable(name, "a person must be an object")
            body = read_person(figure.get("pose_keypoints_2d", figure.get("pose_keypoints")), LAYOUTS, name)
            if body is not None:
                people.append(_with_hands(body, figure, name) if len(body.names) in HANDED else body)
        frames.append(people)
    handed = any(len(p.names) in (60, 67) for people in frames for p in people)
    if handed:  # who is without hands in one frame still has them in the next
        frames = [[_widened(p) for p in people] for people in frames]
    return assemble(choose(frames, person), canvas, fps, name, None)


def _with_hands(body: Person, figure: dict, name: Any) -> Person:
    """The person with the hands the file gives; unchanged where it gives none."""
    hands = []
    for side in ("left", "right"):
        flat = numbers(figure.get(f"hand_{side}_keypoints_2d") or [], name)
        if flat.size not in (0, 63) or flat.ndim != 1:
            raise unreadable(name, f"a hand has 21 keypoints of three numbers, not {flat.size} numbers")
        hands.append(flat.reshape(-1, 3) if flat.size else np.zeros((21, 3)))
    if not any((hand[:, 2] > 0).any() for hand in hands):
        return body
    wide = _widened(body)
    return replace(wide, points=np.concatenate([body.points, *hands]))


def _widened(person: Person) -> Person:
    """The person on the skeleton with hands, none of them seen yet."""
    target = HANDED.get(len(person.names))
    if target is None:
        return person
    missing = np.zeros((len(target) - len(person.names), 3))
    return Person(np.concatenate([person.points, missing]), target.joints, target)

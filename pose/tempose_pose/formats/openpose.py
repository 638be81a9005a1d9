"""OpenPose pages: one per frame, with a list of people with 18 or 25 joints, and hands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tempose_pose.formats.layouts import COCO_LAYOUTS, HANDED, OPENPOSE_LAYOUTS
from tempose_pose.formats.numbering import in_time, numbers_of
from tempose_pose.formats.people import Person, assemble, choose, read_person, read_points, track_of
from tempose_pose.formats.values import picture_size, said_rate, settle, unreadable
from tempose_pose.sequence import PoseSequence

SIZES = (("canvas_width", "canvas_height"), ("width", "height"), ("image_width", "image_height"))
"""What files call the picture's size."""
BODIES = ("pose_keypoints_2d", "pose_keypoints", "joints")
HANDS = ("hand_left_keypoints_2d", "hand_right_keypoints_2d")
LAYOUTS = COCO_LAYOUTS | OPENPOSE_LAYOUTS
"""AlphaPose and others write COCO's and Halpe's joints in OpenPose's form, or ``bodies`` of ``joints``."""


def pages_of(data: Any, name: Any) -> list[dict]:
    """The pages of a file: one, a list of them, or ``frames`` beside an ``fps``."""
    pages = data["frames"] if isinstance(data, dict) and "frames" in data else data
    pages = pages if isinstance(pages, list) else [pages]
    pages = [{**p, "people": p["bodies"]} if isinstance(p, dict) and "bodies" in p else p for p in pages]
    if isinstance(data, dict) and "frames" in data and pages and isinstance(pages[0], dict):
        pages = [{**{key: data[key] for key in data if key != "frames"}, **pages[0]}, *pages[1:]]
    if not pages or not all(_is_page(page) for page in pages):
        raise unreadable(name, "a frame has no list of people")
    return in_time(pages, numbers_of(pages), {"people": []})


def _is_page(page: Any) -> bool:
    """Whether it has a list of people; null counts as an empty list."""
    return isinstance(page, dict) and "people" in page and isinstance(page["people"], list | None)


def _said(pages: list[dict], key: str) -> Any:
    """The value on the first page that has one."""
    return next((page[key] for page in pages if page.get(key) is not None), None)


def from_pages(
    pages: list[dict], name: Any, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    """Pages as poses; `canvas` and `fps` if no page states them."""
    for keys in SIZES:
        width, height = (_said(pages, key) for key in keys)
        if width is not None or height is not None:
            canvas = picture_size(width, height, name)
            break
    rates = (said_rate(page, name) for page in pages)
    fps = next((rate for rate in rates if rate is not None), fps)
    canvas, fps = settle(canvas, fps, len(pages), name)
    frames = []
    for page in pages:
        people = []
        for figure in page["people"] or []:
            if not isinstance(figure, dict):
                raise unreadable(name, "a person must be an object")
            field = next((key for key in (*BODIES, *HANDS) if key in figure), None)
            if field in HANDS:
                continue  # a hand alone is not a figure
            if field is None:
                raise unreadable(name, "a person has no pose_keypoints_2d")
            body = read_person(figure[field], LAYOUTS, name)
            if body is not None:
                body = replace(body, track=track_of(figure))
                people.append(_with_hands(body, figure, name) if len(body.names) in HANDED else body)
        frames.append(people)
    handed = any(len(p.names) in (60, 67) for people in frames for p in people)
    if handed:  # a person without hands in one frame may have them in the next
        frames = [[_widened(p) for p in people] for people in frames]
    return assemble(choose(frames, person), canvas, fps, name, None)


def _with_hands(body: Person, figure: dict, name: Any) -> Person:
    """The person with the hands in the file; unchanged without any."""
    hands = []
    for field in HANDS:
        points = read_points(figure.get(field), (21,), name, "a hand")
        hands.append(np.zeros((21, 3)) if points is None else points)
    if not any((hand[:, 2] > 0).any() for hand in hands):
        return body
    wide = _widened(body)
    return replace(wide, points=np.concatenate([body.points, *hands]))


def _widened(person: Person) -> Person:
    """The person on the skeleton with hands, which are not seen yet."""
    target = HANDED.get(len(person.names))
    if target is None:
        return person
    missing = np.zeros((len(target) - len(person.names), 3))
    return Person(np.concatenate([person.points, missing]), target.joints, target, person.track)

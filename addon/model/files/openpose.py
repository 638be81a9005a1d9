# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose JSON, by its ``doc/02_output.md``: 18 joints as COCO-18, 25 as BODY_25, hands of 21. No bpy in here."""

import numpy as np

from ..character.skeleton import BODY_25, HANDS, OPENPOSE_18
from ..dance.dance import MAX_FRAMES
from .poses import HAND, Poses, triples
from .reading import as_poses, followed, frame_rate, numbers, picture_size, unreadable


def openpose(poses: Poses) -> list[dict]:
    """OpenPose pages, one per frame: 18 joints, or 25 where there are feet, and hands where there are any."""
    body = triples(poses)
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


def pages_of(data, name: str) -> list[dict]:
    """The pages of a file: one, a list of them, or ``frames`` beside an ``fps``."""
    pages = data.get("frames", [data]) if isinstance(data, dict) else data
    good = isinstance(pages, list) and pages and len(pages) <= MAX_FRAMES
    if not good or not all(isinstance(p, dict) and isinstance(p.get("people"), list) for p in pages):
        raise unreadable(name, "it holds neither OpenPose nor COCO keypoints")
    if isinstance(data, dict) and "fps" in data:
        pages[0].setdefault("fps", data["fps"])
    return pages


def from_pages(pages: list[dict], name: str, fps: float, canvas: tuple[int, int]) -> Poses:
    """Pages as poses; `fps` and `canvas` where the first page does not say them."""
    first = pages[0]
    if "canvas_width" in first or "canvas_height" in first:
        canvas = picture_size(first.get("canvas_width"), first.get("canvas_height"), name)
    fps = frame_rate(first["fps"], name) if "fps" in first else fps
    frames = [_people(page, name) for page in pages]
    chosen = followed([[rows for rows, _ in people] for people in frames])
    figures = [
        _with_hands(*people[i], name) if i is not None else None
        for people, i in zip(frames, chosen, strict=True)
    ]
    given = [rows for rows in figures if rows is not None]
    if not given:
        raise unreadable(name, "it shows nobody")
    if len({len(rows) for rows in given}) > 1:
        raise unreadable(name, "its frames have different numbers of keypoints")
    names = OPENPOSE_18 if len(given[0]) == 18 + 2 * HAND else BODY_25
    return as_poses(figures, (*names, *HANDS["left"], *HANDS["right"]), fps, canvas)


def _people(page: dict, name: str) -> list[tuple[np.ndarray, dict]]:
    """The bodies of one page (18 or 25, 3), each with the object that it stands in."""
    people = []
    for person in page["people"]:
        if not isinstance(person, dict):
            raise unreadable(name, "a person must be an object")
        rows = numbers(person.get("pose_keypoints_2d", []), name, (18, 25))
        if rows is not None:
            people.append((rows, person))
    return people


def _with_hands(body: np.ndarray, person: dict, name: str) -> np.ndarray:
    """The body with both hands after it, zeros where the file gives none."""
    hands = [numbers(person.get(f"hand_{side}_keypoints_2d") or [], name, (HAND,)) for side in HANDS]
    return np.concatenate([body, *(np.zeros((HAND, 3)) if hand is None else hand for hand in hands)])

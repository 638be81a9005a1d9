# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference poses: the built-in figures and pose files, with missing joints completed. No bpy in here."""

import json
import math
from dataclasses import dataclass, field

import numpy as np

from ..errors import Problem
from .skeleton import (
    BODY_25,
    COCO_17,
    COCO_WHOLE,
    EXTREMITIES,
    HALPE_26,
    HANDS,
    OPENPOSE_18,
    PARENTS,
    from_root,
    mirror,
)

CANVAS = (1000, 1000)
GROUND = 900.0  # pixel row the built-in figures stand on
MIN_JOINTS = 6
MAX_FILE_BYTES = 20_000_000

# Half of each figure as (distance from the middle axis, height), in shares of the stature.
_ADULT = {
    "nose": (0.0, 0.92), "neck": (0.0, 0.82), "shoulder": (0.11, 0.81), "elbow": (0.145, 0.63),
    "wrist": (0.165, 0.48), "hip": (0.06, 0.52), "knee": (0.066, 0.28), "ankle": (0.07, 0.04),
    "eye": (0.018, 0.936), "ear": (0.042, 0.926),
}  # fmt: skip
_CHILD = {
    "nose": (0.0, 0.86), "neck": (0.0, 0.73), "shoulder": (0.1, 0.72), "elbow": (0.135, 0.56),
    "wrist": (0.155, 0.42), "hip": (0.06, 0.45), "knee": (0.065, 0.24), "ankle": (0.07, 0.04),
    "eye": (0.028, 0.88), "ear": (0.065, 0.865),
}  # fmt: skip
_STATURE = {"ADULT": 720.0, "CHILD": 540.0}


@dataclass
class Reference:
    """One pose.

    Parameters
    ----------
    keypoints : (18, 2) float
        Pixels on the canvas, x right, y down, joints as in `OPENPOSE_18`.
    scores : (18,) float
    canvas : (int, int)
    completed : list of str
        Joints that were not given and have been filled in.
    more : dict of joint → (x, y)
        Hands and feet (`EXTREMITIES`), where the pose has them.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    canvas: tuple[int, int] = CANVAS
    completed: list[str] = field(default_factory=list)
    more: dict[str, tuple[float, float]] = field(default_factory=dict)

    def to_request(self) -> dict:
        """The form the server takes."""
        shares = self.keypoints / np.asarray(self.canvas, float)
        return {
            "skeleton": "openpose18",
            "keypoints": [[round(float(x), 6), round(float(y), 6)] for x, y in shares],
            "scores": [round(float(s), 4) for s in self.scores],
            "canvas": [int(self.canvas[0]), int(self.canvas[1])],
        }

    @property
    def notice(self) -> str:
        """A sentence about completed joints, or nothing."""
        if not self.completed:
            return ""
        names = ", ".join(name.replace("_", " ") for name in self.completed)
        return f"Joints missing in the pose were completed: {names}."


def standing(proportions: str = "ADULT") -> Reference:
    """The built-in figure, facing the viewer: its left side is on the right of the picture."""
    half = _CHILD if proportions == "CHILD" else _ADULT
    stature = _STATURE["CHILD" if proportions == "CHILD" else "ADULT"]
    points = []
    for joint in OPENPOSE_18:
        side = 1 if joint.startswith("left_") else -1 if joint.startswith("right_") else 0
        across, up = half[joint.split("_")[-1]]
        points.append((CANVAS[0] / 2 + side * across * stature, GROUND - up * stature))
    return Reference(np.array(points), np.ones(len(OPENPOSE_18)))


def from_json(text: str) -> Reference:
    """Read an OpenPose (18 or 25 joints), COCO (17 or WholeBody's 133) or Halpe (26) pose file.

    The largest figure in it counts. Feet and hands that the file has come along as `Reference.more`.

    Raises
    ------
    Problem
        It is neither, its numbers are not finite, or it shows too little of a body.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(
            "reference_unreadable", "This pose file is not JSON: choose an OpenPose or COCO file."
        ) from None
    canvas, people = _people(data)
    if not people:
        raise Problem(
            "reference_empty",
            "There is no figure in this pose file: choose another one, of OpenPose or COCO.",
        )
    points, scores, more = max((_figure(*person) for person in people), key=_extent)
    seen = scores > 0
    if canvas is None:
        canvas = CANVAS if points[seen].max(initial=0) <= 1.5 else _room_for(points[seen])
    if points[seen].max(initial=0) <= 1.5:  # shares of the picture instead of pixels
        points = points * np.asarray(canvas, float)
        more = {joint: (x * canvas[0], y * canvas[1]) for joint, (x, y) in more.items()}
    whole = complete(points, scores, canvas)
    whole.more = more
    return whole


def _people(data) -> tuple[tuple[int, int] | None, list]:
    """The canvas, if stated, and the flat keypoint lists of all figures."""
    canvas, people = None, []
    entries = data if isinstance(data, list) else [data]
    for entry in entries[:1000]:
        if not isinstance(entry, dict):
            continue
        for keys in (("canvas_width", "canvas_height"), ("width", "height"), ("image_width", "image_height")):
            canvas = canvas or _size(entry.get(keys[0]), entry.get(keys[1]))
        images = entry.get("images")
        if isinstance(images, list) and images and isinstance(images[0], dict):
            canvas = canvas or _size(images[0].get("width"), images[0].get("height"))
        found = [entry]
        for key in ("people", "annotations"):
            if isinstance(entry.get(key), list):
                found += [item for item in entry[key][:1000] if isinstance(item, dict)]
        for item in found:
            flat = item.get("pose_keypoints_2d", item.get("keypoints"))
            if isinstance(flat, list) and flat:
                people.append((flat, item))
    return canvas, people


def _size(width, height) -> tuple[int, int] | None:
    good = all(isinstance(v, int | float) and math.isfinite(v) and 1 <= v <= 65536 for v in (width, height))
    return (int(width), int(height)) if good else None


def _figure(flat: list, person: dict) -> tuple[np.ndarray, np.ndarray, dict]:
    """(18, 2) points and (18,) scores from a flat list of x, y, confidence; and hands and toes."""
    try:
        numbers = np.asarray(flat, float).ravel()
    except (TypeError, ValueError):
        raise Problem(
            "reference_unreadable", "This pose file holds something else than numbers: choose another one."
        ) from None
    layouts = {54: OPENPOSE_18, 75: BODY_25, 51: COCO_17, 78: HALPE_26, 399: COCO_WHOLE}
    if len(numbers) not in layouts:
        raise Problem(
            "reference_layout",
            f"This pose file has {len(numbers) // 3} joints; OpenPose files have 18 or 25, COCO files 17 "
            "or 133, Halpe files 26. Choose another one.",
        )
    if not np.isfinite(numbers).all():
        raise Problem(
            "reference_not_finite", "This pose file holds values that are not numbers: choose another one."
        )
    names, rows = layouts[len(numbers)], numbers.reshape(-1, 3)
    points, scores = np.zeros((len(OPENPOSE_18), 2)), np.zeros(len(OPENPOSE_18))
    for index, joint in enumerate(OPENPOSE_18):
        if joint in names:
            x, y, score = rows[names.index(joint)]
            there = score > 0 and (x, y) != (0, 0)
            points[index], scores[index] = (x, y), min(score, 1.0) if there else 0.0
    neck, left, right = (OPENPOSE_18.index(j) for j in ("neck", "left_shoulder", "right_shoulder"))
    if scores[neck] <= 0 and min(scores[left], scores[right]) > 0:
        points[neck] = (points[left] + points[right]) / 2
        scores[neck] = min(scores[left], scores[right])
    return points, scores, _hands_and_toes(names, rows, person)


def _hands_and_toes(names: tuple, rows: np.ndarray, person: dict) -> dict[str, tuple[float, float]]:
    """Feet and hands, from the file's layout, from OpenPose's fields or from those of COCO-WholeBody."""
    found = dict(zip(names, rows, strict=True))
    fields = {
        "foot_kpts": EXTREMITIES[:6],
        **{f"hand_{side}_keypoints_2d": HANDS[side] for side in HANDS},
        **{f"{side}hand_kpts": HANDS[side] for side in HANDS},
    }
    for key, joints in fields.items():
        flat = person.get(key)
        if isinstance(flat, list) and len(flat) == 3 * len(joints):
            if not all(isinstance(v, int | float) and math.isfinite(v) for v in flat):
                continue
            found |= dict(zip(joints, np.asarray(flat, float).reshape(-1, 3), strict=True))
    return {
        j: (float(found[j][0]), float(found[j][1])) for j in EXTREMITIES if j in found and found[j][2] > 0
    }


def _extent(figure) -> float:
    points, scores, _ = figure
    seen = points[scores > 0]
    return float(np.ptp(seen[:, 1]) + np.ptp(seen[:, 0])) if len(seen) else -1.0


def _room_for(points: np.ndarray) -> tuple[int, int]:
    return max(64, math.ceil(points[:, 0].max() * 1.1)), max(64, math.ceil(points[:, 1].max() * 1.1))


def complete(points: np.ndarray, scores: np.ndarray, canvas: tuple[int, int] = CANVAS) -> Reference:
    """Fill in joints whose score is 0, from the other side of the body or else from the built-in figure."""
    points, given = np.array(points, float), np.asarray(scores) > 0
    if given.sum() < MIN_JOINTS:
        raise Problem(
            "reference_poor",
            f"This pose shows {int(given.sum())} joints; at least {MIN_JOINTS} are needed to guess the rest. "
            "Choose another one.",
        )
    template = standing().keypoints
    spread = np.ptp(points[given], axis=0).max() / max(np.ptp(template[given], axis=0).max(), 1e-9)
    if spread <= 1e-6:
        raise Problem("reference_flat", "All joints of this pose lie in one place. Choose another pose.")
    index = {joint: i for i, joint in enumerate(OPENPOSE_18)}
    known = given.copy()
    neck = index["neck"]
    if not known[neck]:
        points[neck] = (points[given] + (template[neck] - template[given]) * spread).mean(0)
        known[neck] = True
    for joint in from_root():
        i = index[joint]
        if known[i]:
            continue
        parent, partner = index[PARENTS[joint]], index[mirror(joint)]
        partner_parent = index[PARENTS[mirror(joint)]]
        if partner != i and given[partner] and given[partner_parent]:
            offset = (points[partner] - points[partner_parent]) * (-1, 1)
        else:
            offset = (template[i] - template[parent]) * spread
        points[i] = points[parent] + offset
        known[i] = True
    missing = [joint for joint in OPENPOSE_18 if not given[index[joint]]]
    filled = np.where(given, np.clip(scores, 0, 1), 0.5)
    return Reference(points, filled, canvas, missing)

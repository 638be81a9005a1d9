# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of takes: their widest pose, small. No bpy in here."""

import numpy as np

from tempose_pose.sequence import PoseSequence, to_openpose18

from ..character.mapping import BODY

SIDE = 64  # pixels
MARGIN = 0.06  # of the picture: margin at each edge
THICK = 0.04  # of the picture: half the width of a limb
HEAD = 0.075
MIDDLE, LEFT, RIGHT = (0.85, 0.85, 0.85), (0.45, 0.8, 0.45), (0.95, 0.5, 0.4)
_AT = BODY.at
_ENDS = [_AT[f"{side}_{joint}"] for side in ("left", "right") for joint in ("wrist", "ankle")]
_FACE = {_AT[joint] for joint in BODY.joints if joint.endswith(("eye", "ear"))}


def thumbnail_of(poses: PoseSequence) -> str:
    """The pose of a dance with hands and feet farthest out, as text; empty if nobody is seen."""
    body = to_openpose18(poses)
    seen = body.scores > 0
    whole = seen.sum(1) >= 0.9 * seen.sum(1).max(initial=0)
    if not seen.any():
        return ""
    points = body.pixels.astype(float)
    middle = np.median(np.where(seen[..., None], points, points[seen].mean(0)), axis=1)
    away = np.linalg.norm(points[:, _ENDS] - middle[:, None], axis=2) * seen[:, _ENDS]
    frame = int(np.where(whole, away.sum(1), -1.0).argmax())
    there, at = seen[frame], points[frame]
    low, high = at[there].min(0), at[there].max(0)
    at = (at - (low + high) / 2) / max(float((high - low).max()), 1e-9) + 0.5  # in a square
    numbers = np.where(there[:, None], 1 + np.round(254 * np.clip(at, 0, 1)), 0).astype(np.uint8)
    return numbers.tobytes().hex()


def picture(text: str, side: int = SIDE) -> np.ndarray | None:
    """The picture (side, side, 4) float32 in [0, 1], bottom row first, of a `thumbnail_of`; None if damaged."""
    try:
        numbers = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(len(BODY), 2)
    except ValueError:
        return None
    there = numbers.min(1) > 0
    points = MARGIN + (1 - 2 * MARGIN) * (numbers - 1.0) / 254
    points[:, 1] = 1 - points[:, 1]
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    out = np.zeros((side, side, 4), np.float32)
    for a, b in BODY.limbs:
        if there[a] and there[b] and not {a, b} & _FACE:
            along = points[b] - points[a]
            share = (x - points[a, 0]) * along[0] + (y - points[a, 1]) * along[1]
            share = np.clip(share / max(float(along @ along), 1e-12), 0, 1)
            far = np.hypot(x - points[a, 0] - share * along[0], y - points[a, 1] - share * along[1])
            _paint(out, (THICK - far) * side, _colour(b))
    nose = points[_AT["nose"]]
    if there[_AT["nose"]]:
        _paint(out, (HEAD - np.hypot(x - nose[0], y - nose[1])) * side, MIDDLE)
    return out


def _colour(joint: int) -> tuple[float, float, float]:
    side = BODY.joints[joint].partition("_")[0]
    return {"left": LEFT, "right": RIGHT}.get(side, MIDDLE)


def _paint(out: np.ndarray, inside: np.ndarray, colour: tuple[float, float, float]) -> None:
    """Paint a colour over the inside of an outline, given the depth inside it in pixels."""
    cover = np.clip(inside + 0.5, 0, 1)[..., None].astype(np.float32)
    out += cover * (np.array([*colour, 1.0], np.float32) - out)

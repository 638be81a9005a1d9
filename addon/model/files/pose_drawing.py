# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses drawn as OpenPose does, and as pose-to-video models want them (`tempose_pose.drawing`). No bpy in here.

Hands come on top: thin bones, blue joints.
"""

import numpy as np
import numpy.typing as npt

from tempose_pose.drawing import ANKLES, FINGER_COLOURS, LIMB_SHARE, PLAIN, TOES, Manner, colours
from tempose_pose.skeletons import OPENPOSE_18

HAND_BONES = tuple(
    (0 if k % 4 == 1 else k - 1, k) for k in range(1, 21)
)  # root, then four of each finger from the palm outwards
HAND_JOINT = (0, 0, 255)


_BODY = colours(18)


def fitted(points: np.ndarray, canvas: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Pixels of the canvas as pixels of a picture of `size`: scaled to fit, centred, undistorted."""
    scale = min(size[0] / canvas[0], size[1] / canvas[1])
    return np.asarray(points, float) * scale + (np.asarray(size) - np.asarray(canvas) * scale) / 2


def draw(
    points: np.ndarray,
    scores: np.ndarray,
    size: tuple[int, int],
    hands: np.ndarray | None = None,
    toes: np.ndarray | None = None,
    manner: Manner = PLAIN,
) -> np.ndarray:
    """One pose as a picture.

    Parameters
    ----------
    points : (18, 2) float
        Pixels of the picture.
    scores : (18,) float
    size : (int, int)
        Width and height.
    hands : (2, 21, 3) float, optional
    toes : (2, 3) float, optional
        Toes of the left and the right foot, for manners that draw them.
    manner : Manner
        How the model that it is drawn for wants it.

    Returns
    -------
    (H, W, 3) uint8
    """
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    wide = manner.strokes(size)
    width, radius = max(wide.limb, 1.0), max(wide.joint, 1.0)

    def shown(at: np.ndarray, sure: np.ndarray) -> np.ndarray:
        return (sure > 0) & (sure >= manner.least) & (np.abs(at) < 4 * max(size)).all(-1)

    def limb(a: np.ndarray, b: np.ndarray, colour: tuple, sure: float = 1.0) -> None:
        _limb(picture, a, b, width, [LIMB_SHARE * c for c in manner.tint(colour, sure)])

    seen = shown(points, scores)
    for (a, b), colour in zip(OPENPOSE_18.limbs, _BODY, strict=False):
        if seen[a] and seen[b]:
            limb(points[a], points[b], colour, float(scores[a] * scores[b]))
    feet = toes if toes is not None and manner.toes else np.zeros((2, 3))
    down = shown(feet[:, :2], feet[:, 2])
    for ankle, toe, there, (_, colour) in zip(ANKLES, feet, down, TOES, strict=True):
        if there and seen[ankle]:
            limb(points[ankle], toe[:2], colour)
    for point, there, colour, sure in zip(points, seen, _BODY, scores, strict=True):
        if there:
            _disc(picture, point, radius, manner.tint(colour, float(sure)))
    for toe, there, (colour, _) in zip(feet, down, TOES, strict=True):
        if there:
            _disc(picture, toe[:2], radius, manner.tint(colour, 1.0))
    for hand in hands if hands is not None else ():
        _hand(picture, hand, shown(hand[:, :2], hand[:, 2]), manner, width)
    return picture


def _hand(picture: np.ndarray, hand: np.ndarray, there: np.ndarray, manner: Manner, width: float) -> None:
    """Draw the joints of a hand (21, 3) that are there (21,); `width` is half that of the body's limbs."""
    wide = manner.strokes((picture.shape[1], picture.shape[0]))
    for (a, b), colour in zip(HAND_BONES, FINGER_COLOURS, strict=True):
        if there[a] and there[b]:
            tint = manner.tint(colour, float(hand[a, 2] * hand[b, 2]))
            _line(picture, hand[a, :2], hand[b, :2], max(wide.bone, 0.5), tint)
    dot = max(wide.knuckle, 0.5)
    if not manner.plain_hands:  # in a small hand the joints would run together
        spread = float(np.ptp(hand[there, :2], axis=0).max()) if there.sum() > 4 else 0.0
        dot = float(np.clip(spread / 18, 0.4 * width, width))
    for point in hand[there]:
        _disc(picture, point[:2], dot, manner.tint(HAND_JOINT, float(point[2])))


def _within(
    picture: np.ndarray,
    middle: np.ndarray,
    along: np.ndarray | tuple[float, float],
    major: float,
    minor: float,
):
    """Rows and columns (N,) of the pixels in an ellipse, and their coordinates along both axes.

    It goes row by row, because a long limb covers little of its bounding box.
    """
    height, width = picture.shape[:2]
    cos, sin = along
    low = int(max(middle[1] - np.hypot(major * sin, minor * cos) - 0.5, 0))
    high = int(min(middle[1] + np.hypot(major * sin, minor * cos) + 0.5, height - 1))
    rows = np.arange(low, high + 1)
    dy = rows + 0.5 - middle[1]
    a = (cos / major) ** 2 + (sin / minor) ** 2
    b = dy * cos * sin * (1 / major**2 - 1 / minor**2)
    half = np.sqrt(np.maximum(a - (dy / (major * minor)) ** 2, 0)) / a
    first = np.clip(np.ceil(middle[0] - b / a - half - 0.5), 0, width).astype(int)
    count = np.clip(np.floor(middle[0] - b / a + half - 0.5), -1, width - 1).astype(int) + 1 - first
    count = np.maximum(count, 0)
    y = np.repeat(rows, count)
    x = np.arange(len(y)) - np.repeat(np.cumsum(count) - count - first, count)
    right, down = (x + 0.5 - middle[0]).astype(np.float32), (y + 0.5 - middle[1]).astype(np.float32)
    return (
        y,
        x,
        right * np.float32(cos) + down * np.float32(sin),
        down * np.float32(cos) - right * np.float32(sin),
    )


def _blend(
    picture: np.ndarray, y: np.ndarray, x: np.ndarray, cover: np.ndarray, colour: npt.ArrayLike
) -> None:
    part = picture[y, x].astype(np.float32)
    part += np.clip(cover, 0, 1)[:, None] * (np.asarray(colour, np.float32) - part)
    picture[y, x] = np.rint(part)


def _limb(picture: np.ndarray, a: np.ndarray, b: np.ndarray, width: float, colour: npt.ArrayLike) -> None:
    """An ellipse from a to b, `width` its half thickness."""
    along = (b - a) / 2
    length = float(np.hypot(*along))
    direction = along / length if length > 1e-6 else np.array([1.0, 0.0])
    major = max(length, 0.5)
    y, x, u, v = _within(picture, (a + b) / 2, direction, major + 1.5, width + 1.5)
    inside = np.sqrt((u / major) ** 2 + (v / width) ** 2)
    slope = np.sqrt((u / major**2) ** 2 + (v / width**2) ** 2) / np.maximum(inside, 1e-6)
    _blend(picture, y, x, (1 - inside) / np.maximum(slope, 1e-6) + 0.5, colour)


def _disc(picture: np.ndarray, point: np.ndarray, radius: float, colour: npt.ArrayLike) -> None:
    y, x, u, v = _within(picture, point, (1.0, 0.0), radius + 1, radius + 1)
    _blend(picture, y, x, radius - np.hypot(u, v) + 0.5, colour)


def _line(picture: np.ndarray, a: np.ndarray, b: np.ndarray, half: float, colour: npt.ArrayLike) -> None:
    along = (b - a) / 2
    length = max(float(np.hypot(*along)), 1e-6)
    reach = length + half + 1  # an ellipse around a thin box is wide enough only in its middle
    y, x, u, v = _within(picture, (a + b) / 2, along / length, 1.5 * reach, 1.5 * (half + 1))
    _blend(picture, y, x, half - np.hypot(np.maximum(np.abs(u) - length, 0), v) + 0.5, colour)

"""Poses drawn as OpenPose and DWPose draw them: the conditioning picture of pose-to-video models.

Colours are in the order of `Skeleton.limbs` and `Skeleton.joints`, strokes as `tempose_pose.drawing` has them. Hands,
where the poses have them, come on top: thin bones once round the hue circle, joints blue.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from tempose_pose.drawing import (
    ANKLES,
    FINGER_COLOURS,
    LIMB_SHARE,
    PLAIN,
    TOES,
    Manner,
    colours,
    toes_of,
)
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, convert, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18, OPENPOSE_60

HAND_JOINT = (0, 0, 255)
MAX_SIDE = 8192
SMOOTHING = 2  # drawn at twice the size, then averaged


def place(keypoints: np.ndarray, canvas: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Keypoints (shares of `canvas`) as pixels of a picture of `size`, centred and not distorted."""
    scale = min(size[0] / canvas[0], size[1] / canvas[1])
    margin = (np.asarray(size) - np.asarray(canvas) * scale) / 2
    return np.asarray(keypoints, float) * np.asarray(canvas) * scale + margin


def _check(size: tuple[int, int]) -> tuple[int, int]:
    if not all(1 <= int(s) <= MAX_SIDE for s in size):
        raise TemposeError("picture_size", f"A picture's sides must lie between 1 and {MAX_SIDE} pixels.")
    return int(size[0]), int(size[1])


def _strokes(
    poses: PoseSequence,
    toes: np.ndarray,
    frame: int,
    size: tuple[int, int],
    opacity: float = 1.0,
    mode: str = "RGBA",
    manner: Manner = PLAIN,
) -> Image.Image:
    """One pose at `SMOOTHING` times the size: a transparent layer (RGBA), or on black (RGB)."""
    big = (size[0] * SMOOTHING, size[1] * SMOOTHING)
    layer = Image.new(mode, big)
    draw = ImageDraw.Draw(layer)
    shine = (round(255 * opacity),) if mode == "RGBA" else ()
    scores = poses.scores[frame]
    points = place(poses.keypoints[frame], poses.canvas, size) * SMOOTHING
    # far outside of the picture nothing shows, and a drawing library may take its time over it
    seen = (scores > 0) & (scores >= manner.least) & (np.abs(points) < 4 * max(big)).all(1)
    wide = manner.strokes(size)
    body, bones = len(OPENPOSE_18), len(OPENPOSE_18.limbs)

    def fill(colour: Sequence[float], confidence: float, share: float = 1.0) -> tuple[int, ...]:
        red, green, blue = (round(share * part) for part in manner.tint(colour, float(confidence)))
        return (red, green, blue, *shine)

    def limb(a: np.ndarray, b: np.ndarray, colour: Sequence[float], sure: float) -> None:
        draw.polygon(_ellipse(a, b, max(wide.limb, 1.0) * SMOOTHING), fill=fill(colour, sure, LIMB_SHARE))

    for (a, b), colour in zip(OPENPOSE_18.limbs, colours(bones), strict=True):
        if seen[a] and seen[b]:
            limb(points[a], points[b], colour, scores[a] * scores[b])
    feet = place(toes[frame, :, :2], poses.canvas, size) * SMOOTHING
    shown = manner.toes & (toes[frame, :, 2] > 0) & (toes[frame, :, 2] >= manner.least)
    for ankle, toe, there, (_, colour) in zip(ANKLES, feet, shown, TOES, strict=True):
        if there and seen[ankle]:
            limb(points[ankle], toe, colour, 1.0)
    radius = max(wide.joint, 1.0) * SMOOTHING
    for point, there, colour, sure in zip(points[:body], seen[:body], colours(body), scores, strict=False):
        if there:
            _disc(draw, point, radius, fill(colour, sure))
    for toe, there, (colour, _) in zip(feet, shown, TOES, strict=True):
        if there:
            _disc(draw, toe, radius, fill(colour, 1.0))
    thin = max(round(2 * wide.bone * SMOOTHING), 1)
    for k, (a, b) in enumerate(poses.skeleton.limbs[bones:]):
        if seen[a] and seen[b]:
            ends = [(float(x), float(y)) for x, y in points[[a, b]]]
            draw.line(ends, fill=fill(FINGER_COLOURS[k % 20], scores[a] * scores[b]), width=thin)
    for start in range(body, len(points), 21):
        own = np.flatnonzero(seen[start : start + 21]) + start
        dot = max(wide.knuckle, 0.5) * SMOOTHING if manner.plain_hands else _dot(points[own], radius)
        for k in own:
            _disc(draw, points[k], dot, fill(HAND_JOINT, scores[k]))
    return layer


def _disc(draw: ImageDraw.ImageDraw, point: np.ndarray, radius: float, fill: tuple[int, ...]) -> None:
    draw.ellipse([float(v) for v in (*(point - radius), *(point + radius))], fill=fill)


def _dot(hand: np.ndarray, width: float) -> float:
    """Radius of a hand's joints: as the body's, but less in a small hand, where they would run together."""
    spread = float(np.ptp(hand, axis=0).max()) if len(hand) > 4 else 0.0
    return float(np.clip(spread / 18, 0.4 * width, width))


def _ellipse(a: np.ndarray, b: np.ndarray, width: float) -> list[tuple[float, float]]:
    """Outline of the ellipse from a to b, `width` its half thickness."""
    middle, along = (a + b) / 2, (b - a) / 2
    length = float(np.linalg.norm(along))
    across = np.asarray([-along[1], along[0]]) / length * width if length > 1e-6 else np.asarray([width, 0.0])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)[:, None]
    return [(float(x), float(y)) for x, y in middle + np.cos(angle) * along + np.sin(angle) * across]


def _fitted(picture: Image.Image, corners: np.ndarray) -> tuple[Image.Image, tuple[int, int]]:
    """The picture as large as fits between the corners, undistorted, and where its upper left corner goes."""
    room = corners[1] - corners[0]
    scale = min(room[0] / picture.width, room[1] / picture.height)
    sides = [max(1, round(scale * side)) for side in picture.size]
    corner = corners[0] + (room - sides) / 2
    return picture.convert("RGBA").resize((sides[0], sides[1])), (round(corner[0]), round(corner[1]))


def draw_pose(
    poses: PoseSequence,
    frame: int = 0,
    size: tuple[int, int] | None = None,
    *,
    alpha: bool = False,
    over: np.ndarray | None = None,
    manner: Manner = PLAIN,
) -> np.ndarray:
    """Draw one frame.

    Parameters
    ----------
    poses : PoseSequence
    frame : int
    size : (int, int), optional
        Width and height; None: the canvas. The canvas is fitted in, centred.
    alpha : bool
        Transparent in place of black.
    over : (H, W, 3) uint8, optional
        A picture to draw on, of any size: it fills the canvas as far as its proportions allow.
    manner : Manner
        The model that it is drawn for.

    Returns
    -------
    (H, W, 3) or (with `alpha`) (H, W, 4) uint8
    """
    return draw_trail(poses, [frame], size, alpha=alpha, over=over, manner=manner)


def draw_trail(
    poses: PoseSequence,
    frames: Sequence[int],
    size: tuple[int, int] | None = None,
    *,
    alpha: bool = False,
    over: np.ndarray | None = None,
    manner: Manner = PLAIN,
) -> np.ndarray:
    """Draw several frames over each other, the last in full and earlier ones as ghosts; see `draw_pose`."""
    handed = "left_hand" in poses.skeleton.joints
    toes = toes_of(poses) if manner.toes else np.zeros((len(poses), 2, 3))
    poses = convert(to_openpose18(poses) if not handed else poses, OPENPOSE_60 if handed else OPENPOSE_18)
    size = _check(size or poses.canvas)
    if not len(frames) or not all(0 <= f < len(poses) for f in frames):
        raise TemposeError("pose_frame", f"The frames to draw must lie between 0 and {len(poses) - 1}.")
    if len(frames) == 1 and not alpha and over is None:  # the same picture, several times faster
        return np.asarray(_strokes(poses, toes, frames[0], size, mode="RGB", manner=manner).reduce(SMOOTHING))
    picture: Image.Image | None = None
    for back, frame in enumerate(reversed(frames)):  # newest first, older ones slipped in below
        shine = 1.0 if back == 0 else 0.45 * 0.7 ** (back - 1)
        layer = _strokes(poses, toes, frame, size, shine, manner=manner)
        picture = layer if picture is None else Image.alpha_composite(layer, picture)
    assert picture is not None
    small = picture.reduce(SMOOTHING)
    if alpha:
        return np.asarray(small)
    ground = Image.new("RGBA", size, (0, 0, 0, 255))
    if over is not None:
        corners = place(np.asarray([[0.0, 0.0], [1.0, 1.0]]), poses.canvas, size)
        ground.paste(*_fitted(Image.fromarray(np.asarray(over, np.uint8)), corners))
    return np.asarray(Image.alpha_composite(ground, small).convert("RGB"))

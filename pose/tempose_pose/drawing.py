"""How pose-to-video models want poses drawn: colours, and strokes by the size of the picture.

All of them draw OpenPose's 18 joints on black, limbs as ellipses at 0.6 of their colour and joints as discs, colours
going round the hue circle in steps of 20 degrees. They differ in the rest, according to their public code:

- ControlNet (lllyasviel/ControlNet, annotator/openpose/util.py) and DWPose, which AnimateAnyone's open version uses
  (MooreThreads/Moore-AnimateAnyone, src/dwpose): half widths of 4 pixels in a picture whose shorter side is 512,
  bones of hands 2 pixels wide, their joints of a radius of 4.
- MimicMotion (Tencent/MimicMotion, mimicmotion/dwpose/util.py): the same at 2160, so that lines are thin; colours
  weaker with confidence, no limbs below 0.3, and red and blue exchanged by the last conversion.
- Wan-Animate (Wan-Video/Wan2.2, wan/modules/animate/preprocess/human_visualization.py): one pixel less than a 200th
  of the shorter side, in whole pixels, half of that for hands; a line to the toes of each foot; nothing below 0.5.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import BODY_25, OPENPOSE_18

LIMB_SHARE = 0.6


@dataclass(frozen=True)
class Strokes:
    """Sizes in pixels: half widths of limbs, radii of joints, half widths of a hand's bones, radii of its joints."""

    limb: float
    joint: float
    bone: float
    knuckle: float


@dataclass(frozen=True)
class Manner:
    """How one model wants poses drawn.

    Parameters
    ----------
    name : str
    label : str
        Its name on the screen.
    side : float
        Shorter side of a picture in which a limb's half width is 4 pixels; 0: by Wan-Animate's rule.
    multiple : int
        Number of which width and height are multiples.
    rate : float
        Frames per second that it works with; 0: any.
    least : float
        Confidence below which nothing is drawn.
    faint : bool
        Whether colours are weaker with less confidence.
    exchanged : bool
        Whether red and blue are exchanged.
    toes : bool
    plain_hands : bool
        Whether the joints of small hands are as large as others.
    face : int
        Side of the accompanying video of the face; 0: none.
    """

    name: str
    label: str
    side: float = 512.0
    multiple: int = 2
    rate: float = 0.0
    least: float = 0.0
    faint: bool = False
    exchanged: bool = False
    toes: bool = False
    plain_hands: bool = True
    face: int = 0

    def strokes(self, size: tuple[int, int]) -> Strokes:
        """The strokes for a picture of this width and height."""
        shorter = min(size)
        if not self.side:
            whole = max(shorter // 200 - 1, 1)
            half = max(whole // 2, 1)
            return Strokes(whole, whole, half / 2, half)
        wide = 4 * shorter / self.side
        return Strokes(wide, wide, wide / 4, wide)

    def fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height that the model takes, no larger than these if possible."""
        width, height = (max(int(side) // self.multiple, 1) * self.multiple for side in size)
        return width, height

    def tint(self, colour: Sequence[float], confidence: float) -> tuple[float, float, float]:
        """The colour to draw with this confidence."""
        share = confidence if self.faint else 1.0
        red, green, blue = (share * part for part in colour)
        return (blue, green, red) if self.exchanged else (red, green, blue)


MANNERS = {
    manner.name: manner
    for manner in (
        Manner("plain", "OpenPose", plain_hands=False),
        Manner("controlnet", "ControlNet", multiple=8),
        Manner("animate-anyone", "AnimateAnyone", multiple=8),
        Manner("mimic-motion", "MimicMotion", 2160.0, 64, least=0.3, faint=True, exchanged=True),
        Manner("wan-animate", "Wan-Animate", 0.0, 16, 30.0, 0.5, toes=True, face=512),
    )
}
PLAIN = MANNERS["plain"]
POSE_VIDEO, FACE_VIDEO = "src_pose.mp4", "src_face.mp4"
"""What models with a face call their two videos, in one folder."""
TOES = (((200, 200, 0), (255, 0, 85)), ((100, 100, 0), (200, 200, 0)))
"""Of the left and of the right foot: the colour of the toes, and of the limb to them."""


def manner(name: str) -> Manner:
    """The manner of that name; raises `TemposeError` naming the known ones."""
    if name not in MANNERS:
        raise TemposeError(
            "manner_unknown", f"Poses can be drawn for: {', '.join(MANNERS)}. Choose one of them."
        )
    return MANNERS[name]


def colours(count: int) -> list[tuple[int, int, int]]:
    """OpenPose's colours, red first: hue steps of 20 degrees."""
    return [
        (round(255 * r), round(255 * g), round(255 * b))
        for r, g, b in (colorsys.hsv_to_rgb((i * 20 % 360) / 360, 1, 1) for i in range(count))
    ]


FINGER_COLOURS = tuple(tuple(round(255 * v) for v in colorsys.hsv_to_rgb(k / 20, 1, 1)) for k in range(20))
"""Of a hand's 20 bones: once round the hue circle."""


def toes_of(poses: PoseSequence) -> np.ndarray:
    """Toes (T, 2, 3) of the left and right foot: share of the canvas and confidence, 0 if unknown."""
    feet, out = convert(poses, BODY_25), np.zeros((len(poses), 2, 3))
    for k, side in enumerate(("left", "right")):
        ends = feet.skeleton.indices(f"{side}_big_toe", f"{side}_small_toe")
        sure = feet.scores[:, ends] > 0
        count = np.maximum(sure.sum(1), 1)[:, None]
        out[:, k, :2] = (feet.keypoints[:, ends] * sure[..., None]).sum(1) / count
        out[:, k, 2] = np.where(sure, feet.scores[:, ends], 0).max(1)
    return out


ANKLES = OPENPOSE_18.indices("left_ankle", "right_ankle")

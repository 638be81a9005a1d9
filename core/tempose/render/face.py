"""The face that drives Wan-Animate's: cut out of a video of who dances, or of a picture.

The cut is that of the model's own preparation (Wan-Video/Wan2.2, wan/modules/animate/preprocess/utils.py and
process_pipepline.py): the box of the 68 points of a face, made larger until its area is 1.3 times as large, three
quarters of what it gains in height above, brought to 512 by 512 pixels. The 68 points are not known here: their box
is told from nose, eyes and ears, by the proportions of an adult's face.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tempose.render.ground import VIDEOS
from tempose_pose.errors import TemposeError

LARGER = 1.3  # times the area
ABOVE = 0.75  # of what the box gains in height
EARS, PROFILE = (
    2.3,
    2.0,
)  # distances between the eyes from ear to ear, and from the nose to the ears in profile
BROWS, CHIN = 0.4, 1.9  # ... from the eyes up to the brows, and down to the chin
UPRIGHT = 0.5  # ... between the eyes, in the picture, from which on they tell of the head's tilt
CALM = 0.25  # seconds over which boxes are evened out


def faces(source: Path, seconds: np.ndarray, start: float, side: int) -> Iterator[np.ndarray]:
    """What is seen of a face at some seconds of a dance, (side, side, 3) uint8.

    Parameters
    ----------
    source : path
        A video of the dancer (the one who is seen longest and largest), or a picture.
    seconds : (T,) float
        From 0 on.
    start : float
        The video's second at which the dance begins.

    Raises
    ------
    TemposeError
        It cannot be read, or shows no face.
    """
    if source.suffix.lower() in VIDEOS:
        return _filmed(source, seconds + start, side)
    return _pictured(source, len(seconds), side)


def face_boxes(points: np.ndarray, rate: float) -> np.ndarray | None:
    """(T, 4) left, top, right, bottom of a face through a video; None where it is never seen.

    Parameters
    ----------
    points : (T, 5 or more, 3)
        Pixels and confidence of nose, left and right eye, left and right ear, 0 where not seen.
    """
    boxes = np.full((len(points), 4), np.nan)
    for t in np.flatnonzero((points[:, :3, 2] > 0).all(1)):
        boxes[t] = _box(points[t, :5])
    known = np.flatnonzero(~np.isnan(boxes[:, 0]))
    if not len(known):
        return None
    every, wide = np.arange(len(points)), max(round(CALM * rate), 0)
    whole = np.stack([np.interp(every, known, column[known]) for column in boxes.T], 1)
    padded = np.pad(whole, ((wide, wide), (0, 0)), mode="edge")
    weights = np.hanning(2 * wide + 3)[1:-1]
    return np.stack([np.convolve(c, weights / weights.sum(), "valid") for c in padded.T], 1)


def _box(face: np.ndarray) -> np.ndarray:
    """(4,) the box that Wan-Animate would cut around one face (5, 3) whose nose and eyes are seen."""
    nose, left, right = face[:3, :2]
    eyes, ears = (left + right) / 2, face[3:5][face[3:5, 2] > 0, :2]
    apart = [np.hypot(*(left - right))]
    if len(ears):
        apart.append(np.hypot(*(nose - ears.mean(0))) / PROFILE)
    if len(ears) == 2:
        apart.append(np.hypot(*(ears[0] - ears[1])) / EARS)
    size = max(float(max(apart)), 1.0)
    across, down = left - right, np.array([0.0, 1.0])
    if np.hypot(*across) > UPRIGHT * size:  # the eyes tell how the head is tilted; in profile they do not
        down = np.array([-across[1], across[0]]) / np.hypot(*across)
        down *= np.sign(down[1]) or 1.0
    shown = np.stack([nose, left, right, *ears, eyes - BROWS * size * down, eyes + CHIN * size * down])
    low, high = shown.min(0), shown.max(0)
    wide, tall = np.maximum(high - low, 1.0)
    gained = np.array([wide, tall]) * (np.sqrt(LARGER) - 1)
    return np.array([
        low[0] - gained[0] / 2, low[1] - ABOVE * gained[1],
        high[0] + gained[0] / 2, high[1] + (1 - ABOVE) * gained[1],
    ])  # fmt: skip


def _cut(picture: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """A face (side, side, 3), cut out of a picture (H, W, 3) as far as that goes."""
    height, width = picture.shape[:2]
    left, right = np.clip(box[[0, 2]].astype(int), 0, width)
    top, bottom = np.clip(box[[1, 3]].astype(int), 0, height)
    if right - left < 2 or bottom - top < 2:
        return np.zeros((side, side, 3), np.uint8)
    cut = Image.fromarray(picture[top:bottom, left:right])
    return np.asarray(cut.resize((side, side), Image.Resampling.BICUBIC))


def _none(source: Path) -> TemposeError:
    return TemposeError(
        "face_unseen",
        f"{source.name} shows no face: choose another picture or video, or none for a black video of the face.",
    )


def _pictured(source: Path, count: int, side: int) -> Iterator[np.ndarray]:
    from tempose.estimator import BlazePose
    from tempose.picture_file import read_picture

    picture = read_picture(source)
    people = BlazePose()(picture)
    boxes = face_boxes(people[:1], 0.0) if len(people) else None
    if boxes is None:
        raise _none(source)
    cut = _cut(picture, boxes[0], side)
    return (cut for _ in range(count))


def _filmed(source: Path, seconds: np.ndarray, side: int) -> Iterator[np.ndarray]:
    from tempose.videos.frames import open_video
    from tempose.videos.people import dancer, watch

    with open_video(source) as video:
        rate, footage = video.facts.fps, watch(video, hands=False, camera=False)
    boxes = face_boxes(dancer(footage, columns=range(5)), rate)
    if boxes is None:
        raise _none(source)
    return _cut_along(source, boxes, np.minimum(np.round(seconds * rate), len(boxes) - 1).astype(int), side)


def _cut_along(source: Path, boxes: np.ndarray, frames: np.ndarray, side: int) -> Iterator[np.ndarray]:
    """The face at frames (T,) of a video that never go back."""
    from tempose.videos.frames import open_video

    with open_video(source) as video:
        pictures, at, picture = iter(video), -1, np.zeros((2, 2, 3), np.uint8)
        for frame in frames.tolist():
            while at < frame:
                picture, at = next(pictures, picture), at + 1
            yield _cut(picture, boxes[frame], side)

"""The camera motion of a video: pan, tilt and zoom between frames, from the background behind the people.

Two frames are registered by Gauss-Newton steps on their brightness (Baker and Matthews, Lucas-Kanade 20 years on,
2004), coarse to fine, with weights that leave out people and anything else that moves by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

LONG_SIDE = 160  # pixels of the frames to compare
LEVELS, STEPS = (4, 2), 6  # sizes at which they are compared, and steps at each
PEOPLE = 0.12  # of their extent: how far people are taken to reach beyond their joints
BETTER = 0.85  # of the difference without a move: below that there is one
SPREAD = 8.0  # of 255: difference from which a pixel counts less
SAME = 1.0  # of 255: mean difference of two frames below which they are the same
MIDDLE = 4000  # frames of a shot from which its middle is told
PLAIN = 4.0  # of 255 a pixel: mean gradient below which a background is too plain
STILL = (0.015, 0.02)  # of a frame's longer side, and of its size: less over a whole shot is no move


class CameraView(NamedTuple):
    """The position of a frame in the shot's first one: a point there is `scale` times the point here, plus `shift`.

    Parameters
    ----------
    scale : float
    shift : (float, float)
        x and y, in longer sides of a frame.
    """

    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def after(self, before: CameraView) -> CameraView:
        """The view of a frame that has this position in another frame, whose own view is `before`."""
        x, y = (before.scale * own + there for own, there in zip(self.shift, before.shift, strict=True))
        return CameraView(before.scale * self.scale, (x, y))


STANDS = CameraView()
"""Of a frame that lies where the one before does."""


class CameraTracker:
    """Called with one frame after the other.

    Attributes
    ----------
    views : list of CameraView
        Of each frame, relative to the first one since the last cut.
    """

    def __init__(self):
        self.views: list[CameraView] = []
        self._last: np.ndarray | None = None
        self._people = np.zeros(0)

    def __call__(self, picture: np.ndarray, people: Iterable[np.ndarray], cut: bool = False) -> None:
        """Take a frame (H, W, 3) uint8 with its people (K, 3), in pixels."""
        scale = LONG_SIDE / max(picture.shape[:2])
        size = max(round(picture.shape[1] * scale), 8), max(round(picture.shape[0] * scale), 8)
        grey = Image.fromarray(picture).convert("L").resize(size, Image.Resampling.BOX)
        now, covered = np.asarray(grey, np.float32), _covered(people, scale, size)
        if self._last is None or cut:
            self.views.append(CameraView())
        else:
            step = moved(self._last, now, ~(covered | self._people))
            self.views.append(self.views[-1] if step == STANDS else step.after(self.views[-1]))
        self._last, self._people = now, covered


def _covered(people: Iterable[np.ndarray], scale: float, size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: where people are."""
    out = np.zeros(size[::-1], bool)
    for person in people:
        seen = person[person[:, 2] > 0, :2] * scale
        if len(seen):
            more = PEOPLE * np.ptp(seen, axis=0).max() + 2
            left, top = np.maximum(np.floor(seen.min(0) - more), 0).astype(int)
            right, bottom = np.maximum(np.ceil(seen.max(0) + more), 0).astype(int)
            out[top:bottom, left:right] = True
    return out


def moved(before: np.ndarray, now: np.ndarray, counted: np.ndarray) -> CameraView:
    """The position of a frame in the one before (h, w), by the pixels that count."""
    smooth = [gaussian_filter(frame, 0.5) for frame in (before, now)]
    still = np.abs(smooth[0] - smooth[1])[counted]
    if counted.mean() < 0.1 or still.mean() < SAME:
        return CameraView()
    down, across = np.gradient(smooth[1])
    slopes = np.hypot(down, across)
    if slopes[counted].mean() < PLAIN:
        return CameraView()
    long, found = max(now.shape), np.zeros(3)  # scale - 1; x, y in pixels
    for level in LEVELS:
        first, second = (gaussian_filter(frame, 0.5 * level)[::level, ::level] for frame in (before, now))
        found = _laid_over(first, second, counted[::level, ::level], found / (1, level, level)) * (
            1,
            level,
            level,
        )
    there, inside = _seen(smooth[0], found)
    rest = np.abs(there - smooth[1])[counted & inside]
    if not len(rest) or rest.mean() > BETTER * still.mean() or abs(found[0]) > 0.2:
        return CameraView()
    scale, (x, y) = 1 + float(found[0]), found[1:]
    middle = (np.array(now.shape[::-1]) - 1) / 2  # coarse to fine from there
    shift = (np.array([x, y]) + middle * (1 - scale)) / long
    return CameraView(scale, (float(shift[0]), float(shift[1])))


def _grid(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """x and y of all pixels, from the middle."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    return x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2


def _seen(frame: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A frame after a move, and which of its pixels are known."""
    x, y = _grid(frame.shape)
    across = (1 + move[0]) * x + move[1] + (frame.shape[1] - 1) / 2
    down = (1 + move[0]) * y + move[2] + (frame.shape[0] - 1) / 2
    inside = (across >= 0) & (down >= 0) & (across <= frame.shape[1] - 1) & (down <= frame.shape[0] - 1)
    return map_coordinates(frame, [down, across], order=1, mode="nearest"), inside


def _laid_over(before: np.ndarray, now: np.ndarray, counted: np.ndarray, move: np.ndarray) -> np.ndarray:
    """The move (3,), scale - 1, x and y, by which a frame must be read in the one before to look like it."""
    x, y = _grid(now.shape)
    for _ in range(STEPS):
        there, inside = _seen(before, move)
        down, across = np.gradient(there)
        use = counted & inside
        off = (now - there)[use]
        if off.size < 50:
            return np.zeros(3)
        weight = 1 / (1 + (off / SPREAD) ** 2)
        rows = np.stack([(across * x + down * y)[use], across[use], down[use]], 1)
        square = (rows * weight[:, None]).T @ rows
        square += (1e-6 * np.trace(square) + 1e-9) * np.eye(3)
        step = np.linalg.solve(square, (rows * weight[:, None]).T @ off)
        move = move + step
        if np.abs(step[1:]).max() < 0.005:
            break
    return move


def steadied(points: np.ndarray, views: list[CameraView], size: tuple[int, int]) -> np.ndarray:
    """Joints of a shot as seen by a static camera, in about the same place and size.

    Parameters
    ----------
    points : (T, K, 3)
        Pixels and confidence.
    views : T
    size : (int, int)
        Width and height of the frames.

    Returns
    -------
    (T, K, 3)
        The same array if the camera did not move noticeably.
    """
    seen = points[..., 2] > 0
    scale = np.array([view.scale for view in views])
    shift = np.array([view.shift for view in views])
    still = np.ptp(shift, axis=0).max(initial=0) < STILL[0] and np.ptp(np.log(scale)) < STILL[1]
    if still or not seen.any():
        return points
    usual = float(np.exp(np.median(np.log(scale))))  # of the shot, which keeps its size and place
    some = slice(None, None, -(-len(points) // MIDDLE))
    before, shift = points[some, :, :2], shift * float(max(size))
    after = scale[some, None, None] * before + shift[some, None]
    middle = [np.median(xy[seen[some]], axis=0) for xy in (before, after)] if seen[some].any() else [0.0, 0.0]
    out = points.copy()
    out[..., :2] *= (scale / usual)[:, None, None].astype(points.dtype)
    out[..., :2] += ((shift - middle[1]) / usual + middle[0])[:, None].astype(points.dtype)
    return np.where(seen[..., None], out, points)

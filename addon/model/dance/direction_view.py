# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a directing curve over the beats of a timeline. No bpy, no gpu in here."""

import numpy as np

from tempose_pose.curves import RANGES

from ..music.beat_view import NOTHING, RULER, Picture, View

HIGH = 44.0  # pixels of the band that the curve lies in, at UI scale 1 ...
BELOW = 20.0  # ... so many below the ruler of beats, under the form of the song
STEP = 2.0  # pixels between values
LOWEST = -1.5  # lower values are drawn here: stillness is still
THICK = 2.0
KEY = 3.0  # half the side of a key's square
_LINE, _FILL = (0.98, 0.62, 0.2, 0.95), (0.98, 0.62, 0.2, 0.16)
_LEVEL = (0.98, 0.62, 0.2, 0.35)


def columns(view: View, first: float, last: float) -> np.ndarray:
    """Frames (N,) at which the values of a curve are needed: the visible ones from first to last."""
    left, right = np.clip(view.x([first, last]), 0, view.width)
    pixels = np.arange(np.floor(left), right + 1e-6, STEP * view.scale)
    return view.first + pixels * (view.last - view.first) / view.width


def picture(
    name: str, frames: np.ndarray, values: np.ndarray, keys: np.ndarray, usual: float, view: View
) -> Picture:
    """A curve from its values at `columns`, with its keys (K, 2) as squares and a line at its usual value."""
    if len(frames) < 2:
        return NOTHING
    u, (low, high) = view.scale, (max(RANGES[name][0], LOWEST), RANGES[name][1])
    ruler = view.top - RULER * u
    bottom, top = ruler - (BELOW + HIGH) * u, ruler - BELOW * u

    def y(some: np.ndarray) -> np.ndarray:
        return bottom + (np.clip(some, low, high) - low) / (high - low) * (top - bottom)

    x, line = view.x(frames), y(values)
    half = np.maximum(THICK * u / 2, 0.5)
    under = np.c_[x[:-1], np.full(len(x) - 1, bottom), x[1:], line[:-1]]
    strokes = np.c_[
        x[:-1], np.minimum(line[:-1], line[1:]) - half, x[1:], np.maximum(line[:-1], line[1:]) + half
    ]
    level = float(y(np.array([usual]))[0])
    at, side = np.c_[view.x(keys[:, 0]), y(keys[:, 1])], KEY * u
    shown = (at[:, 0] >= x[0] - side) & (at[:, 0] <= x[-1] + side)
    squares = np.c_[at[shown] - side, at[shown] + side]
    parts = (under, _FILL), ([[x[0], level, x[-1], level + 1]], _LEVEL), (strokes, _LINE), (squares, _LINE)
    rects = [np.asarray(boxes, float).reshape(-1, 4) for boxes, _ in parts]
    colors = [np.tile(color, (len(boxes), 1)) for boxes, (_, color) in zip(rects, parts, strict=True)]
    label = (float(x[0]) + 4 * u, bottom + 2 * u, name.capitalize(), (*_LINE[:3], 0.9))
    return Picture(np.concatenate(rects), np.concatenate(colors), (label,), NOTHING.shown, NOTHING.at)

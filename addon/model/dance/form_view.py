# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a song's form in a timeline: a coloured span for each section. No bpy, no gpu in here."""

from collections.abc import Sequence

import numpy as np

from ..music.beat_view import NOTHING, RULER, Picture, View

HIGH = 14.0  # height of the spans in pixels, at UI scale 1
GAP = 2.0  # between them and the ruler of beats
LETTER = 7.0  # approximate width of a letter, in pixels
COLORS = (
    (0.36, 0.55, 0.86), (0.90, 0.45, 0.38), (0.44, 0.72, 0.42), (0.80, 0.56, 0.84),
    (0.86, 0.70, 0.30), (0.36, 0.72, 0.74), (0.86, 0.52, 0.66), (0.62, 0.62, 0.62),
)  # fmt: skip


def picture(
    names: Sequence[str], frames: np.ndarray, special: Sequence[bool], active: int, view: View
) -> Picture:
    """Sections from frame to frame (N, 2): one colour per name, and a dot on those with settings of their own.

    Parameters
    ----------
    special : of bool
    active : int
        The chosen one.
    """
    if not len(names) or view.width < 1:
        return NOTHING
    u = view.scale
    ruler = view.top - RULER * u
    at_bottom = (
        None if view.low is None else max(min(view.low, ruler), 0.0)
    )  # where the ruler lies at the bottom
    bottom = ruler - (GAP + HIGH) * u if at_bottom is None else at_bottom + (RULER + GAP) * u
    top = bottom + HIGH * u
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    rects, colors, labels = [], [], []

    def put(box: tuple[float, float, float, float], color: tuple[float, ...]) -> None:
        rects.append(box)
        colors.append(color)

    for i, (name, (left, right)) in enumerate(
        zip(names, np.clip(view.x(frames), 0, view.width), strict=True)
    ):
        if right - left < 1:
            continue
        shade = COLORS[order[name] % len(COLORS)]
        end = max(right - u, left + 1)
        put((left, bottom, end, top), (*shade, 0.95 if i == active else 0.6))
        if view.lines and view.low is None:
            put((left, 0.0, left + u, bottom), (*shade, 0.5))
        if i == active:
            put((left, bottom - u, end, bottom), (1.0, 1.0, 1.0, 0.9))
        room = int((end - left - 8 * u) / (LETTER * u))
        if special[i] and room > 0:
            put((end - 7 * u, bottom + 5 * u, end - 3 * u, bottom + 9 * u), (1.0, 1.0, 1.0, 0.9))
            room -= 1
        if room > 0:
            text = name if len(name) <= room else name[: max(room - 1, 1)] + "…"
            labels.append((float(left) + 4 * u, bottom + 3 * u, text, (1.0, 1.0, 1.0, 1.0)))
    if not rects:
        return NOTHING
    return Picture(np.array(rects, float), np.array(colors, float), tuple(labels), NOTHING.shown, NOTHING.at)

"""The segment plan: which frames are made at once, which of them are known, and how the two are joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEGMENT = 256  # frames the model makes at once
OVERLAP = 16  # frames a segment takes over from the one before it
MEET = 12  # frames over which a drawn part is led to the known one


@dataclass(frozen=True)
class Segment:
    """Frames [start, stop) are drawn together; new frames begin at `fresh`."""

    start: int
    fresh: int
    stop: int


def plan(frames: int, unknown: np.ndarray | None = None) -> list[Segment]:
    """Segments of `SEGMENT` frames with `OVERLAP`, covering `frames`; the last one may be cut short.

    Parameters
    ----------
    frames : int
    unknown : (frames,) bool, optional
        Where anything is to be danced at all; segments without such a frame are left out.
    """
    segments, start = [], 0
    while True:
        fresh = start + OVERLAP if start else 0
        stop = min(start + SEGMENT, frames)
        if unknown is None or unknown[fresh:stop].any():
            segments.append(Segment(start, fresh, stop))
        if stop >= frames:
            return segments
        start += SEGMENT - OVERLAP


def meet(drawn: np.ndarray, given: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Drawn keypoints, led to the known ones wherever the two touch.

    The model redraws the known frames too, nearly but not quite as they are. What it misses by at the edge of
    a known stretch is added to its own frames beyond the edge and fades over `MEET` frames, so that there is
    neither a step nor a blend of two different movements.

    Parameters
    ----------
    drawn, given : (T, K, 2)
    known : (T, K) bool
        Where `given` holds.

    Returns
    -------
    (T, K, 2)
        `given` where known.
    """
    frames = np.arange(len(drawn))
    out = drawn.copy()
    for joint in np.flatnonzero(known.any(0) & ~known.all(0)):
        marks = np.flatnonzero(known[:, joint])
        miss = given[marks, joint] - drawn[marks, joint]  # (marks, 2)
        after = np.searchsorted(marks, frames)  # index of the next known frame
        lead = np.zeros((len(frames), 2))
        total = np.zeros((len(frames), 1))
        for index in (after - 1, after):
            there = (index >= 0) & (index < len(marks))
            near = marks[np.clip(index, 0, len(marks) - 1)]
            distance = np.minimum(np.abs(frames - near) / (MEET + 1), 1)
            weight = np.where(there, 0.5 + 0.5 * np.cos(np.pi * distance), 0)[:, None]
            lead += weight * miss[np.clip(index, 0, len(marks) - 1)]
            total += weight
        out[:, joint] += lead / np.maximum(total, 1)
    return np.where(known[..., None], given, out)

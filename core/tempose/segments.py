"""The segment plan: which frames are made at once, and which of them are already known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEGMENT = 256  # frames the model makes at once
OVERLAP = 16  # frames a segment takes over from the one before it


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

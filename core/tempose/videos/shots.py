"""The cuts between a video's shots."""

from __future__ import annotations

from array import array
from collections import deque

import numpy as np
from PIL import Image

THUMBNAIL = (32, 18)
LEAST = 0.08  # of full scale: a dancer who moves changes a thumbnail by less
OVER = 4.0  # times the usual change round it
ROUND = 12  # frames on each side that say what is usual
AROUND = 8  # frames on each side that are compared; flashes are shorter
JUMP = 0.2  # of full scale by which a whole picture changes where there may be a cut


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """(18, 32, 3) uint8: a frame (H, W, 3), small."""
    return np.asarray(Image.fromarray(picture).resize(THUMBNAIL, Image.Resampling.BOX))


class CutFinder:
    """Called with the thumbnail of one frame after the other; of those it keeps the last few alone.

    A cut changes the whole picture from one frame to the next, far more than the frames round it change; a
    flash does so too, but comes back: frames on both sides of it are alike, and it is no cut.
    """

    def __init__(self) -> None:
        self._changes = array("f")  # how much each frame differs from the one before, in full scales
        self._last: deque[np.ndarray] = deque(maxlen=AROUND + ROUND + 2)
        self._cuts: list[int] = []
        self._told = 1  # the first frame that may still begin a shot

    def __call__(self, small: np.ndarray) -> bool:
        """See a frame (h, w, 3) uint8; whether it differs so much that there may be a cut before it."""
        before = self._last[-1] if self._last else small
        change = float(np.abs(small.astype(np.float32) - before).mean() / 255)
        if self._last:
            self._changes.append(change)
        self._last.append(small)
        while self._told + ROUND <= len(self._changes):
            self._tell()
        return change > JUMP

    def cuts(self) -> np.ndarray:
        """(C,) frames at which a new shot begins, once all frames are seen."""
        while self._told <= len(self._changes):
            self._tell()
        return np.asarray(self._cuts, int)

    def _tell(self) -> None:
        """Whether a shot begins at the next frame in turn."""
        frame, seen, changes = self._told, len(self._changes) + 1, self._changes
        self._told += 1
        change = changes[frame - 1]
        if change <= LEAST or seen < 3:
            return
        near = np.clip(np.arange(frame - 1 - ROUND, frame + ROUND), 0, len(changes) - 1)
        if change <= OVER * float(np.median([changes[k] for k in near])):
            return
        oldest = seen - len(self._last)
        kept = list(self._last)
        before = np.median(kept[max(frame - AROUND - oldest, 0) : frame - oldest], 0)
        after = np.median(kept[frame - oldest : frame + AROUND - oldest], 0)
        if np.abs(before - after).mean() > 255 * LEAST:
            self._cuts.append(frame)

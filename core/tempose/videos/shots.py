"""The cuts between a video's shots."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

THUMBNAIL = (32, 18)
LEAST = 0.08  # of full scale: a moving dancer changes a thumbnail by less
OVER = 4.0  # times the usual change around it
AT_ONCE = 2000  # frames compared at a time, so that half an hour needs little memory
AROUND = 8  # frames compared on each side; flashes are shorter


def _changes(thumbnails: np.ndarray) -> np.ndarray:
    """Difference (T-1,) of each frame from the one before, in full scale."""
    return np.abs(np.diff(thumbnails.astype(np.float32), axis=0)).mean((1, 2, 3)) / 255


def shot_cuts(thumbnails: np.ndarray) -> np.ndarray:
    """Frames at which a new shot begins.

    A cut changes the whole picture from one frame to the next, far more than the frames around it. A flash does so
    too, but the frames on both sides of it are alike, so it is not a cut.

    Parameters
    ----------
    thumbnails : (T, H, W, 3) uint8
    """
    if len(thumbnails) < 3:
        return np.zeros(0, int)
    starts = range(0, len(thumbnails) - 1, AT_ONCE)
    change = np.concatenate([_changes(thumbnails[at : at + AT_ONCE + 1]) for at in starts])  # (T-1,)
    usual = median_filter(change, 25, mode="nearest")
    cuts = np.flatnonzero((change > LEAST) & (change > OVER * usual)) + 1
    real = []
    for cut in cuts:
        before = np.median(thumbnails[max(cut - AROUND, 0) : cut], 0)
        after = np.median(thumbnails[cut : cut + AROUND], 0)
        if np.abs(before - after).mean() > 255 * LEAST:
            real.append(int(cut))
    return np.asarray(real, int)

"""Where a video cuts from one shot to the next."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter

THUMBNAIL = (32, 18)
LEAST = 0.08  # of full scale: a dancer who moves changes a thumbnail by less
OVER = 4.0  # times the usual change round it
AT_ONCE = 2000  # frames compared at a time, so that half an hour needs little memory
AROUND = 8  # frames on each side that are compared; flashes are shorter


def _changes(thumbnails: np.ndarray) -> np.ndarray:
    """(T-1,) how much each frame differs from the one before, in full scales."""
    return np.abs(np.diff(thumbnails.astype(np.float32), axis=0)).mean((1, 2, 3)) / 255


def shot_cuts(thumbnails: np.ndarray) -> np.ndarray:
    """Frames at which a new shot begins.

    A cut changes the whole picture from one frame to the next, far more than the frames round it change; a
    flash does so too, but comes back: frames on both sides of it are alike, and it is no cut.

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

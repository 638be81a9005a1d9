"""What a dancer knows beyond the moment: the song as a whole, and poses of all that was danced before.

After the global motion context of X-Dancer (arXiv 2502.17414): a few poses, spread over everything up to now.
"""

from __future__ import annotations

import numpy as np

from tempose_pose.limits import FPS

LONGEST = 24.0  # seconds: poses danced longer ago are said to be so old; training looks no further back


def spread(frames: int, count: int, jitter: np.ndarray | float = 0.5) -> np.ndarray:
    """(count,) frames spread evenly over the first `frames`; `jitter`, 0 to 1, says where in its share each lies."""
    return ((np.arange(count) + jitter) * frames / count).astype(int)


def recall(
    keypoints: np.ndarray, scores: np.ndarray, danced: np.ndarray, now: int, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Poses of what was danced before a frame.

    Parameters
    ----------
    keypoints, scores : (T, K, 2), (T, K)
        Canonical.
    danced : (T,) bool
        Frames that are drawn or known.
    now : int
    count : int

    Returns
    -------
    memory : (count, K, 3)
        x, y and confidence; NaN where nothing was danced yet.
    ago : (count,)
        Seconds before `now`, at most `LONGEST`.
    """
    before = np.flatnonzero(danced[:now])
    memory = np.full((count, keypoints.shape[1], 3), np.nan, np.float32)
    ago = np.zeros(count, np.float32)
    if len(before) and count:
        frames = before[spread(len(before), count)]
        memory = np.concatenate([keypoints[frames], scores[frames, :, None]], -1).astype(np.float32)
        ago = np.minimum((now - frames) / FPS, LONGEST).astype(np.float32)
    return memory, ago

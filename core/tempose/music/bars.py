"""Which beats begin a bar."""

from __future__ import annotations

import numpy as np

METERS, COMPOUND_METERS = (4, 3), (2,)
SHIFTED = (
    16.0  # log odds against bars that begin elsewhere all at once; half as much again, against another length
)


def downbeats(rating: np.ndarray, meters: tuple[int, ...] = METERS) -> np.ndarray:
    """(D,) indices of beats that begin a bar: the best path through bars of so many beats, the first ones rather.

    Parameters
    ----------
    rating : (B,) float
        Log odds of a downbeat at each beat.
    """
    states = [(m, p) for m in meters for p in range(m)]
    cost = np.full((len(states), len(states)), 1.5 * SHIFTED)
    for a, (m, p) in enumerate(states):
        for b, (n, q) in enumerate(states):
            if n == m:
                cost[a, b] = 0.0 if q == (p + 1) % m else SHIFTED
    first = np.array([p == 0 for _, p in states])
    # Threes count one beat in three as a downbeat, fours one in four: without evidence four wins. Of a metronome
    # each click is rated as a downbeat; what they all have is no evidence.
    rating = rating - max(0.0, float(rating.mean()))
    gain = np.where(first, 1.0, -0.33)
    score = np.array([0.0 if m == meters[0] else -4.0 for m, _ in states]) + gain * rating[0]
    back = np.zeros((len(rating), len(states)), int)
    for k in range(1, len(rating)):
        came = score[:, None] - cost
        back[k] = came.argmax(0)
        score = came.max(0) + gain * rating[k]
    state = int(score.argmax())
    chosen = []
    for k in range(len(rating) - 1, -1, -1):
        if first[state]:
            chosen.append(k)
        state = int(back[k, state])
    return np.array(chosen[::-1], int)

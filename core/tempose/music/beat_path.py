"""The best sequence of beats through ratings of every moment, by dynamic programming over time and interval."""

from __future__ import annotations

import numpy as np

RATE = 100  # beats are first sought on a grid of 10 ms, then placed between its points
SLOWEST, FASTEST = 48.0, 215.0  # beats per minute
CENTRE, SPREAD = 112.0, 0.75  # what tempi are likely before anything is heard: median and octaves
EACH = 0.6  # weight of that likelihood for every beat anew (4 for the first one)
STIFF = 45.0  # cost of a change of tempo, per unit of log ratio …
SUPPLE = 0.07  # … from about here on; smaller ones, as in a ritardando, cost by their square …
CHANGE = 14.0  # … and none more than this: an abrupt change must pay for itself within a few beats
OCTAVE = 8.0  # more for changes that are rather mistakes of octave (beyond a factor of 1.6)


def best_path(rating: np.ndarray, either_side: bool = False) -> np.ndarray:
    """Frames of the best-rated sequence of beats.

    D[t, i], the best sum of ratings of beats up to one at frame t that follows the last by interval i, is
    rating[t] + max over j of (D[t - i, j] - cost of going from interval j to i).

    Parameters
    ----------
    rating : (T,) float
        Log odds of a beat at each frame, at `RATE` frames per second.
    either_side : bool
        Let the middle between two beats speak for them as well as the beat itself does. Such a path keeps its tempo
        through parts in which the off-beats are heard as the beats; on which side of them the beats are, it leaves
        open.

    Returns
    -------
    (B,) int, rising
    """
    intervals = np.arange(round(60 * RATE / FASTEST), round(60 * RATE / SLOWEST) + 1)
    log = np.log(intervals)
    change = np.abs(log[:, None] - log[None, :])
    cost = np.minimum(STIFF * change**2 / (change + SUPPLE), CHANGE) + OCTAVE * (change > np.log(1.6))
    cost = cost.astype(np.float32)
    prior = -0.5 * (np.log2(60 * RATE / intervals / CENTRE) / SPREAD) ** 2
    count, longest = len(rating), intervals[-1]
    reached = np.full(
        (count + longest, len(intervals)), -np.inf, np.float32
    )  # best before a step of i from t
    back = np.zeros((count, len(intervals)), np.int16)
    reached[longest:] = 0.0
    best, best_end = -np.inf, (0, 0)
    columns = np.arange(len(intervals))
    padded = np.concatenate([np.full(longest, rating.min(initial=0.0)), rating])
    half = longest - intervals // 2, longest - intervals // 2 - intervals % 2
    fresh = 4 * prior  # a first beat in the middle of the song: what was before is not rated
    for t in range(count):
        start = np.where(t - intervals < 0, prior * 4, -np.inf)  # a first beat, its interval still unheard
        before = np.maximum(reached[t - intervals + longest, columns], start)
        rated = rating[t]
        if either_side:
            rated = np.maximum(rated, np.maximum(padded[t + half[0]], padded[t + half[1]]))
        total = (rated + np.maximum(before + EACH * prior, fresh)).astype(np.float32)
        i = int(np.argmax(total))
        if total[i] > best:
            best, best_end = total[i], (t, i)
        came = total - cost  # (to, from): costs are the same both ways
        back[t] = np.argmax(came, axis=1)
        reached[t + longest] = came[columns, back[t]]
    t, i = best_end
    frames = [t]
    while True:
        earlier = t - int(intervals[i])
        if earlier < 0 or reached[earlier + longest, i] + EACH * prior[i] < 4 * prior[i]:  # as at `fresh`
            return np.array(frames[::-1])
        t, i = earlier, int(back[earlier, i])
        frames.append(t)

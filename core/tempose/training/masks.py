"""Which frames and joints are known: the draws that make one model start, continue, join, in-between and lock."""

from __future__ import annotations

import numpy as np

from tempose.segments import OVERLAP, SEGMENT

_GROUPS = [
    [2, 3, 4], [5, 6, 7], [8, 9, 10], [11, 12, 13],  # arms, legs
    [8, 9, 10, 11, 12, 13], [0, 1, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17],  # lower and upper body
]  # fmt: skip


def draw_known(rng: np.random.Generator, joints: int = 18, kinds: str = "any") -> np.ndarray:
    """(SEGMENT, joints) bool: known frames and joints of one example.

    A third start from nothing but the static pose and a third continue from 16 frames, as segments do; the
    rest have other first frames, last frames, both, single key poses, or locked limbs. With `kinds` "prefix"
    the rest have first frames alone, as in the paper.
    """
    known = np.zeros((SEGMENT, joints), bool)
    kind = rng.random()
    if kinds == "prefix":
        kind = min(kind, 0.7)
    if kind < 0.35:
        pass
    elif kind < 0.65:
        known[:OVERLAP] = True
    elif kind < 0.72:
        known[: int(rng.integers(1, 96))] = True
    elif kind < 0.80:
        known[-int(rng.integers(1, 96)) :] = True
        if rng.random() < 0.7:
            known[: OVERLAP if rng.random() < 0.7 else int(rng.integers(1, 64))] = True
    elif kind < 0.88:
        known[rng.choice(SEGMENT, int(rng.integers(1, 9)), replace=False)] = True
        if rng.random() < 0.5:
            known[:OVERLAP] = True
    else:
        a, b = np.sort(rng.integers(0, SEGMENT + 1, 2))
        if rng.random() < 0.6:
            a, b = 0, SEGMENT
        if joints == 18:
            known[a:b, _GROUPS[int(rng.integers(len(_GROUPS)))]] = True
        if rng.random() < 0.5:
            known[:OVERLAP] = True
    return known

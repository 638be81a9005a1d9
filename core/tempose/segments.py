"""The segment plan: which frames are made at once, which of them are known, and how the two are joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tempose_pose.limits import OVERLAP_FRAMES

SEGMENT = 256  # frames the model makes at once
OVERLAP = OVERLAP_FRAMES  # a segment takes over from the one before it
MEET = 12  # frames over which a drawn part is led to the known one


@dataclass(frozen=True)
class Segment:
    """Frames [start, stop) are drawn together; new frames begin at `fresh`."""

    start: int
    fresh: int
    stop: int

    @property
    def window(self) -> slice:
        """Its frames."""
        return slice(self.start, self.stop)


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
    """Drawn keypoints, led to the known ones wherever the two touch, in place and in speed.

    The model redraws the known frames too, nearly but not quite as they are. What it misses by there, and how fast
    that changes, goes on into its own frames beyond the edge and fades over `MEET` of them (a cubic Hermite curve):
    no step, no jerk, and no blend of two different movements. A single known pose has no speed: there the drawn
    movement keeps its own.

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
    out = drawn.copy()
    for joint in np.flatnonzero(known.any(0) & ~known.all(0)):
        here, miss = known[:, joint], given[:, joint] - drawn[:, joint]
        edges = np.flatnonzero(np.diff(np.concatenate([[True], here, [True]])))
        for first, behind in zip(edges[::2], edges[1::2], strict=True):
            between = first > 0 and behind < len(drawn)
            length = min(MEET + 1, behind - first + 1) if between else MEET + 1
            for mark, away in ((first - 1, 1), (behind, -1)):
                if not 0 <= mark < len(drawn):
                    continue
                deeper = mark - away
                there = 0 <= deeper < len(drawn) and here[deeper]
                speed = miss[mark] - miss[deeper] if there else np.zeros(2)
                frames = mark + away * np.arange(1, length)
                frames = frames[(frames >= first) & (frames < behind)]
                share = np.abs(frames - mark)[:, None] / length
                out[frames, joint] += (1 - share) ** 2 * (
                    (1 + 2 * share) * miss[mark] + share * length * speed
                )
                jump = _jump(drawn[:, joint], mark, away)
                beyond = np.minimum(share - 1 / length, 1)
                out[frames, joint] -= (1 - beyond) ** 2 * (1 + 2 * beyond) * jump
    return np.where(known[..., None], given, out)


def _jump(drawn: np.ndarray, mark: int, away: int) -> np.ndarray:
    """(2,) by how much the step of a joint (T, 2) from frame `mark` differs from the steps before and after it.

    Guidance moves what is not known and leaves the rest: at the edge the whole figure may jump.
    """
    before, after, beyond = mark - away, mark + away, mark + 2 * away
    if not 0 <= min(before, beyond) <= max(before, beyond) < len(drawn):
        return np.zeros(2)
    usual = (drawn[mark] - drawn[before] + drawn[beyond] - drawn[after]) / 2
    return drawn[after] - drawn[mark] - usual

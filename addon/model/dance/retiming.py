# SPDX-License-Identifier: GPL-3.0-or-later
"""From one tempo map to another: where keys go, which parts stay and which are danced again. No bpy in here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tempose_pose.tempo import TempoMap

from ..errors import Problem
from ..tempo.playback import Timing

SHORTEST = 0.5  # seconds of song; a stretch that is danced again is at least this long, around its middle
SPEEDS_ALIKE = 1e-5


@dataclass(frozen=True)
class Piece:
    """A stretch of the new timeline that stays as it was.

    Parameters
    ----------
    start, stop : float
        Scene frames [start, stop) at the new tempo; infinite at the outer ends.
    shift : float
        Frames by which it has moved.
    """

    start: float
    stop: float
    shift: float


def new_frames(frames: npt.ArrayLike, old: Timing, new: Timing) -> np.ndarray:
    """Where keys belong at the new tempo, not rounded; keys outside the dance move with its nearer end."""
    frames = np.asarray(frames, float)
    first, last = old.ends
    start, stop = float(new.frame_at(old.song_at(first))), float(new.frame_at(old.song_at(last)))
    moved = new.frame_at(old.song_at(frames))
    moved = np.where(frames < first, frames + start - first, moved)
    return np.where(frames > last, frames + stop - last, moved)


def placed(exact: npt.ArrayLike, by_hand: npt.ArrayLike, whole: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Which of the keys stay, and on which frames.

    Parameters
    ----------
    exact : (N,) float
        Rising frames, not rounded.
    by_hand : (N,) bool
        Keys that must not be lost.
    whole : bool
        Whether to put them on whole frames. Of several generated keys on one frame the nearest stays, and none that
        shares it with one set by hand; several set by hand stay between frames.

    Returns
    -------
    index : (M,) int
        Into the given keys.
    frames : (M,) float
        Rising strictly.
    """
    exact, by_hand = np.asarray(exact, float), np.asarray(by_hand, bool)
    if not whole:
        index = (
            np.flatnonzero(np.append(np.diff(exact) > 1e-4, True) | by_hand)
            if len(exact)
            else np.zeros(0, int)
        )
        return index, exact[index]
    rounded = np.floor(exact + 0.5)
    order = np.lexsort(
        (np.abs(exact - rounded), ~by_hand, rounded)
    )  # by frame, those by hand first, then the nearest
    best = np.append(True, np.diff(rounded[order]) > 0)[: len(order)]
    hands = {float(f) for f, n in zip(*np.unique(rounded[by_hand], return_counts=True), strict=True) if n > 1}
    crowded = by_hand & np.isin(rounded, list(hands))
    stays = np.zeros(len(exact), bool)
    stays[order[best]] = True
    index = np.flatnonzero((stays & ~np.isin(rounded, list(hands))) | crowded)
    return index, np.where(crowded, exact, rounded)[index]


def tempo_differs(old: TempoMap, new: TempoMap, start: float, stop: float) -> list[tuple[float, float]]:
    """Spans of song seconds between `start` and `stop` in which the two maps run at different speeds."""
    marks = sorted({start, stop, *(s for _, s in (*old.points, *new.points) if start < s < stop)})
    marks = np.asarray([m for i, m in enumerate(marks) if i == 0 or m - marks[i - 1] > 1e-7])
    if len(marks) < 2:
        return []
    before, after = np.diff(old.to_timeline(marks)), np.diff(new.to_timeline(marks))
    differs = (np.abs(after / before - 1) > SPEEDS_ALIKE) & (np.abs(after - before) > 1e-9)
    return [(float(marks[i]), float(marks[i + 1])) for i in np.flatnonzero(differs)]


def joined(
    spans: Iterable[tuple[float, float]], start: float, stop: float, gap: float
) -> list[tuple[float, float]]:
    """Spans in order within [start, stop], each at least `SHORTEST` long, joined across gaps of less than `gap`."""
    out: list[list[float]] = []
    for shortest in (0.0, SHORTEST):  # spans are joined before they grow
        before, out = out or sorted([max(a, start), min(b, stop)] for a, b in spans), []
        for a, b in before:
            middle, half = (a + b) / 2, max(b - a, shortest) / 2
            low, high = max(start, min(a, middle - half)), min(stop, max(b, middle + half))
            if high - low <= 1e-6:
                continue
            if out and low - out[-1][1] < gap:
                out[-1][1] = max(out[-1][1], high)
            else:
                out.append([low, high])
    if out and out[0][0] - start < gap:
        out[0][0] = start
    if out and stop - out[-1][1] < gap:
        out[-1][1] = stop
    return [(a, b) for a, b in out]


def pieces(
    touched: Sequence[tuple[float, float]], old: Timing, new: Timing, whole: bool = True
) -> list[Piece]:
    """The stretches of the new timeline that stay, with their shifts.

    Parameters
    ----------
    touched : of (start, stop)
        Song seconds that are danced again, joined.
    whole : bool
        Move by whole frames: a stretch may then be off by up to half a frame.
    """
    first, last = (float(s) for s in old.song_at(np.asarray(old.ends)))
    borders = [first, *(t for span in touched for t in span), last]
    out = []
    for index in range(0, len(borders), 2):
        a, b = borders[index], borders[index + 1]
        head, tail = index == 0, index + 2 == len(borders)
        empty = b - a <= 1e-6
        at = a if not empty or tail else b
        shift = float(new.frame_at(at) - old.frame_at(at))
        shift = float(np.floor(shift + 0.5)) if whole else shift
        # With its own shift a stretch begins exactly on its old first frame, not one beside it.
        start = -np.inf if head else float(old.frame_at(a)) + shift
        stop = np.inf if tail else float(old.frame_at(b)) + shift
        out.append(Piece(start, stop, shift))
    return out


def danced(kept: Sequence[Piece]) -> list[tuple[float, float]]:
    """Scene frames [start, stop) between the pieces, which are danced again."""
    return [(a.stop, b.start) for a, b in pairwise(kept) if b.start - a.stop > 1e-6]


def to_known(kept: Sequence[Piece], old: Timing, new: Timing) -> list[tuple[float, float, float]]:
    """The pieces as `kept_poses.moved` takes them: seconds of the new dance, and the shift from the old one's."""
    rate, out = new.span.rate, []
    for piece in kept:
        start, stop = (float(new.span.second_at(f)) for f in (piece.start, piece.stop))
        # new second = old second + shift, each from the left edge of its own span
        out.append((start, stop, (piece.shift + old.span.left - new.span.left) / rate))
    return out


def bars(downbeats: Sequence[float], spans: Sequence[tuple[float, float]]) -> str:
    """Spans in song seconds as bars: ``bars 9–12 and 17``; empty if no bars are known."""
    downs = np.asarray(downbeats, float)
    if not len(downs):
        return ""
    ranges = []
    for a, b in spans:
        first = int(np.searchsorted(downs, a + 0.02, "right"))  # bar 0 lies before the first downbeat
        last = max(first, int(np.searchsorted(downs, b - 0.02, "right")))
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    texts = [str(a) if a == b else f"{a}–{b}" for a, b in ranges]
    if not texts:
        return ""
    if len(texts) > 4:
        texts = [*texts[:3], f"{len(texts) - 3} more"]
    many = len(texts) > 1 or "–" in texts[0]
    said = texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
    return f"bar{'s' if many else ''} {said}"


def check_same_song(old: Timing, new: Timing) -> None:
    """Raise `Problem` if two parts have no song in common."""
    a, b = (h.song_at(np.asarray(h.ends)) for h in (old, new))
    if min(a[1], b[1]) - max(a[0], b[0]) < SHORTEST:
        raise Problem("other_song", "This dance belongs to another part of the song. Generate again.")

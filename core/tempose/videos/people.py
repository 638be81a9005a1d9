"""Who dances in a video: everybody's joints, frame by frame, and one dancer through all shots."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tempose.blazepose.following import Follower
from tempose.estimator import Estimator
from tempose.videos.camera import CameraTracker, CameraView, steadied
from tempose.videos.shots import THUMBNAIL, shot_cuts

JUMP = 0.2  # of full scale: change of the whole picture that may be a cut
REACH, STRAY = 0.5, 0.05  # sizes of a person: reach of a match, and its growth per missed frame
WHOLE = 133  # points of a person

Seen = dict[int, np.ndarray]
OnFrame = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Footage:
    """Everything seen in a video.

    Parameters
    ----------
    people : list of dict
        For each frame: number of a person → (K, 3) pixels and confidence.
    cuts : (C,) int
        Frames at which a new shot begins.
    size : (int, int)
        Width and height of the frames.
    views : list of CameraView
        For each frame, its position in the first one since the last possible cut; empty: the camera stands still.
    """

    people: list[Seen]
    cuts: np.ndarray
    size: tuple[int, int]
    views: list[CameraView] = field(default_factory=list)

    @property
    def shots(self) -> list[tuple[int, int]]:
        """[start, stop) of each shot."""
        edges = [0, *(int(c) for c in self.cuts), len(self.people)]
        return [(a, b) for a, b in pairwise(edges) if b > a]


class EachFrame:
    """A stateless estimator as a follower: whoever is nearest is the same person."""

    def __init__(self, estimator: Estimator):
        self._estimator, self._last, self._next = estimator, {}, 0
        self._last: dict[int, tuple[np.ndarray, int]]

    def cut(self) -> None:
        self._last = {}

    def __call__(self, picture: np.ndarray) -> Seen:
        found = [p for p in np.asarray(self._estimator(picture), float) if (p[:, 2] > 0).any()]
        seen: Seen = {}
        for number, (before, missed) in list(self._last.items()):
            apart = [_apart(before, p) for p in found]
            near = int(np.argmin(apart)) if apart else -1
            if near >= 0 and apart[near] <= (REACH + STRAY * missed) * _extent(before):
                seen[number] = found.pop(near)
                self._last[number] = (seen[number], 0)
            else:
                self._last[number] = (before, missed + 1)
        for person in found:
            seen[self._next] = person
            self._last[self._next] = (person, 0)
            self._next += 1
        return seen


def watch(
    pictures: Iterable[np.ndarray], estimator: Estimator | None = None, on_frame: OnFrame | None = None
) -> Footage:
    """Look at every frame; only joints and thumbnails are kept.

    Parameters
    ----------
    pictures : iterable of (H, W, 3) uint8
    estimator : Estimator, optional
        None: the built-in one, which follows people.
    on_frame : callable, optional
        Called with the number of frames done; may raise to stop.
    """
    follow: Any = Follower() if estimator is None else EachFrame(estimator)
    people, thumbnails, size, camera = [], [], (1, 1), CameraTracker()
    for number, picture in enumerate(pictures):
        size = (picture.shape[1], picture.shape[0])
        thumbnails.append(_thumbnail(picture))
        jumped = number > 0 and np.abs(thumbnails[-1].astype(int) - thumbnails[-2]).mean() > 255 * JUMP
        if jumped:
            follow.cut()
        people.append({number: points.astype(np.float32) for number, points in follow(picture).items()})
        camera(picture, people[-1].values(), jumped)
        if on_frame:
            on_frame(number + 1)
    return Footage(people, shot_cuts(np.stack(thumbnails)), size, camera.views)


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize(THUMBNAIL, Image.Resampling.BOX))


def dancer(footage: Footage, person: int = 1) -> np.ndarray:
    """One person (T, K, 3) through all shots, as seen by static cameras.

    In each shot it is the person seen longest and largest.

    Parameters
    ----------
    person : int
        1 is the first by that measure, 2 the second; empty in shots with fewer people.
    """
    joints = next((len(p) for seen in footage.people for p in seen.values()), WHOLE)
    out = np.zeros((len(footage.people), joints, 3), np.float32)
    for start, stop in footage.shots:
        ranked = ranked_people(footage.people[start:stop])
        if len(ranked) < person:
            continue
        for offset, points in ranked[person - 1].items():
            out[start + offset] = points
        if footage.views:
            out[start:stop] = steadied(out[start:stop], footage.views[start:stop], footage.size)
    return out


def ranked_people(frames: list[Seen]) -> list[dict[int, np.ndarray]]:
    """Everybody in a shot as frame → points, longest and largest first; people lost for a while are continued."""
    numbers = sorted({n for seen in frames for n in seen}, key=lambda n: _first(frames, n))
    tracks: list[dict[int, np.ndarray]] = []
    for number in numbers:
        own = {t: seen[number] for t, seen in enumerate(frames) if number in seen}
        begin = min(own)
        ended = [t for t in tracks if max(t) < begin]
        near = min(ended, key=lambda t: _apart(t[max(t)], own[begin]), default=None)
        reach = np.inf
        if near is not None:
            reach = (REACH + STRAY * (begin - max(near))) * _extent(near[max(near)])
        if near is not None and _apart(near[max(near)], own[begin]) <= reach:
            near.update(own)
        else:
            tracks.append(own)
    return sorted(tracks, key=lambda t: -sum(_extent(p) * p[:, 2].mean() for p in t.values()))


def _first(frames: list[Seen], number: int) -> int:
    return next(t for t, seen in enumerate(frames) if number in seen)


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two people in pixels, joint by joint if they share any."""
    shared = (a[:, 2] > 0) & (b[:, 2] > 0)
    if not shared.any():
        return np.inf
    return float(np.median(np.hypot(*(a[shared, :2] - b[shared, :2]).T)))


def _extent(points: np.ndarray) -> float:
    """Half the sum of width and height of the visible points."""
    seen = points[points[:, 2] > 0, :2]
    return float(np.ptp(seen, axis=0).sum() / 2) if len(seen) else 0.0

"""Who dances in a video: everybody's joints, frame by frame, and one dancer through all shots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tempose.blazepose.following import Follower
from tempose.estimator import Estimator
from tempose.videos.camera import CameraTracker, CameraView, steadied
from tempose.videos.shots import CutFinder, thumbnail
from tempose.videos.sightings import Seen, Sightings

REACH, STRAY = 0.5, 0.05  # sizes of a person: reach of a match, and its growth per missed frame
WHOLE = 133  # points of a person

OnFrame = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Footage:
    """Everything seen in a video.

    Parameters
    ----------
    people : sequence of dict
        For each frame: number of a person → (K, 3) pixels and confidence.
    cuts : (C,) int
        Frames at which a new shot begins.
    size : (int, int)
        Width and height of the frames.
    views : list of CameraView
        For each frame, its position in the first one since the last possible cut; empty: the camera stands still.
    """

    people: Sequence[Seen]
    cuts: np.ndarray
    size: tuple[int, int]
    views: list[CameraView] = field(default_factory=list)

    @property
    def shots(self) -> list[tuple[int, int]]:
        """[start, stop) of each shot."""
        edges = [0, *(int(c) for c in self.cuts), len(self.people)]
        return [(a, b) for a, b in pairwise(edges) if b > a]

    @property
    def joints(self) -> int:
        """Points of a person."""
        return next((len(points) for seen in self.people for points in seen.values()), WHOLE)


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
    pictures: Iterable[np.ndarray],
    estimator: Estimator | None = None,
    on_frame: OnFrame | None = None,
    *,
    hands: bool = True,
    camera: bool = True,
) -> Footage:
    """Look at every frame; nothing but joints is kept, and those out of memory.

    Parameters
    ----------
    pictures : iterable of (H, W, 3) uint8
    estimator : Estimator, optional
        None: the built-in one, which follows people.
    on_frame : callable, optional
        Called with the number of frames done; may raise to stop.
    hands : bool
        Whether the one that ships looks for hands too; they take most of the time.
    camera : bool
        Whether the camera's own moves are to be found.
    """
    follow: Any = Follower(hands) if estimator is None else EachFrame(estimator)
    people, cuts, size = Sightings(), CutFinder(), (1, 1)
    tracker = CameraTracker() if camera else None
    for number, picture in enumerate(pictures):
        size = (picture.shape[1], picture.shape[0])
        jumped = cuts(thumbnail(picture))
        if jumped:
            follow.cut()
        seen = follow(picture)
        people.append(seen)
        if tracker:
            tracker(picture, seen.values(), jumped)
        if on_frame:
            on_frame(number + 1)
    return Footage(people, cuts.cuts(), size, tracker.views if tracker else [])


def dancer(footage: Footage, person: int = 1, columns: Sequence[int] | None = None) -> np.ndarray:
    """One person (T, K, 3) float32 through all shots, as seen by static cameras.

    In each shot it is the person seen longest and largest.

    Parameters
    ----------
    person : int
        1 is the first by that measure, 2 the second; empty in shots with fewer people.
    columns : sequence of int, optional
        Which of the joints are wanted; None: all.
    """
    columns = list(range(footage.joints) if columns is None else columns)
    out = np.zeros((len(footage.people), len(columns), 3), np.float32)
    for start, stop in footage.shots:
        frames = range(start, stop)
        ranked = ranked_people(footage.people, frames)
        if len(ranked) < person:
            continue
        for t in frames:
            for number, points in footage.people[t].items():
                if number in ranked[person - 1]:
                    out[t] = points[columns]
        if footage.views:
            out[start:stop] = steadied(out[start:stop], footage.views[start:stop], footage.size)
    return out


@dataclass
class _Track:
    """One person in a shot under all numbers that they had, and how long and large they were seen."""

    numbers: set[int]
    last: np.ndarray
    end: int
    weight: float = 0.0


def ranked_people(people: Sequence[Seen], frames: range | None = None) -> list[set[int]]:
    """Numbers of everybody in some frames, who is seen longest and largest first; who was lost goes on.

    Nobody has two numbers in one frame.
    """
    frames = range(len(people)) if frames is None else frames
    ends = {number: t for t in frames for number in people[t]}
    tracks: list[_Track] = []
    owner: dict[int, _Track] = {}
    for t in frames:
        seen = people[t]
        for number in sorted(seen.keys() - owner.keys()):
            track = _lost_near(tracks, t, seen[number])
            if track is None:
                tracks.append(track := _Track(set(), seen[number], t))
            track.numbers.add(number)
            track.end, owner[number] = ends[number], track
        for number, points in seen.items():
            owner[number].last = points
            owner[number].weight += _extent(points) * float(points[:, 2].mean())
    return [track.numbers for track in sorted(tracks, key=lambda track: -track.weight)]


def _lost_near(tracks: Iterable[_Track], frame: int, points: np.ndarray) -> _Track | None:
    """Who of those that were lost before a frame was about where somebody is now."""
    lost = [(_apart(track.last, points), track) for track in tracks if track.end < frame]
    if not lost:
        return None
    apart, track = min(lost, key=lambda one: one[0])
    reach = (REACH + STRAY * (frame - track.end)) * _extent(track.last)
    return track if apart <= reach else None


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

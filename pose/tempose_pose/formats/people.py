"""Figures in frames: read as x, y and score, chosen among several, and assembled into poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tempose_pose.formats.values import numbers, unreadable
from tempose_pose.limits import MAX_FILE_FRAMES
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import Skeleton

SHARES = 1.5
"""Coordinates up to here are shares of the picture, a little beyond its edge too: no figure is so few pixels tall."""

SURE = ("score", "confidence", "visibility", "visible", "conf", "c", "v")
"""What programs call a joint's confidence."""

REACH = 0.25
"""How far a figure's joints may lie from where they were a frame ago, as a share of its width plus height ..."""
STRAY = 0.03
"""... and how much farther for each frame in which it was not found."""


@dataclass(frozen=True)
class Person:
    """One figure in one frame: (K, 3) x, y, score as in the file, and the tracker's number of the person."""

    points: np.ndarray
    names: tuple[str, ...]
    skeleton: Skeleton
    track: float | None = None


def track_of(figure: dict) -> float | None:
    """The tracker's number in a figure, bare or in a list, under any of its names; None without one."""
    for key in ("track_id", "idx", "person_id"):
        value = figure.get(key)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def read_person(value: Any, layouts: dict[int, tuple[list[str], Skeleton]], name: Any) -> Person | None:
    """A figure from its joints (as `read_points` takes them); None for null or an empty list."""
    points = read_points(value, tuple(layouts), name)
    if points is None:
        return None
    names, target = layouts[len(points)]
    return Person(points, tuple(names), target)


def read_points(value: Any, counts: Sequence[int], name: Any, what: str = "a figure") -> np.ndarray | None:
    """(K, 3) x, y, score of one of the known counts of joints; None for null or an empty list.

    They stand in one row or joint by joint (lists, or objects with an x and a y), with a confidence or as pairs
    without. A joint that is null, or has a null in it, is not there; nor is a pair (0, 0) or (-1, -1), where no
    confidence can say so.
    """
    value = _spelled_out(value)
    if isinstance(value, list) and any(isinstance(joint, list) for joint in value):
        width = next(len(joint) for joint in value if isinstance(joint, list))
        values = numbers([[None] * width if joint is None else joint for joint in value], name, nulls=True)
        rows = values if values.ndim == 2 and len(values) in counts and width in (2, 3) else None
    else:
        values = numbers([] if value is None else value, name, nulls=True)
        fitting = (w for w in (3, 2) if values.size % w == 0 and values.size // w in counts)
        width = next(fitting, None) if values.ndim == 1 else None
        rows = values.reshape(-1, width) if width else None
    if values.size == 0:
        return None
    if rows is None:
        known = ", ".join(str(k) for k in sorted(counts))
        raise unreadable(
            name, f"{what} must have x, y, confidence of {known} keypoints, not {values.size} numbers"
        )
    if rows.shape[1] == 2:
        written = ~((rows == 0).all(1) | (rows == -1).all(1))
        rows = np.column_stack([rows, written])
    lost = np.isnan(rows).any(1, keepdims=True)
    return np.where(lost, 0, rows)


def _spelled_out(value: Any) -> Any:
    """Joints given as objects, or as one object with a list per coordinate, as lists of numbers."""
    if isinstance(value, dict) and isinstance(value.get("x"), list) and isinstance(value.get("y"), list):
        columns = [value["x"], value["y"], *(v for key in SURE if isinstance(v := value.get(key), list))][:3]
        return [list(joint) for joint in zip(*columns, strict=False)]
    if not isinstance(value, list) or not any(isinstance(joint, dict) for joint in value):
        return value
    sure = next((key for key in SURE if any(isinstance(j, dict) and key in j for j in value)), None)
    return [_joint(joint, sure) if isinstance(joint, dict) else joint for joint in value]


def _joint(joint: dict, sure: str | None) -> list[Any]:
    at = joint["position"] if isinstance(joint.get("position"), dict) else joint
    return [at.get("x"), at.get("y"), *([] if sure is None else [joint.get(sure)])]


def choose(frames: list[list[Person]], person: int | None) -> list[Person | None]:
    """One figure per frame: the one with the number, else the most confident (of equals the largest), then the same
    one.

    The same person has the same track, if the file tells people apart, else is the nearest. Somebody too far off to
    be the same, such as a passer-by, is not taken; the longer the gap, the greater the distance allowed. A person
    who is alone in all frames is always taken.
    """
    if person is not None:
        return [people[person] if 0 <= person < len(people) else None for people in frames]
    crowded = any(len(people) > 1 for people in frames)
    tracked = all(_all_told_apart(people) for people in frames)
    chosen: list[Person | None] = []
    last: Person | None = None
    size, missed = 0.0, 0
    for people in frames:
        there = [p for p in people if (p.points[:, 2] > 0).any()]
        if last is None:
            found = max(
                there, key=lambda p: (round(float(p.points[:, 2].sum()), 3), _extent(p)), default=None
            )
        elif same := [p for p in there if tracked and p.track == last.track]:
            found = same[0]
        else:
            found = min(there, key=partial(_apart, last), default=None)
            reach = (REACH + STRAY * missed) * size if crowded and size else np.inf
            found = found if found is not None and _apart(last, found) <= reach else None
        if found is None:
            missed += 1
        else:
            last, size, missed = found, max(size, _extent(found)), 0
        chosen.append(found if there or not people else people[0])
    return chosen


def _all_told_apart(people: list[Person]) -> bool:
    """Whether everybody has a track of their own; a disabled tracker gives all the same one."""
    tracks = [p.track for p in people]
    return None not in tracks and len(set(tracks)) == len(tracks)


def _apart(one: Person, other: Person) -> float:
    """Distance of two figures, joint by joint if they share any."""
    a, b = one.points, other.points
    shared = (a[:, 2] > 0) & (b[:, 2] > 0) if len(a) == len(b) else np.zeros(0, bool)
    if shared.any():
        return float(np.median(np.linalg.norm(a[shared, :2] - b[shared, :2], axis=1)))
    middles = [p[p[:, 2] > 0, :2].mean(0) for p in (a, b)]
    return float(np.linalg.norm(middles[0] - middles[1]))


def _extent(person: Person) -> float:
    """Sum of width and height of the visible joints."""
    return float(np.ptp(person.points[person.points[:, 2] > 0, :2], axis=0).sum())


def assemble(
    people: list[Person | None], canvas: tuple[int, int], fps: float, name: Any, normalised: bool | None
) -> PoseSequence:
    """Stack the frames; `normalised` None: if no seen coordinate is larger than `SHARES`."""
    given = [p for p in people if p is not None]
    if not given:
        raise unreadable(name, "it shows nobody")
    if len(people) > MAX_FILE_FRAMES:
        raise unreadable(name, f"more than {MAX_FILE_FRAMES} frames")
    names, target = given[0].names, given[0].skeleton
    if any(p.names != names for p in given):
        raise unreadable(name, "the frames use different keypoint layouts")
    points = np.stack([p.points if p is not None else np.zeros((len(names), 3)) for p in people])
    kept = [joint for joint in target.joints if joint in names]
    points = points[:, [names.index(joint) for joint in kept]]
    seen = points[..., 2] > 0
    if not seen.any():
        raise unreadable(name, "it shows nobody")
    xy = np.where(seen[..., None], points[..., :2], 0.0)
    if normalised is None:
        normalised = bool(seen.any() and np.abs(xy[seen]).max() <= SHARES)
    keypoints = xy if normalised else xy / np.asarray(canvas, float)
    found = np.where(seen, points[..., 2], 0)
    if len(kept) < len(target):  # neck and middle of the hips, if the layout has none
        bare = Skeleton("file", tuple(kept), (-1,) * len(kept), ())
        return convert(PoseSequence(keypoints, found, fps, bare, canvas), target)
    return PoseSequence(keypoints, found, fps, target, canvas)

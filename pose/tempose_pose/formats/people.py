"""Figures in frames: read as x, y and score, chosen where there are several, made into poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tempose_pose.formats.values import numbers, unreadable
from tempose_pose.limits import MAX_FILE_FRAMES
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import Skeleton

SHARES = 1.5
"""Coordinates up to here are shares of the picture, a little beyond its edge too: no figure is so few pixels tall."""


@dataclass(frozen=True)
class Person:
    """One figure in one frame: (K, 3) x, y, score as in the file."""

    points: np.ndarray
    names: tuple[str, ...]
    skeleton: Skeleton


def read_person(value: Any, layouts: dict[int, tuple[list[str], Skeleton]], name: Any) -> Person | None:
    """A figure from its joints (as `read_points` takes them); None for null or an empty list."""
    points = read_points(value, tuple(layouts), name)
    if points is None:
        return None
    names, target = layouts[len(points)]
    return Person(points, tuple(names), target)


def read_points(value: Any, counts: Sequence[int], name: Any, what: str = "a figure") -> np.ndarray | None:
    """(K, 3) x, y, score of one of the known counts of joints; None for null or an empty list.

    They stand in one row or joint by joint, with a confidence or as pairs without. A joint that is null, or has a
    null in it, is not there; nor is a pair (0, 0) or (-1, -1), where no confidence can say so.
    """
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


def choose(frames: list[list[Person]], person: int | None) -> list[Person | None]:
    """One figure per frame: that of the number, else the surest (of equals the largest), then what is nearest."""
    if person is not None:
        return [people[person] if 0 <= person < len(people) else None for people in frames]
    chosen: list[Person | None] = []
    last: np.ndarray | None = None

    def middle(p: Person) -> np.ndarray | None:
        seen = p.points[:, 2] > 0
        return p.points[seen, :2].mean(0) if seen.any() else None

    for people in frames:
        middles = [(p, m) for p in people if (m := middle(p)) is not None]
        if not middles:
            chosen.append(people[0] if people else None)
            continue
        if last is None:
            best, last = max(
                middles, key=lambda pm: (round(float(pm[0].points[:, 2].sum()), 3), _extent(pm[0]))
            )
        else:
            here = last
            best, last = min(middles, key=lambda pm: float(np.linalg.norm(pm[1] - here)))
        chosen.append(best)
    return chosen


def _extent(person: Person) -> float:
    """Width and height of what is seen, added up."""
    return float(np.ptp(person.points[person.points[:, 2] > 0, :2], axis=0).sum())


def assemble(
    people: list[Person | None], canvas: tuple[int, int], fps: float, name: Any, normalised: bool | None
) -> PoseSequence:
    """Stack the frames; `normalised` None: where no seen coordinate is larger than `SHARES`."""
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
    xy = np.where(seen[..., None], points[..., :2], 0.0)
    if normalised is None:
        normalised = bool(seen.any() and np.abs(xy[seen]).max() <= SHARES)
    keypoints = xy if normalised else xy / np.asarray(canvas, float)
    found = np.where(seen, points[..., 2], 0)
    if len(kept) < len(target):  # neck and middle of the hips, where the layout has none
        bare = Skeleton("file", tuple(kept), (-1,) * len(kept), ())
        return convert(PoseSequence(keypoints, found, fps, bare, canvas), target)
    return PoseSequence(keypoints, found, fps, target, canvas)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A guess at a figure's joints from its outline alone. No bpy in here.

Limb ends are the points farthest from the middle, measured through the figure: the farthest point first, then the
one farthest from the path to it, and so on. The two lowest ends are feet, the thickest of the upper ones is the
head, and the others are hands. If that does not work out, a standing figure is fitted into the outline's box.
"""

import numpy as np

from tempose_pose.reference import Reference

from ..errors import Problem
from .mapping import BODY
from .masks import depths

WORKING = 80  # pixels along the longer side, at which limbs are searched for
LIMB = 0.1  # of the figure's height: how far an end must stick out
THIN = 0.09  # and half of its width there: corners of a plain shape are no limbs
HEAD, FEET = 0.10, 0.04  # of the figure's height lie above the nose and below the ankles, at least
HAND = 0.05  # from a hand's end to its wrist
_AT = BODY.at


def guess(alpha: np.ndarray) -> np.ndarray:
    """Joints (18, 2) in pixels, for the artist to correct, from a figure's alpha (H, W)."""
    solid = alpha > 0.5
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        raise Problem(
            "picture_clear",
            "This picture is transparent everywhere: there is nothing to cut out. Choose another one.",
        )
    box = _boxed(rows[[0, -1]], columns[[0, -1]])
    step = max(1, int(np.ceil(max(len(solid), len(solid[0])) / WORKING)))
    found = _by_limbs(np.pad(solid[::step, ::step], 1), (box - step / 2) / step + 1)
    return box if found is None else (found - 1) * step + step / 2


def _boxed(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A standing figure that fills these rows and columns."""
    points = Reference.standing().points
    low, high = points.min(0), points.max(0)
    height = rows[1] + 1 - rows[0]
    top, bottom = rows[0] + HEAD * height, rows[1] + 1 - FEET * height
    scale = (bottom - top) / (high[1] - low[1])
    across = min(scale, 0.9 * (columns[1] + 1 - columns[0]) / (high[0] - low[0]))
    middle = (columns[0] + columns[1] + 1) / 2
    return np.stack(
        [middle + (points[:, 0] - (low[0] + high[0]) / 2) * across, top + (points[:, 1] - low[1]) * scale], 1
    )


def _by_limbs(solid: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """The joints on a small mask with an empty border; None if head and feet cannot be identified."""
    depth = depths(solid)
    y, x = np.nonzero(solid)
    height = np.ptp(y) + 1.0
    middle = np.array([np.median(x), y.min() + 0.45 * height])
    start = np.argmin(np.hypot(x - middle[0], y - middle[1]) - depth[y, x])
    ways = _limbs(solid, (int(y[start]), int(x[start])), LIMB * height)
    ends = [way[0] for way in ways]
    low = [k for k, end in enumerate(ends) if end[1] > y[start] + 0.15 * height]
    feet = sorted(sorted(low, key=lambda k: -ends[k][1])[:2], key=lambda k: ends[k][0])
    high = [k for k in range(len(ways)) if k not in low and ends[k][1] < y[start]]
    legs = [_along(ways[k], 1.5 * LIMB * height) for k in feet]
    if len(feet) < 2 or not high or any(depth[int(b), int(a)] > THIN * height for a, b in legs):
        return None
    thick = {k: max(depth[int(b), int(a)] for a, b in ways[k][: int(0.15 * height) + 1]) for k in high}
    head = max(high, key=lambda k: thick[k] - 0.3 * abs(ends[k][0] - x[start]))
    hands = sorted((k for k in range(len(ways)) if k not in (*feet, head)), key=lambda k: -len(ways[k]))[:2]
    return _joints(ways, feet, head, hands, thick[head], height, depth, box)


def _joints(
    ways: list[np.ndarray],
    feet: list[int],
    head: int,
    hands: list[int],
    radius: float,
    height: float,
    depth: np.ndarray,
    box: np.ndarray,
) -> np.ndarray:
    """All joints of a figure whose limbs are known."""
    out = box.copy()
    crown, spine = ways[head][0], ways[head]
    beyond = [p for p in spine if np.hypot(*(p - crown)) > 1.2 * radius][: int(0.12 * height) + 1]
    neck = (
        min(beyond, key=lambda p: depth[int(p[1]), int(p[0])])
        if beyond
        else crown + np.array([0, 2 * radius])
    )
    ankles = [_along(ways[k], FEET * height) for k in feet]
    crotch = next(
        (p for p in ways[feet[0]] if min(np.hypot(*(ways[feet[1]] - p).T)) < 1.5), ways[feet[0]][-1]
    )
    hips = np.array([0.6 * crotch[0] + 0.4 * neck[0], max(crotch[1] - 0.04 * height, neck[1] + 0.2 * height)])
    down = (hips - neck) / max(np.hypot(*(hips - neck)), 1e-9)
    right = np.array([down[1], -down[0]])  # of the picture
    nose = crown + 0.95 * (radius / max(np.hypot(*(neck - crown)), 1e-9)) * (neck - crown)
    out[_AT["neck"]], out[_AT["nose"]] = neck + 0.03 * height * down, nose
    for side, sign in (("left", 1), ("right", -1)):
        shoulder = neck + 0.05 * height * down + sign * min(0.11 * height, 1.6 * radius) * right
        hip = hips + sign * 0.05 * height * right
        ankle = ankles[1 if side == "left" else 0]
        way = ways[feet[1 if side == "left" else 0]]
        hand = next((k for k in hands if sign * (ways[k][0] - neck) @ right > 0), None)
        out[_AT[f"{side}_hip"]], out[_AT[f"{side}_ankle"]] = hip, ankle
        out[_AT[f"{side}_knee"]] = _half_way(way, ankle, hip)
        if hand is None:  # arms in front of the body
            moved = shoulder - out[_AT[f"{side}_shoulder"]]
            for joint in ("elbow", "wrist"):
                out[_AT[f"{side}_{joint}"]] += moved
        else:
            wrist = _along(ways[hand], HAND * height)
            out[_AT[f"{side}_elbow"]] = _half_way(ways[hand], wrist, shoulder)
            out[_AT[f"{side}_wrist"]] = wrist
        out[_AT[f"{side}_shoulder"]] = shoulder
        out[_AT[f"{side}_eye"]] = nose - 0.2 * radius * down + sign * 0.35 * radius * right
        out[_AT[f"{side}_ear"]] = nose - 0.1 * radius * down + sign * 0.8 * radius * right
    return out


def _along(way: np.ndarray, far: float) -> np.ndarray:
    """The first point at this distance from the start of a path."""
    away = np.hypot(*(way - way[0]).T)
    return way[int(np.argmax(away >= far))] if (away >= far).any() else way[-1]


def _half_way(way: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The point of a path equally far from both joints; half-way if the path misses the last one."""
    if min(np.hypot(*(way - last).T)) > 0.35 * np.hypot(*(first - last)):
        return (first + last) / 2
    return way[int(np.argmin(np.abs(np.hypot(*(way - first).T) - np.hypot(*(way - last).T))))]


def _limbs(solid: np.ndarray, start: tuple[int, int], least: float) -> list[np.ndarray]:
    """Paths (N, 2) as x, y from the ends to the middle or to an earlier path, the longest first."""
    known = np.zeros(solid.shape, bool)
    known[start] = True
    ways: list[np.ndarray] = []
    whole = _distances(solid, known)
    while len(ways) < 5:
        far = _distances(solid, known)
        far[~np.isfinite(far)] = 0
        end = np.unravel_index(far.argmax(), far.shape)
        if far[end] < least:
            break
        way = _down(whole, (int(end[0]), int(end[1])))
        known[way[:, 0], way[:, 1]] = True
        ways.append(way[:, ::-1].astype(float))
    return ways


_AROUND = [(i, j, float(np.hypot(i, j))) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]


def _distances(solid: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the known ones, measured through solid pixels; inf elsewhere."""
    far = np.where(known, 0.0, np.inf)
    while True:
        before = far.copy()
        for i, j, step in _AROUND:
            near = np.where(solid, np.roll(far, (i, j), (0, 1)) + step, np.inf)
            np.minimum(far, near, out=far)
        if np.array_equal(before, far):
            return far


def _down(far: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    """Rows and columns (N, 2) of the path from a pixel down to where the distance is 0."""
    way = [at]
    while far[at] > 0:
        at = min(((at[0] + i, at[1] + j) for i, j, _ in _AROUND), key=lambda p: far[p])
        way.append(at)
    return np.array(way)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a figure each of its pixels belongs to, by growing regions that edges slow down. No bpy in here.

The regions grow by cost from the middle of each part, as in Adams and Bischof, Seeded region growing (1994).
"""

import heapq
from collections.abc import Mapping

import numpy as np

from .anatomy import ARMS, HEAD, LEGS, PARTS, TRUNK, Anatomy, Rod
from .masks import dilated

CORE, TRUNK_CORE = 0.55, 0.8  # half widths from a part's centre line: nearer pixels are surely its own
DISPUTED = (
    0.9  # half widths from an arm that lies over other parts: within these, edges decide what is its own
)
BEGINS = {**dict.fromkeys(ARMS, 0.3), **dict.fromkeys(LEGS, 0.2), HEAD: 0.5}
"""Share of the first rod that may as well be the trunk."""
ASTRAY = 1.25  # half widths from a limb: beyond, a pixel near the trunk is not the limb's
LOOSE = 1.4  # how many times farther from the trunk such a pixel may be
SLIVER = 0.4  # half widths of a limb: a thinner sliver beside the other limb belongs to that one
EDGE = 3.0  # cost of crossing an edge of full contrast, in half widths
_AROUND = [(i, j, float(np.hypot(i, j))) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]


def nearness(rods: list[Rod], points: np.ndarray) -> np.ndarray:
    """Distance (N,) of points (N, 2) from a part, in its half widths: below 1 is inside."""
    return np.min([rod.nearness(points) for rod in rods], axis=0)


def grid(shape: tuple[int, int]) -> np.ndarray:
    """(H·W, 2) x, y of all pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.stack([x.ravel(), y.ravel()], 1).astype(float)


def of_pixels(
    colours: np.ndarray, solid: np.ndarray, anatomy: Anatomy, levels: Mapping[str, float]
) -> np.ndarray:
    """(H, W) int: index into `PARTS`, -1 outside of the figure.

    Parameters
    ----------
    colours : (H, W, 3) float
        0 to 1.
    solid : (H, W) bool
        The figure.
    levels : of part
        How far each part is in front of the trunk: where two overlap, the front one is seen.
    """
    at = grid((solid.shape[0], solid.shape[1]))
    inside = solid.ravel()
    seeds = np.full(len(at), -1)
    covered = [part for part in ARMS if levels[part] < levels[TRUNK]]
    order = sorted(PARTS, key=lambda part: levels[part])  # back to front
    if covered:  # from the side, a raised arm is often found on the face: the face is surer
        order = [*(part for part in order if part != HEAD), HEAD]
    for part in order:
        rods, core = anatomy[part], TRUNK_CORE if part == TRUNK else CORE
        if part in BEGINS:
            first = rods[0]
            begin = first.start + BEGINS[part] * (first.end - first.start)
            rods = [Rod(begin, first.end, first.wide, first.wide_end), *rods[1:]]
        near = nearness(rods, at)
        if part in ARMS:
            seeds[inside & (near < DISPUTED)] = -1
        seeds[inside & (near < core)] = PARTS.index(part)
    if covered:
        within = nearness(anatomy[TRUNK], at) < 1
        own = np.isin(seeds, [PARTS.index(part) for part in covered])
        seeds[own & within] = PARTS.index(TRUNK)
    width = float(np.mean([rod.wide for part in (*ARMS, *LEGS) for rod in anatomy[part]]))
    found = _grown(colours, solid, seeds.reshape(solid.shape), width)
    _trimmed(found.ravel(), at, anatomy)
    for limbs in (ARMS, LEGS):
        _smoothed(found, limbs, anatomy)
    lost = inside & (found.ravel() < 0)  # islands
    found.ravel()[lost] = np.stack([nearness(anatomy[part], at[lost]) for part in PARTS]).argmin(0)
    return found


def _trimmed(found: np.ndarray, at: np.ndarray, anatomy: Anatomy) -> None:
    """Give back to the trunk what a limb took along its side."""
    trunk = nearness(anatomy[TRUNK], at)
    for part in (*ARMS, *LEGS):
        own = np.flatnonzero(found == PARTS.index(part))
        near = nearness(anatomy[part], at[own])
        found[own[(near > ASTRAY) & (trunk[own] < LOOSE * near)]] = PARTS.index(TRUNK)


def _smoothed(found: np.ndarray, limbs: tuple[str, ...], anatomy: Anatomy) -> None:
    """Of two limbs side by side, as in profile, give each the slivers that the other took."""
    thin = max(1, round(SLIVER * min(rod.wide for limb in limbs for rod in anatomy[limb])))
    masks = [found == PARTS.index(limb) for limb in limbs]
    for own, other, to in zip(masks, masks[::-1], limbs[::-1], strict=True):
        broad = dilated(~dilated(~own, thin), thin + 1)
        found[own & ~broad & dilated(other, 2 * thin + 1)] = PARTS.index(to)


def _grown(colours: np.ndarray, solid: np.ndarray, seeds: np.ndarray, width: float) -> np.ndarray:
    """(H, W) int: each pixel belongs to the seed that reaches it at the least cost."""
    padded = np.pad(solid, 1)
    across = padded.shape[1]
    tint = np.pad(colours, ((1, 1), (1, 1), (0, 0)))
    open_ = padded.ravel().tolist()
    ways = []
    for i, j, step in _AROUND:
        contrast = np.abs(np.roll(tint, (-i, -j), (0, 1)) - tint).max(-1)
        ways.append((i * across + j, step / max(width, 1e-6), (EDGE * contrast).ravel().tolist()))
    found = np.pad(seeds, 1, constant_values=-1).ravel()
    owner, cost = found.tolist(), np.where(found >= 0, 0.0, np.inf).tolist()
    heap = [(0.0, int(k)) for k in np.flatnonzero((found >= 0) & padded.ravel())]
    heapq.heapify(heap)
    while heap:
        spent, here = heapq.heappop(heap)
        if spent > cost[here]:
            continue
        label = owner[here]
        for go, step, edges in ways:
            there = here + go
            total = spent + step + edges[here]
            if open_[there] and total < cost[there]:
                cost[there], owner[there] = total, label
                heapq.heappush(heap, (total, there))
    whole = np.where(padded, np.asarray(owner).reshape(padded.shape), -1)
    return whole[1:-1, 1:-1]

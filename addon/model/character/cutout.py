# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture cut out along its alpha: a mesh of small squares, weighted to bones at their corners. No bpy in here."""

from dataclasses import dataclass

import numpy as np

from ..errors import Problem

CELLS = 64  # squares along the longer side of the cut-out
CLEAR = 0.05  # alpha below which a pixel is not part of the picture
THROAT, CHIN = (
    0.3,
    0.5,
)  # of the way from neck to nose: where the neck ends and the head begins, if nothing shows it
NARROW = 0.9  # of the head's width: a place below it that is narrower is the throat
JAW = 0.12  # of the way from neck to nose: from the throat to where the head keeps its shape
BONES = 3  # that may move one corner
SHARPNESS = 6  # of the transition from one bone to the next


@dataclass(frozen=True, eq=False)
class Cutout:
    """The mesh.

    Attributes
    ----------
    vertices : (N, 2) float
        Pixels, y down.
    faces : (F, 4) int
        Corners of the squares, counter-clockwise as seen with y up.
    """

    vertices: np.ndarray
    faces: np.ndarray


def cut(alpha: np.ndarray, cells: int = CELLS) -> Cutout:
    """Squares that cover everything that is not transparent.

    The stepped edge is never seen: the picture is transparent there.

    Parameters
    ----------
    alpha : (H, W) float
        0 transparent to 1 opaque, the first row on top.
    """
    solid = np.asarray(alpha) > CLEAR
    if not solid.any():
        raise Problem(
            "picture_clear",
            "This picture is transparent everywhere: there is nothing to cut out. Choose another one.",
        )
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    top, left = rows[0], columns[0]
    height, width = rows[-1] + 1 - top, columns[-1] + 1 - left
    size = max(height, width) / cells
    down, across = max(1, int(np.ceil(height / size))), max(1, int(np.ceil(width / size)))
    y, x = np.nonzero(solid)
    kept = np.zeros((down, across), bool)
    kept[
        np.minimum(((y - top) / size).astype(int), down - 1),
        np.minimum(((x - left) / size).astype(int), across - 1),
    ] = True
    i, j = np.nonzero(kept)
    stride = across + 1
    corners = np.stack(
        [(i + 1) * stride + j, (i + 1) * stride + j + 1, i * stride + j + 1, i * stride + j], 1
    )
    used, faces = np.unique(corners, return_inverse=True)
    vertices = np.stack([left + (used % stride) * size, top + (used // stride) * size], 1)
    return Cutout(vertices.astype(float), faces.reshape(-1, 4))


def weights(cutout: Cutout, bones: dict[str, tuple]) -> dict[str, np.ndarray]:
    """How much each bone moves each corner.

    Distance is measured *through the picture*: an arm beside the body, with a gap between, follows the arm's bone
    alone. Corners on islands that no bone touches follow the nearest bones across the gap.

    Parameters
    ----------
    bones : dict of name → (head, tail)
        Both (2,), in the vertices' pixels.

    Returns
    -------
    dict of name → (N,) float
        0 to 1; together 1 at each corner.
    """
    names = list(bones)
    points = cutout.vertices
    air = np.stack(
        [_to_segment(points, np.asarray(h, float), np.asarray(t, float)) for h, t in bones.values()], 1
    )
    a, b, length = _edges(cutout)
    size = float(length.min())
    near = air <= np.maximum(air.min(0), 1.5 * size)  # where a bone touches the picture
    through = np.where(near, air, np.inf)
    for _ in range(len(points)):  # Bellman-Ford, all bones at once
        before = through.copy()
        np.minimum.at(through, a, through[b] + length[:, None])
        np.minimum.at(through, b, through[a] + length[:, None])
        if np.array_equal(before, through):
            break
    lost = ~np.isfinite(through).any(1)
    through[lost] = air[lost]
    closeness = 1 / (through + 0.5 * size) ** SHARPNESS  # (N, bones), 0 where out of reach
    least = np.sort(closeness, 1)[:, -min(BONES, len(names))]
    closeness = np.where(closeness >= least[:, None], closeness, 0)
    share = closeness / closeness.sum(1, keepdims=True)
    share[share < 0.06] = 0
    share /= share.sum(1, keepdims=True)
    return {name: share[:, i] for i, name in enumerate(names)}


def throat(alpha: np.ndarray, neck: np.ndarray, nose: np.ndarray) -> tuple[float, float]:
    """Where a neck ends and where its head begins, as shares of the way from neck to nose: at the narrowest place.

    Parameters
    ----------
    alpha : (H, W) float
        Of the head with its neck.
    neck, nose : (2,)
        In its pixels.
    """
    way = np.asarray(nose, float) - neck
    long = float(np.hypot(*way))
    if long < 4:
        return THROAT, CHIN
    shares, far = np.linspace(0.1, 1.0, 46), np.arange(0, int(2 * long) + 1)
    across = np.array([way[1], -way[0]]) / long
    wide = np.zeros(len(shares))
    for sign in (1, -1):
        points = neck + shares[:, None, None] * way + sign * far[:, None] * across
        at = np.round(points).astype(int)  # (S, F, 2)
        inside: np.ndarray = np.all((at >= 0) & (at < np.array(alpha.shape[::-1])), -1)
        x, y = np.where(inside[..., None], at, 0).transpose(2, 0, 1)
        wide += np.logical_and.accumulate(inside & (alpha[y, x] > CLEAR), 1).sum(1)
    low = shares < CHIN
    narrow = int(np.argmin(np.where(low & (wide > 0), wide, np.inf)))
    if not wide[narrow] or wide[narrow] > NARROW * wide[~low].max():
        return THROAT, CHIN
    return float(shares[narrow]), float(min(shares[narrow] + JAW, CHIN))


def _to_segment(points: np.ndarray, head: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """(N,) distances from a line between two points."""
    along = tail - head
    share = np.clip((points - head) @ along / max(float(along @ along), 1e-12), 0, 1)
    return np.linalg.norm(points - head - share[:, None] * along, axis=1)


def _edges(cutout: Cutout) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both ends and the length of the squares' sides and diagonals."""
    faces = cutout.faces
    pairs = np.concatenate([faces[:, [i, j]] for i, j in ((0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3))])
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    a, b = pairs.T
    return a, b, np.linalg.norm(cutout.vertices[a] - cutout.vertices[b], axis=1)

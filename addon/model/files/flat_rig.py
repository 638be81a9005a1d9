# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out in the form that programs for 2D animation use: bones in a plane, and meshes with pictures bound to them.

Pixels, x right and y up; angles in radians, anticlockwise. No bpy in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 1e-3  # of the weight of a corner: bones that move it by less are left out
EXACT = 0.02  # pixels, and hundredths of a radian, by which a straight line between keys may be off
_TURN = 100.0  # how much finer angles are kept than pixels


@dataclass(frozen=True, eq=False)
class FlatBone:
    """A bone.

    Attributes
    ----------
    parent : int
        Index among the bones, which come after their parents; −1 for none.
    length : float
    rest : (3,) float
        x, y and angle in world space.
    poses : (T, 3) float
        The same for each frame.
    """

    name: str
    parent: int
    length: float
    rest: np.ndarray
    poses: np.ndarray


@dataclass(frozen=True, eq=False)
class FlatLayer:
    """A mesh with a part of a picture on it.

    Attributes
    ----------
    picture : int
        Among the rig's pictures.
    corners : (V, 2) float
        In world space, at rest.
    uvs : (V, 2) float
        In shares of the picture, from its top left corner.
    triangles : (N, 3) int
    weights : of (bone, weight), for each corner
        In the order of bones; they add up to 1.
    """

    name: str
    picture: int
    corners: np.ndarray
    uvs: np.ndarray
    triangles: np.ndarray
    weights: Sequence[Sequence[tuple[int, float]]]


@dataclass(frozen=True, eq=False)
class FlatRig:
    """A complete cut-out.

    Attributes
    ----------
    layers : of FlatLayer
        Back to front, at rest.
    orders : (T, L) int
        The drawing order of the layers on each frame.
    pictures : of (H, W, 4) uint8
    rate : float
        Frames per second.
    cyclic : bool
    """

    name: str
    bones: Sequence[FlatBone]
    layers: Sequence[FlatLayer]
    orders: np.ndarray
    pictures: Sequence[np.ndarray]
    rate: float
    cyclic: bool

    @property
    def frames(self) -> int:
        return len(self.orders)

    def locals_of(self, bone: FlatBone, poses: bool) -> np.ndarray:
        """Position and angle (3,) or (T, 3) of a bone relative to its parent; angles are continuous over frames."""
        own = bone.poses if poses else bone.rest
        if bone.parent < 0:
            return own.copy()
        parent = self.bones[bone.parent]
        above = parent.poses if poses else parent.rest
        away, cos, sin = own[..., :2] - above[..., :2], np.cos(above[..., 2]), np.sin(above[..., 2])
        x, y = away[..., 0], away[..., 1]
        turn = own[..., 2] - above[..., 2]
        return np.stack([cos * x + sin * y, cos * y - sin * x, turn], -1)

    def moves_of(self, bone: FlatBone) -> np.ndarray:
        """Position and angle (T, 3) of a bone relative to rest; no turn is longer than half a circle."""
        moved = self.locals_of(bone, True) - self.locals_of(bone, False)
        moved[:, 2] = np.unwrap(moved[:, 2])
        moved[:, 2] -= 2 * np.pi * np.round(moved[0, 2] / (2 * np.pi))
        return moved

    def hung(self, layer: FlatLayer, corner: int) -> list[tuple[int, float, float, float]]:
        """Bone, x and y relative to it at rest, and weight, for all bones that move a corner."""
        out = []
        for index, weight in layer.weights[corner]:
            x, y, turn = self.bones[index].rest
            away = layer.corners[corner] - (x, y)
            cos, sin = np.cos(turn), np.sin(turn)
            out.append((index, cos * away[0] + sin * away[1], cos * away[1] - sin * away[0], weight))
        return out


def weighted(weights: np.ndarray) -> list[list[tuple[int, float]]]:
    """Weights (V, B) as a list for each corner, normalised to 1."""
    out = []
    for row in weights:
        kept = np.flatnonzero(row > LEAST * max(float(row.sum()), 1e-9))
        total = float(row[kept].sum())
        out.append([(int(bone), float(row[bone] / total)) for bone in kept] if total > 0 else [(0, 1.0)])
    return out


def keyed(values: np.ndarray) -> np.ndarray:
    """Frames (K,) at which values (T, C) need keys for linear interpolation."""
    keep, stack = {0, len(values) - 1}, [(0, len(values) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        share = (np.arange(first, last + 1) - first)[:, None] / (last - first)
        off = np.abs(values[first : last + 1] - values[first] * (1 - share) - values[last] * share)
        worst = int(off.max(1).argmax())
        if off.max() > EXACT:
            keep.add(first + worst)
            stack += [(first, first + worst), (first + worst, last)]
    return np.array(sorted(keep))


def turn_keys(turns: np.ndarray) -> np.ndarray:
    """The same for angles (T,)."""
    return keyed(_TURN * turns[:, None])


def order_changes(orders: np.ndarray) -> list[tuple[int, list[tuple[int, int]]]]:
    """Frames at which the drawing order changes, and by how many places each layer is drawn later than at rest."""
    out: list[tuple[int, list[tuple[int, int]]]] = []
    before = np.arange(orders.shape[1])
    for frame, order in enumerate(orders):
        if np.array_equal(order, before):
            continue
        place = np.argsort(order)
        by = place - np.arange(len(order))
        out.append((frame, [(int(layer), int(by[layer])) for layer in np.flatnonzero(by)]))
        before = order
    return out


def outline(triangles: np.ndarray, count: int) -> list[int]:
    """The corners along a mesh's longest outline, in order; all corners if it has none."""
    edges: dict[tuple[int, int], int] = {}
    for a, b, c in triangles.tolist():
        for one, two in ((a, b), (b, c), (c, a)):
            if edges.pop((two, one), None) is None:
                edges[one, two] = 1
    after: dict[int, list[int]] = {}
    for one, two in edges:
        after.setdefault(one, []).append(two)
    best: list[int] = []
    while after:
        start = at = next(iter(after))
        loop: list[int] = []
        while at in after:
            loop.append(at)
            ways = after[at]
            following = ways.pop()
            if not ways:
                del after[at]
            at = following
            if at == start:
                break
        if len(loop) > len(best) and len(set(loop)) == len(loop):
            best = loop
    return best or list(range(count))

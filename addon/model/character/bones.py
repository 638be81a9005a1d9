# SPDX-License-Identifier: GPL-3.0-or-later
"""How a bone hangs on its parent, as Blender composes it, for all frames at once. No bpy in here.

The rules are those of the manual's page on bone relations (inherit rotation, inherit scale, local location); the
tests hold them against Blender's own poses.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Bone:
    """One bone of an armature at rest, all in the armature's own space.

    Parameters
    ----------
    parent : str or None
    matrix : (3, 3) float
        Its axes at rest as columns; it points along Y.
    head : (3,) float
    length : float
    connected : bool
        Its head cannot leave the parent's tail.
    inherit_rotation, local_location : bool
    inherit_scale : str
        FULL, FIX_SHEAR, ALIGNED, AVERAGE, NONE or NONE_LEGACY, as in Blender.
    mode : str
        QUATERNION, AXIS_ANGLE or the order of the Euler angles.
    basis : (4, 4) float
        Its current pose, which it keeps when nothing maps to it.
    locked : set of (channel, index)
        What may not be keyed, with channel location, rotation or scale; index 3 is a quaternion's W.
    held : str
        Why keys on it would have no effect; empty if they would.
    """

    name: str
    parent: str | None
    matrix: np.ndarray
    head: np.ndarray
    length: float
    connected: bool = False
    inherit_rotation: bool = True
    inherit_scale: str = "FULL"
    local_location: bool = True
    mode: str = "QUATERNION"
    basis: np.ndarray = field(default_factory=lambda: np.eye(4), compare=False)  # playback changes it
    locked: frozenset = frozenset()
    held: str = ""

    @property
    def tail(self) -> np.ndarray:
        return self.head + self.matrix[:, 1] * self.length


@dataclass(frozen=True)
class Rest:
    """A bone at rest, in the figure's plane: (right, up) of both ends."""

    head: tuple[float, float]
    tail: tuple[float, float]

    @property
    def vector(self) -> np.ndarray:
        return np.subtract(self.tail, self.head)


@dataclass(frozen=True, eq=False)
class Placed:
    """A bone in a pose: axes (T, 3, 3) as columns, with scale and shear, and head (T, 3). T may be 1."""

    axes: np.ndarray
    head: np.ndarray

    def point(self, local: npt.ArrayLike) -> np.ndarray:
        """Place (T, 3) of a point given in the bone's own space."""
        return self.head + self.axes @ np.asarray(local, float)


@dataclass(frozen=True, eq=False)
class Hook:
    """What a bone gets from its parent: axes before its own pose, a place, and the space of its location."""

    axes: np.ndarray  # (T, 3, 3)
    head: np.ndarray  # (T, 3)
    slide: np.ndarray  # (T, 3, 3): location channels → armature space
    after: np.ndarray | None  # (T, 3) scale along the bone's own axes, applied last


def hook(bone: Bone, parent: Bone | None, pose: Placed | None) -> Hook:
    """Where a bone would be with no pose of its own."""
    if parent is None or pose is None:
        rest = bone.matrix[None]
        return Hook(rest, bone.head[None], rest if bone.local_location else np.eye(3)[None], None)
    offset = parent.matrix.T @ bone.matrix
    head = pose.point(parent.matrix.T @ (bone.head - parent.head))
    plain = pose.axes @ offset
    slide = plain if bone.local_location else pose.axes
    if bone.inherit_rotation and bone.inherit_scale == "FULL":
        return Hook(plain, head, slide, None)
    after = None
    if bone.inherit_rotation:
        axes = pose.axes
        if bone.inherit_scale in ("NONE", "AVERAGE", "ALIGNED"):
            straight = without_shear(axes)
            size = np.linalg.norm(straight, axis=1)
            axes = straight / size[:, None]
            after = size if bone.inherit_scale == "ALIGNED" else None
        elif bone.inherit_scale == "NONE_LEGACY":
            axes = axes / np.linalg.norm(axes, axis=1)[:, None]
    else:
        axes = np.broadcast_to(parent.matrix, pose.axes.shape)
        if bone.inherit_scale == "FULL":
            axes = axes * np.linalg.norm(pose.axes, axis=1)[:, None]
        elif bone.inherit_scale in ("FIX_SHEAR", "ALIGNED"):
            size = np.linalg.norm(pose.axes, axis=1)
            size = size * np.cbrt(np.abs(np.linalg.det(pose.axes)) / size.prod(1))[:, None]
            if bone.inherit_scale == "ALIGNED":
                after = size
            else:
                axes = axes * size[:, None]
    if bone.inherit_scale == "AVERAGE":
        axes = axes * np.cbrt(np.abs(np.linalg.det(pose.axes)))[:, None, None]
    axes = axes @ offset
    if bone.inherit_scale == "FIX_SHEAR":
        axes = without_shear(axes)
    return Hook(axes, head, slide, after)


def without_shear(axes: np.ndarray) -> np.ndarray:
    """(T, 3, 3) columns made orthogonal: Y stays, X and Z move equally, volume is preserved."""
    y = axes[:, :, 1]
    square = np.swapaxes(axes, 1, 2) @ axes
    crossed = np.abs(square[:, (0, 0, 1), (1, 2, 2)]).max(initial=0)
    if crossed <= 1e-12 * np.abs(square).max(initial=0):
        return axes  # as for most bones: nothing to do
    share = square[:, 1] / np.maximum((y * y).sum(1), 1e-30)[:, None]
    x, z = (axes[:, :, i] - share[:, i, None] * y for i in (0, 2))
    long_x, long_z = (np.maximum(np.linalg.norm(v, axis=1), 1e-30)[:, None] for v in (x, z))
    x, z = x / long_x, z / long_z
    cosine = (x * z).sum(1)[:, None]
    both, apart = x + z, x - z
    both = both / np.maximum(np.linalg.norm(both, axis=1), 1e-30)[:, None]
    apart = apart / np.maximum(np.linalg.norm(apart, axis=1), 1e-30)[:, None]
    skew = np.abs(cosine) > 1e-4
    area = np.where(skew, np.sqrt(np.sqrt(np.maximum(1 - cosine**2, 0))), 1.0)
    x, z = (
        np.where(skew, (both + apart) / np.sqrt(2), x) * long_x * area,
        np.where(skew, (both - apart) / np.sqrt(2), z) * long_z * area,
    )
    return np.stack([x, y, z], 2)


def place(hooked: Hook, turn: np.ndarray, scale: np.ndarray, location: np.ndarray) -> Placed:
    """A bone in its pose: turn (T, 3, 3), scale (T, 3), location (T, 3), each also with T = 1."""
    axes = hooked.axes @ (turn * scale[:, None])
    if hooked.after is not None:
        axes = axes * hooked.after[:, None]
    return Placed(axes, hooked.head + np.einsum("tij,tj->ti", hooked.slide, location))


def parts_of(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A pose matrix (4, 4) as turn, scale and location, each with T = 1."""
    size = np.maximum(np.linalg.norm(basis[:3, :3], axis=0), 1e-12)
    return (basis[:3, :3] / size)[None], size[None], basis[:3, 3][None]


def parents_first(bones: dict[str, Bone]) -> list[str]:
    """Names in an order in which each parent comes before its children."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        chain = []
        at: str | None = name
        while at is not None and at not in order:
            chain.append(at)
            at = bones[at].parent
        order.update(dict.fromkeys(reversed(chain)))

    for name in bones:
        visit(name)
    return list(order)


def lineage(bones: dict[str, Bone], name: str | None) -> list[str]:
    """A bone and its ancestors, from the bone up."""
    found = []
    while name is not None:
        found.append(name)
        name = bones[name].parent
    return found

# SPDX-License-Identifier: GPL-3.0-or-later
"""From keypoints to bone channels: one rotation per bone, a place for the root, a length. No bpy in here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .mapping import JOINTS, BoneLink
from .skeleton import OPENPOSE_18

SHORTEST, LONGEST = 0.02, 8.0  # limits of the length scale; a bone of no length has no direction


@dataclass(frozen=True)
class Placement:
    """Where the picture lies in the rig's own XZ plane.

    Parameters
    ----------
    canvas : (int, int)
    unit : float
        Blender units per pixel.
    origin : (float, float)
        The pixel that lies on the rig's origin.
    """

    canvas: tuple[int, int]
    unit: float
    origin: tuple[float, float]

    def to_plane(self, pixels):
        """(…, 2) pixels, y down → (…, 2) x and z in the plane."""
        return (np.asarray(pixels, float) - self.origin) * (self.unit, -self.unit)

    def to_pixels(self, plane):
        """The inverse of `to_plane`."""
        return np.asarray(plane, float) / (self.unit, -self.unit) + self.origin


@dataclass(frozen=True)
class Rest:
    """A bone at rest, in the rig's plane: (x, z) of both ends."""

    head: tuple[float, float]
    tail: tuple[float, float]

    @property
    def vector(self) -> np.ndarray:
        return np.subtract(self.tail, self.head)


@dataclass(frozen=True)
class BoneChannels:
    """One bone's curves over T frames; None where the bone has no such curve."""

    rotation: np.ndarray | None  # (T,) radians, counter-clockwise, relative to the parent
    length: np.ndarray | None  # (T,) share of the rest length
    location: np.ndarray | None  # (T, 2) in the rig's plane, away from rest


def with_mid_hip(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Append the middle of the hips: (T, 18, 2) → (T, 19, 2), in the order of `JOINTS`."""
    left, right = OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")
    middle = (points[:, [left]] + points[:, [right]]) / 2
    score = np.minimum(scores[:, [left]], scores[:, [right]])
    return np.concatenate([points, middle], 1), np.concatenate([scores, score], 1)


def solve(
    points: np.ndarray,
    scores: np.ndarray,
    rest: dict[str, Rest],
    links: Sequence[BoneLink],
    stretch: bool = True,
) -> dict[str, BoneChannels]:
    """Channels that put the rig's joints on the keypoints.

    Parameters
    ----------
    points : (T, 19, 2) float
        Joints in the rig's plane, order `JOINTS`.
    scores : (T, 19) float
        A joint with 0 is not there; its bone turns through to where it is there again, or rests.
    rest : by bone name
        Bones that the rig does not have are left out.
    stretch : bool
        Also give each bone its length in the picture. Otherwise angles only.
    """
    index = {joint: i for i, joint in enumerate(JOINTS)}
    turn: dict[str, np.ndarray] = {}  # away from rest, in the plane
    channels: dict[str, BoneChannels] = {}
    for link in links:
        if link.name not in rest:
            continue
        bone, parent = rest[link.name], _present(link.parent, rest, links)
        inherited = turn[parent] if parent else np.zeros(len(points))
        if link.tail is None:
            seen = scores[:, index[link.head]] > 0
            moved = points[:, index[link.head]] - np.asarray(bone.head)
            turn[link.name] = inherited
            channels[link.name] = BoneChannels(None, None, _bridge(moved, seen))
            continue
        head, tail = index[link.head], index[link.tail]
        vector = points[:, tail] - points[:, head]
        length, rest_length = np.hypot(*vector.T), max(float(np.hypot(*bone.vector)), 1e-9)
        seen = (scores[:, head] > 0) & (scores[:, tail] > 0)
        clear = seen & (length > SHORTEST * rest_length)
        away = np.arctan2(vector[:, 1], vector[:, 0]) - np.arctan2(bone.vector[1], bone.vector[0])
        local = _unwrapped(away - inherited, clear)
        turn[link.name] = inherited + local
        scale = _bridge((length / rest_length)[:, None], seen, empty=1.0)[:, 0]
        channels[link.name] = BoneChannels(
            local, np.clip(scale, SHORTEST, LONGEST) if stretch else None, None
        )
    return channels


def _present(parent: str | None, rest: dict[str, Rest], links: Sequence[BoneLink]) -> str | None:
    """The nearest ancestor that the rig has."""
    by_name = {link.name: link for link in links}
    while parent and parent not in rest:
        parent = by_name[parent].parent
    return parent


def _bridge(values: np.ndarray, seen: np.ndarray, empty: float = 0.0) -> np.ndarray:
    """Values (T, C), drawn straight across frames that are not seen."""
    if not seen.any():
        return np.full_like(values, empty)
    at = np.flatnonzero(seen)
    return np.stack([np.interp(np.arange(len(values)), at, column[seen]) for column in values.T], 1)


def _unwrapped(angles: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Angles without jumps of a whole turn, starting within half a turn of rest."""
    if not clear.any():
        return np.zeros_like(angles)
    first = angles[clear][0]
    steady = np.unwrap(angles[clear]) - 2 * np.pi * np.round(first / (2 * np.pi))
    return np.interp(np.arange(len(angles)), np.flatnonzero(clear), steady)


def pose(
    channels: dict[str, BoneChannels], rest: dict[str, Rest], links: Sequence[BoneLink]
) -> dict[str, np.ndarray]:
    """Forward kinematics, for checking: (T, 2) place of each bone's tail."""
    turn: dict[str, np.ndarray] = {}
    ends: dict[str, np.ndarray] = {}
    heads: dict[str, np.ndarray] = {}
    for link in links:
        if link.name not in channels:
            continue
        channel, bone, parent = channels[link.name], rest[link.name], _present(link.parent, rest, links)
        base = turn[parent] if parent else 0.0
        if channel.location is not None:
            heads[link.name] = ends[link.name] = np.asarray(bone.head) + channel.location
            turn[link.name] = base + np.zeros(len(channel.location))
            continue
        assert channel.rotation is not None
        turn[link.name] = base + channel.rotation
        start = np.zeros((len(channel.rotation), 2))
        if parent:
            at_tail = np.allclose(bone.head, rest[parent].tail, atol=1e-6)
            start = ends[parent] if at_tail else heads[parent]
        cos, sin = np.cos(turn[link.name]), np.sin(turn[link.name])
        x, z = bone.vector
        length = 1.0 if channel.length is None else channel.length[:, None]
        heads[link.name] = start
        ends[link.name] = start + np.stack([cos * x - sin * z, sin * x + cos * z], 1) * length
    return ends

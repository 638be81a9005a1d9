# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet under few keys: those that bear stay where they are, and none goes below the ground. No bpy in here."""

from dataclasses import dataclass

import numpy as np

from .hermite import BoneKeys
from .refine import Effects

SLIP = 0.012  # of the height: how far a foot that bears may move in a frame
NEAR = 0.015  # of the height above the ground: a foot so low stands, whatever the dance has
STAYS = 0.97  # of the frames in which one bears
WEIGHT = 4.0  # how many times as much a miss of an ankle counts while it bears


@dataclass(frozen=True, eq=False)
class Footing:
    """The feet of a figure.

    Parameters
    ----------
    joints : (F,) int
        The ankles among the joints that `forward` gives.
    bears : (T, F) bool
    height : float
        The figure's, in the unit of the joints.
    ground : float, optional
        Where ankles stand; None: they may be anywhere.
    """

    joints: np.ndarray
    bears: np.ndarray
    height: float
    ground: float | None = None

    def weights(self, joints: int) -> np.ndarray:
        """(J, T) how many times as much each joint counts."""
        out = np.ones((joints, len(self.bears)))
        out[self.joints] += (WEIGHT - 1) * self.bears.T
        return out

    def stay(self, at: np.ndarray) -> bool:
        """Whether feet stay that bear in the dance, and such as are near the ground, with joints at (J, T, 2)."""
        steps = np.abs(np.diff(at[self.joints], axis=1)).transpose(1, 2, 0) / self.height  # (T - 1, 2, F)
        bears = self.bears[1:] & self.bears[:-1]
        slips = bears & (np.hypot(steps[:, 0], steps[:, 1]) > SLIP)
        if self.ground is not None:
            near = (at[self.joints, :, 1] < self.ground + NEAR * self.height).T
            low = near[1:] & near[:-1]
            slips |= low & (steps[:, 0] > SLIP)
            bears |= low
        return slips.any(1).sum() <= (1 - STAYS) * bears.any(1).sum()

    def below(self, at: np.ndarray) -> np.ndarray:
        """(F, T) how far each foot is below the ground."""
        if self.ground is None:
            return np.zeros((len(self.joints), at.shape[1]))
        return np.maximum(self.ground - at[self.joints, :, 1], 0)

    def raised(self, keys: dict[str, BoneKeys], at: np.ndarray, effects: Effects) -> dict[str, BoneKeys]:
        """The keys with those of the bones that carry the feet higher, so that none is below the ground."""
        below = self.below(at)
        if below.max(initial=0) <= 1e-6 * self.height:
            return keys
        together = _carrier(effects, self.joints)
        feet = [self.joints] if together else [self.joints[[k]] for k in range(len(self.joints))]
        for group in feet:
            name = together or _carrier(effects, group)
            if name is not None:
                low = below[np.isin(self.joints, group)].max(0)
                keys = {**keys, name: _higher(keys[name], low, effects[name], int(group[0]))}
        return keys


def _higher(bone: BoneKeys, low: np.ndarray, effects: list, foot: int) -> BoneKeys:
    """A bone's keys, which carry a foot, moved up so far that it is never low (T,)."""
    most = np.maximum.reduceat(low, bone.at)  # up to the next key
    by = np.maximum(
        most, np.r_[0, most[:-1]]
    )  # between two keys the curve rises by no less than the smaller of both
    moves = np.stack(
        [np.median(away[list(joints).index(foot)], axis=0) for joints, away in effects], 1
    )  # (2, C)
    up = np.linalg.pinv(moves)[:, 1]  # (C,)
    return BoneKeys(bone.at, bone.values + by[:, None] * up, bone.slopes)


def _carrier(effects: Effects, feet: np.ndarray) -> str | None:
    """The bone that only carries the place of these feet: it moves them alike, nearly whenever.

    A foot's target does not where the leg is too short for it.
    """
    for name, columns in effects.items():
        if not columns or not all(set(feet) <= set(joints) for joints, _ in columns):
            continue
        moved = [away[[list(joints).index(foot) for foot in feet]] for joints, away in columns]
        typical = [np.median(one, axis=(0, 1)) for one in moved]
        alike = [
            (np.abs(one - t).max((0, 2)) < 1e-6).mean() > 0.5 for one, t in zip(moved, typical, strict=True)
        ]
        if all(alike):
            return name
    return None

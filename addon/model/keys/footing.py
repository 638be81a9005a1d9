# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet with few keys: those that carry stay in place, and none goes below the ground. No bpy in here."""

from dataclasses import dataclass

import numpy as np

from .effects import Effects
from .foot_targets import Pulled, higher
from .hermite import BoneKeys

SLIP = 0.012  # of the height: how far a foot that carries may move in a frame
NEAR = 0.015  # of the height above the ground: so low a foot stands, whatever it does in the dance
LOWER = 0.04  # of the height above the ground: below it, the lower foot stands
LEVEL = 0.002  # of the height: a foot no higher than this above the other counts as equally low
STAYS = 0.972  # of the frames in which one carries
MORE = 0.004  # of them: further frames with a slip, beyond those with a key on each frame
WEIGHT = 2.0  # weight of an ankle's error while its foot carries
DRAWN = 4.0  # the same for a leg's own end, which must be near the target that the leg stretches to


@dataclass(frozen=True, eq=False)
class Footing:
    """The feet of a figure.

    Parameters
    ----------
    joints : (F,) int
        The ankles, as indices into the joints of `forward`.
    bears : (T, F) bool
    height : float
        The figure's, in the unit of the joints.
    ground : float, optional
        Height at which ankles stand; None: anywhere.
    pulled : Pulled, optional
        Feet that are pulled to targets.
    """

    joints: np.ndarray
    bears: np.ndarray
    height: float
    ground: float | None = None
    pulled: Pulled | None = None

    @property
    def ends(self) -> np.ndarray:
        """The joints (F,) that must stay: ankles, or the legs' own ends where legs stretch to targets.

        Blender's solver finds no way to a target from a straight leg that is too long: its own pose has to be near.
        """
        own = self.pulled.ends if self.pulled else {}
        return np.array([own.get(int(joint), int(joint)) for joint in self.joints])

    def stands(self, track: str) -> np.ndarray | None:
        """(T,) bool: where a target stands because its foot carries; None for other tracks."""
        ankle = self.pulled.targets.get(track) if self.pulled else None
        return None if ankle is None else self.bears[:, list(self.joints).index(ankle)]

    def weights(self, joints: int) -> np.ndarray:
        """Weights (J, T) of the joints."""
        out = np.ones((joints, len(self.bears)))
        drawn = self.pulled is not None and bool(self.pulled.ends)
        out[self.ends] += ((DRAWN if drawn else WEIGHT) - 1) * self.bears.T
        return out

    def _slipping(self, at: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Which feet carry and which of these slip, (T - 1, F) each, with joints at (J, T, 2).

        Judged in three ways (K): feet that carry in the dance, feet near the ground, and the lower foot. Of legs that
        are stretched to targets, both the targets and their own ends.
        """
        found = []
        for joints in [self.joints] if np.array_equal(self.joints, self.ends) else [self.joints, self.ends]:
            moved = SLIP * self.height < np.linalg.norm(np.diff(at[joints], axis=1), axis=2).T
            kinds = [self.bears]
            if self.ground is not None:
                above = (at[joints, :, 1].T - self.ground) / self.height
                lower = above <= above.min(1, keepdims=True) + LEVEL
                kinds += [above < NEAR, lower & (above < LOWER)]
            both = [kind[1:] & kind[:-1] for kind in kinds]
            found += [(bears, moved & bears) for bears in both]
        return found

    def slips(self, at: np.ndarray) -> np.ndarray:
        """Share (K,) of the frames with a foot that carries in which one slips, with joints at (J, T, 2)."""
        return np.array(
            [slip.any(1).sum() / max(bears.any(1).sum(), 1) for bears, slip in self._slipping(at)]
        )

    def slipping(self, at: np.ndarray, dense: np.ndarray) -> np.ndarray:
        """(T, F) bool: frames in which a foot slips that would not with a key on each frame, and those before.

        Also frames in which a foot that carries is off the ground.
        """
        slips, known = (np.any([slip for _, slip in self._slipping(a)], axis=0) for a in (at, dense))
        slips &= ~known
        out = np.zeros(self.bears.shape, bool)
        out[1:] |= slips
        out[:-1] |= slips
        if self.ground is not None:
            off, known = (
                np.abs(a[self.joints, :, 1].T - self.ground) > NEAR * self.height for a in (at, dense)
            )
            out |= self.bears & off & ~known
        return out

    def stay(self, at: np.ndarray, dense: np.ndarray) -> bool:
        """Whether feet slip hardly more than with a key on each frame: `dense` (K,), see `slips`."""
        return bool((self.slips(at) <= np.maximum(1 - STAYS, dense + MORE)).all())

    def below(self, at: np.ndarray) -> np.ndarray:
        """Depth (F, T) of each foot below the ground."""
        if self.ground is None:
            return np.zeros((len(self.joints), at.shape[1]))
        return np.maximum(self.ground - at[self.joints, :, 1], 0)

    def raised(self, keys: dict[str, BoneKeys], at: np.ndarray, effects: Effects) -> dict[str, BoneKeys]:
        """The keys with the tracks that carry the feet raised, so that no foot is below the ground."""
        joints = self.joints
        if self.pulled is not None:
            keys = self.pulled.reached(keys, at, self.ground, effects)
            joints = joints[~np.isin(joints, list(self.pulled.targets.values()))]
        below = self.below(at)
        if not len(joints) or below[np.isin(self.joints, joints)].max() <= 1e-6 * self.height:
            return keys
        together = _carrier(effects, joints)
        feet = [joints] if together else [joints[[k]] for k in range(len(joints))]
        for group in feet:
            name = together or _carrier(effects, group)
            if name is not None:
                low = below[np.isin(self.joints, group)].max(0)
                keys = {**keys, name: higher(keys[name], low, effects[name], int(group[0]))}
        return keys


def _carrier(effects: Effects, feet: np.ndarray) -> str | None:
    """The track that carries these feet about: it moves them all alike, nearly all the time."""
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

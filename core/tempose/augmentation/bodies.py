"""Bodies: a skeleton's tables as tensors, mirrored dancers and dancers of other proportions."""

from __future__ import annotations

import torch
from torch import Tensor

from tempose.augmentation.draws import Draws
from tempose_pose.skeletons import OPENPOSE_18, Skeleton

# Deviation of the logarithm of each group's length.
SPREAD = {
    "torso": 0.1, "hips": 0.15, "head": 0.2, "shoulders": 0.12, "arms": 0.1, "legs": 0.1, "face": 0.25,
}  # fmt: skip
HIPS = -1  # in `BodyTables.bones`: hangs on the middle of the hips
_GROUPS = {
    "neck": "torso", "hip": "hips", "nose": "head", "head": "head", "eye": "face", "ear": "face",
    "shoulder": "shoulders", "knee": "legs", "ankle": "legs", "toe": "legs", "heel": "legs",
}  # fmt: skip


class BodyTables:
    """Tables of a skeleton that has at least the joints of OpenPose-18.

    Attributes
    ----------
    bones : list of (int, int, int)
        From the hips outward: joint, what it hangs on (`HIPS` or a joint), and index into `SPREAD` of what stretches
        it.
    """

    def __init__(self, skeleton: Skeleton = OPENPOSE_18, device: torch.device | str = "cpu"):
        self.skeleton, self.device = skeleton, torch.device(device)
        self.flip = torch.tensor(skeleton.flip, device=device)
        self.measured = [skeleton.index(name) for name in OPENPOSE_18.joints]  # speeds and heights are theirs
        self.face = [skeleton.index(j) for j in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
        self.shins = [j for side in ("left", "right") for j in self.beyond(f"{side}_hip")]
        self.limbs = [
            j for side in ("left", "right") for j in (*self.beyond(f"{side}_hip"), *self._arm(side))
        ]
        self.bones = _bones(skeleton)

    def at(self, points: Tensor, name: str) -> Tensor:
        """A joint by name out of points (..., K, D)."""
        return points[..., self.skeleton.index(name), :]

    def hips(self, points: Tensor) -> Tensor:
        """The middle of the hips out of points (..., K, D)."""
        return (self.at(points, "left_hip") + self.at(points, "right_hip")) / 2

    def beyond(self, name: str) -> list[int]:
        """Joints that hang on a joint, directly or not."""
        start = self.skeleton.index(name)
        found, frontier = [], {start}
        while frontier := {j for j, p in enumerate(self.skeleton.parents) if p in frontier}:
            found += sorted(frontier)
        return found

    def _arm(self, side: str) -> list[int]:
        return self.beyond(f"{side}_shoulder")


def _bones(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    parents = [
        HIPS if name == "neck" or name.endswith("_hip") else parent
        for name, parent in zip(skeleton.joints, skeleton.parents, strict=True)
    ]
    order: list[int] = []
    frontier = [j for j, parent in enumerate(parents) if parent == HIPS]
    while frontier:
        order += frontier
        frontier = [j for j, parent in enumerate(parents) if parent in frontier and j not in order]
    groups = list(SPREAD)
    return [(j, parents[j], groups.index(_group(skeleton.joints[j]))) for j in order]


def _group(joint: str) -> str:
    return _GROUPS.get(joint.rsplit("_", maxsplit=1)[-1], "arms")  # elbows, wrists, hands and fingers


def mirrored(
    body: BodyTables, motion: Tensor, seen: Tensor, absent: Tensor, chosen: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Motion (B, T, K, 3), seen (B, T, K) and absent (B, K), left and right exchanged where chosen (B,)."""
    other = motion[:, :, body.flip] * motion.new_tensor([-1, 1, 1])
    return (
        torch.where(chosen[:, None, None, None], other, motion),
        torch.where(chosen[:, None, None], seen[:, :, body.flip], seen),
        torch.where(chosen[:, None], absent[:, body.flip], absent),
    )


def draw_proportions(draws: Draws) -> Tensor:
    """(B, groups) factors for the bones' lengths, in the order of `SPREAD`."""
    spread = torch.tensor(list(SPREAD.values()), device=draws.device)
    return (draws.normal(len(SPREAD)) * spread).exp()


def reproportioned(body: BodyTables, motion: Tensor, factors: Tensor) -> Tensor:
    """The same motion in another body: bones stretched by group, feet kept on the ground.

    Parameters
    ----------
    motion : (B, T, K, 2 or 3)
        y up, the ground at 0.
    factors : (B, groups)
    """
    by_group = [factors[:, g, None, None] for g in range(factors.shape[1])]
    hips = body.hips(motion)  # (B, T, D)
    legs = by_group[list(SPREAD).index("legs")]
    up = torch.zeros(motion.shape[-1], dtype=torch.bool, device=motion.device)
    up[1] = True
    moved = {HIPS: torch.where(up, hips * legs, hips)}
    out: list[Tensor] = [hips] * motion.shape[2]
    for joint, parent, group in body.bones:
        origin = hips if parent == HIPS else motion[:, :, parent]
        moved[joint] = out[joint] = moved[parent] + by_group[group] * (motion[:, :, joint] - origin)
    return torch.stack(out, 2)

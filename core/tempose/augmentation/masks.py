"""Which frames and joints are known: the draws that make one model start, continue, join, in-between and lock."""

from __future__ import annotations

import torch
from torch import Tensor

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.draws import Draws
from tempose.segments import OVERLAP, SEGMENT

# Up to this share of the examples: nothing known, the overlap of segments, other first frames, last frames, single
# key poses; the rest have locked limbs.
NOTHING, CONTINUED, PREFIX, SUFFIX, KEY_POSES = 0.35, 0.65, 0.72, 0.80, 0.88


def draw_known(body: BodyTables, draws: Draws, kinds: str = "any") -> Tensor:
    """(B, SEGMENT, K) bool: known frames and joints.

    A third start from nothing but the static pose and a third continue from 16 frames, as segments do; the rest have
    other first frames, last frames, both, single key poses, or locked limbs. With `kinds` "prefix" the rest have
    first frames alone, as in the paper.
    """
    kind = draws.uniform()
    if kinds == "prefix":
        kind = kind.clamp_max((CONTINUED + PREFIX) / 2)
    now = torch.arange(SEGMENT, device=draws.device)

    def between(low: float, high: float) -> Tensor:
        return (kind >= low) & (kind < high)

    first = torch.where(between(CONTINUED, PREFIX), draws.integers(1, 96), 0)
    first = torch.where(between(NOTHING, CONTINUED), OVERLAP, first)
    other = torch.where(draws.chance(0.7), OVERLAP, draws.integers(1, 64))
    first = torch.where(between(PREFIX, SUFFIX) & draws.chance(0.7), other, first)
    first = torch.where((kind >= SUFFIX) & draws.chance(0.5), OVERLAP, first)  # (B,)
    last = torch.where(between(PREFIX, SUFFIX), draws.integers(1, 96), 0)
    whole = (now < first[:, None]) | (now >= SEGMENT - last[:, None])  # (B, T)

    order = draws.uniform(SEGMENT).argsort(-1).argsort(-1)  # (B, T) a rank for each frame
    key_poses = (order < draws.integers(1, 9)[:, None]) & between(SUFFIX, KEY_POSES)[:, None]
    whole = whole | key_poses

    ends = draws.integers(0, SEGMENT + 1, 2).sort(-1).values  # (B, 2)
    throughout = draws.chance(0.6)[:, None]
    locked = throughout | ((now >= ends[:, :1]) & (now < ends[:, 1:]))  # (B, T)
    groups = _groups(body)
    limbs = groups[draws.integers(0, len(groups))]  # (B, K)
    locked = (locked & (kind >= KEY_POSES)[:, None])[..., None] & limbs[:, None]
    return whole[..., None] | locked


def _groups(body: BodyTables) -> Tensor:
    """(groups, K) bool: each arm, each leg, the lower and the upper half of the body."""
    parts = [
        [body.skeleton.index(f"{side}_{root}"), *body.beyond(f"{side}_{root}")]
        for root in ("shoulder", "hip")
        for side in ("right", "left")
    ]
    lower = sorted({*parts[2], *parts[3]})
    upper = [j for j in range(len(body.skeleton)) if j not in lower]
    table = torch.zeros(6, len(body.skeleton), dtype=torch.bool, device=body.device)
    for row, joints in enumerate([*parts, lower, upper]):
        table[row, joints] = True
    return table

# SPDX-License-Identifier: GPL-3.0-or-later
"""Body parts found by the shape of an armature, whatever its bones are called. No bpy in here."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from .mapping import BoneMap

LEG = 0.25  # share of the height that two legs must have of their own
ARM = 0.12  # the same of arms


def by_shape(ends: dict[str, tuple], parents: dict[str, str | None]) -> BoneMap:
    """A map derived from the bones' positions and parents.

    Legs are the two lowest chains, arms the two above them that reach farthest to the sides, and the head is the
    highest of the rest; the character's left is on the viewer's right.

    Parameters
    ----------
    ends : dict of bone → (head, tail)
        Both (2,), right and up in the figure's plane.
    parents : dict of bone → bone or None
    """
    points = np.array([np.ravel(pair) for pair in ends.values()]).reshape(-1, 2) if ends else np.zeros((0, 2))
    height = float(np.ptp(points[:, 1])) if len(points) else 0.0
    if height <= 0:
        return BoneMap()
    low = points[:, 1].min()
    tip = {name: np.asarray(pair[1], float) for name, pair in ends.items()}
    start = {name: np.asarray(pair[0], float) for name, pair in ends.items()}
    heads = {parent for parent in parents.values() if parent is not None}
    chains = {name: _chain(name, parents) for name in ends if name not in heads}

    def own(chain: list[str], other: list[str]):
        """The part of a chain that it does not share with another."""
        return [name for name in chain if name not in other]

    def reach(chain: list[str]):
        return sum(float(np.linalg.norm(tip[n] - start[n])) for n in chain)

    legs = _pair(
        sorted(chains, key=lambda n: tip[n][1]),
        chains,
        own,
        lambda c: reach(c) > LEG * height and len(c) >= 2,
    )
    if legs is None:
        return BoneMap()
    left, right = sorted(legs, key=lambda n: -_middle(own(chains[n], _other(legs, n, chains)), start, tip)[0])
    bones: dict[str, str] = {}
    for letter, leaf, other in (("L", left, right), ("R", right, left)):
        chain = own(chains[leaf], chains[other])
        _limb(bones, chain, start, tip, ("hip", "thigh", "shin", "foot"), letter)
    shared = [n for n in chains[left] if n in chains[right]]
    taken = {n for leaf in (left, right) for n in own(chains[leaf], shared)}
    hip_height = np.mean([start[bones[f"thigh.{s}"]][1] for s in "LR"])
    centre = np.mean([start[bones[f"thigh.{s}"]][0] for s in "LR"])
    above = {
        n: [b for b in chain if b not in taken]
        for n, chain in chains.items()
        if not taken & set(chain) and max(tip[n][1], start[n][1]) > low
    }
    sideways = sorted(above, key=lambda n: -abs(tip[n][0] - centre))

    def is_arm(chain: list[str]):
        return reach(chain) > ARM * height and len(chain) >= 2 and start[chain[0]][1] > hip_height

    arms = _pair(sideways, above, own, is_arm, lambda a, b: (tip[a][0] - centre) * (tip[b][0] - centre) < 0)
    trunk_end = shared
    if arms is not None:
        left, right = sorted(arms, key=lambda n: -tip[n][0])
        for letter, leaf, other in (("L", left, right), ("R", right, left)):
            _limb(
                bones,
                own(above[leaf], above[other]),
                start,
                tip,
                ("shoulder", "upper_arm", "forearm", "hand"),
                letter,
            )
        trunk_end = [n for n in above[left] if n in above[right]]
        taken |= {n for leaf in (left, right) for n in own(above[leaf], trunk_end)}
    rest = [n for n in above if not taken & set(above[n])]
    crown = max(rest, key=lambda n: tip[n][1], default=None)
    trunk = [n for n in trunk_end if n not in shared]
    if crown is not None:
        skull = [n for n in above[crown] if n not in trunk_end]
        if skull:
            bones["head"] = skull[-1] if len(skull) < 3 else skull[1]
            if len(skull) > 1:
                bones["neck"] = skull[0]
    if shared:
        bones["root"] = shared[-1]
    elif trunk:
        bones["root"] = trunk.pop(0) if len(trunk) > 1 else trunk[0]
    if trunk or shared:
        bones["spine"] = trunk[0] if trunk else shared[-1]
    return BoneMap(bones)


def _chain(name: str | None, parents: dict) -> list[str]:
    found: list[str] = []
    while name is not None:
        found.insert(0, name)
        name = parents[name]
    return found


def _other(pair: tuple[str, str], one: str, chains: dict[str, list[str]]):
    return chains[pair[0] if pair[1] == one else pair[1]]


def _middle(chain: list[str], start: dict[str, np.ndarray], tip: dict[str, np.ndarray]):
    return np.mean([(start[n] + tip[n]) / 2 for n in chain], axis=0)


def _pair(
    order: list[str],
    chains: dict[str, list[str]],
    own: Callable[[list[str], list[str]], list[str]],
    good: Callable[[list[str]], bool],
    fits: Callable[[str, str], bool] = lambda _a, _b: True,
):
    """The first two leaves in this order with suitable chains of their own."""
    for i, first in enumerate(order):
        for second in order[:i]:
            a, b = own(chains[first], chains[second]), own(chains[second], chains[first])
            if a and b and good(a) and good(b) and fits(first, second):
                return second, first
    return None


def _limb(
    bones: dict,
    chain: list[str],
    start: dict[str, np.ndarray],
    tip: dict[str, np.ndarray],
    parts: Sequence[str],
    letter: str,
) -> None:
    """The two longest neighbours are the upper and lower part; the bones before and after them follow from that."""
    # A twist bone, which ends where the one before it ends, is not a part of its own.
    far = max(float(np.linalg.norm(tip[n] - start[n])) for n in chain)
    chain = chain[:1] + [b for a, b in pairwise(chain) if np.hypot(*(tip[a] - tip[b])) > 0.05 * far]
    size = [float(np.linalg.norm(tip[n] - start[n])) for n in chain]
    at = max(range(len(chain) - 1), key=lambda i: (min(size[i], size[i + 1]), -i))
    base, upper, lower, end = parts
    bones[f"{upper}.{letter}"], bones[f"{lower}.{letter}"] = chain[at], chain[at + 1]
    if at > 0:
        bones[f"{base}.{letter}"] = chain[at - 1]
    if at + 2 < len(chain):
        bones[f"{end}.{letter}"] = chain[at + 2]

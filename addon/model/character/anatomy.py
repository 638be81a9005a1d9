# SPDX-License-Identifier: GPL-3.0-or-later
"""Where trunk, head and limbs of a drawn figure lie, from its joints and its outline. No bpy in here."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .mapping import BODY

SIDES = ("left", "right")
TRUNK, HEAD = "trunk", "head"
ARMS, LEGS = tuple(f"{side}_arm" for side in SIDES), tuple(f"{side}_leg" for side in SIDES)
PARTS = (*ARMS, HEAD, TRUNK, *LEGS)
"""What a figure is cut into, the front one first."""

HANDS_END = 0.45  # of a forearm from the wrist on
FEET_END = 0.3  # of a shin from the ankle on, where the toes are not known
FLAT = 0.35  # half widths by which the trunk extends above its top and below the hips
NECK = 0.4  # of a head's half width: the neck's
THIN, THICK = 0.09, 0.26  # of the trunk's length: half widths that a limb may have
ASIDE = 0.35  # of the trunk's length between the shoulders: below that the figure is turned to a side
NARROW = 0.2  # quantile over the trunk's rows of its half width in the outline: rows where arms stick out are wider
SIDEWAYS = 0.45  # of the trunk's length: the most that its half width may be then
STOUT = 1.5  # times as thick as the rest of its limb: anything thicker is not the limb alone
_AT = BODY.at


@dataclass(frozen=True, eq=False)
class Rod:
    """A straight piece of a part: from `start` to `end` (2,), with its half widths there, in pixels.

    Its ends are round; `blunt` is how far they reach, in half widths.
    """

    start: np.ndarray
    end: np.ndarray
    wide: float
    wide_end: float
    blunt: float = 1.0

    def nearness(self, points: np.ndarray) -> np.ndarray:
        """Distance (N,) of points (N, 2) from its centre line, in half widths: below 1 is inside."""
        along = self.end - self.start
        length = max(float(np.hypot(*along)), 1e-9)
        off = points - self.start
        far, beside = off @ along / length, (off[:, 0] * along[1] - off[:, 1] * along[0]) / length
        share = np.clip(far / length, 0, 1)
        beyond = (far - share * length) / self.blunt
        return np.hypot(beside, beyond) / (self.wide + share * (self.wide_end - self.wide))

    def measured(self, points: np.ndarray) -> np.ndarray:
        """Position (N, 2) of points (N, 2): along it, 0 to 1, and to its side, in half widths."""
        along = self.end - self.start
        length = max(float(np.hypot(*along)), 1e-9)
        off = points - self.start
        beside = (off[:, 0] * along[1] - off[:, 1] * along[0]) / length
        share = np.clip(off @ along / length**2, 0, 1)
        return np.stack([share, beside / (self.wide + share * (self.wide_end - self.wide))], 1)

    def place(self, measured: np.ndarray) -> np.ndarray:
        """The inverse of `measured`: (N, 2) points."""
        along = self.end - self.start
        across = np.array([along[1], -along[0]]) / max(float(np.hypot(*along)), 1e-9)
        share, beside = measured.T
        wide = beside * (self.wide + share * (self.wide_end - self.wide))
        return self.start + share[:, None] * along + wide[:, None] * across


Anatomy = dict[str, list[Rod]]
"""Part → its rods, from the trunk outwards."""


def of_joints(points: np.ndarray, more: dict, depth: np.ndarray) -> Anatomy:
    """The parts of a figure.

    Parameters
    ----------
    points : (18, 2) float
        Joints in pixels of `depth`.
    more : dict of joint → (2,)
        Hands and feet, where they are known.
    depth : (H, W) float
        How far each pixel is from the figure's outline; 0 outside.
    """
    at = {joint: np.asarray(points[i], float) for joint, i in _AT.items()}
    hips = (at["left_hip"] + at["right_hip"]) / 2
    trunk = max(float(np.hypot(*(at["neck"] - hips))), 1.0)
    out: Anatomy = {}
    for side in SIDES:
        arm = [at[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist")]
        tip = more.get(f"{side}_middle_4", arm[2] + HANDS_END * (arm[2] - arm[1]))
        out[f"{side}_arm"] = _limb([*arm, np.asarray(tip, float)], depth, trunk)
        leg = [at[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle")]
        toe = more.get(f"{side}_big_toe", leg[2] + FEET_END * (leg[2] - leg[1]))
        out[f"{side}_leg"] = _limb([*leg, np.asarray(toe, float)], depth, trunk)
    for limbs in (ARMS, LEGS):
        _evened([out[limb] for limb in limbs])
    out[TRUNK] = [_trunk(at, hips, trunk, out[LEGS[0]][0].wide, depth)]
    out[HEAD] = _head(at, trunk, depth)
    return {part: out[part] for part in PARTS}


def _limb(joints: list[np.ndarray], depth: np.ndarray, trunk: float) -> list[Rod]:
    """Rods between joints, as thick as the outline shows, where that can be trusted."""
    widths = []
    for start, end in pairwise(joints[:3]):
        shares = np.linspace(0.35, 0.9, 12)[:, None]
        inside = _looked_up(depth, start + shares * (end - start))
        inside = inside[inside > 0]
        widths.append(float(np.quantile(inside, 0.4)) if len(inside) else 0.0)
    known = [w for w in widths if w > 0] or [THIN * trunk]
    slim = min(known)
    upper, lower = (np.clip(min(w or slim, STOUT * slim), THIN * trunk, THICK * trunk) for w in widths)
    return [
        Rod(joints[0], joints[1], float(1.1 * upper), float(0.95 * upper)),
        Rod(joints[1], joints[2], float(1.05 * lower), float(0.9 * lower)),
        Rod(joints[2], joints[3], float(lower), float(1.1 * lower)),
    ]


def _evened(limbs: list[list[Rod]]) -> None:
    """Limit each limb to about the thickness of its counterpart: a limb that lies on the trunk looks too thick."""
    for k, rods in enumerate(zip(*limbs, strict=True)):
        slim = min(rod.wide for rod in rods)
        for limb, rod in zip(limbs, rods, strict=True):
            share = min(1.0, 1.25 * slim / rod.wide)
            limb[k] = Rod(rod.start, rod.end, share * rod.wide, share * rod.wide_end)


def _trunk(at: dict, hips: np.ndarray, trunk: float, thigh: float, depth: np.ndarray) -> Rod:
    shoulders = float(np.hypot(*(at["left_shoulder"] - at["right_shoulder"]))) / 2
    waist = float(np.hypot(*(at["left_hip"] - at["right_hip"]))) / 2
    top = at["neck"] + 0.12 * (hips - at["neck"])
    if 2 * shoulders < ASIDE * trunk:
        return _trunk_aside(top, hips, trunk, depth)
    return Rod(top, hips, max(0.95 * shoulders, 0.2 * trunk), max(waist + 0.7 * thigh, 0.2 * trunk), FLAT)


def _trunk_aside(top: np.ndarray, hips: np.ndarray, trunk: float, depth: np.ndarray) -> Rod:
    """The trunk of who is turned to a side, as wide as most of it is in the outline: joints do not tell."""
    along = (hips - top) / max(float(np.hypot(*(hips - top))), 1e-9)
    across, far = np.array([along[1], -along[0]]), np.arange(1, max(int(SIDEWAYS * trunk), 2))
    middle = top + np.linspace(0.1, 0.95, 24)[:, None] * (hips - top)
    reach = []
    for way in (1, -1):
        line = middle[:, None] + way * far[:, None] * across  # (24, F, 2)
        inside = _looked_up(depth, line.reshape(-1, 2)).reshape(len(middle), -1) > 0
        reach.append(float(np.quantile(np.logical_and.accumulate(inside, 1).sum(1), NARROW)))
    wide = max((reach[0] + reach[1]) / 2, THIN * trunk)
    aside = (reach[0] - reach[1]) / 2 * across
    return Rod(top + aside, hips + aside, wide, wide, FLAT)


def _head(at: dict, trunk: float, depth: np.ndarray) -> list[Rod]:
    """Neck and head."""
    ears = (at["left_ear"] + at["right_ear"]) / 2
    middle = ears if np.hypot(*(ears - at["nose"])) < 0.5 * trunk else at["nose"]
    up = middle - at["neck"]
    long = max(float(np.hypot(*up)), 0.15 * trunk)
    up = up / max(float(np.hypot(*up)), 1e-9)
    inside = _looked_up(depth, np.stack([at["nose"], middle, middle + 0.3 * long * up]))
    wide = float(np.clip(inside.max(), 0.45 * long, 2.5 * long))
    neck = NECK * min(wide, long)
    return [
        Rod(at["neck"], middle, neck, neck),
        Rod(middle + 0.1 * wide * up, middle + 0.35 * wide * up, wide, wide),
    ]


def _looked_up(depth: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.round(points).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < depth.shape[1]) & (y < depth.shape[0])
    return np.where(inside, depth[np.clip(y, 0, depth.shape[0] - 1), np.clip(x, 0, depth.shape[1] - 1)], 0.0)

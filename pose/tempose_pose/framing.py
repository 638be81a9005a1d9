"""The canonical framing: every figure is danced at one size and place, and put back afterwards.

It is a similarity transform derived from the reference pose. With it, one set of 512 bins serves giants and
children alike, at the same resolution of the figure, and the model need not learn every place on the canvas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tempose_pose.skeletons import OPENPOSE_18

HEIGHT = 0.55  # chain height of the canonical figure, as a share of the canvas
GROUND = 0.85  # y of its feet
CENTRE = 0.5  # x of its hips

# Usual shares of the chain nose-neck-hips-knee-ankle, for partly visible figures.
SHARES = {"head": 0.12, "torso": 0.35, "thigh": 0.27, "shin": 0.26}
_J = OPENPOSE_18.at


def chain_height(
    points: np.ndarray, scores: np.ndarray | None = None, percentile: float = 90, even_legs: bool = False
) -> float:
    """Length of the chain nose-neck-hips-knee-ankle: a body height that crouching does not change.

    Parameters
    ----------
    points : (T, 18, D)
        In isotropic units (pixels, metres).
    scores : (T, 18), optional
        Links with a joint of score 0 are left out, and the rest is scaled up by usual proportions.
    percentile : float
        Over time, so that foreshortened frames do not shorten the body.
    even_legs : bool
        If thigh or shin is less than nine tenths of what the other implies, use the other: for single poses,
        because a crouch seen from the front foreshortens only the thigh.

    Returns
    -------
    float
        0 when no link is visible.
    """
    seen = np.ones(points.shape[:2], bool) if scores is None else scores > 0
    hips = (points[:, _J["left_hip"]] + points[:, _J["right_hip"]]) / 2
    hips_seen = seen[:, _J["left_hip"]] & seen[:, _J["right_hip"]]

    def link(a: np.ndarray, b: np.ndarray, both: np.ndarray) -> float | None:
        return float(np.percentile(np.linalg.norm(a - b, axis=-1)[both], percentile)) if both.any() else None

    def joint_link(a: str, b: str) -> float | None:
        i, j = _J[a], _J[b]
        return link(points[:, i], points[:, j], seen[:, i] & seen[:, j])

    def longer(a: str, b: str) -> float | None:
        sides = [joint_link(f"{s}_{a}", f"{s}_{b}") for s in ("left", "right")]
        return max((s for s in sides if s is not None), default=None)

    lengths = {
        "head": joint_link("nose", "neck"),
        "torso": link(points[:, _J["neck"]], hips, hips_seen & seen[:, _J["neck"]]),
        "thigh": longer("hip", "knee"),
        "shin": longer("knee", "ankle"),
    }
    known = {k: v for k, v in lengths.items() if v is not None}
    if even_legs and (legs := [known[k] / SHARES[k] for k in ("thigh", "shin") if k in known]):
        even = {k: max(legs) * SHARES[k] for k in ("thigh", "shin")}
        known |= {k: v for k, v in even.items() if known.get(k, 0.0) < 0.9 * v}
    return sum(known.values()) / sum(SHARES[k] for k in known) if known else 0.0


FOLDED = 0.6  # a thigh shorter than this share of what the shin implies points at the viewer


def stood_up(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The pose (18, 2) standing with its arms down, in its own proportions; y is down.

    Otherwise a crouch towards the viewer would pass for short legs, and raised arms would lead to a short trunk.
    Legs that are not folded and arms that hang stay as they are.
    """
    return _arms_down(_legs_stretched(points, scores), scores)


def _arms_down(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    out = points.copy()
    for side, outwards in (("left", 1), ("right", -1)):
        shoulder, elbow, wrist = (_J[f"{side}_{joint}"] for joint in ("shoulder", "elbow", "wrist"))
        if (scores[[shoulder, elbow, wrist]] <= 0).any() or points[elbow, 1] >= points[shoulder, 1]:
            continue
        upper, lower = (np.linalg.norm(points[b] - points[a]) for a, b in ((shoulder, elbow), (elbow, wrist)))
        facing = np.sign(points[_J["left_shoulder"], 0] - points[_J["right_shoulder"], 0]) or 1
        down = np.asarray([0.12 * outwards * facing, 1]) / np.hypot(0.12, 1)
        out[elbow] = out[shoulder] + upper * down
        out[wrist] = out[elbow] + lower * down
    return out


def _legs_stretched(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    legs = [_J[f"{side}_{joint}"] for side in ("left", "right") for joint in ("hip", "knee", "ankle")]
    if (scores[legs] <= 0).any():
        return points
    hip, knee, ankle = (np.stack([points[legs[i]], points[legs[i + 3]]]) for i in range(3))  # (2, 2) each
    thigh, shin = np.linalg.norm(knee - hip, axis=-1).max(), np.linalg.norm(ankle - knee, axis=-1).max()
    whole = shin * SHARES["thigh"] / SHARES["shin"]
    if thigh > FOLDED * whole:
        return points
    up = ankle[:, 1].max() - whole - shin - hip[:, 1].mean()
    out = points + np.asarray([0, up])
    for i, side in enumerate(("left", "right")):
        top = out[_J[f"{side}_hip"]]
        out[_J[f"{side}_knee"]] = top + np.asarray([0, whole])
        out[_J[f"{side}_ankle"]] = top[0], ankle[i, 1]
    return out


@dataclass(frozen=True, eq=False)
class Framing:
    """canonical = pixels · scale + offset."""

    scale: float
    offset: np.ndarray  # (2,)

    @classmethod
    def of(cls, pixels: np.ndarray, scores: np.ndarray) -> Framing:
        """The framing of a reference pose, (18, 2) pixels with y down and (18,) scores."""
        height = max(chain_height(pixels[None], scores[None], even_legs=True), 1e-6)
        scale = HEIGHT / height
        seen = scores > 0
        hips = [j for j in (_J["left_hip"], _J["right_hip"], _J["neck"]) if seen[j]][:2]
        x = pixels[hips or np.flatnonzero(seen)[:1], 0].mean()
        ankles = [j for j in (_J["left_ankle"], _J["right_ankle"]) if seen[j]]
        if ankles:
            ground = pixels[ankles, 1].max()
        elif seen[_J["neck"]]:
            ground = pixels[_J["neck"], 1] + (1 - SHARES["head"]) * height
        else:
            ground = pixels[seen, 1].max()
        return cls(scale, np.asarray([CENTRE - x * scale, GROUND - ground * scale]))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Canonical coordinates of pixels."""
        return pixels * self.scale + self.offset

    def undo(self, canonical: np.ndarray) -> np.ndarray:
        """Pixels of canonical coordinates."""
        return (canonical - self.offset) / self.scale

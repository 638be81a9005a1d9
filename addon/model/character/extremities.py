# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and feet beyond wrists and ankles, carried along by their limbs. No bpy in here."""

import numpy as np

from tempose_pose.sequence import PoseSequence, convert, on_layout, to_openpose18
from tempose_pose.skeletons import EXTREMITIES, Skeleton

from .mapping import BODY

_LIMBS = {"hand": ("elbow", "wrist"), "foot": ("knee", "ankle")}
_FOOT = ("toe", "heel")
PLAIN = 0.15  # share of a limb's length below which its direction in the picture is ignored

_BARE = Skeleton("hands_and_feet", EXTREMITIES, (-1,) * len(EXTREMITIES), ())
_WHOLE = Skeleton("body_hands_and_feet", BODY.joints + EXTREMITIES, (-1,) * (len(BODY) + len(_BARE)), ())


def extremities_of(poses: PoseSequence) -> np.ndarray | None:
    """Shares of the canvas and score (T, 48, 3), in the order of `EXTREMITIES`; None if no frame shows any."""
    own = convert(poses, _BARE)
    return np.concatenate([own.keypoints, own.scores[..., None]], 2) if own.scores.any() else None


def joined(body: PoseSequence, more: np.ndarray | None) -> PoseSequence:
    """A body with hands and feet (T, 48, 3) as of `extremities_of`, in the smallest layout that holds both."""
    if more is None:
        return body
    body = to_openpose18(body)
    keypoints = np.concatenate([body.keypoints, more[..., :2]], 1)
    scores = np.concatenate([body.scores, more[..., 2]], 1)
    return on_layout(PoseSequence(keypoints, scores, body.fps, _WHOLE, body.canvas))


def limb_of(joint: str) -> tuple[str, str]:
    """The two joints of the limb that carries a joint of a hand or foot, the nearer one last."""
    side, _, part = joint.partition("_")
    upper, lower = _LIMBS["foot" if part.endswith(_FOOT) else "hand"]
    return f"{side}_{upper}", f"{side}_{lower}"


def carried(points: np.ndarray, scores: np.ndarray, rest: np.ndarray, more: dict) -> np.ndarray:
    """Hands and feet as in a reference pose, turned with forearm and shin.

    Parameters
    ----------
    points : (T, 18, 2) float
        The dance, in any unit.
    scores : (T, 18) float
    rest : (18, 2) float
        The reference pose in the same unit.
    more : dict of joint → (2,)
        Hands and feet of the reference.

    Returns
    -------
    (T, 48, 3) float
        In the order of `EXTREMITIES`: place and score; score 0 for what the reference does not have.
    """
    out = np.zeros((len(points), len(EXTREMITIES), 3))
    turns = {}
    for joint, at in more.items():
        upper, lower = (BODY.index(j) for j in limb_of(joint))
        if lower not in turns:
            now = points[:, lower] - points[:, upper]
            was = np.broadcast_to(rest[lower] - rest[upper], now.shape)
            turns[lower] = _turn_between(was, now, scores[:, [upper, lower]].min(1))
        cos, sin = turns[lower]
        x, y = np.subtract(at, rest[lower])
        k = EXTREMITIES.index(joint)
        out[:, k, 0] = points[:, lower, 0] + cos * x - sin * y
        out[:, k, 1] = points[:, lower, 1] + sin * x + cos * y
        out[:, k, 2] = scores[:, lower]
    return out


def moved_along(more: np.ndarray, before: np.ndarray, after: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Hands and feet of a dance whose limbs were danced again: each moves and turns with its forearm or shin.

    Parameters
    ----------
    more : (T, 48, 3) float
    before, after : (T, 18, 2) float
        The dance as it was and as it is, in the unit of `more`; where they are the same, `more` stays as it is.
    scores : (T, 18) float
        Of the dance as it is.
    """
    out = more.copy()
    turns: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
    for k, joint in enumerate(EXTREMITIES):
        upper, lower = (BODY.index(j) for j in limb_of(joint))
        if (upper, lower) not in turns:
            limbs = before[:, lower] - before[:, upper], after[:, lower] - after[:, upper]
            turns[upper, lower] = _turn_between(*limbs, scores[:, [upper, lower]].min(1))
        cos, sin = turns[upper, lower]
        x, y = (more[:, k, :2] - before[:, lower]).T
        new = after[:, lower] + np.stack([cos * x - sin * y, sin * x + cos * y], 1)
        same = (before[:, [upper, lower]] == after[:, [upper, lower]]).all((1, 2))
        out[:, k, :2] = np.where(same[:, None], more[:, k, :2], new)
        out[:, k, 2] = np.where(scores[:, lower] > 0, more[:, k, 2], 0.0)
    return out


def _turn_between(was: np.ndarray, now: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine (T,) of a limb's turn from one direction to another; filled from nearby frames if unseen."""
    lengths = np.hypot(*was.T), np.hypot(*now.T)
    plain = (np.minimum(*lengths) > PLAIN * np.median(lengths[0])) & (scores > 0)
    plain |= (was == now).all(1)
    if not plain.any():
        return np.ones(len(was)), np.zeros(len(was))
    angle = np.arctan2(now[:, 1], now[:, 0]) - np.arctan2(was[:, 1], was[:, 0])
    at = np.arange(len(was))
    angle = np.interp(at, at[plain], np.unwrap(angle[plain]))
    return np.cos(angle), np.sin(angle)


def followed(more: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Hands and feet (T, 48, 3) of a dance whose wrists and ankles were moved, (T, 18, 2) before and after."""
    out = more.copy()
    for k, joint in enumerate(EXTREMITIES):
        anchor = BODY.index(limb_of(joint)[1])
        out[:, k, :2] += after[:, anchor] - before[:, anchor]
    return out

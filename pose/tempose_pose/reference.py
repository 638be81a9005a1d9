"""Reference poses: one figure in one complete pose, and its height."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tempose_pose.completion import complete
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, of_joints, to_openpose18
from tempose_pose.skeletons import EXTREMITIES, OPENPOSE_18
from tempose_pose.standing import standing_pose

CANVAS = (1000, 1000)
GROUND = 900.0
"""Pixel row of `CANVAS` that the built-in figures stand on ..."""
STATURES = {"adult": 0.72, "child": 0.54}
"""... and how tall they are, in canvas heights."""
_J = OPENPOSE_18.at


@dataclass(frozen=True, eq=False)
class Reference:
    """One figure in one pose, with all the joints of dances.

    Parameters
    ----------
    pose : PoseSequence
        One frame on openpose18, every score above 0.
    filled : tuple of str
        Missing joints that have been filled in.
    more : mapping of joint → (x, y)
        Hands and feet (`EXTREMITIES`), if known, in pixels.
    """

    pose: PoseSequence
    filled: tuple[str, ...] = ()
    more: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, poses: PoseSequence) -> Reference:
        """The figure of a single frame, completed; raises as `complete` does."""
        body, at = to_openpose18(poses), poses.skeleton.at
        whole, _ = complete(body)
        missing = tuple(j for j, score in zip(OPENPOSE_18.joints, body.scores[0], strict=True) if score <= 0)
        known = [j for j in EXTREMITIES if j in at and poses.scores[0, at[j]] > 0]
        pixels = poses.pixels[0].tolist()
        return cls(whole, missing, {j: (pixels[at[j]][0], pixels[at[j]][1]) for j in known})

    @classmethod
    def from_joints(cls, joints: Mapping[str, np.ndarray], canvas: tuple[int, int]) -> Reference:
        """The figure with these joints, in pixels; the rest is filled in."""
        points, scores = np.zeros((1, len(OPENPOSE_18), 2)), np.zeros((1, len(OPENPOSE_18)))
        for joint, i in _J.items():
            if joint in joints:
                points[0, i], scores[0, i] = np.asarray(joints[joint]) / canvas, 1.0
        found = cls.of(PoseSequence(points, scores, 30.0, OPENPOSE_18, canvas))
        more = {j: (float(joints[j][0]), float(joints[j][1])) for j in EXTREMITIES if j in joints}
        return cls(found.pose, found.filled, more)

    @classmethod
    def standing(cls, proportions: str = "adult") -> Reference:
        """The built-in figure, facing the viewer: its left side is on the right of the picture."""
        height = STATURES[proportions]
        middle = (0.5, GROUND / CANVAS[1] - height / 2)
        return cls(standing_pose(height, middle, CANVAS, proportions=proportions))

    @property
    def whole(self) -> PoseSequence:
        """Body, hands and feet, on the smallest layout that holds all that are known."""
        joints = (*OPENPOSE_18.joints, *self.more)
        pixels = np.concatenate([self.points, np.asarray(list(self.more.values()), float).reshape(-1, 2)])
        scores = np.append(self.pose.scores[0], np.ones(len(self.more)))
        return of_joints(joints, pixels[None], scores[None], self.pose.fps, self.canvas)

    @property
    def points(self) -> np.ndarray:
        """(18, 2) float64 pixels of the canvas, x right, y down."""
        return self.pose.pixels[0].astype(float)

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pose.canvas

    @property
    def notice(self) -> str:
        """A sentence about filled joints, or nothing."""
        names = ", ".join(name.replace("_", " ") for name in self.filled)
        return f"Joints missing in the pose were completed: {names}." if names else ""


def segment_lengths(poses: PoseSequence) -> np.ndarray:
    """(T, 4) pixel lengths nose–neck, neck–hips, thigh, shin; NaN where an end is missing.

    Of the two legs the longer one counts, because foreshortening only ever shortens.
    """
    poses = to_openpose18(poses)
    p = poses.pixels.astype(float)
    p[poses.scores <= 0] = np.nan
    hips = (p[:, _J["right_hip"]] + p[:, _J["left_hip"]]) / 2
    one_hip = np.where(np.isnan(p[:, _J["right_hip"]]), p[:, _J["left_hip"]], p[:, _J["right_hip"]])
    hips = np.where(np.isnan(hips), one_hip, hips)

    def length(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(a - b, axis=-1)

    def longer(a: str, b: str) -> np.ndarray:
        sides = [length(p[:, _J[f"{s}_{a}"]], p[:, _J[f"{s}_{b}"]]) for s in ("left", "right")]
        return np.fmax(*sides)

    head = length(p[:, _J["nose"]], p[:, _J["neck"]])
    return np.stack([head, length(p[:, _J["neck"]], hips), longer("hip", "knee"), longer("knee", "ankle")], 1)


def _template_segments() -> np.ndarray:
    lengths = segment_lengths(standing_pose(1.0, canvas=(1000, 1000)))[0] / 1000
    lengths[2:] = lengths[2:].max()
    return lengths


def body_height(pose: PoseSequence, percentile: float = 90.0) -> float:
    """The figure's height standing upright, crown to sole, in pixels.

    The distance from head to foot shrinks when a figure crouches or bends; bones do not. So the lengths of
    nose–neck, neck–hips, thigh and shin are added up (thigh and shin both as long as the longer of the two,
    as they are within a few percent in people, while a crouch seen from the front foreshortens the thigh)
    and divided by their share of a standing figure's height (0.885).

    Parameters
    ----------
    pose : PoseSequence
        One frame or many; of many, the given percentile of each length is used, against foreshortening.
    percentile : float

    Raises
    ------
    TemposeError
        ``"reference_incomplete"`` if none of the four lengths can be measured.
    """
    lengths = segment_lengths(pose)
    known = ~np.isnan(lengths).all(0)
    length = np.zeros(4)
    length[known] = np.nanpercentile(lengths[:, known], percentile, axis=0)
    known &= length > 0
    if not known.any():
        raise TemposeError(
            "reference_incomplete", "The pose shows too little of the body to measure its height."
        )
    shares = _template_segments()
    legs = known[2:]
    if legs.any():
        length[2:] = length[2:].max()
        known[2:] = True
    return float(length[known].sum() / shares[known].sum())

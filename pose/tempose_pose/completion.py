"""Filling in the joints that a reference pose lacks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.sequence import BRIDGED, PoseSequence, bridged, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import template

MIN_JOINTS = 6  # that must be seen if the torso is not
_CHAINS = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
_J = OPENPOSE_18.at


def complete(pose: PoseSequence) -> tuple[PoseSequence, list[str]]:
    """Fill in the joints a reference pose lacks (score 0).

    A missing limb mirrors the other side's about the body's axis (neck to mid-hip); if both sides are missing, it
    hangs as in a standing figure with the torso's size and tilt. An unseen torso is that of an upright figure,
    scaled to the visible joints.

    Parameters
    ----------
    pose : PoseSequence
        One frame, openpose18 or coco17.

    Returns
    -------
    pose : PoseSequence
        On openpose18, every score above 0; given joints are untouched.
    notices : list of str
        What was filled in and how, in words.

    Raises
    ------
    TemposeError
        ``"reference_frames"`` for more or fewer than one frame, ``"reference_incomplete"`` when there is no
        torso (no shoulder or neck, or no hip, or both in one place) and fewer than `MIN_JOINTS` other joints.
    """
    if len(pose) != 1:
        raise TemposeError("reference_frames", "The reference must be a single pose.")
    pose = to_openpose18(pose)
    points = pose.pixels[0].astype(float)
    seen = pose.scores[0] > 0
    fill = _Filler(points, seen.copy())
    fill.torso()
    for chain in _CHAINS:
        for parent, child in pairwise(chain):
            fill.pair(parent, child)
    fill.head()
    scores = pose.scores[0].copy()
    scores[~seen] = np.median(scores[seen])
    keypoints = fill.points / np.asarray(pose.canvas)
    keypoints[seen] = pose.keypoints[0, seen]  # bit for bit
    return replace(pose, keypoints=keypoints[None], scores=scores[None]), fill.notices


def never_shown(pose: PoseSequence) -> np.ndarray:
    """(18,) bool: limbs, from their ends up, that a reference pose shows on neither side, as for a figure without
    legs.

    A limb that is seen on one side only, or beyond a missing joint, is merely out of sight.
    """
    seen = to_openpose18(pose).scores[0] > 0
    missing = np.zeros(len(seen), bool)
    for chain in _CHAINS:
        for joint in chain[:0:-1]:  # not the root, without which there is no torso
            pair = [_J[f"{side}_{joint}"] for side in ("left", "right")]
            if seen[pair].any():
                break
            missing[pair] = True
    return missing


def whole(poses: PoseSequence) -> PoseSequence:
    """The same poses on openpose18, every joint in every frame.

    A joint that is missing for a while is interpolated; one that is never seen is completed, frame by frame. Raises
    as `complete` does.
    """
    poses = bridged(to_openpose18(poses))
    never = (poses.scores <= 0).all(0)
    if not never.any():
        return poses
    keypoints, scores = poses.keypoints.copy(), poses.scores.copy()
    for t in range(len(poses)):
        keypoints[t, never] = complete(poses[t : t + 1])[0].keypoints[0, never]
    scores[:, never] = BRIDGED
    return replace(poses, keypoints=keypoints, scores=scores)


def _facing(points: np.ndarray, seen: np.ndarray) -> float:
    """1 if seen from the front, -1 if from behind, where left and right swap."""
    pairs = [(_J[f"left_{part}"], _J[f"right_{part}"]) for part in ("shoulder", "hip")]
    across = sum(points[a, 0] - points[b, 0] for a, b in pairs if seen[a] and seen[b])
    return -1.0 if across < 0 else 1.0


def _torso_turn(points: np.ndarray, seen: np.ndarray, template: np.ndarray) -> complex:
    """Rotation and scale (one complex number) from the template to the visible torso.

    Without a torso, only a scale from all visible joints: limbs do not tell how the body is turned.
    """

    def middle(*names: str) -> tuple[complex, complex] | None:
        index = [_J[n] for n in names]
        if not seen[index].all():
            return None
        return complex(*points[index].mean(0)), complex(*template[index].mean(0))

    upper = (
        middle("neck")
        or middle("left_shoulder", "right_shoulder")
        or middle("left_shoulder")
        or middle("right_shoulder")
    )
    lower = middle("left_hip", "right_hip") or middle("left_hip") or middle("right_hip")
    if upper is not None and lower is not None and abs(upper[0] - lower[0]) >= 1e-3:
        return (upper[0] - lower[0]) / (upper[1] - lower[1])
    size = float(np.ptp(points[seen], axis=0).max()) if seen.sum() >= MIN_JOINTS else 0.0
    if size < 1e-3:
        raise TemposeError(
            "reference_incomplete",
            "The reference pose shows no torso (a shoulder or the neck, and a hip) and fewer than "
            f"{MIN_JOINTS} joints in all, or they lie in one place. Choose another pose.",
        )
    return complex(size / float(np.ptp(template[seen], axis=0).max()), 0)


class _Filler:
    """Fills `points` in place, joint by joint, and records what it did."""

    def __init__(self, points: np.ndarray, seen: np.ndarray):
        self.points, self.seen = points, seen
        self.template = template() * (_facing(points, seen), 1)
        self.turn = _torso_turn(points, seen, self.template)
        self.notices: list[str] = []

    def _put(self, joint: str, point: np.ndarray, how: str) -> None:
        self.points[_J[joint]] = point
        self.seen[_J[joint]] = True
        self.notices.append(f"The {joint.replace('_', ' ')} was missing; {how}.")

    def _offset(self, joint: str, origin: str) -> np.ndarray:
        """The template's step from `origin` to `joint`, with the figure's size and tilt."""
        z = self.turn * complex(*(self.template[_J[joint]] - self.template[_J[origin]]))
        return np.asarray((z.real, z.imag))

    def _by_the_rest(self, joint: str) -> np.ndarray:
        """The average position of a joint according to the visible ones."""
        given = [j for j in OPENPOSE_18.joints if self.seen[_J[j]]]
        return np.mean([self.points[_J[j]] + self._offset(joint, j) for j in given], 0)

    def _mirrored(self, vector: np.ndarray) -> np.ndarray:
        """A step, mirrored about the body's axis."""
        hips = (self.points[_J["left_hip"]] + self.points[_J["right_hip"]]) / 2
        axis = self.points[_J["neck"]] - hips
        axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
        return 2 * axis * (vector @ axis) - vector

    def torso(self) -> None:
        p, seen = self.points, self.seen
        sides = ("left", "right"), ("right", "left")
        if not seen[_J["neck"]]:
            given = [s for s, _ in sides if seen[_J[f"{s}_shoulder"]]]
            if not given:
                self._put("neck", self._by_the_rest("neck"), "it was put by proportion")
            elif len(given) == 2:
                middle = (p[_J["left_shoulder"]] + p[_J["right_shoulder"]]) / 2
                self._put("neck", middle, "it was put between the shoulders")
            else:
                shoulder = f"{given[0]}_shoulder"
                self._put(
                    "neck", p[_J[shoulder]] + self._offset("neck", shoulder), "it was put by proportion"
                )
        for side, other in sides:
            if not seen[_J[f"{side}_shoulder"]]:
                if seen[_J[f"{other}_shoulder"]]:
                    point = 2 * p[_J["neck"]] - p[_J[f"{other}_shoulder"]]
                    self._put(f"{side}_shoulder", point, "it mirrors the other one")
                else:
                    point = p[_J["neck"]] + self._offset(f"{side}_shoulder", "neck")
                    self._put(f"{side}_shoulder", point, "it was put by proportion")
        for side, other in sides:
            if not seen[_J[f"{side}_hip"]]:
                known = f"{other}_hip" if seen[_J[f"{other}_hip"]] else "neck"
                point = p[_J[known]] + self._offset(f"{side}_hip", known)
                self._put(f"{side}_hip", point, "it was put by proportion")

    def pair(self, parent: str, child: str) -> None:
        """Fill both sides of a limb joint, whose parents must be filled."""
        given = {side: bool(self.seen[_J[f"{side}_{child}"]]) for side in ("left", "right")}
        for side, other in (("left", "right"), ("right", "left")):
            if given[side]:
                continue
            joint, root = f"{side}_{child}", f"{side}_{parent}"
            if given[other]:
                step = self.points[_J[f"{other}_{child}"]] - self.points[_J[f"{other}_{parent}"]]
                self._put(joint, self.points[_J[root]] + self._mirrored(step), "it mirrors the other side")
            else:
                step = self._offset(joint, root)
                self._put(joint, self.points[_J[root]] + step, "it was put as in a standing figure")

    def head(self) -> None:
        if not self.seen[_J["nose"]]:
            face = [j for j in ("eye", "ear") if self.seen[_J[f"left_{j}"]] and self.seen[_J[f"right_{j}"]]]
            if face:
                pair = (self.points[_J[f"left_{face[0]}"]] + self.points[_J[f"right_{face[0]}"]]) / 2
                drop = (
                    self._offset("nose", f"left_{face[0]}") + self._offset("nose", f"right_{face[0]}")
                ) / 2
                self._put("nose", pair + drop, f"it was put between the {face[0]}s")
            else:
                point = self.points[_J["neck"]] + self._offset("nose", "neck")
                self._put("nose", point, "it was put by proportion")
        for part in ("eye", "ear"):
            given = {side: bool(self.seen[_J[f"{side}_{part}"]]) for side in ("left", "right")}
            for side, other in (("left", "right"), ("right", "left")):
                if given[side]:
                    continue
                nose = self.points[_J["nose"]]
                if given[other]:
                    point = nose + self._mirrored(self.points[_J[f"{other}_{part}"]] - nose)
                    self._put(f"{side}_{part}", point, "it mirrors the other side")
                else:
                    point = nose + self._offset(f"{side}_{part}", "nose")
                    self._put(f"{side}_{part}", point, "it was put by proportion")

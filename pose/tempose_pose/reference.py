"""Reference poses: a standing figure, filling in what a reference lacks, and how tall a figure is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18

# A grown-up seen from the front, in body heights: (distance from the middle, height above the floor).
# Shares after Drillis and Contini (1966), the face after COCO annotations.
_PROPORTIONS = {
    "nose": (0.0, 0.925),
    "neck": (0.0, 0.820),
    "shoulder": (0.110, 0.820),
    "elbow": (0.150, 0.645),
    "wrist": (0.165, 0.495),
    "hip": (0.065, 0.530),
    "knee": (0.075, 0.285),
    "ankle": (0.080, 0.040),
    "eye": (0.018, 0.940),
    "ear": (0.042, 0.930),
}
_CHAINS = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")


def _template() -> np.ndarray:
    """(18, 2) standing figure in body heights, x to the viewer's right, y down, 0 at the soles' middle."""
    points = []
    for joint in OPENPOSE_18.joints:
        side, _, part = joint.rpartition("_")
        across, up = _PROPORTIONS[part]
        points.append((-across if side == "right" else across, -up))  # its right is the viewer's left
    return np.asarray(points)


_TEMPLATE = _template()
_J = {joint: i for i, joint in enumerate(OPENPOSE_18.joints)}


def standing_pose(
    height: float = 0.7,
    center: tuple[float, float] = (0.5, 0.5),
    canvas: tuple[int, int] = (1000, 1000),
    fps: float = 30.0,
) -> PoseSequence:
    """One frame of a grown-up standing upright, seen from the front, on openpose18.

    Parameters
    ----------
    height : float
        Crown to sole, as a share of the canvas height.
    center : (float, float)
        Where the middle of the body goes, as shares of canvas width and height.
    canvas : (int, int)
        Width and height in pixels.
    fps : float

    Returns
    -------
    PoseSequence
        Keypoints (1, 18, 2), all scores 1; `body_height` of it is ``height * canvas[1]`` pixels.
    """
    size = np.asarray(canvas, float)
    pixels = (_TEMPLATE + np.asarray((0, 0.5))) * height * size[1] + np.asarray(center) * size
    return PoseSequence((pixels / size)[None], np.ones((1, len(OPENPOSE_18))), fps, OPENPOSE_18, canvas)


# --- body height ---


def segment_lengths(poses: PoseSequence) -> np.ndarray:
    """(T, 4) pixel lengths nose–neck, neck–hips, thigh, shin; NaN where an end is missing.

    Of the two legs the longer one counts, since foreshortening only ever shortens.
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
    """How tall the figure would be standing upright, crown to sole, in pixels.

    The distance from head to foot shrinks when a figure crouches or bends; bones do not. So the lengths of
    nose–neck, neck–hips, thigh and shin are added up (thigh and shin both as long as the longer of the two,
    as they are within a few percent in people, while a crouch seen from the front foreshortens the thigh)
    and divided by their share of a standing figure's height (0.885).

    Parameters
    ----------
    pose : PoseSequence
        One frame or many; over many the given percentile of each length counts, against foreshortening.
    percentile : float

    Raises
    ------
    TemposeError
        ``"reference_incomplete"`` when not even one of the four lengths can be measured.
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


# --- filling in ---


def complete(pose: PoseSequence) -> tuple[PoseSequence, list[str]]:
    """Fill in the joints a reference pose lacks (score 0).

    A missing limb mirrors the other side's about the body's axis (neck to mid-hip); where both sides are
    missing, it hangs as in a standing figure of the torso's size and tilt.

    Parameters
    ----------
    pose : PoseSequence
        One frame, openpose18 or coco17.

    Returns
    -------
    pose : PoseSequence
        On openpose18, every score above 0; given joints are untouched.
    notices : list of str
        What was filled in and how, for a person.

    Raises
    ------
    TemposeError
        ``"reference_frames"`` for more or fewer than one frame, ``"reference_incomplete"`` when there is no
        torso: no shoulder or neck, or no hip, or both in one place.
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


def _facing(points: np.ndarray, seen: np.ndarray) -> float:
    """1 seen from the front, -1 from behind, where left and right swap."""
    pairs = [(_J[f"left_{part}"], _J[f"right_{part}"]) for part in ("shoulder", "hip")]
    across = sum(points[a, 0] - points[b, 0] for a, b in pairs if seen[a] and seen[b])
    return -1.0 if across < 0 else 1.0


def _torso_turn(points: np.ndarray, seen: np.ndarray, template: np.ndarray) -> complex:
    """Rotation and scale (one complex number) from the template to the torso that is there."""

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
    if upper is None or lower is None or abs(upper[0] - lower[0]) < 1e-3:
        raise TemposeError(
            "reference_incomplete",
            "The reference pose shows no torso: at least a shoulder (or the neck) and a hip must be visible.",
        )
    return (upper[0] - lower[0]) / (upper[1] - lower[1])


class _Filler:
    """Fills `points` in place, joint by joint, and writes down what it did."""

    def __init__(self, points: np.ndarray, seen: np.ndarray):
        self.points, self.seen = points, seen
        self.template = _TEMPLATE * (_facing(points, seen), 1)
        self.turn = _torso_turn(points, seen, self.template)
        self.notices: list[str] = []

    def _put(self, joint: str, point: np.ndarray, how: str) -> None:
        self.points[_J[joint]] = point
        self.seen[_J[joint]] = True
        self.notices.append(f"The {joint.replace('_', ' ')} was missing; {how}.")

    def _offset(self, joint: str, origin: str) -> np.ndarray:
        """Template step from `origin` to `joint`, in the figure's size and tilt."""
        z = self.turn * complex(*(self.template[_J[joint]] - self.template[_J[origin]]))
        return np.asarray((z.real, z.imag))

    def _mirrored(self, vector: np.ndarray) -> np.ndarray:
        """A step, mirrored at the body's axis."""
        hips = (self.points[_J["left_hip"]] + self.points[_J["right_hip"]]) / 2
        axis = self.points[_J["neck"]] - hips
        axis = axis / max(float(np.linalg.norm(axis)), 1e-9)
        return 2 * axis * (vector @ axis) - vector

    def torso(self) -> None:
        p, seen = self.points, self.seen
        sides = ("left", "right"), ("right", "left")
        if not seen[_J["neck"]]:
            given = [s for s, _ in sides if seen[_J[f"{s}_shoulder"]]]
            if len(given) == 2:
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
                point = p[_J[f"{other}_hip"]] + self._offset(f"{side}_hip", f"{other}_hip")
                self._put(f"{side}_hip", point, "it was put by proportion")

    def pair(self, parent: str, child: str) -> None:
        """Both sides of one limb joint; parents are there already."""
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

"""The same dance, larger: recorded basic steps are calmer than free dances, and what is never seen is never learned.

Hips sink, bounce and travel more, feet step higher and wider, the trunk leans further; the legs are solved again by
two-bone inverse kinematics. Bones keep their lengths, feet on the ground stay where they are, and no moment moves, so
that what fell on a beat still does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from tempose_pose.skeletons import Skeleton

LEG = 0.47  # of a body's height
FLIPPED = 1.7  # times the fastest joint's speed before: a knee that jumps from one side to the other
GLITCH = 0.04  # body heights a frame that count as no flip in any case


@dataclass(frozen=True)
class Exaggeration:
    """How much larger.

    Attributes
    ----------
    sink : float
        Body heights by which the hips are lowered.
    bounce, lift, path, lean, swing : float
        Factors: of the hips' rise and fall about their slow path, of how high feet are lifted, of the ways over
        the ground, of the trunk's lean about its own mean, and of the arms' turns about theirs.
    """

    sink: float = 0.0
    bounce: float = 1.0
    lift: float = 1.0
    path: float = 1.0
    lean: float = 1.0
    swing: float = 1.0

    @classmethod
    def draw(cls, rng: np.random.Generator, strength: float) -> Exaggeration:
        """A random one, from none to about as large as free dances at strength 1."""
        sink, bounce, lift, path, lean, swing = rng.random(6) * strength
        return cls(
            0.085 * sink,
            1 + 1.3 * bounce,
            1 + 1.1 * lift,
            1 + 0.35 * path * (path / max(strength, 1e-9)) ** 0.5,
            1 + 0.9 * lean,
            1 + 1.8 * swing,
        )

    @property
    def size(self) -> float:
        """All of it together; 0 changes nothing."""
        return self.sink + self.bounce + self.lift + self.path + self.lean + self.swing - 5

    def halved(self) -> Exaggeration:
        """Half as much of everything."""
        factors = (1 + (f - 1) / 2 for f in (self.bounce, self.lift, self.path, self.lean, self.swing))
        return Exaggeration(self.sink / 2, *factors)


def exaggerate(motion: np.ndarray, how: Exaggeration, skeleton: Skeleton) -> np.ndarray:
    """A larger version of a motion.

    Parameters
    ----------
    motion : (T, K, 3)
        y up, in one unit throughout.

    Returns
    -------
    (T, K, 3) float64
        The motion itself where even a little more of it would make a knee flip.
    """
    motion = motion.astype(np.float64)
    before = _fastest(motion)
    while how.size > 0.05:
        larger = _enlarged(motion, how, skeleton)
        height = _leg_length(motion, skeleton) / LEG
        if _fastest(larger) <= FLIPPED * max(before, GLITCH * height):
            return larger
        how = how.halved()
    return motion


def _fastest(motion: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(motion, axis=0), axis=-1).max(initial=0))


def _joint(motion: np.ndarray, skeleton: Skeleton, name: str) -> np.ndarray:
    """(T, 2, 3) a joint of both sides, left first."""
    return np.stack([motion[:, skeleton.index(f"{side}_{name}")] for side in ("left", "right")], 1)


def _length(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a - b, axis=-1)


def _leg_length(motion: np.ndarray, skeleton: Skeleton) -> float:
    hips, knees, ankles = (_joint(motion, skeleton, name) for name in ("hip", "knee", "ankle"))
    return float(np.median(_length(hips, knees) + _length(knees, ankles)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def _slow(values: np.ndarray, frames: float) -> np.ndarray:
    return gaussian_filter1d(values, frames, axis=0, mode="nearest")


def _enlarged(motion: np.ndarray, how: Exaggeration, skeleton: Skeleton) -> np.ndarray:
    hips, knees, ankles = (_joint(motion, skeleton, name) for name in ("hip", "knee", "ankle"))  # (T, 2, 3)
    thigh, shin = _length(hips, knees), _length(knees, ankles)  # (T, 2)
    leg = float(np.median(thigh + shin))
    height = leg / LEG
    middle = hips.mean(1)  # (T, 3)
    floor = float(np.percentile(ankles[..., 1].min(1), 8))
    raised = np.maximum(ankles[..., 1] - floor, 0)  # (T, 2)

    feet = _lifted(ankles, raised, how.lift, height)
    pelvis = middle.copy()
    pelvis[:, 1] += (how.bounce - 1) * (middle[:, 1] - _slow(middle[:, 1], 45)) - how.sink * height
    for axis in (0, 2):  # wider, about where the dance as a whole takes place
        centre = middle[:, axis].mean()
        pelvis[:, axis] = centre + how.path * (middle[:, axis] - centre)
        feet[..., axis] = centre + how.path * (feet[..., axis] - centre)
    pelvis = _come_down(pelvis, hips - middle[:, None], feet, raised, 0.998 * (thigh + shin), height)
    pelvis[:, 1] = np.maximum(pelvis[:, 1], floor + 0.42 * leg)

    out = motion.copy()
    lower = _lower_body(skeleton)
    upper = [j for j in range(len(skeleton)) if j not in lower]
    out[:, upper] = pelvis[:, None] + _leaned(motion, upper, middle, how.lean, skeleton)
    _swing_arms(out, how.swing, skeleton)
    new_hips = pelvis[:, None] + hips - middle[:, None]
    new_knees, new_ankles = _solve_legs(
        hips, knees, ankles, new_hips, feet, thigh, shin, _ahead(motion, skeleton)
    )
    for q, side in enumerate(("left", "right")):
        for name, places in (("hip", new_hips), ("knee", new_knees), ("ankle", new_ankles)):
            out[:, skeleton.index(f"{side}_{name}")] = places[:, q]
        ankle = skeleton.index(f"{side}_ankle")
        for joint in _hanging_on(skeleton, ankle):  # toes and heels go with the ankle
            out[:, joint] = motion[:, joint] + new_ankles[:, q] - ankles[:, q]
    return out


def _lifted(ankles: np.ndarray, raised: np.ndarray, lift: float, height: float) -> np.ndarray:
    """Higher steps: true lifts grow, heels and noise hardly, and high kicks are high already."""
    feet = ankles.copy()
    true_lift = raised / (raised + 0.03 * height)
    not_yet_high = np.clip(1 - raised / (0.35 * height), 0, 1)
    feet[..., 1] += (lift - 1) * raised * true_lift * not_yet_high
    return feet


def _come_down(
    pelvis: np.ndarray,
    sides: np.ndarray,
    feet: np.ndarray,
    raised: np.ndarray,
    reach: np.ndarray,
    height: float,
) -> np.ndarray:
    """The pelvis (T, 3), lowered where a leg that bears would have to be longer than it is."""
    pelvis = pelvis.copy()
    bears = np.exp(-((raised / (0.045 * height)) ** 2))  # (T, 2)
    for _ in range(3):
        down = feet - (pelvis[:, None] + sides)  # (T, 2, 3) from hip to foot
        across = np.linalg.norm(down[..., [0, 2]], axis=-1)
        missing = np.maximum(-down[..., 1] - np.sqrt(np.maximum(reach**2 - across**2, 0)), 0) * bears
        lower = missing.max(1)
        if lower.max() < 1e-4:
            break
        pelvis[:, 1] -= _slow(maximum_filter1d(lower, 9), 3.0)
    return pelvis


def _leaned(
    motion: np.ndarray, joints: list[int], middle: np.ndarray, lean: float, skeleton: Skeleton
) -> np.ndarray:
    """(T, J, 3) joints relative to the hips' middle, turned so that the trunk leans further (Rodrigues)."""
    points = motion[:, joints] - middle[:, None]
    trunk = _unit(motion[:, skeleton.index("neck")] - middle)  # (T, 3)
    further = _unit(trunk + (lean - 1) * (trunk - _slow(trunk, 60)))
    axis = np.cross(trunk, further)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)[:, None]  # (T, 1, 1)
    cosine = (trunk * further).sum(-1)[:, None, None]
    axis = axis[:, None] / np.maximum(sine, 1e-9)  # (T, 1, 3)
    along = axis * (axis * points).sum(-1, keepdims=True)
    return (
        points * cosine + np.cross(np.broadcast_to(axis, points.shape), points) * sine + along * (1 - cosine)
    )


def _swing_arms(motion: np.ndarray, swing: float, skeleton: Skeleton) -> None:
    """Turn the arms of a motion (T, K, 3) further from where they usually point, as the trunk sees it."""
    trunk = _trunk_axes(motion, skeleton)  # (T, 3, 3)
    for side in ("left", "right"):
        shoulder, elbow, wrist = (skeleton.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
        upper, lower = motion[:, elbow] - motion[:, shoulder], motion[:, wrist] - motion[:, elbow]  # (T, 3)
        new_elbow = motion[:, shoulder] + _swung(upper, swing, trunk)
        new_wrist = new_elbow + _swung(lower, swing, trunk)
        for joint in _hanging_on(skeleton, wrist):  # fingers go with the wrist
            motion[:, joint] += new_wrist - motion[:, wrist]
        motion[:, elbow], motion[:, wrist] = new_elbow, new_wrist


def _swung(bone: np.ndarray, swing: float, trunk: np.ndarray) -> np.ndarray:
    """A bone (T, 3) turned further from its slow direction, of the length that it has."""
    local = _unit(np.einsum("tij,tj->ti", trunk, bone))
    further = _unit(local + (swing - 1) * (local - _slow(local, 60)))
    return np.einsum("tij,ti->tj", trunk, further) * np.linalg.norm(bone, axis=-1, keepdims=True)


def _trunk_axes(motion: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T, 3, 3) unit rows across, up and ahead of the trunk."""
    shoulders = _joint(motion, skeleton, "shoulder")
    up = _unit(motion[:, skeleton.index("neck")] - _joint(motion, skeleton, "hip").mean(1))
    across = _unit(_across(shoulders[:, 0] - shoulders[:, 1], up))
    return np.stack([across, up, np.cross(across, up)], 1)


def _ahead(motion: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(T, 3) unit vectors along the ground to where the pelvis faces; the nose says which of the two ways."""
    hips = _joint(motion, skeleton, "hip")
    across = hips[:, 0] - hips[:, 1]
    ahead = _unit(np.stack([-across[:, 2], np.zeros(len(across)), across[:, 0]], -1))
    nose = motion[:, skeleton.index("nose")] - motion[:, skeleton.index("neck")]
    return -ahead if (nose * ahead).sum(-1).mean() < 0 else ahead


def _solve_legs(
    hips: np.ndarray,
    knees: np.ndarray,
    ankles: np.ndarray,
    new_hips: np.ndarray,
    feet: np.ndarray,
    thigh: np.ndarray,
    shin: np.ndarray,
    ahead: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Knees and ankles (T, 2, 3) from hips to the wanted feet; the ankle stays short where the leg is too short.

    The knee points where it pointed where it was bent and ahead where the leg was straight, smoothed over time so
    that it never turns over from one frame to the next.
    """
    leg = float(np.median(thigh + shin))
    way = feet - new_hips
    reach = np.clip(
        np.linalg.norm(way, axis=-1), 1.02 * np.abs(thigh - shin) + 0.12 * leg, 0.999 * (thigh + shin)
    )  # (T, 2)
    way = _unit(way)
    old_way = _unit(ankles - hips)
    bend = _across(knees - hips, old_way) + 0.10 * leg * _across(ahead[:, None], old_way)
    bend = _unit(_across(_slow(bend, 3.0), way))
    along = (thigh**2 - shin**2 + reach**2) / (2 * reach)
    out = np.sqrt(np.maximum(thigh**2 - along**2, 0))
    return new_hips + along[..., None] * way + out[..., None] * bend, new_hips + reach[..., None] * way


def _across(vectors: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """What of vectors is at right angles to unit vectors."""
    return vectors - (vectors * unit).sum(-1, keepdims=True) * unit


def _hanging_on(skeleton: Skeleton, joint: int) -> list[int]:
    """Joints beyond a joint, as toes are beyond the ankle."""
    found, frontier = [], {joint}
    while frontier := {j for j, parent in enumerate(skeleton.parents) if parent in frontier}:
        found += sorted(frontier)
    return found


def _lower_body(skeleton: Skeleton) -> set[int]:
    """Joints that the legs decide: hips, all below them, and a point between the hips."""
    hips = [skeleton.index(f"{side}_hip") for side in ("left", "right")]
    lower = set(hips).union(*(_hanging_on(skeleton, hip) for hip in hips))
    return lower

"""Is it a body that moves? Speed, jitter, limb lengths, seams, sliding feet, freezing, leaving the picture.

Convention
----------
Lengths in body heights (`body_height`), times in seconds, except jitter and steps, which are per frame at 30
frames per second (other rates are resampled to it), so that figures compare. Missing joints are left out.

- ``joint_speed``: mean over joints and frames, body heights per second. Real dance 0.27 (AIST++ clips, seen
  from the front), lively pop choreography 0.4 to 0.6.
- ``jitter``: mean length of the second difference over mean length of the first. Real 0.47; noise about 1.7;
  detector noise of a pixel in 500 gives about 1.
- ``limb_ratio``: 95th percentile of a limb's length on screen over its median, mean over limbs.
  Foreshortening makes it 1.06 to 1.27 in real dance; above that, limbs stretch. ``limb_ratio_last``: over the
  last third alone.
- ``limb_drift``: the limbs' size in the last third over the first, 1 for no drift.
- ``seam_ratio``: largest mean joint step at a seam over the 95th percentile step. Up to 1.2 is unseen.
  ``seam_ratio_chance``: the same for as many other frames, which are fast now and then too.
- ``foot_slide``: horizontal speed of the lower ankle while it carries: lowest joint of all and hardly moving
  up or down, body heights per second. A 2D stand-in; a true slide towards the viewer is invisible to it.
- ``freezing``: share of time in which the whole body moves slower than 0.05 heights per second for 0.5 s or
  more.
- ``off_canvas``: share of the joints outside of the picture or exactly at its edge, where a generator that
  keeps everything inside leaves what it cut off.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from tempose.metrics import curves
from tempose.metrics.curves import in_body_heights, joint_steps, mean_speed, resampled
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18

RATE = 30.0
STILL = 0.05  # body heights per second
STILL_SECONDS = 0.5
CARRY_VERTICAL = 0.12  # body heights per second: a foot that carries hardly rises or falls
SHIFTS = 24  # sets of random seams, for the chance level
CARRY_LIFT = 0.02  # body heights above the lowest joint
_J = OPENPOSE_18.at
# Limbs with a fixed length; those of the face and around the neck change with the head's turn.
LIMBS = tuple(
    (_J[f"{side}_{a}"], _J[f"{side}_{b}"])
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
)


def validate(poses: PoseSequence, seams: np.ndarray | None = None) -> None:
    """Check the motion (`curves.validate`) and that the seams lie within it."""
    curves.validate(poses)
    seams = np.asarray([] if seams is None else seams)
    if seams.size and (seams.ndim != 1 or seams.min() < 0 or seams.max() >= len(poses)):
        raise TemposeError("metrics_seams", "A seam must be a frame of the dance.")


def joint_speed(poses: PoseSequence) -> float:
    """Mean joint speed, body heights per second."""
    return float(mean_speed(in_body_heights(poses), poses.fps).mean())


def jitter(poses: PoseSequence) -> float:
    """Acceleration over speed at 30 frames per second; 0 where nothing moves."""
    points = in_body_heights(resampled(poses, RATE))
    speed = np.nan_to_num(joint_steps(points))
    bend = np.nan_to_num(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1))
    return float(bend.mean() / speed.mean()) if speed.mean() > 1e-9 else 0.0


def limb_lengths(poses: PoseSequence) -> np.ndarray:
    """(T, 8) lengths on screen of upper arms, forearms, thighs and shins, in body heights; NaN if missing."""
    points = in_body_heights(to_openpose18(poses))
    return np.stack([np.linalg.norm(points[:, a] - points[:, b], axis=-1) for a, b in LIMBS], 1)


def limb_ratio(lengths: np.ndarray) -> float:
    """95th percentile over median, mean over the limbs; 1 for stiff limbs in the picture's plane."""
    known = (~np.isnan(lengths)).sum(0) > 0
    if not known.any():
        return 1.0
    median, high = (np.nanpercentile(lengths[:, known], q, axis=0) for q in (50, 95))
    good = median > 1e-6
    return float((high[good] / median[good]).mean()) if good.any() else 1.0


def limb_drift(lengths: np.ndarray) -> float:
    """Size of the figure in the last third over the first: mean factor of the limbs' 95th percentiles."""
    third = max(len(lengths) // 3, 1)
    known = ~np.isnan(lengths)
    both = known[:third].any(0) & known[-third:].any(0)
    if not both.any():
        return 1.0
    first = np.nanpercentile(lengths[:third, both], 95, axis=0)
    last = np.nanpercentile(lengths[-third:, both], 95, axis=0)
    good = (first > 1e-6) & (last > 1e-6)
    return float(np.exp(np.log(last[good] / first[good]).mean())) if good.any() else 1.0


def seam_ratio(poses: PoseSequence, seams: np.ndarray) -> float:
    """Largest mean joint step into a seam's frame over the 95th percentile of all; 0 without seams."""
    return _largest(_steps_over_usual(poses), np.asarray(seams, int))


def seam_ratio_chance(poses: PoseSequence, seams: np.ndarray) -> float:
    """Mean `seam_ratio` of as many other frames, with the same distances; 0 without seams."""
    steps, seams = _steps_over_usual(poses), np.asarray(seams, int)
    moves = np.linspace(0, len(steps), SHIFTS + 1)[1:-1].astype(int)
    return float(np.mean([_largest(steps, 1 + (seams - 1 + move) % len(steps)) for move in moves]))


def _steps_over_usual(poses: PoseSequence) -> np.ndarray:
    """(T - 1,) mean joint steps over their 95th percentile."""
    steps = mean_speed(in_body_heights(poses), 1.0)
    usual = np.percentile(steps, 95)
    return steps / usual if usual > 1e-9 else np.zeros_like(steps)


def _largest(steps: np.ndarray, seams: np.ndarray) -> float:
    into = seams[seams > 0] - 1
    return float(steps[into].max()) if len(into) else 0.0


def foot_slide(poses: PoseSequence) -> tuple[float, float]:
    """Horizontal speed of the carrying ankle (heights per second); share of time in which a foot carries."""
    points = in_body_heights(to_openpose18(poses))
    ankles = points[:, [_J["left_ankle"], _J["right_ankle"]]]  # (T, 2, 2)
    y = np.where(np.isnan(points[..., 1]), -np.inf, points[..., 1])
    lowest = y.max(1)
    velocity = np.diff(ankles, axis=0) * poses.fps
    near = ankles[:, :, 1] >= lowest[:, None] - CARRY_LIFT
    near = near[:-1] & near[1:]
    carries = near & (np.abs(velocity[..., 1]) < CARRY_VERTICAL)  # NaN compares false
    if not carries.any():
        return 0.0, 0.0
    return float(np.abs(velocity[..., 0])[carries].mean()), float(carries.any(1).mean())


def freezing(poses: PoseSequence) -> float:
    """Share of the time spent in holds of half a second or longer."""
    speed = mean_speed(in_body_heights(poses), poses.fps)
    size = max(round(STILL_SECONDS * poses.fps), 1)
    if len(speed) < size:
        return float((speed < STILL).all())
    held = np.convolve(speed < STILL, np.ones(size), "valid") > size - 0.5  # runs that begin here
    covered = np.zeros(len(speed), bool)
    for start in np.flatnonzero(held):
        covered[start : start + size] = True
    return float(covered.mean())


def off_canvas(poses: PoseSequence) -> float:
    """Share of the visible joints that lie outside of the picture or exactly at its edge."""
    outside = np.any((poses.keypoints <= 0) | (poses.keypoints >= 1), axis=-1)
    seen = poses.scores > 0
    return float(np.sum(outside & seen) / max(int(np.sum(seen)), 1))


def energy_curve(poses: PoseSequence, seconds: float = 1.0) -> np.ndarray:
    """(T - 1,) mean joint speed averaged over a window, for plots."""
    speed = mean_speed(in_body_heights(poses), poses.fps)
    return uniform_filter1d(speed, max(round(seconds * poses.fps), 1), mode="nearest")


def evaluate(dance: Dance) -> dict[str, float]:
    """All figures of this module."""
    poses = dance.poses
    validate(poses, dance.seams)
    lengths = limb_lengths(poses)
    slide, contact = foot_slide(poses)
    return {
        "joint_speed": joint_speed(poses),
        "jitter": jitter(poses),
        "limb_ratio": limb_ratio(lengths),
        "limb_ratio_last": limb_ratio(lengths[-max(len(lengths) // 3, 1) :]),
        "limb_drift": limb_drift(lengths),
        "seam_ratio": seam_ratio(poses, dance.seams),
        "seam_ratio_chance": seam_ratio_chance(poses, dance.seams),
        "foot_slide": slide,
        "foot_contact": contact,
        "freezing": freezing(poses),
        "off_canvas": off_canvas(poses),
    }

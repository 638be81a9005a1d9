"""What is danced: 38 descriptors of a dance's vocabulary, compared with real dances.

Convention
----------
A dance is read in phrases of 16 beats, a new one every 8 (`phrases`). What a phrase cannot show (what returns, what
changes from bar to bar) is read in beat time over the whole dance. `REAL` holds mean and standard deviation over 13
real free dances that travel. A descriptor that lies within one standard deviation of them is like real dance in
this one respect; dances with all 38 inside can still be dull, so look at them too.

A model must be measured on at least three songs and two seeds before the number of descriptors inside means much.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter

from tempose.metrics import curves, phrases
from tempose.metrics.curves import filled
from tempose.metrics.phrases import BEATS, BODY, PARTS, Phrase
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18

HOP, LEAST = 8, 12  # beats from phrase to phrase, and of the shortest one
BAR, DETAIL = 4, 8  # beats in a bar, poses in a beat
SPIKE = 0.04  # of the figure's height: a joint this far from its five-frame median is a detector's error


@dataclass(frozen=True)
class Descriptor:
    """One descriptor: its name, its label and its unit."""

    name: str
    label: str
    unit: str


DESCRIPTORS = (
    Descriptor("speed", "speed of the body", "sizes/s"),
    Descriptor("wrist_speed", "of the wrists", "sizes/s"),
    Descriptor("ankle_speed", "of the ankles", "sizes/s"),
    Descriptor("hip_speed", "of the hips", "sizes/s"),
    Descriptor("share_legs", "legs' share of the motion", ""),
    Descriptor("share_root", "share of the way through the picture", ""),
    Descriptor("poses", "different poses", "in 16 beats"),
    Descriptor("pose_dimensions", "dimensions of the poses", ""),
    Descriptor("pose_amplitude", "distance from the mean pose", "sizes"),
    Descriptor("turned_aside", "turned by more than 60°", "of the time"),
    Descriptor("flips", "turns to the other face", "in 16 beats"),
    Descriptor("travel_across", "room across", "sizes in 8 beats"),
    Descriptor("travel_up", "room up and down", "sizes in 8 beats"),
    Descriptor("steps", "steps", "a beat"),
    Descriptor("step_height", "height of steps", "sizes"),
    Descriptor("step_length", "length of steps", "sizes"),
    Descriptor("kicks", "kicks", "in 16 beats"),
    Descriptor("jumps", "jumps", "in 16 beats"),
    Descriptor("crouching", "crouching", "of the time"),
    Descriptor("stance_change", "change of the stance's width", "sizes"),
    Descriptor("knee_change", "change of the knees' angle", "degrees"),
    Descriptor("elbow_change", "change of the elbows' angle", "degrees"),
    Descriptor("bounce", "bounce of the hips", "sizes"),
    Descriptor("sway", "sway of the hips", "sizes"),
    Descriptor("foot_slide", "slide of bearing feet", "sizes/s"),
    Descriptor("hands_above_head", "hands above the head", "of the time"),
    Descriptor("roundness", "roundness of the wrists' strokes", ""),
    Descriptor("stroke_length", "length of the wrists' strokes", "sizes"),
    Descriptor("lean_change", "change of lean", "degrees"),
    Descriptor("shoulder_tilt", "tilting shoulders", "degrees"),
    Descriptor("hip_tilt", "tilting hips", "degrees"),
    Descriptor("leg_foreshortening", "legs at their shortest over their longest", ""),
    Descriptor("holds", "held still", "of the time"),
    Descriptor("outbursts", "95th percentile of the speed over its mean", ""),
    Descriptor("jitter", "acceleration over speed, a frame", ""),
    Descriptor("returns", "likeness to eight beats before", "1 is the same"),
    Descriptor("bar_novelty", "distance from the most like bar before", "of two at random"),
    Descriptor("bar_energy", "change of speed from bar to bar", "of the mean"),
)


def _real() -> dict[str, tuple[float, float]]:
    kept = json.loads(Path(__file__).with_name("real_dances.json").read_text(encoding="utf-8"))
    return {name: (float(mean), float(sd)) for name, (mean, sd) in kept["mean_sd"].items()}


REAL = _real()
"""Mean and standard deviation of each descriptor over real dances."""


def validate(poses: PoseSequence) -> None:
    """Check the motion (`curves.validate`)."""
    curves.validate(poses)


def body_sizes(poses: PoseSequence) -> np.ndarray:
    """Joints (T, 14, 2) in body sizes, y down; hidden ones interpolated, a detector's errors repaired."""
    poses = to_openpose18(poses)
    points = poses.keypoints[:, : len(BODY)].astype(float) * poses.canvas
    points[poses.scores[:, : len(BODY)] <= 0] = np.nan
    points = filled(points)
    calm = median_filter(points, size=(5, 1, 1))
    height = np.median(np.ptp(points[..., 1], axis=1))
    slips = np.linalg.norm(points - calm, axis=-1) > SPIKE * height
    points[slips] = calm[slips]
    size = sum(np.percentile(length, 95) for length in phrases.lengths(points))
    return points / max(float(size), 1e-9)


def describe(poses: PoseSequence, beats: np.ndarray) -> dict[str, float]:
    """The descriptors of one dance.

    Parameters
    ----------
    poses : PoseSequence
        Any skeleton that has the body's joints.
    beats : (B,)
        Seconds.

    Returns
    -------
    dict
        NaN for what cannot be measured: everything in dances of fewer than 13 beats, bars in those of fewer than
        three.

    Raises
    ------
    TemposeError
        Fewer than four frames, or nobody to be seen.
    """
    validate(poses)
    points, end = body_sizes(poses), (len(poses) - 1) / poses.fps
    beats = np.asarray(beats, float)
    beats = beats[(beats >= -1e-6) & (beats <= end + 0.02)]
    found = {d.name: float("nan") for d in DESCRIPTORS}
    measured = [phrases.measure(p) for p in _phrases(points, poses.fps, beats)]
    for name in measured[0] if measured else ():
        found[name] = float(np.mean([m[name] for m in measured]))
    return found | structure(points, poses.fps, beats[beats <= end])


def structure(points: np.ndarray, fps: float, beats: np.ndarray) -> dict[str, float]:
    """What returns, and what changes from bar to bar.

    Parameters
    ----------
    points : (T, 14, 2)
        In body sizes.
    fps : float
    beats : (B,)
        Seconds, within the dance; bars are counted from the first.
    """
    if len(beats) < 9:
        return {}
    count = len(beats) - 1
    at = np.interp(np.arange(count * DETAIL) / DETAIL, np.arange(len(beats)), beats) * fps
    low = np.minimum(at.astype(int), len(points) - 2)
    part = (at - low)[:, None, None]
    hips = points[:, phrases.HIPS].mean(1, keepdims=True)
    poses = (points - hips)[:, PARTS]
    poses = poses[low] * (1 - part) + poses[low + 1] * part  # (8N, 12, 2) in beat time
    spread = max(float(((poses - poses.mean(0)) ** 2).sum(-1).mean()), 1e-12)
    found = {}
    if count >= LEAST:
        ago = 8 * DETAIL
        found["returns"] = float(1 - ((poses[ago:] - poses[:-ago]) ** 2).sum(-1).mean() / (2 * spread))
    bars = count // BAR
    if bars >= 3:
        each = poses[: bars * BAR * DETAIL].reshape(bars, BAR * DETAIL, len(PARTS), 2)
        mirrored = each[:, :, _MIRRORED] * (-1, 1)
        nearest = [
            min(
                min(((each[i] - each[j]) ** 2).sum(-1).mean(), ((each[i] - mirrored[j]) ** 2).sum(-1).mean())
                for j in range(i)
            )
            for i in range(1, bars)
        ]
        found["bar_novelty"] = float(np.mean(np.sqrt(np.asarray(nearest) / (2 * spread))))
        pace = np.linalg.norm(np.diff(each, axis=1), axis=-1).mean((1, 2))
        found["bar_energy"] = float(pace.std() / max(pace.mean(), 1e-12))
    return found


def deviations(dances: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Deviation of the mean over dances from real dances, in standard deviations; NaN if none could be measured."""
    out = {}
    for name, (mean, sd) in REAL.items():
        known = [d[name] for d in dances if np.isfinite(d[name])]
        out[name] = (float(np.mean(known)) - mean) / max(sd, 1e-9) if known else float("nan")
    return out


def evaluate(dance: Dance) -> dict[str, float]:
    """`describe` of a dance to its own beats."""
    return describe(dance.poses, dance.beat_times)


def _phrases(points: np.ndarray, fps: float, beats: np.ndarray):
    """The phrases of a dance, overlapping by half."""
    for first in range(0, max(1, len(beats) - BEATS), HOP):
        last = min(first + BEATS, len(beats) - 1)
        if last - first >= LEAST:
            start, stop = round(float(beats[first]) * fps), round(float(beats[last]) * fps) + 1
            bpm = 60 / float(np.median(np.diff(beats[first : last + 1])))
            yield Phrase(points[start:stop], fps, last - first, bpm)


def _other_side(joint: str) -> str:
    side, _, part = joint.partition("_")
    return (
        f"{ {'left': 'right', 'right': 'left'}[side] }_{part}"
        if part and side in ("left", "right")
        else joint
    )


_MIRRORED = [PARTS.index(OPENPOSE_18.index(_other_side(BODY[i]))) for i in PARTS]

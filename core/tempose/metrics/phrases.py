"""How a body moves in one phrase of dance: the descriptors that `vocabulary` averages over a dance.

Convention
----------
A `Phrase` is a stretch of some 16 beats. Lengths are in sizes of the body (trunk, thigh, shin and neck, each at
its 95th percentile over the dance), y down, speeds per second, other rates per beat or per 16 beats as named.
All is measured on the 14 joints of the body without the face, smoothed by a Gaussian of one frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.signal import argrelextrema

from tempose_pose.request import runs
from tempose_pose.skeletons import OPENPOSE_18

BODY = tuple(OPENPOSE_18.joints[:14])  # nose, neck, arms, legs
_J = {joint: i for i, joint in enumerate(BODY)}
NOSE, NECK = _J["nose"], _J["neck"]


def _pair(part: str) -> list[int]:
    """The part's joints on the right and on the left."""
    return [_J[f"right_{part}"], _J[f"left_{part}"]]


SHOULDERS, ELBOWS, WRISTS = _pair("shoulder"), _pair("elbow"), _pair("wrist")
HIPS, KNEES, ANKLES = _pair("hip"), _pair("knee"), _pair("ankle")
PARTS = [i for i in range(len(BODY)) if i not in HIPS]  # parts that move relative to the hips

BEATS = 16
FORWARD = 0.5  # share of the shoulders' full width below which a body is turned by more than 60 degrees
SIDE = 0.3  # share of the width beyond which it is clear which way the body looks
RAISED = 0.04  # height above the ground at which a foot has left it
KICK = 0.18
JUMP, JUMP_FRAMES, JUMP_SECONDS = 0.05, 3, 0.8  # a jump: both feet off the ground by this much, for this long
CROUCHED = 0.85  # of the straight leg's length
BEARING, BEARING_RISE = 0.03, 0.2  # a foot that carries: near to the ground, hardly rising or falling
STROKE = 0.12  # shortest path of a wrist that counts as a stroke
HOLD = 0.3  # of the mean speed


@dataclass(frozen=True, eq=False)
class Phrase:
    """One phrase.

    Parameters
    ----------
    points : (T, 14, 2)
        In body sizes, y down.
    fps : float
    beats : int
        Its length in beats.
    bpm : float
    """

    points: np.ndarray
    fps: float
    beats: int
    bpm: float

    @cached_property
    def smooth(self) -> np.ndarray:
        """(T, 14, 2)."""
        return gaussian_filter1d(self.points, 1.0, axis=0)

    @cached_property
    def hips(self) -> np.ndarray:
        """(T, 2) between the hips."""
        return self.smooth[:, HIPS].mean(1)

    @cached_property
    def pose(self) -> np.ndarray:
        """(T, 12, 2) of `PARTS`, seen from the hips."""
        return (self.smooth - self.hips[:, None])[:, PARTS]

    @cached_property
    def speeds(self) -> np.ndarray:
        """(T - 1, 14) of the joints, per second."""
        return _speed(self.smooth, self.fps)

    @cached_property
    def ankles(self) -> np.ndarray:
        """(T, 2, 2)."""
        return self.smooth[:, ANKLES]

    @cached_property
    def lift(self) -> np.ndarray:
        """(T, 2) height of the ankles above the ground, which is the lowest ankle within 1.5 s."""
        ground = maximum_filter1d(self.ankles[..., 1].max(1), int(3 * self.fps))
        return np.maximum(0, ground[:, None] - self.ankles[..., 1])

    def per_beats(self, count: float, beats: int = BEATS) -> float:
        """How many in so many beats."""
        return count / self.beats * beats


def speed(p: Phrase) -> dict[str, float]:
    """Of the whole body and of its parts."""
    return {
        "speed": float(p.speeds.mean(1).mean()),
        "wrist_speed": float(p.speeds[:, WRISTS].mean()),
        "ankle_speed": float(p.speeds[:, ANKLES].mean()),
        "hip_speed": float(_speed(p.hips, p.fps).mean()),
    }


def shares(p: Phrase) -> dict[str, float]:
    """Shares of all motion, by squared speeds, of the legs (relative to the hips) and of the whole body's travel.

    The rest is the arms' (relative to the neck) and the trunk's.
    """

    def power(points: np.ndarray, joints: list[int]) -> float:
        return float((_speed(points[:, joints], p.fps) ** 2).mean(0).sum())

    from_hips = p.smooth - p.hips[:, None]
    arms = power(p.smooth - p.smooth[:, [NECK]], ELBOWS + WRISTS)
    legs, trunk = power(from_hips, KNEES + ANKLES), power(from_hips, [NOSE, NECK])
    root = 11 * float((_speed(p.hips, p.fps) ** 2).mean())
    total = arms + legs + trunk + root + 1e-9
    return {"share_legs": legs / total, "share_root": root / total}


def variety(p: Phrase) -> dict[str, float]:
    """The number of distinct poses, their dimensions, and their distance from the mean pose."""
    seen: list[np.ndarray] = []  # poses at least 0.1 of a body apart
    for pose in p.pose[::3]:
        if all(np.linalg.norm(pose - other, axis=-1).mean() > 0.10 for other in seen):
            seen.append(pose)
    flat = p.pose.reshape(len(p.pose), -1)
    flat = flat - flat.mean(0)
    spread = np.linalg.eigvalsh(np.cov(flat.T))
    spread = spread[spread > 0]
    return {
        "poses": p.per_beats(len(seen)),
        "pose_dimensions": float(spread.sum() ** 2 / (spread**2).sum()) if len(spread) else 0.0,
        "pose_amplitude": float(np.sqrt(flat.var(0).sum() / len(PARTS))),
    }


def turns(p: Phrase) -> dict[str, float]:
    """Share of time turned sideways, by the shoulders' width; how often the body turns from one side to the other."""
    trunk = np.percentile(np.linalg.norm(p.smooth[:, NECK] - p.hips, axis=-1), 95)
    across = p.smooth[:, SHOULDERS[1], 0] - p.smooth[:, SHOULDERS[0], 0]
    width = max(np.percentile(np.abs(across), 98), 0.5 * trunk)
    facing = np.clip(across / max(width, 1e-9), -1, 1)
    clear = np.sign(facing[np.abs(facing) > SIDE])
    return {
        "turned_aside": float((np.abs(facing) < FORWARD).mean()),
        "flips": p.per_beats(float((np.diff(clear) != 0).sum())),
    }


def travel(p: Phrase) -> dict[str, float]:
    """Space used within eight beats; rise and fall of the hips around their mean, by the beat."""
    frames = max(2, round(8 * 60 / p.bpm * p.fps))
    starts = range(0, max(1, len(p.hips) - frames + 1), max(1, frames // 4))
    beat = 60 / p.bpm * p.fps
    x, y = p.hips.T
    return {
        "travel_across": float(np.mean([np.ptp(x[i : i + frames]) for i in starts])),
        "travel_up": float(np.mean([np.ptp(y[i : i + frames]) for i in starts])),
        "bounce": float((y - gaussian_filter1d(y, 0.6 * beat)).std()),
        "sway": float((x - gaussian_filter1d(x, 1.2 * beat)).std()),
    }


def steps(p: Phrase) -> dict[str, float]:
    """Feet that leave the ground and come back: how often, how high, how far; kicks and jumps."""
    heights, lengths = [], []
    for side in (0, 1):
        for start, stop in runs(p.lift[:, side] > RAISED):
            if stop - start >= 3 and start > 0 and stop < len(p.lift):
                heights.append(p.lift[start:stop, side].max())
                lengths.append(np.linalg.norm(p.ankles[stop, side] - p.ankles[start - 1, side]))
    flights = [stop - start for start, stop in runs(p.lift.min(1) > JUMP)]
    return {
        "steps": p.per_beats(len(heights), 1),
        "step_height": _mean(heights),
        "step_length": _mean(lengths),
        "kicks": p.per_beats(sum(bool(height > KICK) for height in heights)),
        "jumps": p.per_beats(sum(bool(JUMP_FRAMES <= frames <= JUMP_SECONDS * p.fps) for frames in flights)),
    }


def stance(p: Phrase) -> dict[str, float]:
    """Crouching, feet apart, bent joints, feet that slide while they carry."""
    long = [np.percentile(length, 95) for length in _leg_lengths(p.smooth)]
    leg = p.ankles[..., 1].max(1) - p.hips[:, 1]
    straight = max(np.percentile(leg, 97), long[0] + long[1])
    apart = np.abs(p.ankles[:, 0, 0] - p.ankles[:, 1, 0])
    velocity = np.diff(p.ankles, axis=0) * p.fps
    bears = (p.lift[1:] < BEARING) & (np.abs(velocity[..., 1]) < BEARING_RISE)
    return {
        "crouching": float((leg / max(straight, 1e-9) < CROUCHED).mean()),
        "stance_change": float(apart.std()),
        "knee_change": _bend(p, HIPS, KNEES, ANKLES),
        "elbow_change": _bend(p, SHOULDERS, ELBOWS, WRISTS),
        "foot_slide": float(np.abs(velocity[..., 0])[bears].mean()) if bears.any() else 0.0,
    }


def arms(p: Phrase) -> dict[str, float]:
    """Hands above the head; strokes of the wrists from stop to stop: how round, how long."""
    wrists = p.smooth[:, WRISTS] - p.smooth[:, [NECK]]  # (T, 2, 2)
    rounds, lengths = [], []
    for side in (0, 1):
        pace = _speed(wrists[:, side], p.fps)
        stops = argrelextrema(gaussian_filter1d(pace, 1.5), np.less_equal, order=2)[0]
        stops = np.concatenate([[0], stops, [len(pace) - 1]])
        for start, stop in pairwise(stops):
            path = pace[start:stop].sum() / p.fps
            if stop - start >= 4 and path > STROKE:
                rounds.append(1 - np.linalg.norm(wrists[stop, side] - wrists[start, side]) / path)
                lengths.append(path)
    above = p.smooth[:, WRISTS, 1] < p.smooth[:, [NOSE], 1] - 0.03
    return {
        "hands_above_head": float(above.mean()),
        "roundness": _mean(rounds),
        "stroke_length": _mean(lengths),
    }


def torso(p: Phrase) -> dict[str, float]:
    """Leaning, tilting shoulders and hips; legs that point at the viewer."""
    up = p.smooth[:, NECK] - p.hips

    def tilt(pair: list[int]) -> float:
        across = p.smooth[:, pair[1]] - p.smooth[:, pair[0]]
        return float(np.degrees(np.arctan2(across[:, 1], np.abs(across[:, 0]) + 0.03)).std())

    bones = [
        np.linalg.norm(p.smooth[:, a] - p.smooth[:, b], axis=-1)
        for pair in (zip(HIPS, KNEES, strict=True), zip(KNEES, ANKLES, strict=True))
        for a, b in pair
    ]
    return {
        "lean_change": float(np.degrees(np.arctan2(up[:, 0], -up[:, 1])).std()),
        "shoulder_tilt": tilt(SHOULDERS),
        "hip_tilt": tilt(HIPS),
        "leg_foreshortening": _mean([np.percentile(b, 5) / max(np.percentile(b, 95), 1e-9) for b in bones]),
    }


def dynamics(p: Phrase) -> dict[str, float]:
    """Stillness and outbursts against the mean speed; jitter, by the unsmoothed joints."""
    pace = gaussian_filter1d(p.speeds.mean(1), 1.5)
    first, second = (np.linalg.norm(np.diff(p.points, n, axis=0), axis=-1).mean() for n in (1, 2))
    return {
        "holds": float((pace < HOLD * pace.mean()).mean()),
        "outbursts": float(np.percentile(pace, 95) / max(pace.mean(), 1e-9)),
        "jitter": float(second / max(first, 1e-9)),
    }


MEASURES: tuple[Callable[[Phrase], dict[str, float]], ...] = (
    speed, shares, variety, turns, travel, steps, stance, arms, torso, dynamics,
)  # fmt: skip


def measure(phrase: Phrase) -> dict[str, float]:
    """All descriptors of one phrase."""
    return {name: value for group in MEASURES for name, value in group(phrase).items()}


def lengths(points: np.ndarray) -> list[np.ndarray]:
    """Lengths (T,) of trunk, thigh, shin and neck; of both legs the longer one, which points less at the viewer."""
    trunk = np.linalg.norm(points[:, NECK] - points[:, HIPS].mean(1), axis=-1)
    return [trunk, *_leg_lengths(points), np.linalg.norm(points[:, NOSE] - points[:, NECK], axis=-1)]


def _leg_lengths(points: np.ndarray) -> list[np.ndarray]:
    def longer(upper: list[int], lower: list[int]) -> np.ndarray:
        return np.linalg.norm(points[:, upper] - points[:, lower], axis=-1).max(1)

    return [longer(HIPS, KNEES), longer(KNEES, ANKLES)]


def _bend(p: Phrase, upper: list[int], joint: list[int], lower: list[int]) -> float:
    """Standard deviation of a joint's angle, degrees, mean of both sides."""
    a, b = p.smooth[:, upper] - p.smooth[:, joint], p.smooth[:, lower] - p.smooth[:, joint]  # (T, 2, 2)
    size = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    angle = np.degrees(np.arccos(np.clip((a * b).sum(-1) / (size + 1e-9), -1, 1)))
    return float(angle.std(0).mean())


def _speed(points: np.ndarray, fps: float) -> np.ndarray:
    """(T - 1, …) of points (T, …, 2)."""
    return np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps


def _mean(values: list) -> float:
    return float(np.mean(values)) if values else 0.0

"""Dances made by formula, the same in every run, for metrics to be tested on."""

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

FPS = 30.0
STANDING = standing_pose().keypoints[0]
BEATS = np.arange(0.25, 20, 0.5)  # 120 BPM


def lively(seconds: float = 24.0, bpm: float = 116.0) -> tuple[PoseSequence, np.ndarray]:
    """A dancer who steps, kicks, crouches, turns and waves; poses, and its beats in seconds."""
    time = np.arange(round(seconds * FPS)) / FPS
    beat = time * bpm / 60
    points = np.repeat(standing_pose(0.6).keypoints.astype(float), len(time), 0)
    at = OPENPOSE_18.at

    def move(joints: str, across=0.0, up=0.0) -> None:
        for joint in joints.split():
            points[:, at[joint], 0] += across
            points[:, at[joint], 1] -= up

    legs = "left_knee left_ankle right_knee right_ankle"
    upper = " ".join(j for j in OPENPOSE_18.joints if j not in legs.split())
    crouch = 0.04 * (1 - np.cos(np.pi * beat / 2)) + 0.012 * np.cos(2 * np.pi * beat)
    sway = 0.08 * np.sin(np.pi * beat / 8) + 0.02 * np.sin(np.pi * beat)
    move(upper, sway, -crouch)
    move(legs, sway)
    for side, sign, late in (("left", 1, 0), ("right", -1, 1)):
        lift = 0.09 * np.maximum(0, np.sin(np.pi * (beat + late))) * (1 + np.sin(np.pi * beat / 16) ** 2)
        move(f"{side}_ankle", sign * 0.5 * lift, lift)
        move(f"{side}_knee", sign * 0.6 * lift, 0.6 * lift)
        wave = np.sin(np.pi * (beat / 2 + late / 2))
        move(f"{side}_wrist", sign * 0.06 * np.cos(np.pi * beat), 0.2 + 0.2 * wave)
        move(f"{side}_elbow", sign * 0.03 * np.cos(np.pi * beat), 0.08 + 0.09 * wave)
    turn = np.cos(np.pi * beat / 12)[:, None]
    middle = points[:, [at["left_hip"], at["right_hip"]], 0].mean(1, keepdims=True)
    points[..., 0] = middle + (points[..., 0] - middle) * turn
    return PoseSequence(points, np.ones(points.shape[:2]), FPS, OPENPOSE_18), np.arange(0, seconds, 60 / bpm)


def sequence(offsets: np.ndarray, fps: float = 30.0) -> PoseSequence:
    """The standing figure moved by (T, K or 1, 2) offsets, in body heights."""
    keypoints = STANDING + 0.7 * np.asarray(offsets)
    return PoseSequence(keypoints, np.ones(keypoints.shape[:2]), fps, OPENPOSE_18)


def dancer(seconds=20.0, fps=30.0, bpm=120.0, first=0.25, delay=0.0, seed=0) -> PoseSequence:
    """Every joint travels to a new place each beat and stops there, exactly on the beat."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * fps)) / fps
    position = (t - first - delay) * bpm / 60
    index = np.floor(position).astype(int) + 2
    part = position - np.floor(position)
    eased = (1 - np.cos(np.pi * part)) / 2
    places = random.normal(0, 0.06, (index.max() + 2, 18, 2))
    return sequence(
        places[index] * (1 - eased)[:, None, None] + places[index + 1] * eased[:, None, None], fps
    )


def noise(seconds=20.0, fps=30.0, seed=0) -> PoseSequence:
    """Every joint jumps about its place."""
    return sequence(np.random.default_rng(seed).normal(0, 0.02, (round(seconds * fps), 18, 2)), fps)


def dance(poses: PoseSequence, beat_times=BEATS, seams=()) -> Dance:
    """Poses as a dance to these beats."""
    beat_times = np.asarray(beat_times, float)
    return Dance(poses, beat_times, beat_times[::4], np.asarray(seams, int), 0, "test")

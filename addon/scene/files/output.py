# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses out of the scene, and poses from files as takes."""

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from ...model.character import reference
from ...model.character.extremities import carried
from ...model.dance.dance import DanceData
from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.files.poses import Poses, bridged, whole
from ...model.tempo.timing import resample
from .. import compat
from ..character import character
from ..dance import stage
from ..reading import Reading
from . import rig_reading


def from_take(take, rate: float) -> Poses:
    """A take's own poses at a frame rate, from its first frame on the timeline."""
    data = stage.data_of(take)
    dance = data.dance
    seconds = np.arange(max(1, round(len(dance.keypoints) / dance.fps * rate))) / rate
    pixels, scores = resample(dance.pixels, dance.scores, dance.fps, seconds)
    pixels, scores = np.asarray(pixels, float), np.asarray(scores, float)
    return Poses(
        pixels, scores, rate, dance.canvas, _more(take, dance, seconds, pixels, scores), dance.beat_times,
        dance.downbeat_times, dance.seed, dance.model_revision,
    )  # fmt: skip


def _more(take, dance: DanceData, seconds, pixels: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Hands and feet of a take: its own, or those of its rig at rest, carried along; None where neither has any."""
    if dance.more is not None:
        own, sure = resample(dance.more[..., :2], dance.more[..., 2], dance.fps, seconds)
        return np.concatenate([np.asarray(own, float) * dance.canvas, np.asarray(sure)[..., None]], 2)
    if character.why_not(take.rig):
        return None
    pose = character.pose_of(take.rig, current=False)
    scale = np.asarray(dance.canvas, float) / pose.canvas
    more = {joint: np.asarray(at) * scale for joint, at in pose.more.items()}
    return carried(pixels, scores, pose.keypoints * scale, more) if more else None


def as_take(poses: Poses, name: str, frame: float) -> Take:
    """Poses from a file as a take that begins at a frame; the model is not asked. Any thread."""

    def completed(points, scores):
        return reference.complete(points, scores, poses.canvas).keypoints

    points, scores = whole(poses, completed)
    dance = DanceData(
        (points / np.asarray(poses.canvas, float)).astype(np.float32),
        scores.astype(np.float32),
        poses.fps,
        poses.canvas,
        list(poses.beats),
        list(poses.downbeats),
        [],
        poses.seed,
        poses.revision,
        _shares(poses),
    )
    seconds = len(points) / poses.fps
    settings = {"left": float(frame), "imported": name}
    return Take(dance, [[0.0, 0.0], [seconds, seconds]], 0.0, seconds, "", settings)


def _shares(poses: Poses) -> np.ndarray | None:
    """Hands and feet as a dance has them, without gaps in time."""
    if poses.more is None:
        return None
    points, scores = bridged(poses.more[..., :2], poses.more[..., 2])
    shares = points / np.asarray(poses.canvas, float)
    return np.concatenate([shares, scores[..., None]], 2).astype(np.float32)


def rate_of(scene) -> float:
    """Frames per second to write."""
    return scene.tempose.output.rate or compat.rate_of(scene)


def reading(now: Reading) -> Callable[[], Any]:
    """What reads the poses that the settings ask for; for `Job.main`."""
    scene = now.scene
    choice, rate, name = scene.tempose.output, rate_of(scene), scene.name
    if choice.source == "RIG":
        rig, camera = now.rig.name, choice.view == "CAMERA"
        return lambda: rig_reading.read(name, rig, rate, camera)
    take = now.take
    if take is None:
        raise Problem("no_take", "There is no take: generate one, or write the character.")
    mark = take.identity
    return lambda: from_take(stage.of_identity(bpy.data.scenes[name].tempose, mark), rate)


def reason(now: Reading) -> str:
    """Why nothing can be written, or nothing."""
    if now.settings.output.source == "TAKE":
        return "" if now.take is not None else "There is no take; generate one"
    return now.no_rig

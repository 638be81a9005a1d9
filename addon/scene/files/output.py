# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses out of the scene, and poses from files as takes."""

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from tempose_pose.completing import whole
from tempose_pose.dance import Dance
from tempose_pose.limits import MAX_FRAMES
from tempose_pose.sequence import PoseSequence, bridged, convert, of_joints
from tempose_pose.skeletons import EXTREMITIES, OPENPOSE_18, Skeleton

from ...model.character.extremities import carried
from ...model.dance.dance import DanceData
from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.tempo.timing import resample
from .. import compat
from ..character import character
from ..dance import stage
from ..reading import Reading
from . import rig_reading

_HANDS_AND_FEET = Skeleton("hands_and_feet", EXTREMITIES, (-1,) * len(EXTREMITIES), ())


def from_take(take, rate: float) -> Dance:
    """A take's own poses at a frame rate, from its first frame on the timeline."""
    data = stage.data_of(take)
    dance = data.dance
    seconds = np.arange(max(1, round(len(dance.keypoints) / dance.fps * rate))) / rate
    pixels, scores = resample(dance.pixels, dance.scores, dance.fps, seconds)
    pixels, scores = np.asarray(pixels, float), np.asarray(scores, float)
    joints: tuple[str, ...] = OPENPOSE_18.joints
    more = _more(take, dance, seconds, pixels, scores)
    if more is not None:
        joints = (*joints, *EXTREMITIES)
        pixels = np.concatenate([pixels, more[..., :2]], 1)
        scores = np.concatenate([scores, more[..., 2]], 1)
    poses = of_joints(joints, pixels, scores, rate, dance.canvas)
    beats, downbeats = np.asarray(dance.beat_times, float), np.asarray(dance.downbeat_times, float)
    return Dance(poses, beats, downbeats, np.zeros(0, np.int32), dance.seed, dance.model_revision)


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
    return carried(pixels, scores, pose.points * scale, more) if more else None


def as_take(dance: Dance, name: str, frame: float) -> Take:
    """A dance from a file as a take that begins at a frame; the model is not asked. Any thread."""
    if len(dance.poses) > MAX_FRAMES:
        raise Problem("too_long", f"{name} has more than {MAX_FRAMES} frames. Choose a shorter one.")
    body = whole(dance.poses)
    data = DanceData(
        body.keypoints,
        body.scores,
        body.fps,
        body.canvas,
        dance.beat_times.tolist(),
        dance.downbeat_times.tolist(),
        [],
        dance.seed,
        dance.model_revision,
        _hands_and_feet(dance.poses),
    )
    seconds = len(body) / body.fps
    settings = {"left": float(frame), "imported": name}
    return Take(data, [[0.0, 0.0], [seconds, seconds]], 0.0, seconds, "", settings)


def _hands_and_feet(poses: PoseSequence) -> np.ndarray | None:
    """Hands and feet as a dance has them, without gaps in time; None without any."""
    own = bridged(convert(poses, _HANDS_AND_FEET))
    return np.concatenate([own.keypoints, own.scores[..., None]], 2) if own.scores.any() else None


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

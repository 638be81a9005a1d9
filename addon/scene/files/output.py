# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses exported from the scene, and poses from files as takes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import bpy
import numpy as np

from tempose_pose.completion import whole
from tempose_pose.dance import Dance
from tempose_pose.limits import MAX_FRAMES
from tempose_pose.sequence import PoseSequence, bridged, to_openpose18

from ...model.character.extremities import carried, extremities_of, joined
from ...model.dance.takes import Take
from ...model.errors import Problem, require
from ...model.tempo.timing import Span, resample
from .. import compat
from ..character import character
from ..dance import audition, placement
from ..music import audio
from ..reading import Reading
from ..settings import ListedTake
from . import rig_reading


def from_take(take: ListedTake, rate: float) -> Dance:
    """A take's own poses at a frame rate, from its first frame on the timeline."""
    dance = audition.data_of(take).dance
    poses = dance.poses
    seconds = np.arange(max(1, round(poses.seconds * rate))) / rate
    keypoints, scores = resample(poses.keypoints, poses.scores, poses.fps, seconds)
    poses = replace(poses, keypoints=keypoints, scores=scores, fps=rate)
    if extremities_of(poses) is None:
        poses = joined(poses, _carried(take, poses))
    return replace(dance, poses=poses, seams=np.zeros(0, np.int32))


def _carried(take: ListedTake, poses: PoseSequence) -> np.ndarray | None:
    """Hands and feet (T, 48, 3) of a take's rig at rest, carried along; None without any."""
    if character.why_not(take.rig):
        return None
    pose, body = character.pose_of(require(take.rig), current=False), to_openpose18(poses)
    if not pose.more:
        return None
    scale = np.asarray(body.canvas, float) / pose.canvas
    more = {joint: np.asarray(at) * scale for joint, at in pose.more.items()}
    found = carried(body.pixels.astype(float), body.scores.astype(float), pose.points * scale, more)
    return found / (*body.canvas, 1.0)


def as_take(dance: Dance, name: str, frame: float) -> Take:
    """A dance from a file as a take that begins at a frame, without the model. Any thread."""
    if len(dance.poses) > MAX_FRAMES:
        raise Problem("too_long", f"{name} has more than {MAX_FRAMES} frames. Choose a shorter one.")
    poses = joined(whole(dance.poses), extremities_of(bridged(dance.poses)))
    seconds = poses.seconds
    data = replace(dance, poses=poses, seams=np.zeros(0, np.int32))
    settings = {"left": float(frame), "imported": name}
    return Take(data, [[0.0, 0.0], [seconds, seconds]], 0.0, seconds, "", settings)


def rate_of(scene: bpy.types.Scene) -> float:
    """Frames per second to write."""
    return scene.tempose.output.rate or compat.rate_of(scene)


def reading(now: Reading, usual: float = 0.0) -> Callable[[], Any]:
    """A reader of the poses that the settings choose, for `Work.main`.

    If they set no frame rate, `usual` is used, or else the scene's.
    """
    scene = now.scene
    choice, name = scene.tempose.output, scene.name
    rate = choice.rate or usual or rate_of(scene)
    if choice.source == "RIG":
        rig, camera = now.rig.name, choice.view == "CAMERA"
        return lambda: rig_reading.read(name, rig, rate, camera)
    take = now.take
    if take is None:
        raise Problem("no_take", "There is no take: generate one, or write the character.")
    mark = take.identity
    return lambda: from_take(audition.of_identity(bpy.data.scenes[name].tempose, mark), rate)


def heard(now: Reading) -> Callable[[], bytes | None]:
    """What reads the sound that is heard with those poses; for `Job.main`. None without any."""
    own, span = compat.sound_scene(now.context).name, _span(now)
    return lambda: audio.heard(bpy.context, bpy.data.scenes[own], span())


def begins(now: Reading) -> Callable[[], float]:
    """What tells the frame at which those poses begin; for `Job.main`."""
    span = _span(now)
    return lambda: span().left


def _span(now: Reading) -> Callable[[], Span]:
    """What tells the frames of those poses."""
    scene = now.scene
    rate = compat.rate_of(scene)
    name, own = scene.name, compat.sound_scene(now.context).name
    rig = now.rig.name if now.rig is not None else ""
    mark = now.take.identity if now.take is not None and scene.tempose.output.source == "TAKE" else ""

    def read() -> Span:
        if mark:
            take = audition.of_identity(bpy.data.scenes[name].tempose, mark)
            return placement.span_of(bpy.data.scenes[own], take)
        first, last = rig_reading.frames_of(*rig_reading.both(name, rig))
        return Span(float(first), (last - first + 1) / rate, rate)

    return read


def reason(now: Reading) -> str:
    """Why nothing can be written, or nothing."""
    if now.settings.output.source == "TAKE":
        return "" if now.take is not None else "There is no take; generate one"
    return now.no_rig

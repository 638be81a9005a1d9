# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes and poses in the Asset Browser: Actions that carry their dance, for use on any character."""

from typing import Any

import bpy
import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence

from ...model.character.mapping import BODY
from ...model.dance import phrases, takes, thumbnail
from ...model.errors import Problem
from ...model.keys.key_curves import KeyedCurve
from ..character import character
from ..keys import action_keys, take_keys
from ..reading import Reading
from ..settings import ListedTake
from . import audition

PHRASE = "tempose_phrase"  # custom property of an Action: its take, as text
POSE = "tempose_pose"  # its pose: x, y of each joint, then width and height of the picture
FIGURE = "tempose_figure"  # in the same form, the build of the character that danced it


def action_of(take: ListedTake) -> bpy.types.Action | None:
    """The keys of a take, shown or not; None if there are none now."""
    return take.action or take.hidden_action or take_keys.action_of(take)


def put(take: ListedTake) -> bpy.types.Action:
    """Copy a take's keys into an asset with a picture and tags."""
    data, source = audition.data_of(take), action_of(take)
    if source is None:
        raise Problem("no_keys", "This take has no keys now. Show it first.")
    ob = audition.rig_of(take)
    kept = source.copy()
    for key in list(kept.keys()):
        del kept[key]
    kept.name = " ".join(filter(None, (ob.name, take.style, take.note or take.name)))
    kept[PHRASE] = takes.to_text(data)
    about = f"Danced by {ob.name}, {data.dance.poses.seconds:.1f} seconds"
    _mark(kept, ob, about, phrases.tags(data.dance, take.style, data.settings.get("energy")), take.thumbnail)
    return kept


def put_pose(ob: bpy.types.Object, name: str, tags: list[str]) -> bpy.types.Action:
    """Make an asset of a character's current pose, which Blender's own pose library can apply to it too."""
    pose = character.pose_of(ob, current=True).pose
    names = sorted(set(character.map_of(ob).bones.values()))
    kept = action_keys.write(ob, f"{ob.name} {name}", pose_keys(ob, names), stepped=True)
    kept[POSE] = [*pose.pixels[0].ravel().tolist(), *map(float, pose.canvas)]
    _mark(kept, ob, f"A pose of {ob.name}", ["pose", *tags], thumbnail.thumbnail_of(pose))
    return kept


def pose_keys(ob: bpy.types.Object, bones: list[str]) -> list[KeyedCurve]:
    """A key for each channel of bones in their current pose."""
    curves = []
    for name in bones:
        posed = ob.pose.bones[name]
        turn = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
        for channel in ("location", turn.get(posed.rotation_mode, "rotation_euler"), "scale"):
            path = f'pose.bones["{bpy.utils.escape_identifier(name)}"].{channel}'
            for index, value in enumerate(getattr(posed, channel)):
                curves.append(KeyedCurve(path, index, name, np.array([1]), np.array([float(value)])))
    return curves


def _mark(kept: bpy.types.Action, ob: bpy.types.Object, about: str, tags: list[str], picture: str) -> None:
    """Make an Action an asset, with its picture, tags and character."""
    figure = character.pose_of(ob, current=False).pose
    kept[FIGURE] = [*figure.pixels[0].ravel().tolist(), *map(float, figure.canvas)]
    kept.use_fake_user = True
    kept.asset_mark()
    kept.asset_data.description = about
    for tag in tags:
        kept.asset_data.tags.new(tag, skip_if_exists=True)
    pixels = thumbnail.picture(picture) if picture else None
    if pixels is not None:
        preview = kept.preview_ensure()
        preview.image_size = pixels.shape[:2]
        preview.image_pixels_float = pixels.ravel()


def known() -> list[bpy.types.Action]:
    """The phrases in this file, including appended and linked ones."""
    return [action for action in bpy.data.actions if PHRASE in action]


def kept_names() -> list[str]:
    """The names of all phrases and poses in this file."""
    return [action.name for action in bpy.data.actions if PHRASE in action or POSE in action]


def named(name: str) -> bpy.types.Action:
    """A phrase or a pose by its name; raises if it has gone."""
    action = bpy.data.actions.get(name)
    if action is None or (PHRASE not in action and POSE not in action):
        raise Problem("phrase_gone", "This is not in the file any more. Choose another dance or pose.")
    return action


def read(action: bpy.types.Action) -> tuple[Dance, PoseSequence]:
    """The dance of a phrase, or a kept pose as a dance of one frame; and the reference pose of its character."""
    figure = _pose(action[FIGURE])
    if PHRASE in action:
        return takes.from_text(str(action[PHRASE])).dance, figure
    return Dance.of(_pose(action[POSE])), figure


def _pose(kept: Any) -> PoseSequence:
    numbers = np.array(kept, float)
    canvas = (int(numbers[-2]), int(numbers[-1]))
    points = (numbers[:-2].reshape(1, len(BODY), 2) / canvas).astype(np.float32)
    return PoseSequence(points, np.ones(points.shape[:2], np.float32), 30.0, BODY, canvas)


def beats_from(now: Reading, frame: float) -> np.ndarray:
    """Frames (not whole) of the song's beats, from the first bar at or after a frame; empty without a grid."""
    if now.grid is None or now.playback is None or not now.has_beats or now.beats is None:
        return np.zeros(0)
    playback = now.staging.for_keys(now.playback)
    beats = np.asarray(playback.frame_at(np.asarray(now.beats.beats, float)))
    bars = np.asarray(playback.frame_at(np.asarray(now.beats.downbeats, float)))
    bars = bars[bars >= frame - 0.5]
    return beats[beats >= (float(bars[0]) if len(bars) else frame) - 0.5]

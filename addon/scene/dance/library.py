# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in the Asset Browser: Actions that know the dance they were made of, so that any character can dance it."""

import bpy
import numpy as np

from tempose_pose.sequence import PoseSequence

from ...model.character.mapping import BODY
from ...model.dance import phrases, takes, thumbnail
from ...model.dance.takes import Take
from ...model.errors import Problem
from ..character import character
from ..keys import take_keys
from ..reading import Reading
from ..settings import ListedTake
from . import audition

PHRASE = "tempose_phrase"  # custom property of an Action: its take, as text
FIGURE = "tempose_figure"  # and the pose of who danced it: x, y of each joint, then width and height of the picture


def action_of(take: ListedTake) -> bpy.types.Action | None:
    """The keys of a take, shown or not; None where there are none now."""
    return take.action or take.hidden_action or take_keys.action_of(take)


def put(take: ListedTake) -> bpy.types.Action:
    """A copy of a take's keys as an asset, with its picture and tags."""
    data, source = audition.data_of(take), action_of(take)
    if source is None:
        raise Problem("no_keys", "This take has no keys now. Show it first.")
    ob = audition.rig_of(take)
    kept = source.copy()
    for key in list(kept.keys()):
        del kept[key]
    kept.name = " ".join(filter(None, (ob.name, take.style, take.note or take.name)))
    figure = character.pose_of(ob, current=False).pose
    kept[PHRASE] = takes.to_text(data)
    kept[FIGURE] = [*figure.pixels[0].ravel().tolist(), *map(float, figure.canvas)]
    kept.asset_mark()
    about = kept.asset_data
    about.description = f"Danced by {ob.name}, {data.dance.poses.seconds:.1f} seconds"
    for tag in phrases.tags(data.dance, take.style, data.settings.get("energy")):
        about.tags.new(tag, skip_if_exists=True)
    pixels = thumbnail.picture(take.thumbnail) if take.thumbnail else None
    if pixels is not None:
        preview = kept.preview_ensure()
        preview.image_size = pixels.shape[:2]
        preview.image_pixels_float = pixels.ravel()
    return kept


def known() -> list[bpy.types.Action]:
    """The phrases in this file, appended and linked ones too."""
    return [action for action in bpy.data.actions if PHRASE in action]


def read(action: bpy.types.Action) -> tuple[Take, PoseSequence]:
    """The dance of a phrase, and the pose of who danced it."""
    data = takes.from_text(str(action[PHRASE]))
    numbers = np.array(action[FIGURE], float)
    canvas = (int(numbers[-2]), int(numbers[-1]))
    skeleton = BODY
    points = (numbers[:-2].reshape(1, len(skeleton), 2) / canvas).astype(np.float32)
    return data, PoseSequence(points, np.ones(points.shape[:2], np.float32), 30.0, skeleton, canvas)


def beats_from(now: Reading, frame: float) -> np.ndarray:
    """Frames (not whole) of the song's beats, from the first bar at or after a frame on; none without a grid."""
    if now.grid is None or now.playback is None or not now.has_beats or now.beats is None:
        return np.zeros(0)
    playback = now.staging.for_keys(now.playback)
    beats = np.asarray(playback.frame_at(np.asarray(now.beats.beats, float)))
    bars = np.asarray(playback.frame_at(np.asarray(now.beats.downbeats, float)))
    bars = bars[bars >= frame - 0.5]
    return beats[beats >= (float(bars[0]) if len(bars) else frame) - 0.5]

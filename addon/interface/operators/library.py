# SPDX-License-Identifier: GPL-3.0-or-later
"""The library: takes and poses in the Asset Browser, for any character."""

from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from bpy.props import EnumProperty

from tempose_pose.dance import Dance

from ...model.dance import groups, kept_poses, phrases
from ...model.dance.takes import Take
from ...model.errors import require
from ...scene.character import character
from ...scene.dance import audition, library, order, placement
from ...scene.files import output, rig_reading
from ...scene.keys import background_keys, take_keys
from ...scene.reading import Reading, at_press
from .buttons import ActionButton, TaskButton
from .dance import DanceButton

_listed: list[tuple[str, str, str]] = []  # Blender needs the texts for as long as the menu is open


def _phrases(_self: Any, _context: bpy.types.Context | None):
    _listed[:] = [(action.name, action.name, "A dance in the library") for action in library.known()]
    return _listed


class TEMPOSE_OT_add_to_library(ActionButton, bpy.types.Operator):
    """Keep the chosen take in the Asset Browser, with its picture, style, tempo, bars and energy"""

    bl_idname = "tempose.add_to_library"
    bl_label = "Add to Library"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_take

    def act(self, context: bpy.types.Context):
        kept = library.put(require(audition.active(context.scene.tempose)))
        return f"'{kept.name}' is in the Asset Browser, under Current File, with the tags {_tags(kept)}."


def _tags(action: bpy.types.Action) -> str:
    return ", ".join(tag.name for tag in require(action.asset_data).tags)


class TEMPOSE_OT_dance_phrase(TaskButton, bpy.types.Operator):
    """Make the character dance a dance from the library, beat by beat, from the first bar at the playhead"""

    bl_idname = "tempose.dance_phrase"
    bl_label = "Dance from Library"
    bl_options = {"REGISTER", "UNDO"}
    title = "Dancing from the library"

    phrase: EnumProperty(name="Dance", description="Which dance of the library", items=_phrases)

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_rig or ("" if library.known() else "Add a take to the library first")

    def prepare(self, context: bpy.types.Context):
        now = at_press(context)
        action = library.named(self.phrase)
        kept, figure = library.read(action)
        ob, scene, label = require(now.rig), now.scene, action.name
        own = character.pose_of(ob, current=False).pose
        frames = library.beats_from(now, scene.frame_current)
        first = float(frames[0]) if len(frames) else float(scene.frame_current)
        seconds = (frames - first) / placement.rate_of_import(scene)
        self._scene, self._rig = name, mine = scene.name, ob.name

        def plan(data: Take):
            scene, ob = rig_reading.both(name, mine)
            return take_keys.plan(data, ob, placement.span_of_import(scene, data), scene.tempose)

        def task(work: Any):
            danced: Dance = groups.on_figure(phrases.on_beats(kept, seconds), figure, own)
            data = output.as_take(danced, label, first)
            return data, label, background_keys.make_ready(work, lambda: plan(data))

        return task

    def apply(self, context: bpy.types.Context, result: tuple[Take, str, background_keys.Ready]):
        data, label, ready = result
        scene, ob = rig_reading.both(self._scene, self._rig)
        take = audition.add(scene.tempose, ob, data, placement.span_of_import(scene, data), ready=ready)
        return f"{take.name}, '{label}', is shown on '{ob.name}' from frame {data.settings['left']:.0f} on."


class TEMPOSE_OT_add_pose_to_library(ActionButton, bpy.types.Operator):
    """Keep the character's current pose in the Asset Browser, with its picture"""

    bl_idname = "tempose.add_pose_to_library"
    bl_label = "Add Pose to Library"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_rig

    def act(self, context: bpy.types.Context):
        now = Reading(context)
        style = now.take.style if now.take is not None and now.take.rig == now.rig else ""
        kept = library.put_pose(require(now.rig), f"pose {now.scene.frame_current}", [style] if style else [])
        return f"'{kept.name}' is in the Asset Browser, under Current File, with the tags {_tags(kept)}."


class TEMPOSE_OT_dance_with(DanceButton, bpy.types.Operator):
    """Dance the range with the chosen dance or pose in it: at its start, at its end, or at the playhead"""

    bl_idname = "tempose.dance_with"
    bl_label = "Dance With It"
    bl_options = {"REGISTER", "UNDO"}
    title = "Dancing with the library"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return super().disabled_reason(now) or (
            "" if now.settings.generate.phrase else "Choose a dance or a pose of the library first"
        )

    def ask(self, now: Reading):
        choice = now.settings.generate
        kept, figure = library.read(library.named(choice.phrase))
        asked = order.order(now, False)
        request = asked.request
        song = request.grid.beats if request.grid is not None else np.zeros(0)
        beats = np.asarray(request.tempo_map.to_timeline(song), float)
        here = asked.span.second_at(now.staging.key_frame(now.scene.frame_current))
        dance = groups.on_figure(kept, figure, request.reference)
        self._known = phrases.known_of(dance, choice.phrase_at, beats, request.seconds, float(here))
        return replace(asked, request=replace(request, known=self._known))

    def finished(self):
        known = self._known
        return lambda made: kept_poses.merge(known, made)


CLASSES = (
    TEMPOSE_OT_add_to_library,
    TEMPOSE_OT_add_pose_to_library,
    TEMPOSE_OT_dance_phrase,
    TEMPOSE_OT_dance_with,
)

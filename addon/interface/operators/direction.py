# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves under Direct: proposed from the song, or drawn for a part of it."""

from collections.abc import Mapping

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatProperty

from tempose_pose.grid import BeatGrid
from tempose_pose.wire.answers import Analysis

from ...model.dance import proposals
from ...model.dance.proposals import Keys
from ...model.errors import Problem, require
from ...model.tempo.playback import Playback
from ...scene.character import rig
from ...scene.dance import direction_keys, order
from ...scene.music import timelines
from ...scene.music.song_grid import SongGrid
from ...scene.reading import Reading, at_press
from .buttons import ActionButton
from .listening_button import ListeningButton

NEXT = "Change the keys in the Graph Editor, under the armature's data; Generate and Dance as Directed follow them."


def _put(now: Reading, ob: bpy.types.Object, made: Mapping[str, Keys], playback: Playback) -> str:
    """Write keys within the range; return how many of each."""
    part = now.staging.for_keys(order.range_of(now, playback)).ends
    count = direction_keys.put(ob, made, now.staging.for_keys(playback), (part[0], part[1]))
    timelines.redraw()
    return f"{count} keys"


class TEMPOSE_OT_propose_curves(ListeningButton, bpy.types.Operator):
    """Key energy and hits in the range as the sound suggests them: exactly what would be danced without any keys"""

    bl_idname = "tempose.propose_curves"
    bl_label = "Propose from Song"
    bl_options = {"REGISTER", "UNDO"}

    tolerance: FloatProperty(
        name="Tolerance",
        description="How far the curves may be from what is heard: a higher value gives fewer keys",
        default=0.25,
        min=0.02,
        max=1.0,
    )
    by_bar: BoolProperty(
        name="By the Bar",
        description="One level for each bar. Off: one for each beat",
        default=True,
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return super().disabled_reason(now) or now.no_curves

    def prepare(self, context: bpy.types.Context):
        self._rig = rig.identity(require(Reading(context).rig))
        return super().prepare(context)

    def use(self, context: bpy.types.Context, window: bpy.types.Scene, now: SongGrid, heard: Analysis):
        reading, settings = Reading(context), window.tempose
        ob = require(rig.find(window, self._rig))
        own = reading.beats_for(now.playback)
        beats = own or BeatGrid(np.asarray(heard.beats), np.asarray(heard.downbeats))
        made = proposals.proposed(
            heard, beats, now.playback.tempo, settings.energy, settings.listen, self.tolerance, self.by_bar
        )
        return f"{_put(reading, ob, made, now.playback)} of energy and hits. {NEXT}"


class _Preset(ActionButton):
    """Mixin: curves drawn for the range."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.song.reason or now.no_curves

    def keys(self, now: Reading, part: Playback) -> Mapping[str, Keys]:
        raise NotImplementedError

    def act(self, context: bpy.types.Context):
        now = at_press(context)
        playback = require(now.playback)
        made = self.keys(now, order.range_of(now, playback))
        return f"{_put(now, require(now.rig), made, playback)}. {NEXT}"


class TEMPOSE_OT_build_up(_Preset, bpy.types.Operator):
    """From calm to wild over the range, slowly at first, with harder and harder hits"""

    bl_idname = "tempose.build_up"
    bl_label = "Build-Up"

    def keys(self, now: Reading, part: Playback):
        bars = now.beats.downbeats if now.beats is not None else np.zeros(0)
        return proposals.build_up(part.song_start, part.song_end, bars)


class TEMPOSE_OT_freeze(_Preset, bpy.types.Operator):
    """Hit a pose where the range begins and hold it to the end: for a break"""

    bl_idname = "tempose.freeze"
    bl_label = "Freeze"

    def keys(self, now: Reading, part: Playback):
        return proposals.freeze(part.song_start, part.song_end)


class TEMPOSE_OT_contrast(_Preset, bpy.types.Operator):
    """In the range, wild in the loudest sections that return and calm in the others"""

    bl_idname = "tempose.contrast"
    bl_label = "Calm Verse, Wild Chorus"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return super().disabled_reason(now) or (
            "" if now.form else "Find the sections first, under Music, Form"
        )

    def keys(self, now: Reading, part: Playback):
        start, stop = part.song_start, part.song_end
        heard = [s for s in now.form if s.start < stop - 1e-3 and s.stop > start + 1e-3]
        if not heard:
            raise Problem("no_section", "No section lies in the range. Choose another one.")
        wild = proposals.choruses([(section.name, section.loudness) for section in now.form])
        return proposals.contrast([(max(s.start, start), s.name in wild) for s in heard])


CLASSES = (TEMPOSE_OT_propose_curves, TEMPOSE_OT_build_up, TEMPOSE_OT_freeze, TEMPOSE_OT_contrast)

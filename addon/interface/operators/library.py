# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes into the Asset Browser, and from there onto any character."""

from dataclasses import replace
from typing import Any

import bpy
from bpy.props import EnumProperty

from tempose_pose.dance import Dance

from ...model.dance import groups, phrases
from ...model.dance.takes import Take
from ...model.errors import Problem, there
from ...scene.character import character
from ...scene.dance import audition, library, placement
from ...scene.files import output, rig_reading
from ...scene.keys import background_keys, take_keys
from ...scene.reading import Reading, at_press
from .buttons import ActionButton, TaskButton

_listed: list[tuple[str, str, str]] = []  # Blender needs the words as long as the menu is there


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
        kept = library.put(there(audition.active(context.scene.tempose)))
        return f"'{kept.name}' is in the Asset Browser, under Current File, with the tags {_tags(kept)}."


def _tags(action: bpy.types.Action) -> str:
    return ", ".join(tag.name for tag in there(action.asset_data).tags)


class TEMPOSE_OT_dance_phrase(TaskButton, bpy.types.Operator):
    """Let the character dance a dance of the library, beat to beat, from the first bar at the playhead"""

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
        action = bpy.data.actions.get(self.phrase)
        if action is None or library.PHRASE not in action:
            raise Problem("phrase_gone", "This dance is not in the file any more. Choose another one.")
        kept, figure = library.read(action)
        ob, scene, label = there(now.rig), now.scene, action.name
        own = character.pose_of(ob, current=False).pose
        frames = library.beats_from(now, scene.frame_current)
        first = float(frames[0]) if len(frames) else float(scene.frame_current)
        seconds = (frames - first) / placement.span_of_import(scene, replace(kept, settings={"left": 0})).rate
        self._scene, self._rig = name, mine = scene.name, ob.name

        def plan(data: Take):
            scene, ob = rig_reading.both(name, mine)
            return take_keys.plan(data, ob, placement.span_of_import(scene, data), scene.tempose)

        def task(work: Any):
            danced: Dance = groups.on_figure(phrases.on_beats(kept.dance, seconds), figure, own)
            data = output.as_take(danced, label, first)
            return data, label, background_keys.ready(work, lambda: plan(data))

        return task

    def apply(self, context: bpy.types.Context, result: tuple[Take, str, background_keys.Ready]):
        data, label, ready = result
        scene, ob = rig_reading.both(self._scene, self._rig)
        take = audition.add(scene.tempose, ob, data, placement.span_of_import(scene, data), ready=ready)
        return f"{take.name}, '{label}', is shown on '{ob.name}' from frame {data.settings['left']:.0f} on."


CLASSES = (TEMPOSE_OT_add_to_library, TEMPOSE_OT_dance_phrase)

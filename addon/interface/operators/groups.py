# SPDX-License-Identifier: GPL-3.0-or-later
"""Several characters at once."""

from dataclasses import replace
from typing import Any

import bpy
from bpy.props import EnumProperty

from ...model.dance import groups
from ...model.errors import require
from ...model.server import work
from ...model.server.work import Work
from ...scene.character import rig
from ...scene.dance import delivery, formation, ghost, order, waypoints
from ...scene.keys import background_keys
from ...scene.reading import Reading, at_press
from ...scene.server import connection
from .buttons import ActionButton, TaskButton

KINDS = [
    ("UNISON", "Unison", "All dance what the active one dances"),
    ("MIRRORED", "Mirrored", "Every second dancer has left and right swapped"),
    ("CANON", "Canon", "Each begins some beats after the one before it"),
    (
        "CALL",
        "Call and Response",
        "One half dances a phrase while the other waits, then the other repeats it",
    ),
    ("OWN", "Own Dances", "Each with a seed of its own, to the same beats and sections"),
]


class TEMPOSE_OT_dance_together(TaskButton, bpy.types.Operator):
    """Make all selected characters dance, each with a take of its own; the active one leads"""

    bl_idname = "tempose.dance_together"
    bl_label = "Dance Together"
    bl_options = {"REGISTER", "UNDO"}
    title = "Dancing together"

    kind: EnumProperty(name="How", description="What the others do of what the lead dances", items=KINDS)

    @classmethod
    def disabled_reason(cls, now: Reading):
        missing = now.busy or now.no_server or now.song.reason or now.no_rig
        return missing or ("" if len(now.selected_rigs) > 1 else "Select two or more characters first")

    def prepare(self, context: bpy.types.Context):
        now = at_press(context)
        lead, kind, beats = order.order(now, False), self.kind, now.settings.generate.beats_apart
        self._orders = orders = [lead, *(order.for_rig(lead, now, ob) for ob in now.selected_rigs[1:])]
        own_ways = [waypoints.is_used(ob) for ob in now.selected_rigs]
        client, seed = connection.client(), lead.request.seed
        asked = [one.request for one in orders]
        self._alone = kind == "OWN"

        def task(w: Work):
            if kind == "OWN":
                each = [replace(one, seed=(seed + i) % 2**31) for i, one in enumerate(asked)]
                made = work.dance_together(w, client, lead.source, each)
            else:
                (first,) = work.dance_together(w, client, lead.source, asked[:1])
                parts = [groups.dance_of(kind, first, i, beats) for i in range(len(asked))]
                made = [
                    groups.on_figure(part, asked[0].reference, one.reference) if i else part
                    for i, (part, one) in enumerate(zip(parts, asked, strict=True))
                ]
                for i, (one, own) in enumerate(zip(orders, own_ways, strict=True)):
                    if one.way is not None and not own:
                        orders[i] = replace(one, way=groups.way_of(kind, first, i, beats, one.way))
            ready = [
                background_keys.make_ready(w, lambda pair=pair: delivery.keys_of(*pair))
                for pair in zip(orders, made, strict=True)
            ]
            return made, ready

        return task

    def begun(self, context: bpy.types.Context):
        about = self._orders[0]
        scene = bpy.data.scenes[about.subject.scene]
        ghost.begin(scene, require(rig.find(scene, about.subject.rig)), about.span)
        self._task.shown = ghost.take_in

    def over(self):
        ghost.end()

    def apply(self, context: bpy.types.Context, result: Any):
        settings = bpy.data.scenes[self._orders[0].subject.scene].tempose
        seed = settings.seed
        for asked, made, ready in zip(self._orders, *result, strict=True):
            delivery.apply(asked, made, None, False, ready=ready)
        if not settings.lock_seed:
            settings.seed = (seed + (len(self._orders) if self._alone else 1)) % 2**31
        return f"{len(self._orders)} characters dance; each has a take of its own to accept or discard."


FORMATIONS = [
    ("LINE", "Line", "Side by side, the lead in the middle"),
    ("V", "V", "The lead in front, the others behind on both sides"),
    ("CIRCLE", "Circle", "Around a middle, the lead in front"),
]


class TEMPOSE_OT_form_up(ActionButton, bpy.types.Operator):
    """Place the selected characters around the active one, with as much room as their dances take"""

    bl_idname = "tempose.form_up"
    bl_label = "Form Up"
    bl_options = {"REGISTER", "UNDO"}

    kind: EnumProperty(name="Formation", description="How they stand", items=FORMATIONS)

    @classmethod
    def disabled_reason(cls, now: Reading):
        missing = now.busy or now.no_rig
        return missing or ("" if len(now.selected_rigs) > 1 else "Select two or more characters first")

    def act(self, context: bpy.types.Context):
        now = Reading(context)
        formation.put(now.settings, now.selected_rigs, self.kind)
        return f"{len(now.selected_rigs)} characters stand so that none dances into another."


CLASSES = (TEMPOSE_OT_dance_together, TEMPOSE_OT_form_up)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The Tempose tab, in the 3D View and in the sequencer."""

import bpy

from . import connection, dancing, job, markers, notes, rig, stage, tempo_edit
from .errors import Problem
from .operators.dance import TEMPOSE_OT_generate, TEMPOSE_OT_regenerate
from .properties import pick_rig, pick_strip

LINE = 44  # characters that fit into a narrow panel


def _say(layout, text: str, icon: str = "NONE") -> None:
    """A text on as many lines as it needs."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    line = ""
    for word in [*text.split(), ""]:
        if word and len(line) + len(word) < LINE:
            line = f"{line} {word}".strip()
            continue
        if line:
            column.label(text=line, icon=icon)
            icon = "BLANK1" if icon != "NONE" else icon
        line = word
    if line:
        column.label(text=line, icon=icon)


class _Tab:
    bl_region_type = "UI"
    bl_category = "Tempose"


class _Main:
    bl_label = "Tempose"

    def draw(self, context):
        layout = self.layout
        if job.current is not None:
            running = job.current
            if running.share is None:
                _say(layout, running.text, "TIME")
            else:
                layout.progress(factor=running.share, text=f"{running.text} {running.share:.0%}")
            layout.operator("tempose.cancel", icon="CANCEL")
        elif notes.text:
            _say(layout, notes.text, "ERROR" if notes.is_error else "INFO")
        elif connection.current is None:
            _say(layout, "Put a song on the timeline, then go through the panels from top to bottom.", "INFO")
        row = layout.row(align=True)
        if connection.missing():
            row.operator("tempose.start_server", icon="PLAY")
            row.operator("tempose.connect", icon="LINKED")
        else:
            current = connection.current
            row.label(text=f"Server on {current.device or 'cpu'}", icon="CHECKMARK")
            row.operator("tempose.stop_server", text="", icon="PANEL_CLOSE")


class _Music:
    bl_label = "Music"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        scene, strip, reason = pick_strip(context)
        if scene.sequence_editor:
            layout.prop_search(settings, "strip", scene.sequence_editor, "strips_all", icon="SOUND")
        if reason:
            _say(layout, reason, "INFO")
        elif not settings.strip:
            layout.label(text=strip.name, icon="SOUND")
        row = layout.row(align=True)
        row.operator("tempose.find_beats", icon="MARKER_HLT")
        row.operator("tempose.clear_beats", text="", icon="X")
        grid = markers.stored(scene)
        if grid is not None:
            layout.label(text=f"{grid['bpm']:.0f} BPM, confidence {grid['confidence']:.0%}")


class _Character:
    bl_label = "Character"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "rig")
        ob = pick_rig(context)
        if settings.rig is None and ob is not None:
            layout.label(text=ob.name, icon="ARMATURE_DATA")
        layout.prop(settings, "reference")
        if settings.reference == "STANDING":
            layout.prop(settings, "proportions")
        elif settings.reference == "FILE":
            layout.prop(settings, "reference_file")
        layout.operator("tempose.new_rig", icon="ARMATURE_DATA")


class _Dance:
    bl_label = "Dance"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "style")
        layout.prop(settings, "energy", slider=True)
        row = layout.row(align=True)
        row.prop(settings, "seed")
        row.prop(settings, "lock_seed", text="", icon="LOCKED" if settings.lock_seed else "UNLOCKED")
        layout.prop(settings, "quality")
        layout.prop(settings, "stretch")
        layout.operator("tempose.generate", icon="ARMATURE_DATA")
        if reason := TEMPOSE_OT_generate.disabled_reason(context):
            _say(layout, reason, "INFO")


class TEMPOSE_UL_takes(bpy.types.UIList):
    def draw_item(self, _context, layout, _data, item, _icon, _active, _name):
        row = layout.row(align=True)
        icon = "CHECKMARK" if item.state == "ACCEPTED" else "HIDE_OFF" if item.action else "HIDE_ON"
        row.prop(item, "name", text="", emboss=False, icon=icon)
        row.label(text=f"seed {item.seed}" + (f", {item.bpm:.0f} BPM" if item.bpm else ""))


class _Takes:
    bl_label = "Takes"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        if not settings.takes:
            layout.label(text="None yet")
            return
        layout.template_list("TEMPOSE_UL_takes", "", settings, "takes", settings, "active_take", rows=3)
        row = layout.row(align=True)
        row.operator("tempose.show_take", icon="HIDE_OFF")
        row.operator("tempose.accept_take", icon="CHECKMARK")
        row.operator("tempose.discard_take", icon="TRASH")
        take = stage.active(settings)
        if take is None:
            return
        if take.rig is None or not rig.is_rig(take.rig):
            _say(layout, "The rig of this take has been deleted.", "ERROR")
        elif dancing.out_of_date(context, take):
            _say(layout, "The music has changed since this take was made: generate again.", "ERROR")


class TEMPOSE_UL_sections(bpy.types.UIList):
    def draw_item(self, _context, layout, _data, item, _icon, _active, _name):
        row = layout.row(align=True)
        row.prop(item, "start", text="", emboss=False)
        row.prop(item, "start_frame", text="Frame", emboss=False)
        row.prop(item, "factor", text="×", emboss=False)


class _Tempo:
    bl_label = "Tempo"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.prop(settings, "tempo_factor")
        row = layout.row()
        row.template_list("TEMPOSE_UL_sections", "", settings, "sections", settings, "active_section", rows=2)
        column = row.column(align=True)
        column.operator("tempose.add_section", text="", icon="ADD")
        column.operator("tempose.remove_section", text="", icon="REMOVE")
        layout.prop(settings, "replace_sound")
        sub = layout.column()
        sub.enabled = settings.replace_sound
        sub.prop(settings, "mute_original")
        layout.operator("tempose.regenerate", icon="FILE_REFRESH")
        if reason := TEMPOSE_OT_regenerate.disabled_reason(context):
            _say(layout, reason, "INFO")
            return
        try:
            scene, original = dancing.chosen_original(context)
            seconds = tempo_edit.edited(scene, original, settings).span.seconds
            layout.label(text=f"{seconds:.1f} s at this tempo")
        except Problem as problem:
            _say(layout, problem.message, "ERROR")


def _panels():
    """Each panel once for the 3D View and once for the sequencer."""
    classes = []
    for space, letter in (("VIEW_3D", "VIEW3D"), ("SEQUENCE_EDITOR", "SEQUENCER")):
        main = f"TEMPOSE_PT_{letter}_main"
        for part in (_Main, _Music, _Character, _Dance, _Takes, _Tempo):
            name = f"TEMPOSE_PT_{letter}_{part.__name__.strip('_').lower()}"
            body = {"bl_space_type": space, "bl_label": part.bl_label, "bl_idname": name}
            if part is not _Main:
                body["bl_parent_id"] = main
            classes.append(type(name, (_Tab, part, bpy.types.Panel), body))
    return tuple(classes)


CLASSES = (TEMPOSE_UL_takes, TEMPOSE_UL_sections, *_panels())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The character that dances."""

import bpy

from ...model.character.mapping import PARTS, WANTED, label
from ...scene.character import character, limb_switches
from ...scene.language import translate
from ...scene.reading import Reading, reading_of
from ..properties.character import ATTRIBUTES
from .layout import say, why, why_no_pose

TITLES = {part: label(part).capitalize() for part in PARTS}


class CharacterPanel:
    bl_label = "Character"
    bl_options = {"DEFAULT_CLOSED"}  # Generate makes a dancer if there is none

    @staticmethod
    def summary(now: Reading) -> str:
        return now.rig.name if now.rig is not None else "nobody yet"

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        settings, ob = now.settings, now.armature
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "rig")
        if ob is not None and settings.rig != ob:
            layout.label(
                text=translate(f"{ob.name} is selected") if settings.rig else ob.name, icon="ARMATURE_DATA"
            )
        if now.cannot_dance:
            why(layout, now.cannot_dance)
        elif ob is not None and (notice := character.notice(ob, bone_map=now.bone_map)):
            say(layout, notice, "ERROR")
        if ob is not None and limb_switches.switches(ob):
            text = "Limbs to FK" if limb_switches.on_ik(ob) else "Limbs Back"
            layout.operator("tempose.limbs_to_fk", text=text, icon="CON_KINEMATIC")
        layout.prop(settings, "reference")
        if settings.reference == "STANDING":
            layout.prop(settings, "proportions")
        elif settings.reference == "FILE":
            layout.prop(settings, "reference_file")
        elif settings.reference == "IMAGE":
            self._picture(layout, now)
        row = layout.row(align=True)
        row.operator("tempose.new_rig", icon="ARMATURE_DATA")
        if now.scene.camera is None:
            row.operator("tempose.add_camera", icon="CAMERA_DATA")

    @staticmethod
    def _picture(layout: bpy.types.UILayout, now: Reading):
        if now.picture is None:
            say(layout, "Place joint markers on a picture first, under Picture and Ink.", "INFO")
        layout.operator("tempose.find_pose", icon="VIEWZOOM")
        why_no_pose(layout)


class BonesPanel:
    bl_label = "Bone Map"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, settings = self.layout, context.scene.tempose.character
        layout.use_property_split = True
        layout.use_property_decorate = False
        now = reading_of(context)
        ob = now.armature
        layout.prop(settings, "preset")
        row = layout.row(align=True)
        row.operator("tempose.map_bones", icon="VIEWZOOM")
        row.operator("tempose.load_map", text="", icon="FILEBROWSER")
        row.operator("tempose.save_map", text="", icon="FILE_TICK")
        row.operator("tempose.clear_map", text="", icon="X")
        if ob is None:
            say(layout, "Select an armature to map its bones.", "INFO")
            return
        column = layout.column(align=True)
        column.enabled = ob.library is None
        stored, mapped = character.stored(ob), now.bone_map
        layout.prop(settings, "show_all")
        if settings.show_all and mapped.bones:
            stretch = character.stretches(ob, now.settings)
            for text in character.remarks(ob, stretch, mapped):
                say(layout, f"{text}.", "INFO")
        if stored is None:
            say(layout, "Press Find Bones to begin a map for this override.", "INFO")
            return
        if not stored.mapped and mapped.bones:
            say(layout, "This rig was made by Tempose; its bones are known by name.", "INFO")
            return
        data, show_all = ob.data, settings.show_all
        names = data.bones
        column.use_property_split = False
        for part, name in stored.bones().items():
            if show_all or name or part in WANTED:
                row = column.row(align=True)
                if name and name not in names:
                    row.alert = True
                row.label(text=translate(TITLES[part]))
                row.prop_search(stored, ATTRIBUTES[part], data, "bones", text="")
        if show_all:
            layout.prop(stored, "nose", slider=True)


class LimitsPanel:
    bl_label = "Bone Limits"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, now = self.layout, reading_of(context)
        settings = now.settings
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings.character, "ik_feet")
        layout.prop(settings.character, "fingers")
        stretch = character.stretch_name(now.rig)
        layout.prop(settings, stretch)
        column = layout.column()
        column.active = getattr(settings, stretch)
        column.prop(settings.character, "shortest", slider=True)
        column.prop(settings.character, "longest")
        column.prop(settings.character, "loose")
        if now.rig is None:
            say(layout, "No character dances yet.", "INFO")

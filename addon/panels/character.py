# SPDX-License-Identifier: GPL-3.0-or-later
"""Who dances."""

from ..properties import pick_rig


class Character:
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""How a dance becomes keys."""

import bpy


class KeysPanel:
    bl_label = "Keys"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context):
        layout, choice = self.layout, context.scene.tempose.keys
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(choice, "density")
        if choice.density == "SPARSE":
            column.prop(choice, "tolerance")
        if choice.density == "POSES":
            column.prop(choice, "poses")
            column.prop(choice, "per_bar" if choice.poses == "BAR" else "pose_tolerance")
        elif choice.density != "EVERY":
            column.prop(choice, "beats")
        column.prop(choice, "interpolation")
        column = layout.column()
        column.prop(choice, "feet")
        if choice.feet != "NEVER":
            column.prop(choice, "ground")
            if choice.ground:
                column.prop(choice, "ground_height")
        layout.prop(choice, "hands")
        layout.prop(choice, "facing")
        layout.prop(choice, "squash", slider=True)
        layout.operator("tempose.link_hand_drawings", icon="HAND")
        layout.operator("tempose.link_facing_drawings", icon="COMMUNITY")
        layout.operator("tempose.apply_keys", icon="KEYFRAME")

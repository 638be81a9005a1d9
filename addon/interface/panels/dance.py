# SPDX-License-Identifier: GPL-3.0-or-later
"""What to dance."""

from ...scene.character import character
from ...scene.reading import of
from ..operators.dance import TEMPOSE_OT_generate
from .edit import draw_area
from .layout import why


class Dance:
    bl_label = "Dance"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_area(layout, settings.generate)
        layout.prop(settings, "style", placeholder="Any")
        layout.prop(settings, "energy", slider=True)
        layout.prop(settings, "listen", slider=True)
        layout.prop(settings, "repeat", slider=True)
        row = layout.row(align=True)
        row.prop(settings, "seed")
        row.prop(settings, "lock_seed", text="", icon="LOCKED" if settings.lock_seed else "UNLOCKED")
        layout.prop(settings.generate, "count")
        layout.prop(settings, "quality")
        layout.prop(settings, character.stretch_name(of(context).rig))
        layout.operator("tempose.generate", icon="ARMATURE_DATA")
        if reason := TEMPOSE_OT_generate.disabled_reason(of(context)):
            why(layout, reason)

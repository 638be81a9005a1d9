# SPDX-License-Identifier: GPL-3.0-or-later
"""What to dance."""

from .edit import draw_area


class Dance:
    bl_label = "Dance"

    @staticmethod
    def summary(now) -> str:
        return now.settings.style or "any style"

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_area(layout, settings.generate)
        layout.prop(settings, "style", placeholder="Any")
        layout.prop(settings, "energy", slider=True)
        row = layout.row(align=True)
        row.prop(settings, "seed")
        row.prop(settings, "lock_seed", text="", icon="LOCKED" if settings.lock_seed else "UNLOCKED")


class More:
    bl_label = "More"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, settings = self.layout, context.scene.tempose
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "listen", slider=True)
        layout.prop(settings, "repeat", slider=True)
        layout.prop(settings.generate, "count")
        layout.prop(settings, "quality")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Shaping the dance: parts danced again, and its keys."""

import bpy

from ...scene.reading import Reading


class ShapePanel:
    bl_label = "Shape"
    bl_options = {"DEFAULT_CLOSED"}

    @staticmethod
    def summary(now: Reading) -> str:
        keys = now.settings.keys
        return keys.bl_rna.properties["density"].enum_items[keys.density].name

    def draw(self, _context: bpy.types.Context):
        """Draw nothing: everything is in the panels inside."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""The dance in the animator's hands: parts of it danced anew, and how it becomes keys."""


class Shape:
    bl_label = "Shape"
    bl_options = {"DEFAULT_CLOSED"}

    @staticmethod
    def summary(now) -> str:
        keys = now.settings.keys
        return keys.bl_rna.properties["density"].enum_items[keys.density].name

    def draw(self, _context):
        """All lies in the panels inside."""

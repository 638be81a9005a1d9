# SPDX-License-Identifier: GPL-3.0-or-later
"""The editors with a timeline, which show the beats."""

import bpy

AREAS = ("SEQUENCE_EDITOR", "DOPESHEET_EDITOR")


def redraw() -> None:
    """Redraw all timelines."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in AREAS:
                for region in area.regions:
                    if region.type in ("WINDOW", "UI"):
                        region.tag_redraw()

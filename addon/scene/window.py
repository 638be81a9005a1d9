# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of the context with their real types: Blender's stubs declare them as methods."""

import bpy


def window_of(context: bpy.types.Context) -> bpy.types.Window:
    """The window itself."""
    return context.window  # pyright: ignore[reportReturnType]


def scene_of(context: bpy.types.Context) -> bpy.types.Scene:
    """The window's scene."""
    return context.scene  # pyright: ignore[reportReturnType]


def layer_of(context: bpy.types.Context) -> bpy.types.ViewLayer:
    """The view layer of that scene."""
    return context.view_layer  # pyright: ignore[reportReturnType]


def place_of(context: bpy.types.Context) -> tuple[bpy.types.Area, bpy.types.Region]:
    """The area and the region being drawn, or of the event."""
    return context.area, context.region  # pyright: ignore[reportReturnType]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode and selection around the making of a new object."""

import bpy


def object_mode(context: bpy.types.Context) -> None:
    """Switch to Object Mode from whatever mode the active object is in."""
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")


def select_only(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    """Make an object active, and the only selected one."""
    context.view_layer.update()  # it still lists objects that have just been removed
    for other in context.view_layer.objects:
        other.select_set(other is ob)
    context.view_layer.objects.active = ob

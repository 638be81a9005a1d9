# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new object needs before and after it is made: Object Mode, and to be the one that is selected."""

import bpy


def object_mode(context: bpy.types.Context) -> None:
    """Leave whatever mode the active object is in."""
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")


def select_only(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    """Make an object the active one, and the only one that is selected."""
    context.view_layer.update()  # it still lists what has just been removed
    for other in context.view_layer.objects:
        other.select_set(other is ob)
    context.view_layer.objects.active = ob

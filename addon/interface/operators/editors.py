# SPDX-License-Identifier: GPL-3.0-or-later
"""What editors show after a button: a new character, or the keys of a take. Without a window, nothing."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import bpy

from ...scene import compat
from ...scene.window import layer_of


def _views(context: bpy.types.Context, kind: str) -> Iterator[dict[str, Any]]:
    """The context overrides for each open editor of a kind that shows the scene."""
    for window in context.window_manager.windows:
        if window.scene is not context.scene:
            continue
        for area in window.screen.areas:
            if area.type == kind:
                region = next((r for r in area.regions if r.type == "WINDOW"), None)
                if region is not None:
                    yield {"window": window, "area": area, "region": region}


def frame_character(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    """Frame a character from the front."""
    for view in _views(context, "VIEW_3D"):
        with suppress(RuntimeError), context.temp_override(**view):
            if view["area"].spaces.active.region_3d.view_perspective == "CAMERA":
                continue
            bpy.ops.view3d.view_axis(type="FRONT")
            bpy.ops.view3d.view_selected()


def show_keys(context: bpy.types.Context, ob: bpy.types.Object | None) -> int:
    """Select the keyed bones in Pose Mode, so that Dope Sheet and Graph Editor show their keys; return how many."""
    layer = layer_of(context)
    if ob is None or ob.name not in layer.objects or not ob.visible_get(view_layer=layer):
        return 0
    names = {
        c.data_path.split('"')[1] for c in compat.fcurves_of(ob) if c.data_path.startswith('pose.bones["')
    }
    active = layer.objects.active
    if active is not None and active is not ob and active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for other in layer.objects:
        other.select_set(other is ob)
    layer.objects.active = ob
    if ob.mode != "POSE":
        bpy.ops.object.mode_set(mode="POSE")
    for bone in ob.pose.bones:
        compat.select_bone(bone, bone.name in names)
    _frame_keys(context)
    return len(names)


def _frame_keys(context: bpy.types.Context) -> None:
    for view in _views(context, "DOPESHEET_EDITOR"):
        sheet = view["area"].spaces.active.dopesheet
        sheet.show_summary, sheet.show_only_selected = True, True
        with suppress(RuntimeError), context.temp_override(**view):
            bpy.ops.action.view_all()
    for view in _views(context, "GRAPH_EDITOR"):
        view["area"].spaces.active.dopesheet.show_only_selected = True
        with suppress(RuntimeError), context.temp_override(**view):
            bpy.ops.graph.view_all()

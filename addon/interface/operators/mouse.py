# SPDX-License-Identifier: GPL-3.0-or-later
"""Points and places under the mouse in a 3D View."""

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from bpy_extras import view3d_utils
from mathutils import Vector, geometry

from ...scene.character import character, floor

NEAR = 14.0  # pixels at UI scale 1


def in_plane(
    context: bpy.types.Context, event: bpy.types.Event, ob: bpy.types.Object
) -> tuple[float, float, float] | None:
    """The point of a character's plane under the mouse; None outside a 3D View."""
    for region, view, at in _views(context, event):
        along = view3d_utils.region_2d_to_vector_3d(region, view, at)
        begin = view3d_utils.region_2d_to_origin_3d(region, view, at)
        normal = ob.matrix_world.to_3x3() @ Vector(character.plane_of(ob).normal.tolist())
        hit = geometry.intersect_line_plane(
            begin, begin + along, floor.floor_of(ob).world_of((0.0, 0.0)), normal
        )
        return (hit.x, hit.y, hit.z) if hit is not None else None
    return None


def nearest(context: bpy.types.Context, event: bpy.types.Event, places: np.ndarray) -> int | None:
    """Index of the place (N, 3) under the mouse; None without one."""
    for region, view, at in _views(context, event):
        seen = [
            view3d_utils.location_3d_to_region_2d(region, view, Vector(place.tolist())) for place in places
        ]
        away = [np.inf if one is None else float(np.hypot(one.x - at[0], one.y - at[1])) for one in seen]
        best = int(np.argmin(away)) if away else -1
        return best if away and away[best] <= NEAR * context.preferences.system.ui_scale else None
    return None


def _views(context: bpy.types.Context, event: bpy.types.Event) -> Iterator[tuple[Any, Any, tuple[int, int]]]:
    """The view under the mouse: its region, its 3D data, and the mouse's position in it."""
    for area in context.window.screen.areas:
        for region in area.regions if area.type == "VIEW_3D" else ():
            x, y = event.mouse_x - region.x, event.mouse_y - region.y
            if region.type == "WINDOW" and 0 <= x < region.width and 0 <= y < region.height:
                space: Any = area.spaces.active
                yield region, space.region_3d, (x, y)

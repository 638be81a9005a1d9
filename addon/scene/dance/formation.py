# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters moved into a formation."""

import bpy
import numpy as np
from mathutils import Vector

from tempose_pose.sequence import to_openpose18
from tempose_pose.tempo import TempoMap

from ...model.dance import formations
from ...model.dance.takes import Take
from ...model.dance.way import Way, from_body
from ..character import character
from ..keys import base_keys
from ..settings import SceneSettings
from . import audition, waypoints


def put(settings: SceneSettings, dancers: list[bpy.types.Object], kind: str) -> None:
    """Move everybody but the first, who leads and stays."""
    bpy.context.view_layer.update()  # current positions of all
    lead = dancers[0]
    rooms = [room_of(settings, ob) for ob in dancers]
    ways = waypoints.offsets_of(dancers, [_danced_way(settings, ob) for ob in dancers])
    spots = formations.passing(formations.places(kind, rooms), rooms, ways)
    plane, world = character.plane_of(lead), lead.matrix_world.to_3x3()
    right, normal = ((world @ Vector(axis.tolist())).normalized() for axis in (plane.right, plane.normal))
    origin = lead.matrix_world.translation.copy()
    for ob, (aside, behind) in zip(dancers[1:], spots[1:], strict=True):
        moved = ob.matrix_world.copy()
        up = moved.translation - origin
        up -= up.project(right) + up.project(normal)  # each keeps its own ground
        moved.translation = origin + up + float(aside) * right - float(behind) * normal
        ob.matrix_world = moved


def room_of(settings: SceneSettings, ob: bpy.types.Object) -> tuple[float, float]:
    """How far a character dances to the left and right of its origin, in world units.

    From the take that moves it or, without one, from its rest pose.
    """
    place, data = character.placement(ob), _shown(settings, ob)
    pose = data.dance.poses if data is not None else character.pose_of(ob, current=False).pose
    body = to_openpose18(pose)
    pixels = body.pixels * (np.asarray(place.canvas, float) / body.canvas)
    across = place.to_plane(pixels)[..., 0][body.scores > 0] * ob.matrix_world.to_scale().x
    return max(0.0, -float(across.min())), max(0.0, float(across.max()))


def _danced_way(settings: SceneSettings, ob: bpy.types.Object) -> Way | None:
    """The way of the take that moves a character, in seconds of the song; None without one."""
    data = _shown(settings, ob)
    found = from_body(data.settings.get("way")) if data is not None else None
    if data is None or found is None:
        return None
    return Way(np.asarray(TempoMap(data.tempo_map).to_song(found.times), float), found.places)


def _shown(settings: SceneSettings, ob: bpy.types.Object) -> Take | None:
    """The take that moves a character: the preview, otherwise the accepted one."""
    preview = next((t for t in settings.takes if t.rig == ob and t.action and t.state == "PREVIEW"), None)
    take = preview or base_keys.take_of(settings, ob)[0]
    return audition.data_of(take) if take is not None and take.text is not None else None

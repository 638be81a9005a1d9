# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a character in the scene: waypoints as empties, on a curve or stroke if there is one."""

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from ...model.dance import way
from ...model.dance.way import Stop, Way
from ...model.errors import Problem
from ...model.tempo.playback import Timing
from ...model.tempo.timing import Span
from .. import compat
from ..character import character, floor
from ..character.floor import Floor
from ..settings import StageSettings
from ..window import scene_of

SIZE = 0.12  # size of empties, in heights of the figure
RATE = 0.1  # seconds between the moments at which dancers' positions are sampled
OUTSIDE = 0.35  # of the figure's height: beyond the frame's edge by this, it is out of sight


def stage_of(ob: bpy.types.Object) -> StageSettings:
    """A character's settings for the stage."""
    return ob.tempose_stage  # pyright: ignore[reportAttributeAccessIssue] -- registered


def is_used(ob: bpy.types.Object) -> bool:
    """Whether a character has a way."""
    return stage_of(ob).line is not None or any(point.marker is not None for point in stage_of(ob).waypoints)


def empty(
    name: str, kind: Any, ob: bpy.types.Object, at: Floor, place: tuple[float, float]
) -> bpy.types.Object:
    """A new empty at a place, in the collection of a character."""
    made = bpy.data.objects.new(name, None)
    made.empty_display_type, made.empty_display_size = (
        kind,
        SIZE * at.height * at.scale,
    )
    made.show_name = True
    made.location = at.world_of(place)
    next(iter(ob.users_collection), scene_of(bpy.context).collection).objects.link(made)
    return made


def drop(ob: bpy.types.Object, second: float, place: tuple[float, float], name: str) -> None:
    """Set a waypoint; an existing one at the same second of the song is moved."""
    settings, at = stage_of(ob), floor.floor_of(ob)
    for index, point in enumerate(settings.waypoints):
        if abs(point.second - second) < 1e-3 and point.marker is not None:
            point.marker.location, settings.active = at.world_of(place), index
            return
    point = settings.waypoints.add()
    point.marker, point.second = empty(f"{ob.name} {name}", "SINGLE_ARROW", ob, at, place), second
    order = sorted(range(len(settings.waypoints)), key=lambda i: settings.waypoints[i].second)
    settings.waypoints.move(len(settings.waypoints) - 1, order.index(len(settings.waypoints) - 1))
    settings.active = order.index(len(order) - 1)


def remove(ob: bpy.types.Object, index: int) -> None:
    """Remove a waypoint with its empty."""
    settings = stage_of(ob)
    marker = settings.waypoints[index].marker
    settings.waypoints.remove(index)
    settings.active = max(0, min(index, len(settings.waypoints) - 1))
    if marker is not None:
        bpy.data.objects.remove(marker)


def way_of(
    ob: bpy.types.Object,
    keyed: Timing,
    span: Span,
    beats: np.ndarray,
    build: character.Physique | None = None,
) -> Way | None:
    """The way of a character in a dance; None for one that stays.

    Parameters
    ----------
    keyed : Timing
        The song on the frames of keys.
    span : Span
        The dance, in frames of keys.
    beats : (B,) float
        Song seconds.
    """
    if not is_used(ob):
        return None
    bpy.context.view_layer.update()  # current positions of all empties
    settings, at = stage_of(ob), floor.floor_of(ob, build)
    stops = []
    for point in settings.waypoints:
        if point.marker is None:
            continue
        place = at.place_of(point.marker.matrix_world.translation)
        second = float(span.second_at(keyed.frame_at(point.second)))
        stops.append(Stop(second, place, _leaving(point, keyed, span, beats)))
    line = line_of(settings.line, at) if settings.line is not None else None
    if line is not None and len(stops) < 2:
        first, last = way.ends_of(line)
        stops = [
            Stop(0.0, first),
            *(s for s in stops if 0 < s.second < span.seconds),
            Stop(span.seconds, last),
        ]
    return way.through(stops, line)


def way_beside(lead_way: Way, lead: bpy.types.Object, ob: bpy.types.Object) -> Way:
    """The lead's way for a character that stands elsewhere: the same distances, so that they keep apart."""
    one, two = floor.floor_of(lead), floor.floor_of(ob)
    far = one.size * one.scale / (two.size * two.scale)
    return Way(lead_way.times, lead_way.places * far)


def _leaving(point: Any, keyed: Timing, span: Span, beats: np.ndarray) -> float | None:
    """Second of the dance at which a character sets out for a waypoint."""
    before = beats[beats < point.second - 1e-3]
    if not point.beats or not len(before):
        return None
    song = before[-min(point.beats, len(before))]
    return float(span.second_at(keyed.frame_at(float(song))))


def line_of(ob: bpy.types.Object, at: Floor) -> np.ndarray:
    """Places (N, 2) along a curve, or along the first stroke of a Grease Pencil drawing."""
    graph = bpy.context.evaluated_depsgraph_get()
    seen: Any = ob.evaluated_get(graph)
    if ob.type == "CURVE":
        mesh = seen.to_mesh()
        points = (
            np.array([vertex.co for vertex in mesh.vertices], float).reshape(-1, 3)
            if mesh
            else np.zeros((0, 3))
        )
        seen.to_mesh_clear()
    else:
        points = compat.first_stroke(ob)
    if len(points) < 2:
        raise Problem(
            "no_line", f"The object '{ob.name}' has no line to go along. Draw one, or choose another path."
        )
    world = np.array(ob.matrix_world, float)
    return at.places_of(points @ world[:3, :3].T + world[:3, 3])


def edge_of(scene: bpy.types.Scene, ob: bpy.types.Object, right: bool) -> float:
    """How far to the right a character leaves the view of the scene's camera or, without one, its own picture."""
    at = floor.floor_of(ob)
    edge = 0.5
    if scene.camera is not None:
        from bpy_extras.object_utils import world_to_camera_view

        bpy.context.view_layer.update()
        seen = [
            world_to_camera_view(scene, scene.camera, at.world_of((float(across), 0.0)))
            for across in (0.0, 0.5)
        ]
        if min(point.z for point in seen) <= 0 or abs(seen[1].x - seen[0].x) < 1e-6:
            raise Problem(
                "no_edge", "The camera does not see the character from the front. Place it before the floor."
            )
        goal, per = (1.0 if right else 0.0), (seen[1].x - seen[0].x) / 0.5
        edge = (goal - seen[0].x) / per
    beyond = OUTSIDE * at.height / at.size
    return edge + beyond if right else (edge if scene.camera is not None else -edge) - beyond


def song_way(ob: bpy.types.Object) -> Way | None:
    """The way of a character's waypoints, in seconds of the song; None without any."""
    bpy.context.view_layer.update()
    settings, at = stage_of(ob), floor.floor_of(ob)
    stops = [
        Stop(point.second, at.place_of(point.marker.matrix_world.translation))
        for point in settings.waypoints
        if point.marker is not None
    ]
    return way.through(stops)


def place_at(ob: bpy.types.Object, second: float) -> tuple[float, float] | None:
    """The place of a character on its way at a second of the song; None without waypoints."""
    found = song_way(ob)
    if found is None:
        return None
    (place,) = found.at([second])
    return float(place[0]), float(place[1])


def offsets_of(dancers: list[bpy.types.Object], danced: Sequence[Way | None]) -> np.ndarray:
    """How far (N, T) each dancer is to the right of its place, over the song; the first one leads.

    `danced` has the ways of the dances that are there, in seconds of the song; without one the waypoints count.
    """
    ways = [way or song_way(ob) for ob, way in zip(dancers, danced, strict=True)]
    times = [found.times for found in ways if found is not None]
    if not times:
        return np.zeros((len(dancers), 1))
    moments = np.arange(min(t[0] for t in times), max(t[-1] for t in times) + RATE, RATE)
    out = np.zeros((len(dancers), len(moments)))
    for k in range(len(dancers)):
        own = k if ways[k] is not None else 0  # a dancer without a way goes with the lead
        at, found = floor.floor_of(dancers[own]), ways[own]
        if found is not None:
            out[k] = found.at(moments)[:, 0] * at.size * at.scale
    return out


def chosen(ob: bpy.types.Object) -> int:
    """The chosen waypoint in the list."""
    settings = stage_of(ob)
    return max(0, min(settings.active, len(settings.waypoints) - 1))


def retime(ob: bpy.types.Object, index: int, second: float, name: str) -> None:
    """Move a waypoint to another second of the song."""
    settings = stage_of(ob)
    point = settings.waypoints[index]
    point.second = second
    if point.marker is not None:
        point.marker.name = f"{ob.name} {name}"
    place = sum(other.second < second for other in settings.waypoints)
    settings.waypoints.move(index, place)
    settings.active = place


def mark(ob: bpy.types.Object) -> None:
    """Put a character's mark where it stands now, or move an existing one there."""
    settings, at = stage_of(ob), floor.floor_of(ob)
    hips = character.joints(ob, current=True)
    across = [hips[joint] for joint in ("left_hip", "right_hip") if joint in hips] or list(hips.values())
    place = (float(np.mean([point[0] for point in across]) - at.home[0]) / at.size, 0.0)
    if settings.home is None or settings.home.name not in scene_of(bpy.context).objects:
        settings.home = empty(f"{ob.name} mark", "CIRCLE", ob, at, place)
    else:
        settings.home.location = at.world_of(place)


def home_of(ob: bpy.types.Object) -> tuple[float, float]:
    """The mark of a character or, without one, its own place."""
    home = stage_of(ob).home
    return (0.0, 0.0) if home is None else floor.floor_of(ob).place_of(home.matrix_world.translation)


def pin(ob: bpy.types.Object, part: str, target: bpy.types.Object | None, first: int, last: int) -> None:
    """Hold a hand or a foot at an object or, without one, at a new empty in its current place."""
    settings, at = stage_of(ob), floor.floor_of(ob)
    if target is None:
        point = (character.joints(ob, current=True)[part] - at.home) / at.size
        target = empty(
            f"{ob.name} {part.replace('_', ' ')}", "SPHERE", ob, at, (float(point[0]), float(point[1]))
        )
        target.empty_display_size /= 2
    held = settings.pins.add()
    held.part, held.target, held.first, held.last = part, target, first, last
    settings.active_pin = len(settings.pins) - 1

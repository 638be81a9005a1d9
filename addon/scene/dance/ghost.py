# SPDX-License-Identifier: GPL-3.0-or-later
"""The ghost: a dance in the making, drawn over the 3D View at the current frame as it arrives."""

import traceback
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...model.dance.progress import Arriving
from ...model.tempo.timing import Span
from ..character import character, rig
from ..language import translate
from ..server import connection
from ..window import scene_of

WIDTH = 4.0  # pixels at UI scale 1
SHORTEST = 1.0  # least seconds of a dance that are worth keeping
FAINT = 0.35  # opacity of the nearest frame when the current one has not arrived yet

_handles: list = []
_shown: "Ghost | None" = None


@dataclass
class Ghost:
    """What to draw. Names only: undo invalidates references to datablocks."""

    scene: str
    rig: str
    span: Span
    dance: Arriving
    title: str = ""


def begin(scene: bpy.types.Scene, ob: bpy.types.Object, span: Span) -> None:
    """Start drawing; the dance is empty at first."""
    global _shown  # noqa: PLW0603
    end()
    _shown = Ghost(
        scene.name, rig.identity(ob), span, Arriving(span.seconds, connection.skeleton(), connection.fps())
    )
    for draw, event in ((_draw_figure, "POST_VIEW"), (_draw_words, "POST_PIXEL")):
        _handles.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", event))
    redraw()


def end() -> None:
    """Stop drawing. Safe to call at any time."""
    global _shown  # noqa: PLW0603
    _shown = None
    if _handles:
        while _handles:
            bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
        redraw()


def shown() -> "Ghost | None":
    """The ghost that is drawn now."""
    return _shown


def danced() -> Arriving | None:
    """The dance in the making, if some of it has arrived."""
    return _shown.dance if _shown is not None and _shown.dance.until >= SHORTEST else None


def take_in(kind: str, value: Any) -> None:
    """Take in what the task shows: the next dance begins, or frames of it have arrived."""
    if _shown is None:
        return
    if kind == "dance":
        _shown.dance.clear()
        _shown.title = f"Take {value + 1}: "
    elif kind == "segment":
        _shown.dance.add(*value)
    redraw()


def redraw() -> None:
    """Draw all 3D Views anew."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def lines(scene: bpy.types.Scene, ghost: Ghost) -> tuple[np.ndarray, np.ndarray, bool] | None:
    """Ends (2N, 3) in world space and colours (2N, 4) of the figure at the scene's current frame."""
    ob = rig.find(scene, ghost.rig)
    found = ghost.dance.lines_at(float(ghost.span.second_at(scene.frame_current_final)))
    if ob is None or found is None:
        return None
    ends, colours, exact = found
    place, plane = character.placement(ob), character.plane_of(ob)
    flat = place.to_plane(ends * place.canvas)
    points = plane.lifted(flat)
    matrix = np.asarray(ob.matrix_world)
    world = points @ matrix[:3, :3].T + matrix[:3, 3]
    alpha = np.full((len(colours), 1), 1.0 if exact else FAINT)
    return world.astype(np.float32), np.hstack([colours, alpha]).astype(np.float32), exact


def words(ghost: Ghost) -> str:
    """The progress, in words."""
    dance = ghost.dance
    if not dance.there.any():
        return f"{ghost.title}waiting for the first frames"
    first = round(float(ghost.span.left))
    last = max(first, round(float(ghost.span.frame_at(dance.until))) - 1)
    return f"{ghost.title}danced to frame {last} of {ghost.span.frames[-1]} ({dance.share:.0%})"


def _ghost_here():
    """The ghost to draw in the current region, or None."""
    context = bpy.context
    if _shown is None or context.scene is None or context.scene.name != _shown.scene:
        return None
    return _shown


def _draw_figure() -> None:
    ghost = _ghost_here()
    if ghost is None:
        return
    try:
        found = lines(scene_of(bpy.context), ghost)
        if found is None:
            return
        import gpu
        from gpu_extras.batch import batch_for_shader

        points, colours, _ = found
        shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
        batch = batch_for_shader(shader, "LINES", {"pos": points, "color": colours})  # pyright: ignore[reportArgumentType] -- arrays
        region = bpy.context.region
        gpu.state.blend_set("ALPHA")
        gpu.state.depth_test_set("ALWAYS")
        shader.bind()
        shader.uniform_float("viewportSize", (region.width, region.height))
        shader.uniform_float("lineWidth", WIDTH * bpy.context.preferences.system.ui_scale)
        batch.draw(shader)
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")
    except Exception:  # an error in here would come at every redraw
        traceback.print_exc()
        bpy.app.timers.register(end, first_interval=0.0)


def _draw_words() -> None:
    ghost = _ghost_here()
    if ghost is None:
        return
    import blf

    scale = bpy.context.preferences.system.ui_scale
    region = bpy.context.region
    text = translate(words(ghost))
    blf.size(0, 14 * scale)
    width, _ = blf.dimensions(0, text)
    colour = bpy.context.preferences.themes[0].view_3d.space.text_hi
    blf.color(0, colour[0], colour[1], colour[2], 1.0)
    blf.position(0, (region.width - width) / 2, 40 * scale, 0)
    blf.draw(0, text)

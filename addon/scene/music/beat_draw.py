# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the beat grid over the Sequencer, the Timeline and the Dope Sheet, and on top what other modules add.

The picture is computed in `beat_view`, cached per region, and renewed only when the grid or the view changes.
"""

import traceback
from collections.abc import Callable

import bpy
import gpu

from ...model.music import beat_view
from ...model.music.beat_view import Laid, Picture, View
from ...model.music.beats import EditedGrid
from ..window import place_of
from . import grids, markers, song_grid, timelines

SCRUB = 23.0  # pixels of the ruler of frames at the top, at UI scale 1
MARKERS = 28.0  # pixels of the row of markers at the bottom
TEXT = 11.0


class _Kept:
    """A cached drawing, and what it was made from."""

    def __init__(self):
        self.laid: tuple = (None, None)  # its source, and the grid on the timeline
        self.drawn: dict = {}  # region → [what it was made from, picture, batch, grid on the timeline]
        self.held: tuple | None = None  # mark of a sound, its grid while a beat is dragged, the beat's index
        self.complained = False


Drawing = Callable[[bpy.types.Context, bpy.types.Area, song_grid.SongGrid, View], Picture]
"""What is drawn over the beats, made at every redraw."""
_over: list[Drawing] = []
_handles: list = []
_kept = _Kept()


def add(*over: Drawing) -> None:
    """Start drawing the beats, and on top what other modules add."""
    _over.extend(over)
    for space in (bpy.types.SpaceSequenceEditor, bpy.types.SpaceDopeSheetEditor):
        _handles.append((space, space.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")))


def remove() -> None:
    """Stop drawing: the add-on is being disabled."""
    _over.clear()
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")
    forget()


def forget() -> None:
    """Forget all drawings: another file was loaded."""
    vars(_kept).update(vars(_Kept()))


def hold(mark: str = "", grid: EditedGrid | None = None, index: int | None = None) -> None:
    """While a beat is dragged, draw this grid of a sound instead of the scene's; call without arguments to end it."""
    _kept.held = (mark, grid, index) if grid is not None else None
    timelines.redraw()


def view_of(context: bpy.types.Context, area: bpy.types.Area, region: bpy.types.Region) -> View:
    """The view of a timeline region."""
    first, _ = region.view2d.region_to_view(0, 0)
    last, _ = region.view2d.region_to_view(region.width, 0)
    preferences = bpy.context.preferences
    scale = preferences.system.ui_scale or 1.0  # 0 in background mode
    theme = preferences.themes[0]
    theme = theme.sequence_editor if area.type == "SEQUENCE_EDITOR" else theme.dopesheet_editor
    back = theme.space.back
    light = 0.3 * back[0] + 0.59 * back[1] + 0.11 * back[2] > 0.45
    low = None
    if area.type == "DOPESHEET_EDITOR":  # its topmost row shows keys; the markers are at the bottom
        low = MARKERS * scale if context.scene.timeline_markers else 2.0
    return View(
        first, last, region.width, region.height, region.height - SCRUB * scale, scale, light, low=low
    )


def _song_of(context: bpy.types.Context, area: bpy.types.Area) -> song_grid.SongGrid | None:
    """The song of an area, or None if nothing should be drawn there."""
    settings = getattr(context.scene, "tempose", None)
    if settings is None or not settings.music.show_grid:
        return None
    if area.type == "SEQUENCE_EDITOR" and area.spaces.active.view_type == "PREVIEW":
        return None
    now = song_grid.peek(context)
    if now is None:
        return None
    shown = getattr(context, "sequencer_scene", None) or context.scene
    if now.scene != (shown if area.type == "SEQUENCE_EDITOR" else context.scene):
        return None  # its frames are not those of the area
    return now


def laid_of(context: bpy.types.Context, area: bpy.types.Area) -> Laid | None:
    """The grid placed in an area, or None if nothing should be drawn there."""
    now = _song_of(context, area)
    if now is None:
        return None
    held = _kept.held is not None and _kept.held[0] == now.mark
    grid = _kept.held[1] if held else now.grid
    if not len(grid):
        return None
    moved = [(m.frame, m.name) for m in markers.ours(now.scene)] if markers.KEY in now.scene else None
    playback, of_drag = now.playback, id(grid) if held else 0
    key = (grids.text_of(now.scene), moved, now.mark, playback.span, playback.tempo.points, of_drag)
    if _kept.laid[0] != key:
        _kept.laid = (key, beat_view.lay(grid, now.playback.span, now.playback.tempo))
    return _kept.laid[1]


def seen(context: bpy.types.Context, area: bpy.types.Area, region: bpy.types.Region) -> tuple[Picture, View]:
    """The beats visible in a region now."""
    view, laid = view_of(context, area, region), laid_of(context, area)
    if laid is None:
        return beat_view.NOTHING, view
    held = _kept.held[2] if _kept.held is not None else None
    key = (id(laid), view, held)
    kept = _kept.drawn.get(region.as_pointer())
    if kept is None or kept[0] != key:
        # The grid itself is kept too, so that its id cannot be reused.
        kept = _kept.drawn[region.as_pointer()] = [key, beat_view.picture(laid, view, held), None, laid]
    return kept[1], view


def over_beats(context: bpy.types.Context, area: bpy.types.Area, view: View) -> list[Picture]:
    """What other modules draw over the song in an area."""
    now = _song_of(context, area) if _over else None
    made = [draw(context, area, now, view) for draw in _over] if now is not None else []
    return [picture for picture in made if len(picture.rects)]


def _batch(shader: gpu.types.GPUShader, picture: Picture):
    import numpy as np
    from gpu_extras.batch import batch_for_shader

    left, bottom, right, top = picture.rects.T.astype(np.float32)
    corners = np.stack([left, bottom, right, bottom, right, top, left, top], 1).reshape(-1, 2)
    colors = np.repeat(picture.colors.astype(np.float32), 4, axis=0)
    first = 4 * np.arange(len(picture.rects), dtype=np.int32)[:, None]
    order = (first + np.array([[0, 1, 2, 0, 2, 3]], np.int32)).reshape(-1, 3)
    parts = {"pos": corners, "color": colors}
    return batch_for_shader(shader, "TRIS", parts, indices=order)  # pyright: ignore[reportArgumentType] -- arrays


def _draw() -> None:
    try:
        _paint(bpy.context)
    except Exception:
        if not _kept.complained:  # at every redraw it would flood the console
            _kept.complained = True
            traceback.print_exc()


def _paint(context: bpy.types.Context) -> None:
    area, region = place_of(context)
    picture, view = seen(context, area, region)
    over = over_beats(context, area, view)
    if not len(picture.rects) and not over:
        return
    import blf
    import gpu

    shader = gpu.shader.from_builtin("FLAT_COLOR")
    batches = [_batch(shader, one) for one in over]
    if len(picture.rects):
        kept = _kept.drawn[region.as_pointer()]
        if kept[2] is None:
            kept[2] = _batch(shader, picture)
        batches.append(kept[2])
    gpu.state.blend_set("ALPHA")
    try:
        shader.bind()
        for batch in batches:
            batch.draw(shader)
        blf.size(0, TEXT * view.scale)
        for x, y, text, color in (label for one in (*over, picture) for label in one.labels):
            blf.color(0, *color)
            blf.position(0, x, y, 0)
            blf.draw(0, text)
    finally:
        gpu.state.blend_set("NONE")

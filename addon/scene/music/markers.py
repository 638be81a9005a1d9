# SPDX-License-Identifier: GPL-3.0-or-later
"""Timeline markers as an optional view of the beat grid: on whole frames, for editing with Blender's own tools.

Our markers are named ``♪ bar.beat``. Those moved, deleted or added by the artist are edits, which `absorbed` takes
into the grid. The grid itself keeps exact seconds; an untouched marker stands for its exact beat.
"""

import json
import re
from dataclasses import replace

import bpy
import numpy as np

from tempose_pose.grid import BeatGrid
from tempose_pose.tempo import TempoMap

from ...model.music import beats
from ...model.music.beats import DOWN, EDITED, PIN, EditedGrid
from ...model.tempo.timing import Span
from . import grids

SIGN = "♪"
KEY = "tempose_markers"
_DOWN = re.compile(r"(?<!\b0)\.1\s*$")  # beats before the first bar are 0.1, 0.2 …


def ours(scene: bpy.types.Scene) -> list:
    """The beat markers of a scene, in order."""
    return sorted((m for m in scene.timeline_markers if m.name.startswith(SIGN)), key=lambda m: m.frame)


def _laid(scene: bpy.types.Scene) -> dict | None:
    """The record of how the markers were placed, or None without any."""
    try:
        view = json.loads(scene[KEY])
        return view if isinstance(view["markers"], list) else None
    except (KeyError, ValueError, TypeError):
        return None


def hide(scene: bpy.types.Scene) -> None:
    """Remove our markers; the grid stays."""
    for marker in ours(scene):
        scene.timeline_markers.remove(marker)
    if KEY in scene:
        del scene[KEY]


def show(scene: bpy.types.Scene, mark: str, grid: EditedGrid, span: Span, tempo: TempoMap) -> None:
    """Put a marker on every audible beat."""
    hide(scene)
    bars, places = beats.bar_numbers(grid)
    timeline = tempo.to_timeline(grid.times)
    put = []
    for beat, second, bar, place in zip(grid.times.tolist(), timeline, bars, places, strict=True):
        if -1e-6 <= second < span.seconds:
            frame = round(float(span.frame_at(second)))
            scene.timeline_markers.new(f"{SIGN} {bar}.{place}", frame=frame)
            put.append([frame, beat])
    scene[KEY] = json.dumps(
        {"mark": mark, "markers": put, "left": span.left, "rate": span.rate, "tempo": tempo.points}
    )


def absorbed(scene: bpy.types.Scene, mark: str) -> EditedGrid | None:
    """The grid of a sound with the artist's edits of its markers; nothing is written.

    If no marker is left, the grid stays as it is: they were only a view. Locked beats do not follow their markers.
    """
    grid, view = grids.load(scene, mark), _laid(scene)
    if grid is None or view is None or view["mark"] != mark:
        return grid
    found = [(m.frame, bool(_DOWN.search(m.name))) for m in ours(scene)]
    return _edited(grid, view, found) if found else grid


def _edited(grid: EditedGrid, view: dict, found: list) -> EditedGrid:
    exact = {}
    for frame, beat in view["markers"]:
        exact.setdefault(round(frame), beat)
    tempo, span = TempoMap(view["tempo"]), Span(view["left"], 0.0, view["rate"])
    flags = dict(zip(np.round(grid.times, 5).tolist(), grid.flags.tolist(), strict=True))
    seen = {frame for frame, _ in found}
    gone = [round(beat, 5) for frame, beat in exact.items() if frame not in seen]
    own = {}
    for frame, down in found:
        if frame not in exact:
            own[float(tempo.to_song(span.second_at(frame)))] = EDITED | PIN | (DOWN if down else 0)
        elif (key := round(exact[frame], 5)) in flags and bool(flags[key] & DOWN) != down:
            flags[key] = (flags[key] & ~DOWN) | EDITED | (DOWN if down else 0)
    locked = set(np.round(grid.times[grid.locked], 5).tolist())
    for key in gone:
        if key not in locked:
            flags.pop(key, None)
    keys = np.round(grid.times, 5)
    kept = np.asarray([k in flags for k in keys.tolist()], bool)
    times = grid.times[kept].tolist()
    rows = dict(zip(times, [flags[k] for k in keys[kept].tolist()], strict=True))
    for at, flag in own.items():
        near = min((abs(at - t) for t in rows), default=1.0)
        if near > 1e-3 and not beats.inside([at], grid.locks)[0]:
            rows[at] = flag
    gap = float(np.median(np.diff(grid.times))) if len(grid) > 1 else 0.5
    thrown = [k for k in gone if k not in locked and all(abs(k - at) > 0.5 * gap for at in own)]
    order = sorted(rows)
    return replace(
        grid, times=np.asarray(order), flags=np.asarray([rows[t] for t in order], int),
        removed=np.union1d(grid.removed, thrown),
    )  # fmt: skip


def follow(scene: bpy.types.Scene, span: Span, tempo: TempoMap) -> None:
    """The sound has moved, or its tempo or the frame rate has changed: bring the markers along, including edits."""
    view = _laid(scene)
    if view is None:
        return
    now = [list(p) for p in tempo.points]
    if (view["left"], view["rate"], view["tempo"]) == (span.left, span.rate, now):
        return
    markers, shift = ours(scene), span.left - view["left"]
    frames = {round(frame) for frame, _ in view["markers"]}
    if view["rate"] == span.rate and (
        sum(m.frame - shift in frames for m in markers) > sum(m.frame in frames for m in markers)
    ):  # they were moved together with the strip
        view["left"] += shift
        view["markers"] = [[frame + shift, beat] for frame, beat in view["markers"]]
        scene[KEY] = json.dumps(view)
    grid = absorbed(scene, view["mark"])
    if not markers or grid is None:
        hide(scene)
        return
    grids.save(scene, view["mark"], grid)
    show(scene, view["mark"], grid, span, tempo)


def put(
    scene: bpy.types.Scene,
    mark: str,
    grid: EditedGrid,
    span: Span,
    tempo: TempoMap,
    as_markers: bool,
    name: str = "",
) -> None:
    """Store a grid, and show it as markers or not; `name` is that of the sound's file."""
    grids.save(scene, mark, grid, name)
    if as_markers:
        show(scene, mark, grid, span, tempo)
    else:
        hide(scene)


def clear(scene: bpy.types.Scene, mark: str) -> None:
    """Remove the grid of a sound and its markers."""
    hide(scene)
    grids.drop(scene, mark)


def read(scene: bpy.types.Scene, mark: str) -> BeatGrid | None:
    """The grid of a sound with the artist's edits, for a request; None: the server detects beats."""
    grid = absorbed(scene, mark)
    return grid.beat_grid if grid is not None and len(grid) else None

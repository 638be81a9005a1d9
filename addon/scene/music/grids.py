# SPDX-License-Identifier: GPL-3.0-or-later
"""Beat grids in the scene, one per sound, in exact song seconds; saved in the .blend and covered by undo."""

import json

import bpy

from ...model.errors import Problem
from ...model.music import beats
from ...model.music.beats import EditedGrid

KEY = "tempose_grids"
_read: list = ["", {}, {}]  # the last text, its content, and grids made from it: drawing asks at every redraw


def text_of(scene: bpy.types.Scene) -> str:
    """All grids of a scene as text, which changes when any of them does."""
    text = scene.get(KEY, "")
    return text if isinstance(text, str) else ""


def _all(scene: bpy.types.Scene) -> dict:
    text = text_of(scene)
    if text != _read[0]:
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {}
        _read[:] = [text, found if isinstance(found, dict) else {}, {}]
    return _read[1]


def load(scene: bpy.types.Scene, mark: str) -> EditedGrid | None:
    """The grid of a sound, or None; also None if damaged.

    Parameters
    ----------
    mark : str
        Fingerprint of the sound.
    """
    found = _all(scene).get(mark)
    if found is None:
        return None
    made = _read[2]
    if mark not in made:
        try:
            made[mark] = beats.from_plain(found)
        except Problem:
            made[mark] = None
    return made[mark]


def has(scene: bpy.types.Scene, mark: str) -> bool:
    """Whether a sound has a grid."""
    return mark in _all(scene)


def named(scene: bpy.types.Scene, name: str) -> list[str]:
    """Marks of the grids that were made for sound files with a name, oldest first."""
    return [
        m for m, held in _all(scene).items() if name and isinstance(held, dict) and held.get("file") == name
    ]


def save(scene: bpy.types.Scene, mark: str, grid: EditedGrid, name: str = "") -> None:
    """Store the grid of a sound; `name` is that of its file, "" keeps the present one."""
    held = _all(scene)
    before = held.get(mark)
    name = name or (before.get("file", "") if isinstance(before, dict) else "")
    row = {**grid.to_plain(), "file": name} if name else grid.to_plain()
    rest = {m: row for m, row in held.items() if m != mark}
    scene[KEY] = json.dumps({**rest, mark: row}, separators=(",", ":"))


def drop(scene: bpy.types.Scene, mark: str) -> None:
    """Forget the grid of a sound."""
    rest = {k: v for k, v in _all(scene).items() if k != mark}
    if rest:
        scene[KEY] = json.dumps(rest, separators=(",", ":"))
    elif KEY in scene:
        del scene[KEY]

# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a dancer from moment to moment, kept with its armature. All of it can be keyed."""

from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty

from tempose_pose.curves import RANGES

from ...scene.dance import direction

_WORDS: dict[str, tuple[str, float, str]] = {
    "energy": (
        "Energy",
        0.7,
        "How lively the dance is: 0.7 as to a song at its usual loudness, 1.2 wild, 0 calm; the lowest stands still",
    ),
    "hits": ("Hits", 0.5, "How far the dancer stops on the beat: 1 stops dead, 0 flows through"),
    "facing": ("Facing", 1.0, "Where the dancer looks: 1 at you, 0 to the side, −1 away"),
    "path": ("Path", 0.0, "Where the dancer is, in body heights to the right of the middle"),
    "level": (
        "Level",
        0.0,
        "How high the hips are, in leg lengths over standing: crouching below 0, jumping above",
    ),
    "zoom": ("Zoom", 0.0, "How near the dancer is: larger above 0, smaller below"),
}


def _switched(self: Any, _context: bpy.types.Context) -> None:
    direction.keep_apart(self.id_data)


def _properties() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (low, high) in RANGES.items():
        label, default, words = _WORDS[name]
        found[f"use_{name}"] = BoolProperty(
            name=f"Direct {label}",
            description=f"Ask for {label.lower()}; off, the dancer chooses it by the music",
            default=False,
            options=set(),
            update=_switched,
        )
        found[name] = FloatProperty(
            name=label, description=words, default=default, min=low, max=high, precision=2
        )
    return found


# Made by hand, as the curves are a list.
TemposeDirection = type(
    "TemposeDirection",
    (bpy.types.PropertyGroup,),
    {"__annotations__": _properties(), "__module__": __name__, "__doc__": "On each armature."},
)

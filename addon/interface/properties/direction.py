# SPDX-License-Identifier: GPL-3.0-or-later
"""Direction of a dancer from moment to moment, stored on its armature. All of it can be keyed."""

from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty

from tempose_pose.curves import RANGES

from ...scene.dance import direction, tempo_follow


def _switched(self: Any, context: bpy.types.Context) -> None:
    direction.keep_apart(self.id_data)
    tempo_follow.directed(context)


def _changed(_self: Any, context: bpy.types.Context) -> None:
    tempo_follow.directed(context)


def _curve(which: str, name: str, default: float, description: str) -> dict[str, Any]:
    """The switch and the value of a curve."""
    low, high = RANGES[which]
    return {
        f"use_{which}": BoolProperty(
            name=f"Direct {name}",
            description=f"Ask for {name.lower()}; off, the dancer chooses it by the music",
            default=False,
            options=set(),
            update=_switched,
        ),
        which: FloatProperty(
            name=name,
            description=description,
            default=default,
            min=low,
            max=high,
            precision=2,
            update=_changed,
        ),
    }


_PROPERTIES = {
    **_curve(
        "energy",
        name="Energy",
        default=0.7,
        description="How lively the dance is: 0.7 is usual for a song, 1.2 wild, 0 calm; at the lowest "
        "value the dancer stands still",
    ),
    **_curve(
        "hits",
        name="Hits",
        default=0.5,
        description="How sharply the dancer stops on the beat: 1 stops dead, 0 flows through",
    ),
    **_curve(
        "facing",
        name="Facing",
        default=1.0,
        description="Where the dancer looks: 1 at you, 0 to the side, −1 away",
    ),
    **_curve(
        "path",
        name="Path",
        default=0.0,
        description="Where the dancer is, in body heights to the right of the middle",
    ),
    **_curve(
        "level",
        name="Level",
        default=0.0,
        description="How high the hips are, in leg lengths over standing: crouching below 0, jumping above",
    ),
    **_curve(
        "zoom", name="Zoom", default=0.0, description="How near the dancer is: larger above 0, smaller below"
    ),
}

# Made by hand, because the curves are a list.
TemposeDirection = type(
    "TemposeDirection",
    (bpy.types.PropertyGroup,),
    {"__annotations__": _PROPERTIES, "__module__": __name__, "__doc__": "On each armature."},
)

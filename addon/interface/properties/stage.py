# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's way on the stage, and hands and feet that are held; stored on its armature."""

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

PARTS = [
    ("left_wrist", "Left Hand", "The character's own left hand"),
    ("right_wrist", "Right Hand", "The character's own right hand"),
    ("left_ankle", "Left Foot", "The character's own left foot"),
    ("right_ankle", "Right Foot", "The character's own right foot"),
]


class TemposeWaypoint(bpy.types.PropertyGroup):
    marker: PointerProperty(type=bpy.types.Object, options=set())
    second: FloatProperty(description="Second of the song at which the dancer is there", options=set())
    beats: IntProperty(
        name="Beats on the Way",
        description="How many beats before it gets there the dancer sets out. 0: as soon as it has been at the "
        "waypoint before",
        min=0,
        max=256,
        options=set(),
    )


class TemposePin(bpy.types.PropertyGroup):
    part: EnumProperty(name="Pinned", description="What is held", items=PARTS, options=set())
    target: PointerProperty(
        name="Held At",
        description="What it is held at: an empty, a microphone, another character",
        type=bpy.types.Object,
        options=set(),
    )
    bone: StringProperty(
        name="Bone", description="The bone of another character that it is held at", options=set()
    )
    first: IntProperty(name="First Frame", description="From which frame it is held", options=set())
    last: IntProperty(name="Last Frame", description="Up to which frame it is held", options=set())


class TemposeStage(bpy.types.PropertyGroup):
    waypoints: CollectionProperty(type=TemposeWaypoint)
    active: IntProperty(options=set())
    line: PointerProperty(
        name="Path",
        description="A curve or a Grease Pencil stroke that the character goes along, from its beginning to its "
        "end. Waypoints on it say when it is where",
        type=bpy.types.Object,
        poll=lambda _self, ob: ob.type in ("CURVE", "GREASEPENCIL"),
        options=set(),
    )
    home: PointerProperty(
        name="Mark", description="Where the character comes back to", type=bpy.types.Object, options=set()
    )
    pins: CollectionProperty(type=TemposePin)
    active_pin: IntProperty(options=set())

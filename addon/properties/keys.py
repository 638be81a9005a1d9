# SPDX-License-Identifier: GPL-3.0-or-later
"""How a dance becomes keys: how many, how they are joined, and where the feet stand."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty


class TemposeKeys(bpy.types.PropertyGroup):
    density: EnumProperty(
        name="Keys",
        description="How many keys a dance gets",
        items=[
            ("EVERY", "Every Frame", "A key on each frame: the dance to the letter"),
            ("TWOS", "On Twos", "A key on every second frame"),
            ("THREES", "On Threes", "A key on every third frame"),
            ("SPARSE", "Sparse", "As few keys as keep every joint within the tolerance"),
        ],
        default="EVERY",
        options=set(),
    )
    tolerance: FloatProperty(
        name="Tolerance",
        description="How far a joint may be from the dance at most, in pixels of the scene's resolution as the "
        "camera sees the character",
        default=2.0,
        min=0.1,
        soft_max=20.0,
        max=200.0,
        subtype="PIXEL",
        options=set(),
    )
    together: BoolProperty(
        name="Whole Poses",
        description="All bones have their keys on the same frames. More keys, but each is a pose of the whole figure",
        default=False,
        options=set(),
    )
    beats: BoolProperty(
        name="Keys on Beats",
        description="Bones that stop or turn round on a beat get a key exactly there",
        default=True,
        options=set(),
    )
    interpolation: EnumProperty(
        name="Between",
        description="What happens from key to key",
        items=[
            ("SMOOTH", "Smooth", "Curves that follow the dance"),
            ("STEPPED", "Stepped", "Each pose is held until the next key"),
        ],
        default="SMOOTH",
        options=set(),
    )
    feet: EnumProperty(
        name="Feet",
        description="Whether feet that stand are held in place",
        items=[
            ("AUTO", "Auto", "Feet that carry do not slide, sink or float"),
            ("ALWAYS", "Always", "One foot is on the ground at every time: no jumps"),
            ("NEVER", "Never", "As the model has drawn them"),
        ],
        default="AUTO",
        options=set(),
    )
    ground: BoolProperty(
        name="Ground Line",
        description="The figure stands on one line: where the character's feet are at rest; jumps leave it. "
        "Otherwise it stands as high as in the dance, which may be above or below that",
        default=True,
        options=set(),
    )
    ground_height: FloatProperty(
        name="Height",
        description="The ground line, above or below the feet of the character at rest",
        default=0.0,
        subtype="DISTANCE",
        options=set(),
    )

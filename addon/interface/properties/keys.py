# SPDX-License-Identifier: GPL-3.0-or-later
"""How a dance becomes keys: their number, their interpolation, and the feet."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty


class TemposeKeys(bpy.types.PropertyGroup):
    hands: EnumProperty(
        name="Hands",
        description="How hands are held where the character has fingers or drawn hands, and the dance has none "
        "of its own",
        items=[
            (
                "AUTO",
                "By the Dance",
                "Relaxed where it is calm, on hits as the style has it, flat where hands meet",
            ),
            ("OFF", "Off", "Hands get no keys"),
            ("RELAXED", "Relaxed", "Throughout"),
            ("FLAT", "Flat", "Throughout"),
            ("FIST", "Fist", "Throughout"),
            ("POINT", "Point", "Throughout"),
            ("SPREAD", "Spread", "Throughout"),
        ],
        default="AUTO",
        options=set(),
    )
    facing: BoolProperty(
        name="Facing Drawings",
        description="Key which drawing is shown by where the dancer looks, for characters drawn from several sides",
        default=True,
        options=set(),
    )
    squash: FloatProperty(
        name="Squash and Stretch",
        description="How far the trunk is pressed together on beats, and drawn out before and after; where Stretch "
        "Bones is on",
        default=0.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options=set(),
    )
    density: EnumProperty(
        name="Keys",
        description="How many keys a dance gets",
        items=[
            (
                "POSES",
                "Poses",
                "Poses of the whole figure, on beats and extremes: few, and on the same frames",
                4,
            ),
            ("SPARSE", "Sparse", "As few keys as stay near the dance, each bone on its own", 3),
            ("THREES", "On Threes", "A key on every third frame", 2),
            ("TWOS", "On Twos", "A key on every second frame", 1),
            ("EVERY", "Every Frame", "A key on each frame: the dance exactly as it is", 0),
        ],
        default="POSES",
        options=set(),
    )
    tolerance: FloatProperty(
        name="Tolerance",
        description="How far joints may typically be from the dance (the root of the mean square), in pixels of a "
        "frame 1080 pixels high as the camera sees the character. Fast moves may be farther off",
        default=2.0,
        min=0.1,
        soft_max=20.0,
        max=200.0,
        subtype="PIXEL",
        options=set(),
    )
    pose_tolerance: FloatProperty(
        name="Tolerance",
        description="Breakdowns are put between the poses until joints are typically no farther from the dance than "
        "this (the root of the mean square), in pixels of a frame 1080 pixels high",
        default=12.0,
        min=0.1,
        soft_max=50.0,
        max=500.0,
        subtype="PIXEL",
        options=set(),
    )
    poses: EnumProperty(
        name="Poses",
        description="Which poses there are",
        items=[
            (
                "MOMENTS",
                "Beats and Extremes",
                "A pose on each beat, and wherever the dance comes to rest or turns",
            ),
            ("BAR", "By the Bar", "A number of poses a bar, where they say most about the dance"),
        ],
        default="MOMENTS",
        options=set(),
    )
    per_bar: IntProperty(
        name="Per Bar",
        description="How many poses a bar has, on average",
        default=4,
        min=1,
        max=32,
        options=set(),
    )
    beats: BoolProperty(
        name="Keys on Beats",
        description="Bones that stop or turn back on a beat get a key exactly there",
        default=True,
        options=set(),
    )
    interpolation: EnumProperty(
        name="Between",
        description="How bones move from key to key",
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
            ("AUTO", "Auto", "Feet that bear weight do not slide, sink or float"),
            ("ALWAYS", "Always", "One foot is always on the ground: no jumps"),
            ("NEVER", "Never", "As the model drew them"),
        ],
        default="AUTO",
        options=set(),
    )
    ground: BoolProperty(
        name="Ground Line",
        description="Keep the figure on one line, where the character's feet are at rest; jumps leave it."
        " Off: it stands as high as in the dance, which may be above or below that",
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a take: the range, what is kept, how much."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    StringProperty,
)

from tempose_pose.skeletons import GROUPS

from ...model.dance import styles
from ...scene.server import connection
from .generate import AREAS, AreaProperties


def _styles(_self: bpy.types.PropertyGroup, _context: bpy.types.Context, text: str):
    return styles.matching(connection.styles(), text)


class TemposeKeptPose(bpy.types.PropertyGroup):
    """A frame whose pose stays."""

    frame: IntProperty(
        name="Frame", description="The pose at this frame stays when the rest is danced again", options=set()
    )


class _Limbs:
    left_arm: BoolProperty(name="Left Arm", description="Keep the left arm as it is", options=set())
    right_arm: BoolProperty(name="Right Arm", description="Keep the right arm as it is", options=set())
    left_leg: BoolProperty(name="Left Leg", description="Keep the left leg as it is", options=set())
    right_leg: BoolProperty(name="Right Leg", description="Keep the right leg as it is", options=set())
    trunk: BoolProperty(name="Trunk", description="Keep neck and shoulders as they are", options=set())
    head: BoolProperty(name="Head", description="Keep the head as it is", options=set())

    @property
    def limbs(self) -> list[str]:
        """The limbs to keep."""
        return [name for name in GROUPS if getattr(self, name)]


class TemposeEdit(AreaProperties, _Limbs, bpy.types.PropertyGroup):
    area: EnumProperty(
        name="Range",
        description="What of the take is changed; everything else stays key for key",
        items=[("TAKE", "Whole Take", "All of the take"), *AREAS],
        default="TAKE",
        options=set(),
    )
    style: StringProperty(
        name="New Style",
        description="The style in which Change Style dances the range again",
        search=_styles,
        search_options={"SORT"},
        options=set(),
    )
    amount: FloatProperty(
        name="Movement",
        description="Below 1 calmer, above 1 wilder, around the smoothed motion. Feet that stand stay "
        "where they are",
        default=1.3,
        min=0.0,
        max=3.0,
        soft_max=2.0,
        options=set(),
    )
    strength: FloatProperty(
        name="Strength",
        description="How much of the dance is added to what moved the character before: 1 is the dance alone",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options=set(),
    )
    poses: CollectionProperty(
        name="Kept Poses",
        description="Frames whose poses stay when what lies between them is danced again",
        type=TemposeKeptPose,
    )
    active_pose: IntProperty(options=set())

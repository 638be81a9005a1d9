# SPDX-License-Identifier: GPL-3.0-or-later
"""How characters are drawn: puppets from pictures, and ink."""

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, PointerProperty


class TemposeDrawing(bpy.types.PropertyGroup):
    image: PointerProperty(
        name="Picture",
        description="A drawn or photographed character, arms and legs a little apart, on a transparent or"
        " plain background",
        type=bpy.types.Image,
        poll=lambda _self, image: image.type == "IMAGE",
        options=set(),
    )
    tolerance: FloatProperty(
        name="Tolerance",
        description="Colours this close to those at the picture's edge are background. Not used where the"
        " picture has transparent parts",
        default=0.1,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options=set(),
    )
    layers: BoolProperty(
        name="In Layers",
        description="Cut limbs, trunk and head apart, so that an arm passes before and behind the body; what "
        "one hides of another is filled in. Off: one piece, as for figures that are not cut well",
        default=True,
        options=set(),
    )
    ink_step: IntProperty(
        name="Frame Step",
        description="A drawing on every frame (1), on twos, on threes",
        default=2,
        min=1,
        max=24,
        options=set(),
    )
    ink_beats: BoolProperty(
        name="Also on Beats",
        description="Beats that fall between get a drawing of their own, so that hits stay sharp",
        default=True,
        options=set(),
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""One dance in the list of takes."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty


class TemposeTake(bpy.types.PropertyGroup):
    """One take. Its dance is in a text datablock."""

    identity: StringProperty()
    state: EnumProperty(items=[("PREVIEW", "Preview", ""), ("ACCEPTED", "Accepted", "")], default="PREVIEW")
    text: PointerProperty(type=bpy.types.Text)
    rig: PointerProperty(type=bpy.types.Object)
    action: PointerProperty(type=bpy.types.Action)
    hidden_action: PointerProperty(type=bpy.types.Action)
    previous_action: PointerProperty(type=bpy.types.Action)
    previous_slot: StringProperty()
    previous_pose: StringProperty(description="How the mapped bones stood before the preview")
    previous_fake_user: BoolProperty()
    sound: StringProperty(description="What regenerating did to the sound, to be undone by discarding")
    seed: StringProperty(name="Seed", description="The seed that this dance was made with")
    bpm: FloatProperty(name="BPM", description="The tempo that this dance was made to, in beats per minute")
    style: StringProperty(
        name="Style", description="The style that this dance was danced in, as people call it"
    )
    fingerprint: StringProperty()
    thumbnail: StringProperty(description="The pose that the list shows")
    star: BoolProperty(name="Star", description="Mark this take", default=False, options=set())
    note: StringProperty(
        name="Note", description="Anything you want to remember about this take", options=set()
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings on `scene.tempose`, saved in the .blend."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from tempose_pose.tempo import MAX_FACTOR, MIN_FACTOR

from ...model.dance import styles
from ...scene.character.selection import select_chosen
from ...scene.server import connection
from .character import TemposeCharacter, TemposeCharacterSettings
from .edit import TemposeEdit
from .form import TemposeForm
from .generate import TemposeGenerate
from .keys import TemposeKeys
from .music import TemposeMusic
from .output import TemposeOutput
from .pictures import TemposeDrawing
from .sections import TemposeSection
from .sections import edited as tempo_edited
from .takes import TemposeTake
from .tempo import TemposeTempo
from .view import TemposeView


def _styles(_self: bpy.types.PropertyGroup, _context: bpy.types.Context, text: str):
    return styles.matching(connection.styles(), text)


class TemposeSettings(bpy.types.PropertyGroup):
    strip: StringProperty(
        name="Sound",
        description="The sound strip to dance to. Empty: the active one, or the only one",
        options=set(),
    )
    music: PointerProperty(type=TemposeMusic)
    form: PointerProperty(type=TemposeForm)
    rig: PointerProperty(
        name="Character",
        description="The armature that dances while no other one is selected. Empty: the active one, or the only one",
        type=bpy.types.Object,
        poll=lambda _self, ob: ob.type == "ARMATURE",
        update=select_chosen,  # pyright: ignore[reportArgumentType] -- of this very group
        options=set(),
    )
    character: PointerProperty(type=TemposeCharacterSettings)
    overrides: CollectionProperty(type=TemposeCharacter)
    reference: EnumProperty(
        name="Reference Pose",
        description="The pose that gives the figure its proportions and its size",
        items=[
            ("STANDING", "Standing Figure", "The built-in figure; a rig's own rest pose once there is one"),
            ("ARMATURE", "Current Pose", "The pose that the rig is in at this frame"),
            ("FILE", "Pose File", "An OpenPose or COCO file (JSON)"),
            ("IMAGE", "Picture", "A picture with a marker on each joint, placed in Picture and Ink"),
        ],
        default="STANDING",
        options=set(),
    )
    proportions: EnumProperty(
        name="Figure",
        description="Which figure of the box a new rig is",
        items=[
            ("ADULT", "Adult", "Seven and a half heads tall"),
            ("CHILD", "Child", "Five heads tall, with a larger head"),
            ("ROBOT", "Robot", "As tall as an adult, with corners"),
        ],
        default="ADULT",
        options=set(),
    )
    reference_file: StringProperty(
        name="Pose File", description="OpenPose or COCO keypoints as JSON", subtype="FILE_PATH", options=set()
    )
    seed: IntProperty(name="Seed", description="Another seed, another dance", min=0, default=0, options=set())
    lock_seed: BoolProperty(
        name="Lock Seed",
        description="Keep the seed. Otherwise it goes up by one after each take",
        default=False,
        options=set(),
    )
    style: StringProperty(
        name="Style",
        description="Empty: the model chooses",
        search=_styles,
        search_options={"SORT"},
        options=set(),
    )
    energy: FloatProperty(
        name="Energy",
        description="How much it moves: 1 is normal, 0.5 calm, 1.5 lively",
        default=1.0,
        min=0.1,
        max=4.0,
        options=set(),
    )
    listen: FloatProperty(
        name="Listen",
        description="How strongly the sound decides how much is moved: at 0 only the beat is heard; at 1 "
        "quiet parts are danced calmly, drops open up, and the dancer stands still in silence",
        default=1.0,
        min=0.0,
        max=3.0,
        soft_max=2.0,
        options=set(),
    )
    repeat: FloatProperty(
        name="Repeat",
        description="How similarly the dancer repeats what the song repeats: 0 is new each time, 1 nearly"
        " the same moves again",
        default=0.6,
        min=0.0,
        max=1.0,
        options=set(),
    )
    quality: EnumProperty(
        name="Quality",
        description="How much time the model takes for a dance",
        items=[
            ("DRAFT", "Draft", "A quick look, a third faster"),
            ("NORMAL", "Standard", "Good for most dances"),
            ("FINE", "Fine", "Smoother in detail, in twice the time"),
        ],
        default="NORMAL",
        options=set(),
    )
    stretch: BoolProperty(
        name="Stretch Bones",
        description="Let bones take the length they have in the picture where limbs point at the viewer. "
        "Off: the bones only turn",
        default=True,
        options=set(),
    )
    stretch_others: BoolProperty(
        name="Stretch Bones",
        description="Let bones take the length they have in the picture where limbs point at the viewer, "
        "on a rig that Tempose has not made: what hangs on its bones is squashed too. Off: "
        "the bones only turn",
        default=False,
        options=set(),
    )
    tempo_factor: FloatProperty(
        name="Tempo",
        description="Speed of the whole strip; 2 plays twice as fast. Press Re-dance to hear and dance it",
        default=1.0,
        min=MIN_FACTOR,
        max=MAX_FACTOR,
        precision=3,
        options=set(),
        update=tempo_edited,
    )
    sections: CollectionProperty(type=TemposeSection)
    active_section: IntProperty(options=set())
    tempo: PointerProperty(type=TemposeTempo)
    replace_sound: BoolProperty(
        name="Put Sound on Timeline",
        description="Re-dance puts the sound at the new tempo on a free channel, with its pitch kept",
        default=True,
        options=set(),
    )
    mute_original: BoolProperty(
        name="Mute Original", description="Mute the original strip when its new version is put down",
        default=True, options=set(),
    )  # fmt: skip
    takes: CollectionProperty(type=TemposeTake)
    active_take: IntProperty(options=set())
    drawing: PointerProperty(type=TemposeDrawing)
    keys: PointerProperty(type=TemposeKeys)
    output: PointerProperty(type=TemposeOutput)
    generate: PointerProperty(type=TemposeGenerate)
    edit: PointerProperty(type=TemposeEdit)
    view: PointerProperty(type=TemposeView)

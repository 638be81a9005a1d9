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

from . import compat, connection, rig, tempo_edit
from .timing import MAX_FACTOR, MIN_FACTOR


def _styles(_self, _context, text):
    known = connection.current.capabilities.get("styles", []) if connection.current else []
    return [style for style in known if text.lower() in style.lower()]


def _get_frame(self) -> int:
    from . import dancing  # needs these settings itself

    return dancing.frame_of_song(bpy.context, self.start)


def _set_frame(self, frame: int) -> None:
    from . import dancing

    self.start = dancing.song_of_frame(bpy.context, frame)


class TemposeSection(bpy.types.PropertyGroup):
    """A part of the song with a tempo of its own, up to the next section."""

    start: FloatProperty(
        name="Start",
        description="Where the section begins, in seconds of the sound file",
        min=0.0,
        subtype="TIME_ABSOLUTE",
        precision=3,
        options=set(),
    )
    start_frame: IntProperty(
        name="Start Frame",
        description="The same place as a frame, where the sound is on the timeline now",
        get=_get_frame,
        set=_set_frame,
        options=set(),
    )
    factor: FloatProperty(
        name="Factor",
        description="Speed of this section; 2 plays twice as fast",
        default=1.0,
        min=MIN_FACTOR,
        max=MAX_FACTOR,
        precision=3,
        options=set(),
    )


class TemposeTake(bpy.types.PropertyGroup):
    """One dance. Its numbers are in a text datablock."""

    identity: StringProperty()
    state: EnumProperty(items=[("PREVIEW", "Preview", ""), ("ACCEPTED", "Accepted", "")], default="PREVIEW")
    text: PointerProperty(type=bpy.types.Text)
    rig: PointerProperty(type=bpy.types.Object)
    action: PointerProperty(type=bpy.types.Action)
    previous_action: PointerProperty(type=bpy.types.Action)
    previous_slot: StringProperty()
    previous_fake_user: BoolProperty()
    sound: StringProperty(description="What regenerating did to the sound, to be undone by discarding")
    seed: StringProperty(name="Seed")
    bpm: FloatProperty(name="BPM")
    fingerprint: StringProperty()


class TemposeSettings(bpy.types.PropertyGroup):
    strip: StringProperty(
        name="Sound",
        description="The sound strip to dance to. Empty: the active one, or the only one",
        options=set(),
    )
    rig: PointerProperty(
        name="Rig",
        description="The rig that dances. Empty: the active one, or the only one",
        type=bpy.types.Object,
        poll=lambda _self, ob: rig.is_rig(ob),
        options=set(),
    )
    reference: EnumProperty(
        name="Reference Pose",
        description="The pose that gives the figure its proportions and its size",
        items=[
            ("STANDING", "Standing Figure", "The built-in figure; a rig's own rest pose once there is one"),
            ("ARMATURE", "Current Pose", "The pose that the rig is in at this frame"),
            ("FILE", "Pose File", "An OpenPose or COCO file (JSON)"),
        ],
        default="STANDING",
        options=set(),
    )
    proportions: EnumProperty(
        name="Proportions",
        items=[("ADULT", "Adult", "Seven and a half heads tall"), ("CHILD", "Child", "Five heads tall")],
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
    quality: EnumProperty(
        name="Quality",
        items=[
            ("DRAFT", "Draft", "A quick look, in half the time"),
            ("NORMAL", "Normal", "Good for most dances"),
            ("FINE", "Fine", "Smoother in detail, in twice the time"),
        ],
        default="NORMAL",
        options=set(),
    )
    stretch: BoolProperty(
        name="Stretch Bones",
        description="Let bones take the length that they have in the picture, as limbs point at the viewer. "
        "Otherwise the bones only turn",
        default=True,
        options=set(),
    )
    tempo_factor: FloatProperty(
        name="Tempo",
        description="Speed of the whole strip; 2 plays twice as fast. Press Regenerate to hear and dance it",
        default=1.0,
        min=MIN_FACTOR,
        max=MAX_FACTOR,
        precision=3,
        options=set(),
    )
    sections: CollectionProperty(type=TemposeSection)
    active_section: IntProperty(options=set())
    replace_sound: BoolProperty(
        name="Put Sound on Timeline",
        description="Regenerate puts the sound at the new tempo on a free channel, with its pitch kept",
        default=True,
        options=set(),
    )
    mute_original: BoolProperty(
        name="Mute Original", description="Mute the original strip when its new version is put down",
        default=True, options=set(),
    )  # fmt: skip
    takes: CollectionProperty(type=TemposeTake)
    active_take: IntProperty(options=set())


def pick_strip(context, settings=None):
    """The scene and the sound strip that are meant, or a reason why there is none: (scene, strip, reason)."""
    settings = settings or context.scene.tempose
    scene = compat.sound_scene(context)
    strips = compat.sound_strips(scene)
    if not strips:
        return scene, None, "Add a sound strip in the Video Sequencer first"
    if settings.strip:
        for strip in strips:
            if strip.name == settings.strip:
                return scene, strip, ""
        return scene, None, f"There is no sound strip named {settings.strip}"
    active = scene.sequence_editor.active_strip
    if active is not None and active.type == "SOUND":
        return scene, active, ""
    own = [strip for strip in strips if not tempo_edit.is_version(strip)]
    if len(own) == 1:
        return scene, own[0], ""
    return scene, None, "There are several sound strips; select one or name it in the panel"


def pick_rig(context, settings=None):
    """The rig that is meant: the chosen, the active or the only one; None otherwise."""
    settings = settings or context.scene.tempose
    scene = context.scene
    if rig.is_rig(settings.rig) and settings.rig.name in scene.objects:
        return settings.rig
    active = context.view_layer.objects.active
    if rig.is_rig(active):
        return active
    rigs = [ob for ob in scene.objects if rig.is_rig(ob)]
    return rigs[0] if len(rigs) == 1 else None


CLASSES = (TemposeSection, TemposeTake, TemposeSettings)

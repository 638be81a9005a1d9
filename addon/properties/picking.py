# SPDX-License-Identifier: GPL-3.0-or-later
"""Which strip and which rig are meant."""

from .. import compat
from ..character import rig
from ..music.mix import Mix
from ..tempo import tempo_edit


def pick_strip(context, settings=None):  # noqa: PLR0911 -- one return for each reason
    """The scene and the sound strip that are meant, or a reason why there is none: (scene, strip, reason)."""
    settings = settings or context.scene.tempose
    scene = compat.sound_scene(context)
    strips = compat.sound_strips(scene)
    if settings.music.source == "RANGE":
        mix = Mix(scene)
        if not mix.strips:
            return scene, None, "Nothing is heard: every sound strip is muted, or there is none"
        if mix.right_handle <= mix.left_handle:
            return scene, None, "Nothing is heard in this range of frames"
        return scene, mix, ""
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
    # The only one, or the only one that is not muted.
    for choice in (own, [strip for strip in own if not strip.mute]):
        if len(choice) == 1:
            return scene, choice[0], ""
    return scene, None, "There are several sound strips; select one or name it in the panel"


def pick_rig(context, settings=None):
    """The rig that is meant: the chosen, the active or the only one; None otherwise."""
    settings = settings or context.scene.tempose
    scene = context.scene
    if settings.rig is not None and settings.rig.name in scene.objects:
        return settings.rig if rig.is_rig(settings.rig) else None
    active = context.view_layer.objects.active
    if rig.is_rig(active):
        return active
    if is_drawing_of(active):
        return active.parent
    rigs = [ob for ob in scene.objects if rig.is_rig(ob)]
    return rigs[0] if len(rigs) == 1 else None


def is_drawing_of(ob) -> bool:
    """Whether an object is the picture or figure of an armature that can dance."""
    return ob is not None and rig.is_rig(ob.parent)


def pick_armature(context, settings=None):
    """The armature that is meant, whether it can dance yet or not: the chosen, the active or the only one."""
    settings = settings or context.scene.tempose
    if settings.rig is not None and settings.rig.name in context.scene.objects:
        return settings.rig
    active = context.view_layer.objects.active
    if active is not None and active.type == "ARMATURE":
        return active
    if (ob := pick_rig(context, settings)) is not None:
        return ob
    found = [ob for ob in context.scene.objects if ob.type == "ARMATURE"]
    return found[0] if len(found) == 1 else None

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which strip and which rig are meant."""

from .. import compat, rig, tempo_edit


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

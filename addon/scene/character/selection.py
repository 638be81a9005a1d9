# SPDX-License-Identifier: GPL-3.0-or-later
"""The character that is meant: the selected one, otherwise the one chosen in the panel, otherwise the only one."""

import bpy

from ..settings import SceneSettings
from ..window import layer_of
from . import character, rig


def pick_rig(context: bpy.types.Context):
    """The rig that is meant; None without one, and where a selected armature cannot dance yet."""
    settings, scene = context.scene.tempose, context.scene
    if (selected := selected_armature(context)) is not None:
        return selected if rig.is_rig(selected) else None
    if settings.rig is not None and settings.rig.name in scene.objects:
        return settings.rig if rig.is_rig(settings.rig) else None
    active = context.view_layer.objects.active
    if rig.is_rig(active):
        return active
    if is_drawing_of(active):
        return active.parent
    rigs = [ob for ob in scene.objects if ob.type == "ARMATURE" and rig.is_rig(ob)]
    return rigs[0] if len(rigs) == 1 else None


def selected_rigs(context: bpy.types.Context) -> list[bpy.types.Object]:
    """All characters that are selected, the one that is meant first, then by name."""
    layer, lead = layer_of(context), pick_rig(context)
    found = [ob for ob in layer.objects if ob.type == "ARMATURE" and ob.select_get(view_layer=layer)]
    return sorted((ob for ob in found if rig.is_rig(ob)), key=lambda ob: (ob != lead, ob.name))


def selected_armature(context: bpy.types.Context):
    """The active armature, or that of the active drawing, while it is selected."""
    active = context.view_layer.objects.active
    if active is None or not active.select_get(view_layer=layer_of(context)):
        return None
    if active.type == "ARMATURE":
        return active
    return active.parent if is_drawing_of(active) else None


def select_chosen(settings: SceneSettings, context: bpy.types.Context) -> None:
    """The character chosen in the panel becomes the selected one, so that both say the same."""
    chosen, layer = settings.rig, layer_of(context)
    if chosen is None or layer is None or chosen.name not in layer.objects:
        return
    if context.mode == "POSE" and layer.objects.active is not chosen:  # where Accept has led
        bpy.ops.object.mode_set(mode="OBJECT")
    if context.mode != "OBJECT":
        return
    for other in layer.objects:
        if other.select_get(view_layer=layer) and other.type == "ARMATURE" and other is not chosen:
            other.select_set(False, view_layer=layer)
    if not chosen.hide_select and chosen.visible_get(view_layer=layer):
        chosen.select_set(True, view_layer=layer)
        layer.objects.active = chosen


def is_drawing_of(ob: bpy.types.Object | None) -> bool:
    """Whether an object is the picture or figure of an armature that can dance."""
    return ob is not None and ob.parent is not None and rig.is_rig(ob.parent)


def pick_armature(context: bpy.types.Context, ob: bpy.types.Object | None = None):
    """The armature that is meant, whether it can dance yet or not; `ob` is the rig that is meant."""
    settings = context.scene.tempose
    if (selected := selected_armature(context)) is not None:
        return selected
    if settings.rig is not None and settings.rig.name in context.scene.objects:
        return settings.rig
    active = context.view_layer.objects.active
    if active is not None and active.type == "ARMATURE":
        return active
    if ob is not None:
        return ob
    found = [one for one in context.scene.objects if one.type == "ARMATURE"]
    return found[0] if len(found) == 1 else None


def someone_is_there(context: bpy.types.Context) -> bool:
    """Whether a scene holds any armature, its own or an instance's."""
    scene = context.scene
    return any(ob.type == "ARMATURE" or character.instance_reason(ob) for ob in scene.objects)


def why_no_rig(context: bpy.types.Context, reason: str) -> str:
    """Why no character can dance where none is meant; `reason` is that of the armature that is meant, if any."""
    if reason:
        return reason
    if reason := character.instance_reason(context.view_layer.objects.active):
        return reason
    several = any(rig.is_rig(ob) for ob in context.scene.objects)
    return (
        "There are several characters; select one"
        if several
        else "Make a rig first: New Rig, or map an armature"
    )

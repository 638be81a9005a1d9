# SPDX-License-Identifier: GPL-3.0-or-later
"""The current character: the selected one, else the one chosen in the panel, else the only one."""

import bpy

from ..settings import SceneSettings
from ..window import layer_of
from . import character, rig


def pick_rig(context: bpy.types.Context):
    """The current rig; None without one, or if a selected armature cannot dance yet."""
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
    """All selected characters: the current one first, then by name."""
    layer, lead = layer_of(context), pick_rig(context)
    found = [ob for ob in layer.objects if ob.type == "ARMATURE" and ob.select_get(view_layer=layer)]
    return sorted((ob for ob in found if rig.is_rig(ob)), key=lambda ob: (ob != lead, ob.name))


def selected_armature(context: bpy.types.Context):
    """The active armature, or that of the active drawing, if selected."""
    active = context.view_layer.objects.active
    if active is None or not active.select_get(view_layer=layer_of(context)):
        return None
    if active.type == "ARMATURE":
        return active
    return active.parent if is_drawing_of(active) else None


def select_chosen(settings: SceneSettings, context: bpy.types.Context) -> None:
    """Select the character chosen in the panel, so that both agree."""
    chosen, layer = settings.rig, layer_of(context)
    if chosen is None or layer is None or chosen.name not in layer.objects:
        return
    if context.mode == "POSE" and layer.objects.active is not chosen:  # where Accept leads
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
    """The current armature, whether it can dance yet or not; `ob` is the current rig."""
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
    """Why there is no current character; `reason` is why the current armature, if any, cannot dance."""
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

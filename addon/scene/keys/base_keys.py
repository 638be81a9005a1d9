# SPDX-License-Identifier: GPL-3.0-or-later
"""The base that changes of a dance start from: what moves a character now, beneath any preview of a tempo."""

import bpy

from ..settings import ListedTake, SceneSettings, TempoFollowing
from . import action_keys


def chosen_take(settings: SceneSettings) -> ListedTake | None:
    """The chosen take in the list, or None."""
    return settings.takes[settings.active_take] if 0 <= settings.active_take < len(settings.takes) else None


def action_of(settings: SceneSettings, ob: bpy.types.Object | None) -> bpy.types.Action | None:
    """The Action that moves a character, without any preview of a tempo."""
    data = ob.animation_data if ob is not None else None
    action = data.action if data else None
    if action is not None and settings.tempo.before is not None and action == preview_of(settings.tempo):
        return settings.tempo.before
    return action


def preview_of(tempo: TempoFollowing) -> bpy.types.Action | None:
    """The Action that shows the keys at an edited tempo, or None."""
    return tempo.shown or bpy.data.actions.get(tempo.preview)


def take_of(
    settings: SceneSettings, ob: bpy.types.Object | None
) -> tuple[ListedTake, bpy.types.Action] | tuple[None, None]:
    """The take whose keys move a character now, and its Action; (None, None) without one."""
    action = action_of(settings, ob)
    mark = action.get(action_keys.TAKE) if action is not None else None
    take = next((t for t in settings.takes if mark and t.identity == mark and t.rig == ob and t.text), None)
    return (take, action) if take is not None and action is not None else (None, None)

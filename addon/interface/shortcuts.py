# SPDX-License-Identifier: GPL-3.0-or-later
"""Shortcuts for the most used buttons: pie menu, flip, accept, another take, loop. All can be changed in Blender."""

from collections.abc import Iterator

import bpy

PIE = "TEMPOSE_MT_pie"
EDITORS = {"3D View": "VIEW_3D", "Sequencer": "SEQUENCE_EDITOR", "Dopesheet": "DOPESHEET_EDITOR"}
KEYS = {
    "wm.call_menu_pie": "D",
    "tempose.previous_take": "COMMA",
    "tempose.next_take": "PERIOD",
    "tempose.accept_take": "RET",
    "tempose.reroll": "N",
    "tempose.dance_loop": "L",
}
"""Operator → its key, pressed with Shift and Alt: free in Blender's own keymap in all these editors."""

_added: list = []


def add() -> None:
    """Put our shortcuts into the add-ons' keymap, which people can change in the preferences."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    for editor, space in EDITORS.items():
        keymap = config.keymaps.new(name=editor, space_type=space)
        for operator, key in KEYS.items():
            item = keymap.keymap_items.new(operator, key, "PRESS", shift=True, alt=True)
            if operator == "wm.call_menu_pie":
                item.properties.name = PIE
            _added.append((keymap, item))


def remove() -> None:
    """Remove them: the add-on is being disabled."""
    while _added:
        keymap, item = _added.pop()
        keymap.keymap_items.remove(item)


def user_items(context: bpy.types.Context) -> Iterator[tuple]:
    """Our shortcuts as the user has them now: keyconfig, keymap and item."""
    config = context.window_manager.keyconfigs.user
    for editor in EDITORS:
        keymap = config.keymaps.get(editor) if config is not None else None
        for item in keymap.keymap_items if keymap is not None else ():
            if item.idname in KEYS and (
                item.idname.startswith("tempose.") or getattr(item.properties, "name", "") == PIE
            ):
                yield config, keymap, item

# SPDX-License-Identifier: GPL-3.0-or-later
"""Blending a dance's curves with the Action that moved the character before."""

import uuid
from collections.abc import Iterable

import bpy
import numpy as np

from ...model.errors import Problem

ID = "tempose_base"  # on Actions that takes are blended with


def settings_for(action: bpy.types.Action, slot: bpy.types.ActionSlot | None, strength: float) -> dict:
    """The settings for a take to keep; the Action gets a mark by which it is found again."""
    if ID not in action:
        action[ID] = uuid.uuid4().hex
    return {
        "strength": float(strength),
        "base": action[ID],
        "base_slot": slot.identifier if slot else "",
    }


def base_of(settings: dict, frames: Iterable[float]) -> dict | None:
    """The values (T,) to blend a take with, by path and index; None if its settings name no Action.

    Raises
    ------
    Problem
        If the Action has been deleted.
    """
    if "base" not in settings:
        return None
    action = next((a for a in bpy.data.actions if a.get(ID) == settings["base"]), None)
    if action is None:
        raise Problem(
            "base_gone",
            "The Action that this take is blended with has been deleted. Undo that, or discard the take.",
        )
    slot = action.slots.get(settings["base_slot"]) or (action.slots[0] if len(action.slots) else None)
    found = {}
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot) if slot else None
            found |= {(c.data_path, c.array_index): c for c in bag.fcurves} if bag else {}
    return {
        name: np.asarray([curve.evaluate(float(f)) for f in frames], float) for name, curve in found.items()
    }

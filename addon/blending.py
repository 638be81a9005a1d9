# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixing a dance's curves with the Action that moved the character before."""

import uuid
from dataclasses import replace

import bpy
import numpy as np

from .errors import Problem

ID = "tempose_base"  # on Actions that takes are blended with


def settings_for(action, slot, strength: float) -> dict:
    """What a take has to remember; the Action gets a mark by which it is found again."""
    if ID not in action:
        action[ID] = uuid.uuid4().hex
    return {
        "strength": float(strength),
        "base": action[ID],
        "base_slot": slot.identifier if slot else "",
    }


def applied(settings: dict, frames, curves: list) -> list:
    """The curves of a take, mixed as its settings say; as they are where they say nothing.

    Raises
    ------
    Problem
        The Action has been deleted.
    """
    if "base" not in settings:
        return curves
    action = next((a for a in bpy.data.actions if a.get(ID) == settings["base"]), None)
    if action is None:
        raise Problem("base_gone", "The Action that this take is blended with has been deleted.")
    slot = action.slots.get(settings["base_slot"]) or (action.slots[0] if len(action.slots) else None)
    under = {}
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot) if slot else None
            under |= {(c.data_path, c.array_index): c for c in bag.fcurves} if bag else {}
    return mixed(frames, curves, lambda path, index: under.get((path, index)), settings["strength"])


def mixed(frames, curves: list, base, strength: float) -> list:
    """Each curve between the one below it and its own.

    Parameters
    ----------
    frames : (T,)
    curves : of keys.Curve
    base : callable (path, index) → F-curve or None
        None: the channel is at rest.
    strength : float
        1 is the dance alone.
    """
    out = []
    for curve in curves:
        under = base(curve.path, curve.index)
        at_rest = curve.path.endswith("scale") or (curve.path.endswith("quaternion") and curve.index == 0)
        if under is None:
            below = np.full(len(frames), 1.0 if at_rest else 0.0)
        else:
            below = np.asarray([under.evaluate(float(f)) for f in frames], float)
        if curve.path.endswith("rotation_euler"):  # whole turns do not count
            below = below + 2 * np.pi * np.round(np.median((curve.values - below) / (2 * np.pi)))
        out.append(replace(curve, values=below + strength * (curve.values - below)))
    return out

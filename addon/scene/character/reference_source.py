# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose that a new rig is made from: a built-in figure, a file, a character or a picture."""

from pathlib import Path

import bpy

from tempose_pose.formats import read_reference
from tempose_pose.reference import Reference

from ...model.errors import Problem
from . import puppet, rig
from .selection import pick_rig


def reference_in_file(path: str) -> Reference:
    """A pose from a file."""
    full = Path(bpy.path.abspath(path))
    if not path:
        raise Problem("reference_unset", "Choose a pose file first.")
    return read_reference(full)


def reference_for_rig(context) -> Reference:
    """The pose that the settings ask for."""
    settings = context.scene.tempose
    if settings.reference == "FILE":
        return reference_in_file(settings.reference_file)
    if settings.reference == "ARMATURE":
        ob = pick_rig(context)
        if ob is None:
            raise Problem(
                "no_rig", "There is no character to take the pose from. Choose the standing figure."
            )
        return rig.pose_of(ob, current=True)
    if settings.reference == "IMAGE":
        plane = puppet.laid_out(context.scene)
        if plane is None:
            raise Problem("no_picture", "Place joint markers on a picture first: Picture and Ink.")
        return puppet.read(plane)[1]
    return Reference.standing("child" if settings.proportions == "CHILD" else "adult")

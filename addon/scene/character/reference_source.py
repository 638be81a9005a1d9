# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a new rig's pose: a built-in figure, a file, a character or a picture."""

from pathlib import Path

import bpy

from tempose_pose.reference import Reference

from ...model.errors import Problem
from ...model.files import pose_files
from ..window import scene_of
from . import puppet, rig
from .selection import pick_rig


def file_of(scene: bpy.types.Scene) -> str:
    """The pose file named in the settings; nothing if they choose another source."""
    settings = scene.tempose
    if settings.reference != "FILE":
        return ""
    if not settings.reference_file:
        raise Problem("reference_unset", "Choose a pose file first.")
    return str(Path(bpy.path.abspath(settings.reference_file)))


def is_large(scene: bpy.types.Scene) -> bool:
    """Whether the pose is in a file too large for Blender's window to wait for."""
    return scene.tempose.reference == "FILE" and pose_files.is_large(file_of(scene))


def reference_for_rig(context: bpy.types.Context) -> Reference:
    """The pose that the settings choose."""
    settings = context.scene.tempose
    if path := file_of(scene_of(context)):
        return pose_files.reference_in(path)
    if settings.reference == "ARMATURE":
        ob = pick_rig(context)
        if ob is None:
            raise Problem(
                "no_rig", "There is no character to take the pose from. Choose the standing figure."
            )
        return rig.pose_of(ob, current=True)
    if settings.reference == "IMAGE":
        plane = puppet.laid_out(scene_of(context))
        if plane is None:
            raise Problem("no_picture", "Place joint markers on a picture first: Picture and Ink.")
        return puppet.read(plane)[1]
    return Reference.standing("child" if settings.proportions == "CHILD" else "adult")

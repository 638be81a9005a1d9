# SPDX-License-Identifier: GPL-3.0-or-later
"""The Tempose tab, in the 3D View and in the sequencer: one file per panel, in the order of the journey."""

from typing import Any

import bpy

from . import edit, takes, tempo
from .beats import Beats
from .character import Bones, Character, Limits
from .dance import Dance
from .edit import Edit
from .keys import Keys
from .main import Main
from .music import Music
from .output import Output
from .pictures import Drawing
from .takes import Takes
from .tempo import Tempo

PARTS = (
    Main,
    Music,
    Beats,
    Character,
    Bones,
    Limits,
    Dance,
    Takes,
    Edit,
    Keys,
    Tempo,
    Drawing,
    Output,
)  # from top to bottom; the others lie inside of the first


class _Tab:
    bl_region_type = "UI"
    bl_category = "Tempose"


def _panels():
    """Each panel once for the 3D View and once for the sequencer."""
    classes = []
    for space, letter in (("VIEW_3D", "VIEW3D"), ("SEQUENCE_EDITOR", "SEQUENCER")):
        main = f"TEMPOSE_PT_{letter}_main"
        for part in PARTS:
            name = f"TEMPOSE_PT_{letter}_{part.__name__.lower()}"
            body: dict[str, Any] = {"bl_space_type": space, "bl_label": part.bl_label, "bl_idname": name}
            if hasattr(part, "bl_options"):
                body["bl_options"] = part.bl_options
            if part is not Main:
                body["bl_parent_id"] = main
            classes.append(type(name, (_Tab, part, bpy.types.Panel), body))
    return tuple(classes)


CLASSES = (takes.TEMPOSE_UL_takes, edit.TEMPOSE_UL_kept_poses, tempo.TEMPOSE_UL_sections, *_panels())

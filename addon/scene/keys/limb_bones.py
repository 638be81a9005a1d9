# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones of a character's limbs, from the body outwards."""

import bpy

from ...model.character.mapping import BoneMap
from ..character import character

CHAINS = {
    "arm": (
        ("shoulder", "upper_arm"),
        ("forearm",),
        ("hand",),
        ("thumb", "index", "middle", "ring", "little"),
    ),
    "leg": (("thigh",), ("shin",), ("foot",)),
}
LIMBS = [
    ("left_arm", "Left Arm", "The character's own left arm"),
    ("right_arm", "Right Arm", "The character's own right arm"),
    ("left_leg", "Left Leg", "The character's own left leg"),
    ("right_leg", "Right Leg", "The character's own right leg"),
    ("head", "Head", "The head"),
    ("trunk", "Trunk", "Spine and hips"),
]


def links_of(ob: bpy.types.Object, limb: str) -> list[list[str]]:
    """Bones of a limb by link, from the body outwards."""
    return [found for found in _links(character.map_of(ob), limb) if found]


def _links(bone_map: BoneMap, limb: str) -> list[list[str]]:
    if limb in ("head", "trunk"):
        parts = (("head",), ("eye", "ear")) if limb == "head" else (("spine", "hip", "root"),)
        return [[b for p, b in bone_map.bones.items() if p.split(".")[0] in names] for names in parts]
    side, _, kind = limb.partition("_")
    letter = side[0].upper()
    return [
        [b for p, b in bone_map.bones.items() if p.split(".")[0] in names and p.endswith(f".{letter}")]
        for names in CHAINS[kind]
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone lies between which joints. No bpy in here."""

from dataclasses import dataclass

from .skeleton import OPENPOSE_18

JOINTS = (*OPENPOSE_18, "mid_hip")  # the last one lies half-way between the hips


@dataclass(frozen=True)
class BoneLink:
    """One bone: it runs from joint `head` to joint `tail`. `tail` None: it only carries the place."""

    name: str
    parent: str | None
    head: str
    tail: str | None


def _side(letter: str, side: str) -> list[BoneLink]:
    chain = [
        ("shoulder", "spine", "neck", "shoulder"),
        ("upper_arm", "shoulder", "shoulder", "elbow"),
        ("forearm", "upper_arm", "elbow", "wrist"),
        ("hip", "root", "mid_hip", "hip"),
        ("thigh", "hip", "hip", "knee"),
        ("shin", "thigh", "knee", "ankle"),
        ("eye", "head", "nose", "eye"),
        ("ear", "eye", "eye", "ear"),
    ]
    middle = ("neck", "mid_hip", "nose")
    return [
        BoneLink(
            f"{bone}.{letter}",
            parent if parent in ("root", "spine", "head") else f"{parent}.{letter}",
            head if head in middle else f"{side}_{head}",
            f"{side}_{tail}",
        )
        for bone, parent, head, tail in chain
    ]


TEMPOSE_RIG = (
    BoneLink("root", None, "mid_hip", None),
    BoneLink("spine", "root", "mid_hip", "neck"),
    BoneLink("head", "spine", "neck", "nose"),
    *_side("L", "left"),
    *_side("R", "right"),
)
"""The bones of a rig made by Tempose, parents first."""

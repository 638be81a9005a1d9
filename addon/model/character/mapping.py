# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones between the joints: parts of the body, and the map from parts to bones. No bpy in here."""

import json
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cache

from tempose_pose.skeletons import FINGERS, OPENPOSE_18

from ..errors import Problem

BODY = OPENPOSE_18
"""What the bones of a body are found and solved by; hands and feet come on top (`extremities`)."""
JOINTS = (*BODY.joints, "mid_hip")  # the last is half-way between the hips
FORM = "tempose-bone-map-1"
MAX_MAP_BYTES = 1_000_000


@dataclass(frozen=True)
class BoneLink:
    """One bone: it runs from joint `head` to joint `tail`. `tail` None: it only carries a position."""

    name: str
    parent: str | None
    head: str
    tail: str | None


def _side(letter: str, side: str) -> list[BoneLink]:
    chain = [
        ("shoulder", "spine", "neck", "shoulder"),
        ("upper_arm", "spine", "shoulder", "elbow"),
        ("forearm", "upper_arm", "elbow", "wrist"),
        ("hip", "root", "mid_hip", "hip"),
        ("thigh", "root", "hip", "knee"),
        ("shin", "thigh", "knee", "ankle"),
        ("eye", "head", "nose", "eye"),
        ("ear", "eye", "eye", "ear"),
    ]
    return [_link(*row, letter, side) for row in chain]


def _link(bone: str, parent: str, head: str, tail: str | None, letter: str, side: str) -> BoneLink:
    middle = ("neck", "mid_hip", "nose")
    return BoneLink(
        f"{bone}.{letter}",
        parent if parent in ("root", "spine", "head") else f"{parent}.{letter}",
        head if head in middle else f"{side}_{head}",
        tail and f"{side}_{tail}",
    )


TEMPOSE_RIG = (
    BoneLink("root", None, "mid_hip", None),
    BoneLink("spine", "root", "mid_hip", "neck"),
    BoneLink("head", "spine", "neck", "nose"),
    *_side("L", "left"),
    *_side("R", "right"),
)
"""The bones of every rig made by Tempose, parents first."""

STUBS = {f"{stub}.{letter}": f"{limb}.{letter}" for stub, limb in (("shoulder", "upper_arm"), ("hip", "thigh"))
         for letter in "LR"}  # fmt: skip
"""Bones of such a rig that only fill the body out to where a limb begins, and the limb that each follows.

They turn over when the dancer turns round; the limb's own place does not, so that is what gets keys.
"""

ENDS = tuple(
    _link(*row, letter, side)
    for letter, side in (("L", "left"), ("R", "right"))
    for row in (
        ("hand", "forearm", "wrist", "middle_1"),
        ("foot", "shin", "ankle", "big_toe"),
        *(
            (
                f"{finger}.{k:02}",
                f"{finger}.{k - 1:02}" if k > 1 else "hand",
                f"{finger}_{k}",
                f"{finger}_{k + 1}",
            )
            for finger in FINGERS
            for k in (1, 2, 3)
        ),
    )
)
"""Bones of a rig made by Tempose where the pose has hands and toes, parents first."""

TOES = tuple(
    BoneLink(f"toe.{letter}", f"foot.{letter}", f"{side}_big_toe", None)
    for letter, side in (("L", "left"), ("R", "right"))
)
"""Where a foot has a bone of its own for the toes, the foot ends at its tail; it goes along with the foot."""

NECK = BoneLink("neck", "spine", "neck", "nose")
TARGETS = tuple(
    BoneLink(f"foot_ik.{letter}", None, f"{side}_ankle", None)
    for letter, side in (("L", "left"), ("R", "right"))
)
"""What the feet are pulled to, where legs have inverse kinematics."""

DEPTHS = tuple(
    BoneLink(f"{limb}_depth.{letter}", f"{bone}.{letter}", f"{side}_{joint}", None)
    for limb, bone, joint in (("arm", "upper_arm", "elbow"), ("leg", "thigh", "knee"))
    for letter, side in (("L", "left"), ("R", "right"))
)
"""Bones of a puppet in layers that bring a limb before the trunk and behind it; no part is mapped to them."""

PARTS = {link.name: link for link in (*TEMPOSE_RIG[:2], NECK, *TEMPOSE_RIG[2:], *ENDS, *TOES, *TARGETS)}
"""All parts that a bone can be mapped to, parents first."""

WANTED = (
    "root",
    "spine",
    "head",
    *(f"{part}.{side}" for side in "LR" for part in ("upper_arm", "forearm", "thigh", "shin")),
)
"""Parts without which something does not dance."""


@cache
def label(part: str) -> str:
    """The name of a part for people."""
    name, _, letter = part.rpartition(".") if part[-2:] in (".L", ".R") else (part, "", "")
    words = {"root": "hips", "foot_ik": "foot target", "shoulder": "collar bone", "hip": "hip bone"}.get(
        name, name.replace("_", " ").replace(".0", " ")
    )
    return {"L": "left ", "R": "right "}.get(letter, "") + words


@dataclass(frozen=True)
class BoneMap:
    """Which bone is which part of the body.

    Parameters
    ----------
    bones : dict of part → bone name
    nose : float
        Position of the nose along the head bone: 1 at its tail.
    """

    bones: dict[str, str] = field(default_factory=dict)
    nose: float = 0.5

    def within(self, names: Container[str]) -> "BoneMap":
        """The map without bones that the armature does not have."""
        return BoneMap({part: bone for part, bone in self.bones.items() if bone in names}, self.nose)

    @property
    def missing(self) -> list[str]:
        """Wanted parts that no bone is mapped to."""
        return [
            part
            for part in WANTED
            if part not in self.bones and not (part == "head" and "neck" in self.bones)
        ]

    @property
    def twice(self) -> list[str]:
        """Bones that are mapped more than once."""
        used = [
            bone for part, bone in self.bones.items() if part != "root"
        ]  # a torso may carry the position too
        return sorted({bone for bone in used if used.count(bone) > 1})


def to_json(bone_map: BoneMap, name: str) -> str:
    """A map as the text of a file."""
    return (
        json.dumps({"form": FORM, "name": name, "nose": bone_map.nose, "bones": bone_map.bones}, indent=2)
        + "\n"
    )


def from_json(text: str) -> tuple[BoneMap, str]:
    """A map and its name from the text of a file; raises `Problem` if it is something else."""
    try:
        data = json.loads(text)
        bones = data["bones"]
        good = data["form"] == FORM and isinstance(bones, dict) and bones
        good = good and all(isinstance(v, str) and part in PARTS for part, v in bones.items())
        nose = float(data.get("nose", 0.5))
        if not good or not 0 <= nose <= 2:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Problem(
            "map_unreadable", "This is not a bone map that Tempose has saved. Choose another file."
        ) from None
    return BoneMap({part: bone for part, bone in bones.items() if bone}, nose), str(data.get("name", ""))[
        :100
    ]


def unmapped(bone_map: BoneMap) -> str:
    """A sentence that names the parts without a bone; empty if there are none."""
    if not bone_map.missing:
        return ""
    return "Not mapped, so not danced: " + ", ".join(label(part) for part in bone_map.missing)

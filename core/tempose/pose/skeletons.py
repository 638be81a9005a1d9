"""Skeletons as data. Everything that depends on a joint layout reads it from here."""

from __future__ import annotations

from dataclasses import dataclass

from tempose.errors import TemposeError


@dataclass(frozen=True)
class Skeleton:
    """A joint layout.

    Parameters
    ----------
    name : str
    joints : tuple of str
        K joint names; "left" and "right" are the subject's own sides.
    parents : tuple of int
        K parent indices, -1 at the root. Parents may come after their children in joint order.
    limbs : tuple of (int, int)
        Joint pairs drawn as limbs, in the order the format's own drawing uses.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    limbs: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Index of a joint by name."""
        return self.joints.index(joint)

    @property
    def flip(self) -> tuple[int, ...]:
        """For each joint the index of its mirror partner (itself for joints on the axis)."""
        swap = {"left": "right", "right": "left"}
        names = ["_".join(swap.get(word, word) for word in joint.split("_")) for joint in self.joints]
        return tuple(self.joints.index(name) for name in names)


def _skeleton(name: str, joints: str, parents: dict[str, str], limbs: str) -> Skeleton:
    """Build a skeleton from names; `limbs` is a list such as "neck-nose neck-left_hip"."""
    order = tuple(joints.split())
    return Skeleton(
        name,
        order,
        tuple(order.index(parents[joint]) if joint in parents else -1 for joint in order),
        tuple((order.index(a), order.index(b)) for a, b in (pair.split("-") for pair in limbs.split())),
    )


_SIDES = {
    f"{side}_{child}": f"{side}_{parent}"
    for side in ("left", "right")
    for child, parent in [("elbow", "shoulder"), ("wrist", "elbow"), ("knee", "hip"), ("ankle", "knee")]
}

# The limb order is OpenPose's own for COCO-18, so that drawings get its colours.
OPENPOSE_18 = _skeleton(
    "openpose18",
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear",
    {
        **_SIDES,
        "nose": "neck",
        **{f"{s}_{j}": "neck" for s in ("left", "right") for j in ("shoulder", "hip")},
        **{f"{s}_eye": "nose" for s in ("left", "right")},
        **{f"{s}_ear": f"{s}_eye" for s in ("left", "right")},
    },
    "neck-right_shoulder neck-left_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
    "left_shoulder-left_elbow left_elbow-left_wrist neck-right_hip right_hip-right_knee "
    "right_knee-right_ankle neck-left_hip left_hip-left_knee left_knee-left_ankle neck-nose "
    "nose-right_eye right_eye-right_ear nose-left_eye left_eye-left_ear",
)

COCO_17 = _skeleton(
    "coco17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    {
        **_SIDES,
        **{f"{s}_eye": "nose" for s in ("left", "right")},
        **{f"{s}_ear": f"{s}_eye" for s in ("left", "right")},
        **{f"{s}_shoulder": "nose" for s in ("left", "right")},
        **{f"{s}_hip": f"{s}_shoulder" for s in ("left", "right")},
    },
    "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip "
    "left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip left_shoulder-right_shoulder "
    "left_shoulder-left_elbow right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist "
    "left_eye-right_eye nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear "
    "left_ear-left_shoulder right_ear-right_shoulder",
)

SKELETONS: dict[str, Skeleton] = {s.name: s for s in (OPENPOSE_18, COCO_17)}


def skeleton(name: str) -> Skeleton:
    """The skeleton of that name; raises `TemposeError` naming the known ones."""
    if name not in SKELETONS:
        raise TemposeError("skeleton_unknown", f"Unknown skeleton {name!r}; known: {', '.join(SKELETONS)}.")
    return SKELETONS[name]

"""Skeletons as data. Everything that depends on a joint layout reads it from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from tempose_pose.errors import TemposeError

GROUPS = ("left_arm", "right_arm", "left_leg", "right_leg", "head", "trunk")
"""Parts of the body that can be kept, or danced again."""


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

    def __post_init__(self):
        count = len(self.joints)
        known = all(-1 <= parent < count for parent in self.parents)
        known = known and all(0 <= end < count for limb in self.limbs for end in limb)
        if not known or len(self.parents) != count or len(set(self.joints)) != count or self._circular():
            raise TemposeError("skeleton", f"The skeleton {self.name} contradicts itself.")

    def _circular(self) -> bool:
        """Whether a joint is its own ancestor, or there are no joints."""
        loose = set(range(len(self.joints)))
        while rooted := {joint for joint in loose if self.parents[joint] not in loose}:
            loose -= rooted
        return bool(loose) or not self.joints

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def at(self) -> dict[str, int]:
        """Joint → its index."""
        return {joint: i for i, joint in enumerate(self.joints)}

    def index(self, joint: str) -> int:
        """Index of a joint by name; raises `ValueError` without one."""
        if joint not in self.at:
            raise ValueError(f"{self.name} has no joint {joint!r}")
        return self.at[joint]

    def indices(self, *joints: str) -> list[int]:
        """Indices of joints by name."""
        return [self.index(joint) for joint in joints]

    @cached_property
    def flip(self) -> tuple[int, ...]:
        """For each joint the index of its mirror partner (itself for joints on the axis)."""
        return tuple(self.at.get(mirror(joint), i) for i, joint in enumerate(self.joints))

    def parent_of(self, joint: str) -> str | None:
        """A joint's parent; None for a root."""
        parent = self.parents[self.index(joint)]
        return self.joints[parent] if parent >= 0 else None

    @cached_property
    def outwards(self) -> tuple[int, ...]:
        """All joints, each after its parent."""
        order: list[int] = []

        def visit(joint: int) -> None:
            if joint in order:
                return
            if self.parents[joint] >= 0:
                visit(self.parents[joint])
            order.append(joint)

        for joint in range(len(self)):
            visit(joint)
        return tuple(order)

    def beyond(self, joint: int) -> list[int]:
        """The indices of all descendants of this joint."""
        held = {joint}
        for other in self.outwards:
            if self.parents[other] in held:
                held.add(other)
        return [other for other in range(len(self)) if other in held and other != joint]

    @cached_property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Part of the body → its joints, in the skeleton's order; together they are all joints.

        Arms begin at the elbow, legs at the hip, the head at the nose; everything else belongs to the trunk.
        """
        group: dict[str, str] = {}
        for i in self.outwards:
            joint, parent = self.joints[i], self.parent_of(self.joints[i])
            side, _, part = joint.partition("_")
            if side in ("left", "right") and part in ("hip", "elbow"):
                group[joint] = f"{side}_leg" if part == "hip" else f"{side}_arm"
            elif joint in ("nose", "head"):
                group[joint] = "head"
            elif part == "shoulder" or parent is None:
                group[joint] = "trunk"
            else:
                group[joint] = group[parent]
        return {part: tuple(j for j in self.joints if group[j] == part) for part in GROUPS}

    def joints_of(self, groups: Iterable[str]) -> list[str]:
        """The joints of these parts of the body, in the skeleton's order."""
        held = {joint for group in groups for joint in self.groups[group]}
        return [joint for joint in self.joints if joint in held]


def mirror(joint: str) -> str:
    """The joint's partner on the other side (itself on the middle axis)."""
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(word, word) for word in joint.split("_"))


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

_FEET = {
    **{f"{s}_{j}": f"{s}_ankle" for s in ("left", "right") for j in ("big_toe", "heel")},
    **{f"{s}_small_toe": f"{s}_big_toe" for s in ("left", "right")},
}
FINGERS = ("thumb", "index", "middle", "ring", "little")


def _hand(side: str) -> tuple[list[str], dict[str, str], str]:
    """21 joints, parents and limbs of a hand: its root, then four of each finger from the palm outwards."""
    root = f"{side}_hand"
    joints, parents, limbs = [root], {root: f"{side}_wrist"}, []
    for finger in FINGERS:
        for k in range(1, 5):
            joint = f"{side}_{finger}_{k}"
            parents[joint] = root if k == 1 else f"{side}_{finger}_{k - 1}"
            limbs.append(f"{parents[joint]}-{joint}")
            joints.append(joint)
    return joints, parents, " ".join(limbs)


def _with_hands(name: str, body: Skeleton) -> Skeleton:
    """A body followed by its left and its right hand."""
    (left, left_parents, left_limbs), (right, right_parents, right_limbs) = _hand("left"), _hand("right")
    return _skeleton(
        name,
        " ".join([*body.joints, *left, *right]),
        {
            **{j: body.joints[p] for j, p in zip(body.joints, body.parents, strict=True) if p >= 0},
            **left_parents,
            **right_parents,
        },
        " ".join([*(f"{body.joints[a]}-{body.joints[b]}" for a, b in body.limbs), left_limbs, right_limbs]),
    )


BODY_25 = _skeleton(
    "body25",
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist mid_hip "
    "right_hip right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear "
    "left_ear left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel",
    {
        **_SIDES,
        **_FEET,
        "mid_hip": "neck",
        "nose": "neck",
        **{f"{s}_shoulder": "neck" for s in ("left", "right")},
        **{f"{s}_hip": "mid_hip" for s in ("left", "right")},
        **{f"{s}_eye": "nose" for s in ("left", "right")},
        **{f"{s}_ear": f"{s}_eye" for s in ("left", "right")},
    },
    "neck-mid_hip neck-right_shoulder neck-left_shoulder right_shoulder-right_elbow right_elbow-right_wrist "
    "left_shoulder-left_elbow left_elbow-left_wrist mid_hip-right_hip right_hip-right_knee "
    "right_knee-right_ankle mid_hip-left_hip left_hip-left_knee left_knee-left_ankle neck-nose "
    "nose-right_eye right_eye-right_ear nose-left_eye left_eye-left_ear left_ankle-left_big_toe "
    "left_big_toe-left_small_toe left_ankle-left_heel right_ankle-right_big_toe "
    "right_big_toe-right_small_toe right_ankle-right_heel",
)

# Halpe calls its point between the hips "hip"; here it has the name it has in BODY_25.
HALPE_26 = _skeleton(
    "halpe26",
    " ".join(COCO_17.joints) + " head neck mid_hip left_big_toe right_big_toe left_small_toe right_small_toe "
    "left_heel right_heel",
    {
        **{j: BODY_25.joints[p] for j, p in zip(BODY_25.joints, BODY_25.parents, strict=True) if p >= 0},
        "head": "neck",
    },
    "head-neck neck-mid_hip neck-left_shoulder neck-right_shoulder left_shoulder-left_elbow "
    "right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist mid_hip-left_hip "
    "mid_hip-right_hip left_hip-left_knee right_hip-right_knee left_knee-left_ankle right_knee-right_ankle "
    "neck-nose nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear left_ankle-left_big_toe "
    "right_ankle-right_big_toe left_big_toe-left_small_toe right_big_toe-right_small_toe "
    "left_ankle-left_heel right_ankle-right_heel",
)

# The three hand points of MediaPipe Pose are knuckles, its foot index is the tip of the foot.
MEDIAPIPE_33 = _skeleton(
    "mediapipe33",
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear "
    "right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow right_elbow left_wrist "
    "right_wrist left_pinky right_pinky left_index right_index left_thumb right_thumb left_hip "
    "right_hip left_knee right_knee left_ankle right_ankle left_heel right_heel left_foot_index "
    "right_foot_index",
    {
        **_SIDES,
        **{f"{s}_shoulder": "nose" for s in ("left", "right")},
        **{f"{s}_hip": f"{s}_shoulder" for s in ("left", "right")},
        **{f"mouth_{s}": "nose" for s in ("left", "right")},
        **{f"{s}_{j}": f"{s}_wrist" for s in ("left", "right") for j in ("pinky", "index", "thumb")},
        **{f"{s}_{j}": f"{s}_ankle" for s in ("left", "right") for j in ("heel", "foot_index")},
        **{f"{s}_eye_inner": "nose" for s in ("left", "right")},
        **{f"{s}_eye": f"{s}_eye_inner" for s in ("left", "right")},
        **{f"{s}_eye_outer": f"{s}_eye" for s in ("left", "right")},
        **{f"{s}_ear": f"{s}_eye_outer" for s in ("left", "right")},
    },
    "mouth_left-mouth_right left_shoulder-right_shoulder left_hip-right_hip "
    + " ".join(
        f"nose-{s}_eye_inner {s}_eye_inner-{s}_eye {s}_eye-{s}_eye_outer {s}_eye_outer-{s}_ear "
        f"{s}_shoulder-{s}_elbow {s}_elbow-{s}_wrist {s}_wrist-{s}_pinky {s}_wrist-{s}_index "
        f"{s}_wrist-{s}_thumb {s}_pinky-{s}_index {s}_shoulder-{s}_hip {s}_hip-{s}_knee {s}_knee-{s}_ankle "
        f"{s}_ankle-{s}_heel {s}_heel-{s}_foot_index {s}_ankle-{s}_foot_index"
        for s in ("left", "right")
    ),
)

OPENPOSE_60 = _with_hands("openpose18_hands", OPENPOSE_18)  # what DWPose draws, without the face
BODY_67 = _with_hands("body25_hands", BODY_25)  # all of COCO-WholeBody but the face

FEET = BODY_67.joints[19:25]
"""Big toe, small toe and heel, left and then right."""
HANDS = {side: tuple(_hand(side)[0]) for side in ("left", "right")}
"""The 21 points of OpenPose's hands: the root, then each finger from the palm outwards."""
EXTREMITIES = (*FEET, *HANDS["left"], *HANDS["right"])
"""What poses may have beyond the joints that are danced."""

# The skeleton of the model, and of the interchange with the server …
SKELETONS: dict[str, Skeleton] = {s.name: s for s in (OPENPOSE_18, COCO_17)}
# … and those of files: `sequence.convert` goes between them.
LAYOUTS: dict[str, Skeleton] = {
    **SKELETONS,
    **{s.name: s for s in (BODY_25, HALPE_26, MEDIAPIPE_33, OPENPOSE_60, BODY_67)},
}


def skeleton(name: str) -> Skeleton:
    """The skeleton of that name among `LAYOUTS`; raises `TemposeError` naming the known ones."""
    if name not in LAYOUTS:
        raise TemposeError("skeleton_unknown", f"Unknown skeleton {name!r}; known: {', '.join(LAYOUTS)}.")
    return LAYOUTS[name]

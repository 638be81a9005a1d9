# SPDX-License-Identifier: GPL-3.0-or-later
"""The joints that dances come in, and how other layouts read into them. No bpy in here."""

OPENPOSE_18 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
COCO_17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
    "left_ankle", "right_ankle",
)  # fmt: skip
BODY_25 = (
    *OPENPOSE_18[:8], "mid_hip", *OPENPOSE_18[8:],
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
HALPE_26 = (
    *COCO_17, "head", "neck", "mid_hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
    "left_heel", "right_heel",
)  # fmt: skip
FINGERS = ("thumb", "index", "middle", "ring", "little")
HANDS = {
    side: (f"{side}_hand", *(f"{side}_{finger}_{k}" for finger in FINGERS for k in range(1, 5)))
    for side in ("left", "right")
}
"""The 21 points of OpenPose's hands: the root, then each finger from the palm outwards."""
FEET = BODY_25[19:]
EXTREMITIES = (*FEET, *HANDS["left"], *HANDS["right"])
"""What poses may have beyond the joints that are danced."""
COCO_WHOLE = (
    *COCO_17, *FEET, *(f"face_{i}" for i in range(68)), *HANDS["left"], *HANDS["right"],
)  # fmt: skip

PARENTS = {
    "nose": "neck",
    **{f"{s}_{j}": "neck" for s in ("left", "right") for j in ("shoulder", "hip")},
    **{f"{s}_eye": "nose" for s in ("left", "right")},
    **{f"{s}_ear": f"{s}_eye" for s in ("left", "right")},
    **{
        f"{s}_{child}": f"{s}_{parent}"
        for s in ("left", "right")
        for child, parent in (("elbow", "shoulder"), ("wrist", "elbow"), ("knee", "hip"), ("ankle", "knee"))
    },
}


def mirror(joint: str) -> str:
    """The joint's partner on the other side (itself on the middle axis)."""
    if joint.startswith("left_"):
        return "right_" + joint[5:]
    if joint.startswith("right_"):
        return "left_" + joint[6:]
    return joint


def from_root(joints=OPENPOSE_18) -> list[str]:
    """The joints ordered so that each parent comes before its children."""
    order: list[str] = []

    def visit(joint):
        if joint not in order:
            if joint in PARENTS:
                visit(PARENTS[joint])
            order.append(joint)

    for joint in joints:
        visit(joint)
    return order

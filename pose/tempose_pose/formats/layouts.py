"""Keypoint layouts of files: their number and order, and the skeleton they are read as.

Sources: OpenPose ``doc/02_output.md`` (BODY_25, COCO-18), cocodataset.org/#format-data (keypoints),
COCO-WholeBody (133 points, body first), Halpe-FullBody (26 points, body first, then head,
neck, hip, feet; of 136, face and hands follow).
"""

from __future__ import annotations

from tempose_pose.skeletons import (
    BODY_25,
    BODY_67,
    COCO_17,
    HALPE_26,
    OPENPOSE_18,
    OPENPOSE_60,
    Skeleton,
)

AXES = {False: "x right, y down", True: "x right, y up"}  # as files may say; ours is the first

# COCO-WholeBody: body, feet, face (68), left hand, right hand. Its body and feet are in COCO's order.
_WHOLE_FEET = [f"{s}_{j}" for s in ("left", "right") for j in ("big_toe", "small_toe", "heel")]
_HANDS = {s: [j for j in BODY_67.joints[25:] if j.startswith(s)] for s in ("left", "right")}
COCO_WHOLEBODY = [
    *COCO_17.joints,
    *_WHOLE_FEET,
    *(f"face_{i}" for i in range(68)),
    *_HANDS["left"],
    *_HANDS["right"],
]

# Number of keypoints → joint names in the file and the skeleton they are read as.
OPENPOSE_LAYOUTS: dict[int, tuple[list[str], Skeleton]] = {
    18: (list(OPENPOSE_18.joints), OPENPOSE_18),
    25: (list(BODY_25.joints), BODY_25),
}
HANDED = {18: OPENPOSE_60, 25: BODY_67}
_HALPE_136 = [*HALPE_26.joints, *(f"face_{i}" for i in range(68)), *_HANDS["left"], *_HANDS["right"]]
COCO_LAYOUTS: dict[int, tuple[list[str], Skeleton]] = {
    17: (list(COCO_17.joints), COCO_17),
    26: (list(HALPE_26.joints), HALPE_26),
    133: (COCO_WHOLEBODY, BODY_67),
    136: (_HALPE_136, BODY_67),
}

# COCO-WholeBody's own fields: name, validity flag, first of the 133 points, number of points.
COCO_PARTS = (
    ("foot_kpts", "foot_valid", 17, 6),
    ("face_kpts", "face_valid", 23, 68),
    ("lefthand_kpts", "lefthand_valid", 91, 21),
    ("righthand_kpts", "righthand_valid", 112, 21),
)

"""BlazePose's landmarks as the 133 points of COCO-WholeBody, by which all estimators answer."""

from __future__ import annotations

import numpy as np

from tempose.blazepose.people import SeenPerson
from tempose_pose.formats.layouts import COCO_WHOLEBODY
from tempose_pose.skeletons import HANDS, MEDIAPIPE_33

SAME = {
    f"{s}_{ours}": f"{s}_{theirs}" for s in ("left", "right") for ours, theirs in [("big_toe", "foot_index")]
}
BODY = [
    (k, MEDIAPIPE_33.index(SAME.get(joint, joint)))
    for k, joint in enumerate(COCO_WHOLEBODY)
    if SAME.get(joint, joint) in MEDIAPIPE_33.at
]
HAND = {side: [COCO_WHOLEBODY.index(joint) for joint in HANDS[side]] for side in ("left", "right")}
SEEN = 0.1  # confidence below which a joint is not there


def whole_body(person: SeenPerson, size: tuple[int, int]) -> np.ndarray:
    """(133, 3) pixels and confidence of one person; 0 where a joint is not seen, as outside the picture."""
    out = np.zeros((len(COCO_WHOLEBODY), 3))
    rows, columns = (list(side) for side in zip(*BODY, strict=True))
    out[rows, :2], out[rows, 2] = person.body.points[columns], person.body.scores[columns]
    for side, hand in zip(("left", "right"), person.hands, strict=True):
        if hand is not None:
            arm = person.body.scores[MEDIAPIPE_33.index(f"{side}_wrist")]
            out[HAND[side], :2], out[HAND[side], 2] = hand.points, hand.presence * max(arm, 0.5)
    outside = (out[:, :2] < 0).any(1) | (out[:, :2] > np.asarray(size) - 1).any(1)
    return np.where((outside | (out[:, 2] < SEEN))[:, None], 0.0, out)

"""Poses to keep, on the wire: ranges of frames for a set of joints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.limits import FPS
from tempose_pose.request import Known, runs
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import Skeleton, skeleton
from tempose_pose.wire.arrays import decode, encode
from tempose_pose.wire.poses import UNNAMED


def known_body(known: Known) -> dict[str, Any] | None:
    """A request's `known`; None if nothing is kept.

    If different joints are kept in different ranges, the further sets come under `more`. Poses that are not kept
    are not sent.
    """
    if not known.mask.any():
        return None
    joints = known.poses.skeleton.joints
    stop = int(np.flatnonzero(known.mask.any(1))[-1]) + 1
    patterns, which = np.unique(known.mask[:stop], axis=0, return_inverse=True)
    which = which.reshape(-1)
    parts = [
        {
            "mask": [list(run) for run in runs(which == index)],
            "joints": None if pattern.all() else [n for n, on in zip(joints, pattern, strict=True) if on],
        }
        for index, pattern in enumerate(patterns)
        if pattern.any()
    ]
    seen = known.mask[:stop]
    return {
        "skeleton": known.poses.skeleton.name,
        "keypoints": encode(np.where(seen[..., None], known.poses.keypoints[:stop], 0)),
        "scores": encode(np.where(seen, known.poses.scores[:stop], 0)),
        **parts[0],
        "more": parts[1:],
    }


def known_of(body: dict[str, Any], frames: int, canvas: tuple[int, int]) -> Known:
    """The inverse of `known_body`, for a dance of so many frames.

    Raises
    ------
    TemposeError
        The poses are longer than the dance, or a range or joint of the mask is not among them.
    """
    bones = skeleton(body.get("skeleton", UNNAMED))
    keypoints = decode(body["keypoints"], "known.keypoints", (-1, len(bones), 2))
    scores = decode(body["scores"], "known.scores", (-1, len(bones)))
    if len(keypoints) > frames:
        raise TemposeError("known_long", "The known poses are longer than the dance.")
    if len(keypoints) != len(scores):
        raise TemposeError("pose_shape", "The lists known.keypoints and known.scores must be of one length.")
    steps = np.zeros(
        (frames + 1, len(bones)), np.int32
    )  # ranges that begin minus those that end; thousands may overlap
    for part in (body, *body.get("more", ())):
        if not set(part.get("joints") or ()) <= set(bones.joints):  # without naming it: it is the peer's text
            raise TemposeError(
                "joint_unknown", f"The known poses keep joints that {bones.name} does not have."
            )
        columns = np.flatnonzero(joint_mask(bones, part.get("joints")))
        ranges = np.asarray(part["mask"], int).reshape(-1, 2)
        if (ranges[:, 0] >= ranges[:, 1]).any() or (ranges > len(keypoints)).any():
            raise TemposeError(
                "known_mask", "Each masked range must be [start, stop) within the known frames."
            )
        np.add.at(steps, np.ix_(ranges[:, 0], columns), 1)
        np.add.at(steps, np.ix_(ranges[:, 1], columns), -1)
    mask = np.cumsum(steps[:-1], axis=0) > 0
    missing = frames - len(keypoints)
    keypoints = np.pad(keypoints, ((0, missing), (0, 0), (0, 0)))
    return Known(PoseSequence(keypoints, np.pad(scores, ((0, missing), (0, 0))), FPS, bones, canvas), mask)


def joint_mask(bones: Skeleton, joints: Iterable[str] | None) -> np.ndarray:
    """(K,) bool: these joints, or all for None; raises `TemposeError` for an unknown name."""
    if joints is None:
        return np.ones(len(bones), bool)
    names = set(joints)
    if unknown := names - set(bones.joints):
        raise TemposeError(
            "joint_unknown", f"Choose other joints, there are none like these: {', '.join(sorted(unknown))}."
        )
    return np.asarray([name in names for name in bones.joints])

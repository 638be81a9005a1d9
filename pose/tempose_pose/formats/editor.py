"""Files of pose editors: one list of x, y pairs in OpenPose's order for all figures of a picture."""

from __future__ import annotations

from typing import Any

from tempose_pose.skeletons import OPENPOSE_18

_JOINTS = len(OPENPOSE_18)


def is_editor_file(data: Any) -> bool:
    """Whether this is a pose editor's picture, or a list of them."""
    pictures = data if isinstance(data, list) else [data]
    return bool(pictures) and all(_is_picture(picture) for picture in pictures)


def _is_picture(picture: Any) -> bool:
    if not isinstance(picture, dict) or "image_id" in picture or "keypoint_scores" in picture:
        return False
    joints = picture.get("keypoints")
    return (
        isinstance(joints, list)
        and len(joints) > 0
        and len(joints) % _JOINTS == 0
        and any(isinstance(joint, list) for joint in joints)
    )


def as_pages(data: Any) -> list[dict]:
    """The pictures as OpenPose pages, with a figure for each eighteen joints."""
    pictures = data if isinstance(data, list) else [data]
    pages = []
    for picture in pictures:
        joints = picture["keypoints"]
        size = {key: value for key, value in picture.items() if key != "keypoints"}
        figures = [joints[i : i + _JOINTS] for i in range(0, len(joints), _JOINTS)]
        pages.append({**size, "people": [{"pose_keypoints_2d": figure} for figure in figures]})
    return pages

"""MMPose's predictions: ``instances`` for each frame, in a list or as ``instance_info``."""

from __future__ import annotations

from typing import Any

from tempose_pose.formats.coco import read_annotation
from tempose_pose.formats.numbering import in_time, numbers_of
from tempose_pose.formats.people import Person, assemble, choose
from tempose_pose.formats.values import has, settle, unreadable
from tempose_pose.sequence import PoseSequence


def is_mmpose(data: Any) -> bool:
    """Whether it has frames with instances."""
    return has(data, "instance_info", "instances")


def from_mmpose(
    data: Any, name: Any, canvas: tuple[int, int] | None, fps: float | None, person: int | None
) -> PoseSequence:
    """Instances as poses. The files state neither `canvas` nor `fps`."""
    records = data.get("instance_info", data) if isinstance(data, dict) else data
    records = records if isinstance(records, list) else [records]
    frames = in_time([_people(record, name) for record in records], numbers_of(records), [])
    canvas, fps = settle(canvas, fps, len(frames), name)
    return assemble(choose(frames, person), canvas, fps, name, None)


def _people(record: Any, name: Any) -> list[Person]:
    instances = (record.get("instances") or []) if isinstance(record, dict) else None
    if not isinstance(instances, list) or not all(isinstance(i, dict) for i in instances):
        raise unreadable(name, "a frame has no list of instances")
    found = [read_annotation(instance, name) for instance in instances]
    return [figure for figure in found if figure is not None]

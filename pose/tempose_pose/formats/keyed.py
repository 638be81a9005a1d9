"""Frames stored under their numbers or their pictures' names, instead of in a list."""

from __future__ import annotations

from typing import Any

from tempose_pose.formats.numbering import numbers_in


def as_list(data: Any) -> Any:
    """The frames of such an object as a list, each with its number; anything else unchanged."""
    if not isinstance(data, dict):
        return data
    if "frames" in data:
        return {**data, "frames": as_list(data["frames"])}
    if not all(any(c.isdecimal() for c in name) and isinstance(f, dict | list) for name, f in data.items()):
        return data
    numbers = numbers_in(list(data)) or range(len(data))
    frames = zip(numbers, data.values(), strict=True)
    return [{"frame": n, **f} if isinstance(f, dict) else f for n, f in frames] or data

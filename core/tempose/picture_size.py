"""Picture sizes as they are typed."""

from __future__ import annotations

from tempose_pose.errors import TemposeError


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height out of ``WIDTHxHEIGHT``; None for None."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise TemposeError("picture_size", "Give the size as WIDTHxHEIGHT, such as 768x1024.")
    return int(width), int(height)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Thumbnails of takes as icons; the pose is kept with the take, and the picture is drawn when first shown."""

from typing import Any

import bpy.utils.previews

from ...model.dance import thumbnail
from ..settings import ListedTake

_kept: dict[str, Any] = {}  # the preview collection, once created


def icon(take: ListedTake) -> int:
    """The icon of a take; 0 without a picture, as in files of older versions."""
    if not take.thumbnail:
        return 0
    if not _kept:
        _kept["icons"] = bpy.utils.previews.new()
    icons = _kept["icons"]
    if take.thumbnail in icons:
        return icons[take.thumbnail].icon_id
    pixels = thumbnail.picture(take.thumbnail)
    if pixels is None:
        return 0
    made = icons.new(take.thumbnail)
    made.image_size = made.icon_size = pixels.shape[:2]
    made.image_pixels_float = made.icon_pixels_float = pixels.ravel()
    return made.icon_id


def forget() -> None:
    """Remove all pictures."""
    while _kept:
        bpy.utils.previews.remove(_kept.popitem()[1])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings on `scene.tempose`, one file per group, and what they point at."""

from .drawing import TemposeDrawing
from .picking import pick_rig, pick_strip
from .sections import TemposeSection
from .settings import TemposeSettings
from .takes import TemposeTake

CLASSES = (TemposeSection, TemposeTake, TemposeDrawing, TemposeSettings)  # what others contain comes first
__all__ = ["CLASSES", "TemposeSettings", "pick_rig", "pick_strip"]

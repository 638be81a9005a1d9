# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings on `scene.tempose`, one file per group."""

from .character import TemposeCharacter, TemposeCharacterSettings
from .direction import TemposeDirection
from .edit import TemposeEdit, TemposeKeptPose
from .form import TemposeForm, TemposeFormSection
from .generate import TemposeGenerate
from .keys import TemposeKeys
from .music import TemposeMusic
from .output import TemposeOutput
from .pictures import TemposeDrawing
from .sections import TemposeSection
from .settings import TemposeSettings
from .stage import TemposePin, TemposeStage, TemposeWaypoint
from .takes import TemposeTake
from .tempo import TemposeTempo
from .view import TemposeView

CLASSES = (
    TemposeCharacter,
    TemposeCharacterSettings,
    TemposeDirection,
    TemposeSection,
    TemposeFormSection,
    TemposeForm,
    TemposeTake,
    TemposeDrawing,
    TemposeKeys,
    TemposeMusic,
    TemposeOutput,
    TemposeTempo,
    TemposeGenerate,
    TemposeKeptPose,
    TemposeEdit,
    TemposeView,
    TemposeWaypoint,
    TemposePin,
    TemposeStage,
    TemposeSettings,
)  # groups contained in others come first
__all__ = ["CLASSES", "TemposeCharacter", "TemposeDirection", "TemposeSettings", "TemposeStage"]

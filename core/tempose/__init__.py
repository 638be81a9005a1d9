"""Tempose: 2D characters that dance to music.

>>> import tempose
>>> song = tempose.load_song("examples/demo_song.ogg")
>>> dance = tempose.generate(song, style="house", seed=7, seconds=4)
>>> dance.save("dance.npz")

The names below are the front door (`docs/api.md`). Each is imported when it is first asked for, so that importing
this package stays light; torch is loaded by the model alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.3.0"

_HOMES = {
    "load_song": "tempose.api",
    "load_model": "tempose.api",
    "generate": "tempose.api",
    "BeatGrid": "tempose_pose.grid",
    "Curve": "tempose_pose.curves",
    "Dance": "tempose.api",
    "Section": "tempose_pose.form",
    "Song": "tempose.music.audio",
    "TempoMap": "tempose_pose.tempo",
    "TemposeError": "tempose_pose.errors",
}

__all__ = [
    "BeatGrid", "Curve", "Dance", "Section", "Song", "TempoMap", "TemposeError", "__version__", "generate",
    "load_model", "load_song",
]  # fmt: skip

if TYPE_CHECKING:  # for editors and type checkers, which do not run `__getattr__`
    from tempose.api import Dance as Dance
    from tempose.api import generate as generate
    from tempose.api import load_model as load_model
    from tempose.api import load_song as load_song
    from tempose.music.audio import Song as Song
    from tempose_pose.curves import Curve as Curve
    from tempose_pose.errors import TemposeError as TemposeError
    from tempose_pose.form import Section as Section
    from tempose_pose.grid import BeatGrid as BeatGrid
    from tempose_pose.tempo import TempoMap as TempoMap


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

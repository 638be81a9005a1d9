"""The form of a song: its sections, and which of them return."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tempose_pose.errors import TemposeError

MAX_SECTIONS = 500
MAX_NAME = 64


@dataclass(frozen=True)
class Section:
    """A part of a song, in song seconds.

    Parameters
    ----------
    start, stop : float
    name : str
        Sections of one name are the same music: what is danced to the first returns with the others.
    mirrored : bool
        Whether the dance returns with left and right exchanged.
    """

    start: float
    stop: float
    name: str
    mirrored: bool = False

    def __post_init__(self):
        if not (math.isfinite(self.start) and math.isfinite(self.stop) and self.start < self.stop):
            raise TemposeError("section", "A section must begin before it ends.")
        if not 0 < len(self.name) <= MAX_NAME:
            raise TemposeError("section", f"A section needs a name of at most {MAX_NAME} letters.")


def check_sections(sections: Iterable[Section]) -> None:
    """Raise `TemposeError` where sections overlap, are out of order or too many."""
    sections = tuple(sections)
    if len(sections) > MAX_SECTIONS:
        raise TemposeError("section", f"A song may have at most {MAX_SECTIONS} sections.")
    for first, then in pairwise(sections):
        if then.start < first.stop - 1e-6:
            raise TemposeError("section", "Sections must follow each other without overlap.")

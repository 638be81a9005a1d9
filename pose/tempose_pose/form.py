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
        Sections with the same name are the same music: the dance to the first returns with the others.
    mirrored : bool
        Whether the dance returns with left and right exchanged.
    repeat : float, optional
        How alike it returns, in place of the request's value.
    energy : float
        As a factor of the request's energy.
    style : str, optional
        In place of the request's. The dancer changes styles where a segment begins, some eight seconds apart.
    """

    start: float
    stop: float
    name: str
    mirrored: bool = False
    repeat: float | None = None
    energy: float = 1.0
    style: str | None = None

    def __post_init__(self):
        if not (math.isfinite(self.start) and math.isfinite(self.stop) and self.start < self.stop):
            raise TemposeError("section", "A section must begin before it ends.")
        if not 0 < len(self.name) <= MAX_NAME:
            raise TemposeError("section", f"A section needs a name of at most {MAX_NAME} letters.")
        if self.repeat is not None and not 0 <= self.repeat <= 1:
            raise TemposeError("section", "The repeat of a section must lie between 0 and 1.")
        if not 0.1 <= self.energy <= 4:
            raise TemposeError("section", "The energy of a section must lie between 0.1 and 4.")


def check_sections(sections: Iterable[Section]) -> None:
    """Raise `TemposeError` if sections overlap, are out of order or too many."""
    sections = tuple(sections)
    if len(sections) > MAX_SECTIONS:
        raise TemposeError("section", f"A song may have at most {MAX_SECTIONS} sections.")
    for first, then in pairwise(sections):
        if then.start < first.stop - 1e-6:
            raise TemposeError("section", "Sections must follow each other without overlap.")

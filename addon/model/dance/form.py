# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a song for an artist to edit: sections in a row, split, joined and renamed. No bpy in here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tempose_pose.form import MAX_NAME, Section
from tempose_pose.wire.answers import Analysis

from ..errors import Problem
from . import styles
from .proposals import HEARD_RATE

SHORTEST = 0.5  # seconds of a section
SILENCE = -4.0  # energy: pauses within a section do not make it a quiet one


@dataclass(frozen=True)
class FormSection:
    """A section of the song, in song seconds.

    Parameters
    ----------
    start, stop : float
    name : str
        Sections with the same name are the same music and are danced alike.
    loudness : float
        The energy of the sound relative to the song's usual one.
    style : str
        Empty: that of the dance.
    energy : float
        As a factor of the dance's energy.
    own_repeat : bool
        Whether `repeat` overrides that of the dance.
    repeat : float
    mirrored : bool
    """

    start: float
    stop: float
    name: str
    loudness: float = 0.0
    style: str = ""
    energy: float = 1.0
    own_repeat: bool = False
    repeat: float = 1.0
    mirrored: bool = False

    @property
    def asked(self) -> Section:
        """The section as a dance request carries it."""
        repeat = self.repeat if self.own_repeat else None
        name = self.name[:MAX_NAME] or "?"
        style = styles.style_of(self.style) or None
        return Section(self.start, self.stop, name, self.mirrored, repeat, self.energy, style)

    @property
    def is_plain(self) -> bool:
        """Whether it has no settings of its own."""
        return not self.style and self.energy == 1 and not self.own_repeat and not self.mirrored


def found(heard: Analysis, bars: np.ndarray) -> list[FormSection]:
    """The detected sections, with borders moved to the artist's bar lines (N,) where one is near."""
    edges = sorted({edge for section in heard.sections for edge in (section.start, section.stop)})
    moved = dict(zip(edges, (_near(edge, bars) for edge in edges), strict=True))
    sections = []
    for section in heard.sections:
        start, stop = moved[section.start], moved[section.stop]
        if stop - start >= SHORTEST:
            sections.append(FormSection(start, stop, section.name or "?", _loudness(heard, start, stop)))
    return sections


def _near(edge: float, bars: np.ndarray) -> float:
    """The nearest bar line within half a bar."""
    if len(bars) < 2:
        return edge
    nearest = float(bars[np.abs(bars - edge).argmin()])
    return nearest if abs(nearest - edge) <= float(np.median(np.diff(bars))) / 2 else edge


def _loudness(heard: Analysis, start: float, stop: float) -> float:
    inside = np.asarray(heard.energy[int(start * HEARD_RATE) : int(stop * HEARD_RATE) + 1])
    return float(np.maximum(inside, SILENCE).mean()) if len(inside) else 0.0


def index_at(sections: Sequence[FormSection], second: float) -> int | None:
    """Index of the section at a song second."""
    return next((i for i, s in enumerate(sections) if s.start <= second < s.stop), None)


def split(sections: Sequence[FormSection], second: float) -> list[FormSection]:
    """Split the section at a song second; the later part gets a name of its own."""
    at = index_at(sections, second)
    if at is None:
        raise Problem("no_section", "There is no section here. Put the playhead inside one.")
    cut = sections[at]
    if min(second - cut.start, cut.stop - second) < SHORTEST:
        raise Problem("section_short", "Sections cannot be that short. Put the playhead farther inside.")
    names = {section.name for section in sections}
    number = next(n for n in range(2, len(sections) + 3) if f"{cut.name} {n}" not in names)
    parts = replace(cut, stop=second), replace(cut, start=second, name=f"{cut.name} {number}")
    return [*sections[:at], *parts, *sections[at + 1 :]]


def join(sections: Sequence[FormSection], at: int) -> list[FormSection]:
    """Join the section at `at` with the next one; the settings of the first stay."""
    first, then = sections[at], sections[at + 1]
    lengths = first.stop - first.start, then.stop - then.start
    loud = float(np.average([first.loudness, then.loudness], weights=lengths))
    whole = replace(first, stop=then.stop, loudness=loud)
    return [*sections[:at], whole, *sections[at + 2 :]]


def begin(sections: Sequence[FormSection], at: int, second: float) -> list[FormSection]:
    """Let a section begin at a song second; the one before it ends there, if it touched it."""
    moved = list(sections)
    section = moved[at]
    touches = at > 0 and abs(moved[at - 1].stop - section.start) < 1e-3
    first = moved[at - 1].start + SHORTEST if touches else moved[at - 1].stop if at else 0.0
    if not first <= second <= section.stop - SHORTEST:
        raise Problem(
            "section_order",
            "A section begins after the one before it and before its own end. Put the playhead there.",
        )
    moved[at] = replace(section, start=second)
    if touches:
        moved[at - 1] = replace(moved[at - 1], stop=second)
    return moved


def same_as(sections: Sequence[FormSection], at: int, name: str) -> list[FormSection]:
    """Make a section a repeat of an earlier one."""
    return [replace(s, name=name) if i == at else s for i, s in enumerate(sections)]


def earlier_names(sections: Sequence[FormSection], at: int) -> list[str]:
    """Names of the earlier sections that a section can repeat."""
    before = dict.fromkeys(section.name for section in sections[:at])
    return [name for name in before if not 0 <= at < len(sections) or name != sections[at].name]

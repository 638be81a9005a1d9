"""Everything that decides an evaluation, in one frozen object, the input of its four stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tempose.evaluation.cases import Case
from tempose.evaluation.real_motion import Truth, moving
from tempose.generator import Generator
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.standing import standing_pose

SURE = 0.6  # confidence below which the beats themselves are in doubt
LEAST_SECONDS = 10  # longest songs for trials


@dataclass(frozen=True, eq=False)
class Study:
    """What to measure.

    Parameters
    ----------
    systems : mapping of name → Generator
        The first one is the system to evaluate.
    cases : sequence of Case
        May be empty if only finished dances are measured.
    truths : sequence of Truth
        Real motion; rows "truth" (held out), "truth (train)" and "shuffled" are made from the clips that dance
        (`real_motion.moving`).
    seeds : sequence of int
    reference : PoseSequence
    settings : mapping
        Further fields of `DanceRequest` (steps, guidance, energy).
    conventions : sequence of str
        Peers' beat scores to add.
    suites : sequence of str
        Trials beside the table (`evaluation.suites.SUITES`) for `suite_systems` (None: the first system and, if
        present, "metronome" for comparison), with at most two seeds.
    suite_songs : int
        Most songs for the trials, spread over the tempi.
    finished : mapping of name → sequence of (song name, Dance)
        Finished dances to measure as further systems.
    """

    systems: Mapping[str, Generator] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    truths: Sequence[Truth] = ()
    seeds: Sequence[int] = (0, 1, 2)
    reference: PoseSequence = field(default_factory=standing_pose)
    settings: Mapping[str, Any] = field(default_factory=dict)
    conventions: Sequence[str] = ()
    suites: Sequence[str] = ()
    suite_songs: int = 5
    suite_systems: Sequence[str] | None = None
    finished: Mapping[str, Sequence[tuple[str, Dance]]] = field(default_factory=dict)

    @property
    def first(self) -> str | None:
        """The system to evaluate."""
        return next(iter(self.systems), None)

    @cached_property
    def real(self) -> list[Truth]:
        """The real clips that dance."""
        return moving(self.truths)


def spread(cases: Sequence[Case], count: int) -> list[Case]:
    """At most `count` of the cases, spread evenly over their tempi, the middle one first.

    Short songs and those with doubtful beats are left out if there are others: a song without a beat cannot show
    who keeps it.
    """
    clear = [c for c in cases if c.song.seconds >= LEAST_SECONDS and c.beats.confidence >= SURE]
    order = sorted(clear or cases, key=lambda c: c.beats.bpm)
    if not order:
        return []
    picked = np.unique(np.linspace(0, len(order) - 1, count).round().astype(int))
    middle = len(order) / 2
    return [order[i] for i in sorted(picked, key=lambda i: abs(i - middle))]

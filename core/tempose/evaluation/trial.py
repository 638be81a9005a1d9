"""The input of every trial beside the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tempose.evaluation.cases import Case
from tempose.evaluation.generate import OnDance, dance_all
from tempose.evaluation.real_motion import Truth
from tempose.generator import Generator
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence


@dataclass(frozen=True)
class Trial:
    """The input of a suite.

    Parameters
    ----------
    generator : Generator
    cases : sequence of Case
        A few songs.
    seeds : sequence of int
    folder : path
        Folder for the dances.
    reference : PoseSequence
    settings : dict
        Further fields of `DanceRequest`.
    truths : sequence of Truth
        Real clips that dance, for comparison.
    on_dance : callable, optional
    """

    generator: Generator
    cases: Sequence[Case]
    seeds: Sequence[int]
    folder: Path
    reference: PoseSequence
    settings: Mapping[str, Any] = field(default_factory=dict)
    truths: Sequence[Truth] = ()
    on_dance: OnDance | None = None

    def dance(
        self,
        cases: Sequence[Case],
        reference: PoseSequence | None = None,
        seeds: Sequence[int] | None = None,
        **settings: Any,
    ) -> dict[tuple[str, int], Dance]:
        chosen = self.seeds if seeds is None else seeds
        pose = self.reference if reference is None else reference
        return dance_all(
            self.generator, cases, chosen, self.folder, pose, {**self.settings, **settings}, self.on_dance
        )


def mean(values: Sequence[float]) -> float:
    """Mean of the finite values; NaN if there are none."""
    known = [v for v in values if np.isfinite(v)]
    return float(np.mean(known)) if known else float("nan")

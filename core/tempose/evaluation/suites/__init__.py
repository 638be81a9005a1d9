"""Trials beside the table.

Each runs one generator over a few songs, keeps its dances (a stopped run continues), and returns plain numbers
with a ``summary`` to compare with the goal; its section shows them on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tempose.evaluation.generate import OnDance, system_folder, told_of
from tempose.evaluation.study import Study, spread
from tempose.evaluation.suites import (
    direction,
    hearing,
    hidden,
    long,
    matched,
    poses,
    styles,
    tempo,
    vocabulary,
)
from tempose.evaluation.tables import PageSection
from tempose.evaluation.trial import Trial

SEEDS = 2


@dataclass(frozen=True)
class Suite:
    """A trial: what it measures of a generator, and how a page shows that for several systems."""

    run: Callable[[Trial], dict[str, Any]]
    show: Callable[[dict[str, Any]], PageSection]


SUITES = {
    "stretch": Suite(tempo.stretch, tempo.show_stretch),
    "splice": Suite(tempo.splice, tempo.show_splice),
    "poses": Suite(poses.poses, poses.show),
    "long": Suite(long.long, long.show),
    "styles": Suite(styles.styles, styles.show),
    "matched": Suite(matched.matched, matched.show),
    "hearing": Suite(hearing.hearing, hearing.show),
    "direction": Suite(direction.direction, direction.show),
    "hidden": Suite(hidden.hidden, hidden.show),
    "vocabulary": Suite(vocabulary.vocabulary, vocabulary.show),
}


def run_suites(
    study: Study, folder: Path, cache: Path | None = None, on_dance: OnDance | None = None
) -> dict[str, dict[str, Any]]:
    """Run the study's suites: name → system → numbers. Systems other than the first dance with one seed."""
    songs = spread(study.cases, study.suite_songs)
    found: dict[str, dict[str, Any]] = {}
    for system in study.suite_systems or (study.first, "metronome"):
        if system is None or system not in study.systems or not songs:
            continue
        trial = Trial(
            study.systems[system], songs, study.seeds[:SEEDS], system_folder(study, system, folder, cache),
            study.reference, study.settings, study.real, told_of(system, on_dance),
        )  # fmt: skip
        if system != study.first:
            trial = replace(trial, seeds=study.seeds[:1])
        for name in study.suites:
            found.setdefault(name, {})[system] = SUITES[name].run(trial)
    return found


def sections(found: dict[str, dict[str, Any]]) -> Iterable[PageSection]:
    """A section for each suite that was run."""
    return (SUITES[name].show(systems) for name, systems in found.items() if name in SUITES)

"""A complete evaluation: generate, measure, summarise, render."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tempose.evaluation.generate import OnDance, Sample, generate
from tempose.evaluation.measure import measure
from tempose.evaluation.render import write_page
from tempose.evaluation.results import earlier_suites, load_results, write_results
from tempose.evaluation.study import Study
from tempose.evaluation.suites import run_suites
from tempose.evaluation.summarise import compared, summarise

SHEETS = 8  # contact sheets in the page, the first system's first
FINISHED_SHEETS = 4  # of finished dances


def evaluate(
    study: Study,
    out: str | os.PathLike,
    *,
    videos: int = 0,
    cache: str | os.PathLike | None = None,
    against: str | os.PathLike | None = None,
    on_dance: OnDance | None = None,
) -> dict[str, Any]:
    """Measure a study and write everything into a folder.

    Parameters
    ----------
    study : Study
    out : path
        Folder: ``results.json``, ``rows.csv``, ``index.html``, ``dances/``. Existing dances are reused.
    videos : int
        Sample videos of the first system in the page.
    cache : path, optional
        Folder for the dances of all systems but the first. None: `out`.
    against : path, optional
        Folder of an earlier run, whose first system is compared with this one's.
    on_dance : callable, optional
        Called with (done, all, what).

    Returns
    -------
    dict
        `summarise`'s, with ``against`` (`compared`).

    Raises
    ------
    TemposeError
        A dance cannot be measured, or the earlier run cannot be read or has no song in common.
    """
    earlier = None if against is None else load_results(against)
    out, cache = Path(out), None if cache is None else Path(cache)
    out.mkdir(parents=True, exist_ok=True)
    samples = generate(study, out, cache, on_dance)
    trials = run_suites(study, out, cache, on_dance)
    results = summarise(study, samples, measure(samples, study.conventions), trials)
    if earlier is not None:
        results["against"] = {"name": str(against), **compared(earlier, results)}
    results["suites"] = {**earlier_suites(out, results), **trials}
    write_results(out, results)
    write_page(out / "index.html", results, _shown(study, samples), videos)
    return results


def _shown(study: Study, samples: list[Sample]) -> list[Sample]:
    """Dances to look at: a few finished ones, then one per system and song."""
    shown = []
    for name in study.finished:
        shown += [s for s in samples if s.system == name][:FINISHED_SHEETS]
    for name in study.systems:
        firsts = {s.song: s for s in reversed(samples) if s.system == name}
        shown += [firsts[case.name] for case in study.cases]
    return shown[:SHEETS]

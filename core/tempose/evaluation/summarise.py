"""The third stage: from lines to a table with intervals, the sum, verdicts, and listening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tempose.evaluation import distance, figures
from tempose.evaluation.figures import FIGURES, SET_FIGURES, Estimate
from tempose.evaluation.generate import OTHER_MUSIC, SHUFFLED, TRAIN, TRUTH, Sample
from tempose.evaluation.real_motion import Truth
from tempose.evaluation.study import Study
from tempose.metrics import kinetics
from tempose_pose.sequence import PoseSequence

FORM = "rms"  # of kinetic features
LISTENING = ("beat_lock", "mm_align_excess", "beat_power", "tempo_clean")  # a deaf dancer lacks these
SMALLEST_SET = 12  # windows of five seconds
NAN = float("nan")

Table = dict[str, dict[str, dict[str, float]]]


def summarise(
    study: Study, samples: Sequence[Sample], rows: pd.DataFrame, trials: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The contents of ``results.json``.

    Returns
    -------
    dict
        ``table`` (system → figure → mean, low, high, count), ``score`` (`distance.scores`), ``verdicts``,
        ``suites`` (name → system → numbers), ``listening`` (system → its figures to its own music against
        those to other songs' beats), ``floor``, ``systems``, ``seeds``, ``settings``, ``songs``, ``rows``.
    """
    own = {str(name): part for name, part in rows.groupby("system", sort=False)}
    listening = {
        name: figures.compare(own[name + OTHER_MUSIC], own[name], LISTENING)
        for name in study.systems
        if name + OTHER_MUSIC in own
    }
    left_out = {name + OTHER_MUSIC for name in study.systems if name != study.first}
    shown = [name for name in own if name not in left_out]
    motions = {name: [s.dance.poses for s in samples if s.system == name] for name in shown}
    table, floor = tabulate(own, motions, study.real)
    real = rows[rows["system"].isin([TRUTH, TRAIN])]
    kept = rows[rows["system"].isin(shown)]
    found = distance.scores(kept, table, real, floor["fid_kinetic"], floor["diversity"])
    verdicts = distance.verdicts(found, study.first) if study.first else {}
    for system in found.get("systems", {}).values():
        del system["draws"]
    still = len(study.truths) - len(study.real)
    return {
        "table": table,
        "score": found,
        "verdicts": verdicts,
        "listening": listening,
        "suites": trials,
        "floor": {**floor, "clips": len(study.real), "still": still},
        "systems": {name: generator.revision for name, generator in study.systems.items()},
        "seeds": list(study.seeds),
        "settings": dict(study.settings),
        "songs": [case.name for case in study.cases],
        "rows": kept.to_dict("records"),
    }


def tabulate(
    rows: Mapping[str, pd.DataFrame], motions: Mapping[str, list[PoseSequence]], truths: Sequence[Truth]
) -> tuple[Table, dict[str, float]]:
    """The table, and the score of real motion against itself with as many windows."""
    held = [t.poses for t in truths if t.held_out] or [t.poses for t in truths]
    real, clips = kinetics.grouped_features([t.poses for t in truths], FORM)
    truth = kinetics.feature_set(held, FORM)
    sets = {system: kinetics.feature_set(dances, FORM) for system, dances in motions.items()}
    # FID falls with the number of samples: every set is cut to the size of the smallest usable one
    size = min([len(s) for s in sets.values() if len(s) >= SMALLEST_SET] + [len(truth)])
    table: Table = {}
    for system in motions:
        own = rows[system]
        line = {f.name: figures.estimate(own, f.name) for f in FIGURES if f.name not in SET_FIGURES}
        for name, value in figures.set_figures(sets[system], truth, real, size).items():
            line[name] = Estimate(value, NAN, NAN, len(sets[system]))
        for name, value in figures.tempo_over_songs(own).items():
            line[f"tempo_{name}"] = Estimate(value, NAN, NAN, len(own))
        table[system] = {name: dict(vars(found)) for name, found in line.items()}
    half = min(size, len(real) // 3)
    floor = kinetics.fid_floor(real, clips, size=half) if half >= 2 else NAN
    diversity = kinetics.diversity(real) if len(real) >= 2 else NAN
    return table, {"fid_kinetic": floor, "windows": size, "floor_windows": half, "diversity": diversity}


def compared(earlier: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """``figures`` (`figures.compare`: a is the earlier run, b this one) and ``sums`` of the first systems."""
    runs = (earlier, results)
    rows = [figures.frame(run["rows"]) for run in runs]
    names = [_first(run, own) for run, own in zip(runs, rows, strict=True)]
    sums = [
        run.get("score", {}).get("systems", {}).get(name, {}).get("sum")
        for run, name in zip(runs, names, strict=True)
    ]
    of_first = [own[own["system"] == name] for own, name in zip(rows, names, strict=True)]
    return {"figures": figures.compare(of_first[0], of_first[1]), "sums": sums}


def _first(run: dict[str, Any], rows: pd.DataFrame) -> str:
    """The evaluated system of a run, or the first of its finished dances."""
    finished = rows.loc[~rows["system"].isin([TRUTH, TRAIN, SHUFFLED]), "system"]
    return next(iter(run["systems"]), None) or next(iter(finished), "")

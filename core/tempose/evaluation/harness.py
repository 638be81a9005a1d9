"""The harness: dance all cases with all systems, measure, write JSON, CSV and a page. Resumable."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tempose.evaluation import figures, score
from tempose.evaluation.cases import Case, OnDance, dance_all, slug
from tempose.evaluation.figures import FIGURES, SET_FIGURES, Row
from tempose.evaluation.suites import SUITES
from tempose.evaluation.trial import Trial
from tempose.evaluation.truth import Truth, moving, other_music, shuffled
from tempose.generator import Generator
from tempose.metrics import kinetics
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence
from tempose_pose.standing import standing_pose

SHEETS = 8  # contact sheets in the page, the first system's first
FEATURES = "rms"
OTHER_MUSIC = ", other music"
LISTENING = ("beat_lock", "mm_align_excess", "beat_power", "tempo_clean")  # what a deaf dancer lacks
SMALLEST_SET = 12  # windows of five seconds
SURE = 0.6  # confidence below which the beats themselves are in doubt
TRIAL_SEEDS = 2


def evaluate(
    systems: dict[str, Generator],
    cases: Sequence[Case],
    truths: Sequence[Truth],
    out: str | os.PathLike,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    reference: PoseSequence | None = None,
    settings: dict[str, Any] | None = None,
    conventions: Sequence[str] = (),
    suites: Sequence[str] = (),
    suite_songs: int = 5,
    suite_systems: Sequence[str] | None = None,
    videos: int = 0,
    extra: dict[str, list[tuple[str, Dance]]] | None = None,
    cache: str | os.PathLike | None = None,
    against: str | os.PathLike | None = None,
    on_dance: OnDance | None = None,
) -> dict[str, Any]:
    """Measure systems beside real motion and write everything into a folder.

    Parameters
    ----------
    systems : dict of name → Generator
        The first one is the system in question.
    cases : sequence of Case
        May be empty where only finished dances (`extra`) are measured.
    truths : sequence of Truth
        Real motion; rows "truth" (held out), "truth (train)" and "shuffled" are made of those clips that
        dance (`truth.moving`).
    out : path
        Folder: ``results.json``, ``rows.csv``, ``index.html``, ``dances/``. Dances already there are taken
        up.
    seeds : sequence of int
    reference : PoseSequence, optional
        None: a standing figure.
    settings : dict, optional
        More of `DanceRequest` (steps, guidance, energy).
    conventions : sequence of str
        Peers' beat scores to add.
    suites : sequence of str
        Trials beside the table (`evaluation.suites.SUITES`), of `suite_systems` (None: the first system, and
        "metronome" where there is one, for comparison), with two seeds at most.
    suite_songs : int
        At most that many songs for the trials, spread over the tempi.
    videos : int
        Sample videos of the first system in the page.
    extra : dict of name → list of (song name, Dance)
        Finished dances to measure as further systems.
    cache : path, optional
        Where the dances of all systems but the first are kept: they are the same whatever the first one is.
        None: in `out`.
    against : path, optional
        Folder of an earlier run, whose first system is compared with this one's.
    on_dance : callable, optional
        Called with (done, all, what).

    Returns
    -------
    dict
        What ``results.json`` holds: ``table`` (system → figure → mean, low, high, count), ``score``
        (`evaluation.score.scores`), ``verdicts``, ``suites`` (name → system → numbers), ``listening``
        (system → its figures to its own music against those to other songs' beats), ``against``
        (`compared`), ``floor``, ``rows``.

    Raises
    ------
    TemposeError
        A dance cannot be measured, or the earlier run cannot be read or has no song in common.
    """
    from tempose.evaluation.page import write_page

    earlier = None if against is None else load_results(against)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    reference = reference or standing_pose()
    every, truths = len(truths), moving(truths)
    rows, motions, real = _real_rows(truths, conventions)
    samples: list[tuple[str, Dance, Path | None]] = []
    styles, genres = {c.name: c.style for c in cases}, {c.name: c.genre for c in cases}

    for name, finished in (extra or {}).items():
        motions[name] = [d.poses for _, d in finished]
        rows += [figures.row(d, name, song, None, conventions) for song, d in finished]
        samples += [(f"{name}: {song}", d, None) for song, d in finished[:4]]
    listening: dict[str, list[dict]] = {}
    trials: dict[str, dict[str, Any]] = {}
    first = next(iter(systems), None)
    for name, generator in systems.items():
        folder = (out if cache is None or name == first else Path(cache)) / "dances" / slug(name)

        def tell(done: int, total: int, what: str, system: str = name) -> None:
            if on_dance:
                on_dance(done, total, f"{system}: {what}")

        dances = dance_all(generator, cases, seeds, folder, reference, settings, tell)
        motions[name] = [d.poses for d in dances.values()]
        rows += [figures.row(d, name, song, styles[song], conventions) for (song, _), d in dances.items()]
        own = rows[-len(dances) :] if dances else []
        for row in own:
            row["genre"] = genres[str(row["song"])]
        others = [
            figures.row(d, name + OTHER_MUSIC, song, styles[song], conventions)
            for (song, _), d in other_music(dances).items()
        ]
        if others:
            listening[name] = figures.compare(others, own, LISTENING)
            if name == first:
                motions[name + OTHER_MUSIC] = motions[name]
                rows += others
        for case in cases:
            samples.append((f"{name}: {case.name}", dances[case.name, seeds[0]], case.path))
        if name in (suite_systems or (first, "metronome")):
            few = spread(cases, suite_songs)
            trial = Trial(
                generator, few, seeds[:TRIAL_SEEDS], folder, reference, settings or {}, truths, tell
            )
            for suite in suites if few else ():
                # another system is there to compare with: one seed of it will do
                this = trial if name == first else _with_seeds(trial, seeds[:1])
                trials.setdefault(suite, {})[name] = SUITES[suite](this)

    table, floor = _table(rows, motions, truths)
    found = score.scores(rows, table, real, floor["fid_kinetic"], floor["diversity"])
    verdicts = score.verdicts(found, first) if first else {}
    for system in found.get("systems", {}).values():
        del system["draws"]
    results = {
        "table": table,
        "score": found,
        "verdicts": verdicts,
        "listening": listening,
        "suites": trials,
        "floor": {**floor, "clips": len(truths), "still": every - len(truths)},
        "systems": {n: g.revision for n, g in systems.items()},
        "seeds": list(seeds),
        "settings": settings or {},
        "songs": [c.name for c in cases],
        "rows": rows,
    }
    if earlier is not None:
        results["against"] = {"name": str(against), **compared(earlier, results)}
    results["suites"] = {**_earlier_suites(out, results, cases), **trials}
    _write(out, results)
    write_page(out / "index.html", results, samples[:SHEETS], videos=videos)
    return results


def _real_rows(
    truths: Sequence[Truth], conventions: Sequence[str]
) -> tuple[list[Row], dict[str, list[PoseSequence]], list[Row]]:
    """Rows and motion of the systems made of real clips, and a row for each clip."""
    real = [figures.row(t.dance(), "real", t.name, t.style, conventions) for t in truths]
    measured = {row["song"]: row for row in real}
    rows: list[Row] = []
    motions: dict[str, list[PoseSequence]] = {}
    for name, finished in _truth_dances(truths).items():
        motions[name] = [d.poses for _, d, _ in finished]
        for song, dance, style in finished:
            own = {**measured[song], "system": name}
            rows.append(figures.row(dance, name, song, style, conventions) if name == "shuffled" else own)
    return rows, motions, real


def compared(earlier: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """``figures`` (`figures.compare`: a is the earlier run, b this one) and ``sums`` of the first systems."""

    def first(run: dict[str, Any]) -> str:
        named = next(iter(run["systems"]), None)
        finished = (
            r["system"] for r in run["rows"] if r["system"] not in ("truth", "truth (train)", "shuffled")
        )
        return named or next(finished, "")

    names = first(earlier), first(results)
    rows = [
        [r for r in run["rows"] if r["system"] == n] for run, n in zip((earlier, results), names, strict=True)
    ]
    sums = [
        run.get("score", {}).get("systems", {}).get(n, {}).get("sum")
        for run, n in zip((earlier, results), names, strict=True)
    ]
    return {"figures": figures.compare(*rows), "sums": sums}


def _with_seeds(trial: Trial, seeds: Sequence[int]) -> Trial:
    from dataclasses import replace

    return replace(trial, seeds=seeds)


def spread(cases: Sequence[Case], count: int) -> list[Case]:
    """At most `count` of the cases, spread evenly over their tempi, the middle one first.

    Songs of less than ten seconds and those whose beats are in doubt are left out, if others are there: what
    has no beat says nothing of who keeps it.
    """
    clear = [c for c in cases if c.song.seconds >= 10 and (c.grid or c.song.grid).confidence >= SURE]
    order = sorted(clear or cases, key=lambda c: (c.grid or c.song.grid).bpm)
    if not order:
        return []
    picked = np.unique(np.linspace(0, len(order) - 1, count).round().astype(int))
    middle = len(order) / 2
    return [order[i] for i in sorted(picked, key=lambda i: abs(i - middle))]


def _facts(results: dict[str, Any]) -> str:
    """What trials of an earlier run must have in common with this one to stand beside it."""
    facts = [results.get(k) for k in ("systems", "seeds", "settings", "songs")]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _earlier_suites(out: Path, results: dict[str, Any], cases: Sequence[Case]) -> dict[str, Any]:
    """Trials of an earlier run of the same things in the same folder: `--suite long` adds to what is there."""
    if not cases or not (out / "results.json").is_file():
        return {}
    try:
        earlier = load_results(out)
    except TemposeError:
        return {}
    return earlier.get("suites", {}) if _facts(earlier) == _facts(_clean(results)) else {}


def _truth_dances(truths: Sequence[Truth]) -> dict[str, list[tuple[str, Dance, str | None]]]:
    held, train = ([t for t in truths if t.held_out == side] for side in (True, False))
    out = {}
    if held:
        out["truth"] = [(t.name, t.dance(), t.style) for t in held]
    if train:
        out["truth (train)"] = [(t.name, t.dance(), t.style) for t in train]
    mixing = held or train
    if len(mixing) > 1:
        out["shuffled"] = [(t.name, d, t.style) for t, d in zip(mixing, shuffled(mixing), strict=True)]
    return out


def _table(
    rows: list[Row], motions: dict[str, list[PoseSequence]], truths: Sequence[Truth]
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, float]]:
    """The table, and what real motion scores against itself with as many windows."""
    held = [t.poses for t in truths if t.held_out] or [t.poses for t in truths]
    real, clips = kinetics.grouped_features([t.poses for t in truths], FEATURES)
    truth = kinetics.feature_set(held, FEATURES)
    features = {system: kinetics.feature_set(dances, FEATURES) for system, dances in motions.items()}
    # FID falls with the number of samples: every set is cut to the size of the smallest usable one
    size = min([len(f) for f in features.values() if len(f) >= SMALLEST_SET] + [len(truth)])
    table: dict[str, dict[str, dict[str, float]]] = {}
    for system in motions:
        own = [r for r in rows if r["system"] == system]
        line = {}
        for figure in FIGURES:
            if figure.name not in SET_FIGURES:
                line[figure.name] = vars(figures.estimate(own, figure.name))
        for name, value in figures.set_figures(features[system], truth, real, size).items():
            line[name] = vars(figures.Estimate(value, float("nan"), float("nan"), len(features[system])))
        for name, value in figures.tempo_over_songs(own).items():
            line[f"tempo_{name}"] = vars(figures.Estimate(value, float("nan"), float("nan"), len(own)))
        table[system] = line
    half = min(size, len(real) // 3)
    floor = kinetics.fid_floor(real, clips, size=half) if half >= 2 else float("nan")
    diversity = kinetics.diversity(real) if len(real) >= 2 else float("nan")
    return table, {"fid_kinetic": floor, "windows": size, "floor_windows": half, "diversity": diversity}


def _clean(value: Any) -> Any:
    """JSON knows neither NaN nor infinity: null."""
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _write(out: Path, results: dict[str, Any]) -> None:
    part = out / "results.json.part"
    part.write_text(json.dumps(_clean(results), indent=1))
    part.replace(out / "results.json")
    rows = results["rows"]
    names = list(dict.fromkeys(k for r in rows for k in r))
    with (out / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def load_results(folder: str | os.PathLike) -> dict[str, Any]:
    """The results of an earlier run."""
    path = Path(folder) / "results.json"
    try:
        results = json.loads(path.read_text())
        if not isinstance(results["rows"], list):
            raise TypeError
    except FileNotFoundError:
        raise TemposeError("results_missing", f"There is no evaluation in {folder}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TemposeError("results_unreadable", f"{path} is no evaluation.") from error
    return results

"""The vocabulary: how many of the 38 descriptors are within one standard deviation of real dance."""

from __future__ import annotations

from typing import Any

import numpy as np

from tempose.evaluation.tables import PageSection, number, numbers
from tempose.evaluation.trial import Trial
from tempose.metrics.vocabulary import DESCRIPTORS, REAL, deviations, evaluate


def vocabulary(trial: Trial) -> dict[str, Any]:
    """The vocabulary of the trial's dances.

    Returns
    -------
    dict
        ``descriptors`` (name → ``value`` (mean over dances), ``spread`` (standard deviation over dances),
        ``real``, ``real_sd``, ``deviation`` in real standard deviations); ``summary``: ``within`` (how many
        descriptors deviate by no more than one), ``of``, ``dances``, ``songs``, and over single seeds
        ``within_low`` and ``within_high``.
    """
    dances = trial.dance(trial.cases)
    found = {key: evaluate(dance) for key, dance in dances.items()}
    apart = deviations(list(found.values()))
    lines = {}
    for name, (mean, sd) in REAL.items():
        known = np.asarray([f[name] for f in found.values() if np.isfinite(f[name])])
        lines[name] = {
            "value": float(known.mean()) if len(known) else float("nan"),
            "spread": float(known.std(ddof=1)) if len(known) > 1 else float("nan"),
            "real": mean, "real_sd": sd, "deviation": apart[name],
        }  # fmt: skip
    by_seed = [
        count_within(deviations([f for (_, s), f in found.items() if s == seed])) for seed in trial.seeds
    ]
    summary = {
        "within": count_within(apart), "of": len(REAL), "dances": len(dances), "songs": len(trial.cases),
        "within_low": min(by_seed), "within_high": max(by_seed),
    }  # fmt: skip
    return {"descriptors": lines, "summary": summary}


def count_within(apart: dict[str, float]) -> int:
    """The number that deviate by no more than one standard deviation."""
    return sum(abs(z) <= 1 for z in apart.values())


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `vocabulary` returned."""
    columns = {"real": ("real dance", 0), **{system: (system, 0) for system in found}}
    lines = []
    for d in DESCRIPTORS:
        mean, sd = REAL[d.name]
        cells = {"real": f"{mean:.3g} ± {sd:.2g}"}
        for system, suite in found.items():
            line = suite["descriptors"][d.name]
            z = line["deviation"]
            inside = z is not None and abs(z) <= 1
            cells[system] = f"{number(line['value'], 3)} ({number(z, 1)}{'' if inside else ' ✗'})"
        lines.append((f"{d.label}, {d.unit}" if d.unit else d.label, cells))
    told = "; ".join(_told(system, suite["summary"]) for system, suite in found.items())
    return PageSection(
        "Vocabulary",
        f"{told}. In brackets: distance from real dances in their standard deviations; ✗ marks more than one. Sizes "
        "are of the body. Three songs and two seeds are the least for a number that means much.",
        numbers(lines, columns),
    )


def _told(system: str, m: dict[str, Any]) -> str:
    seeds = (
        f" ({m['within_low']} to {m['within_high']} by seed)" if m["within_low"] < m["within_high"] else ""
    )
    count = f"{m['dances']} dances to {m['songs']} songs"
    return f"{system}: {m['within']} of {m['of']} within one standard deviation of real dance{seeds}, {count}"

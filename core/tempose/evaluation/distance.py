"""The sum of the table: the distance from real dance, in units of the spread of real clips.

Convention
----------
For each figure the real clips that dance (`real_motion.moving`) give a *range* without fault and a *unit*, the
standard deviation over clips (but at least `TableFigure.least`, for figures in which real clips do not differ):

- ``"truth"``: from the 25th to the 75th percentile of real clips;
- ``"lively"``: from the 25th to the 95th;
- ``"high"``: from their mean to the 95th percentile: keeping the beat better than the average dancer is no
  fault, keeping it as no dancer does is one;
- ``"low"``: up to their mean (or to what nobody sees, `TableFigure.good`): less is no merit.

A figure *costs* the distance of the system's mean from that range, in units, at most `CAP`: one outlying figure
must not decide everything. Costs are averaged within the five `ASPECTS` and these are added, so that four figures
about the beat do not weigh four times what the one about the limbs does. 0 is a system that no figure tells from
real dance; 15 the worst.

FID has no value for a clip. Its range ends at the value of real clips that were *not* held out (the best that a
dancer who does not know the held-out choreographies can hope for), or at the floor if that is more, and that is its
unit too. Diversity's range goes from 0.9 times the lesser to 1.1 times the greater of held-out and training motion,
with a quarter of all real motion's as the unit.

The sum has no absolute meaning and changes with the reference clips: it ranks systems on the same songs, and each
part says what a system is penalised for. The interval is a bootstrap over songs; FID and diversity, which have one
value for all songs, do not vary in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tempose.evaluation.figures import ASPECTS, FIGURES, SET_FIGURES, Rows, TableFigure, frame, values

CAP = 3.0
DRAWS = 300
Table = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Range:
    """The range of real clips: no cost from `low` to `high`, beyond that one per `unit`."""

    low: float
    high: float
    unit: float

    def cost(self, value: float) -> float:
        """The cost of a value, 0 to `CAP`; `CAP` if it could not be measured."""
        if not np.isfinite(value):
            return CAP
        return float(min(max(self.low - value, value - self.high, 0.0) / self.unit, CAP))


def real_range(figure: TableFigure, clips: np.ndarray) -> Range:
    """The range of one figure from its values on real clips (one or more, finite)."""
    unit = max(float(clips.std()), figure.least)
    mean, (low, high, top) = float(clips.mean()), (float(v) for v in np.percentile(clips, (25, 75, 95)))
    if figure.better == "high":
        return Range(mean, max(top, mean), unit)
    if figure.better == "low":
        return Range(-np.inf, max(mean, figure.good), unit)
    return Range(low, top if figure.better == "lively" else high, unit)


def set_ranges(table: Table, floor: float, real_diversity: float) -> dict[str, Range]:
    """The ranges of FID and diversity from the rows of real motion."""

    def known(figure: str, *systems: str) -> list[float]:
        means = [table[s][figure]["mean"] for s in systems if s in table]
        return [v for v in means if np.isfinite(v)]

    out = {}
    level = [v for v in (*known("fid_kinetic", "truth (train)"), floor) if np.isfinite(v)]
    if level:
        out["fid_kinetic"] = Range(-np.inf, max(level), max(*level, 1.0))
    found = known("diversity", "truth", "truth (train)")
    if found and np.isfinite(real_diversity):
        out["diversity"] = Range(0.9 * min(found), 1.1 * max(found), max(0.25 * real_diversity, 0.5))
    return out


def counted(name: str) -> bool:
    """Whether a row of the table competes; dances to other music do not."""
    return not name.endswith(", other music")


def scores(rows: Rows, table: Table, real: Rows, floor: float, real_diversity: float) -> dict[str, Any]:
    """The sum for each system of the table.

    Parameters
    ----------
    rows : table or sequence of Row
        All systems' dances.
    table : dict of system → figure → estimate
    real : table or sequence of Row
        Of the real clips that dance. With fewer than four there is no sum: an empty dict is returned.
    floor : float
        FID between two halves of real motion.
    real_diversity : float
        Of all real motion.

    Returns
    -------
    dict
        ``systems``: system → ``sum``, ``low``, ``high`` (95 %), ``aspects`` (aspect → cost), ``figures``
        (figure → cost), ``draws`` (the bootstrap's sums; the same songs drawn for all systems that danced
        to as many); ``ranges``: figure → low, high, unit.
    """
    if len(real) < 4:
        return {}
    rows, real = frame(rows), frame(real)
    counting = [f for f in FIGURES if f.aspect]
    ranges: dict[str, Range] = {}
    for figure in counting:
        clips = values(real, figure.name).dropna().to_numpy()
        if figure.name not in SET_FIGURES and len(clips):
            ranges[figure.name] = real_range(figure, clips)
    ranges |= set_ranges(table, floor, real_diversity)
    counting = [f for f in counting if f.name in ranges]
    out: dict[str, Any] = {}
    for system in filter(counted, table):
        own = rows[rows["system"] == system] if len(rows) else rows
        fixed = {n: ranges[n].cost(table[system][n]["mean"]) for n in SET_FIGURES if n in ranges}
        by_song = _by_song(own, [f.name for f in counting if f.name not in SET_FIGURES])
        figures = {**_costs(by_song, ranges), **fixed}
        random, draws = np.random.default_rng(0), []
        for _ in range(DRAWS if len(by_song) > 1 else 0):
            drawn = by_song.iloc[random.integers(len(by_song), size=len(by_song))]
            draws.append(sum(_aspects({**_costs(drawn, ranges), **fixed}).values()))
        low, high = (float(v) for v in np.percentile(draws, (2.5, 97.5))) if draws else (np.nan, np.nan)
        aspects = _aspects(figures)
        out[system] = {
            "sum": sum(aspects.values()),
            "low": low,
            "high": high,
            "aspects": aspects,
            "figures": figures,
            "draws": draws,
        }
    spans = {n: {"low": r.low, "high": r.high, "unit": r.unit} for n, r in ranges.items()}
    return {"systems": out, "ranges": spans}


def verdicts(found: dict[str, Any], first: str) -> dict[str, str]:
    """The first system against each other one: "better", "worse" or "not told apart".

    By the 95 % interval of the difference of their sums, paired by song if they danced to the same ones.
    """
    systems = found.get("systems", {})
    if first not in systems or not systems[first]["draws"]:
        return {}
    own, out = np.asarray(systems[first]["draws"]), {}
    for name, other in systems.items():
        if name == first or not other["draws"]:
            continue
        low, high = np.percentile(own - np.asarray(other["draws"]), (2.5, 97.5))
        out[name] = "better" if high < 0 else "worse" if low > 0 else "not told apart"
    return out


def _by_song(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """(songs, figures) means over the songs' dances, NaN where none could be measured."""
    known = pd.DataFrame({name: values(rows, name) for name in names}, index=rows.index)
    return known.groupby(rows["song"], sort=False).mean() if len(rows) else known


def _costs(by_song: pd.DataFrame, ranges: dict[str, Range]) -> dict[str, float]:
    return {str(name): ranges[str(name)].cost(float(mean)) for name, mean in by_song.mean().items()}


def _aspects(costs: dict[str, float]) -> dict[str, float]:
    """Aspect → mean cost of its figures."""
    out = {}
    for aspect in ASPECTS:
        own = [costs[f.name] for f in FIGURES if f.aspect == aspect and f.name in costs]
        if own:
            out[aspect] = float(np.mean(own))
    return out

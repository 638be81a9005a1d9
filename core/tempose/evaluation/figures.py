"""From dances to a table: the figures, which way is better, their noise, and differences beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from tempose import metrics
from tempose.metrics import kinetics, tempo
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError

Row = dict[str, float | str | None]
Rows = pd.DataFrame | Sequence[Row]


@dataclass(frozen=True)
class TableFigure:
    """One line of the table, and how it counts (see `evaluation.distance`).

    Parameters
    ----------
    name, label : str
    better : str
        ``"high"``, ``"low"``, ``"truth"`` (the range of most real clips) or ``"lively"`` (from there up to the
        liveliest real clips).
    aspect : str
        The question it helps to answer (`ASPECTS`); empty: shown, not counted.
    least : float
        Smallest unit for its distance from real motion: about what the eye can see.
    digits : int
    good : float
        For "low": anything up to this is as good.
    """

    name: str
    label: str
    better: str
    aspect: str = ""
    least: float = 0.05
    digits: int = 3
    good: float = 0.0


ASPECTS = {
    "music": "does it keep the beat?",
    "life": "does it dance?",
    "body": "is it one body?",
    "flow": "does it move as bodies do?",
    "kind": "is it like real dance as a whole?",
}
FIGURES = (
    TableFigure("beat_lock", "beat lock (BAS over chance)", "high", "music"),
    TableFigure("mm_align_excess", "MM-Align over chance", "high", "music"),
    TableFigure("bas", "BAS", "high"),
    TableFigure("bas_chance", "BAS on shifted beats", "truth"),
    TableFigure("beat_power", "power at the beat", "high", "music"),
    TableFigure("beat_coverage", "beat coverage", "truth"),
    TableFigure("tempo_clean", "tempo ½, 1 or 2 × the song's", "high", "music", 0.2),
    TableFigure("joint_speed", "joint speed (heights / s)", "lively", "life"),
    TableFigure("freezing", "share of time frozen", "low", "life"),
    TableFigure("variety", "variety (1 less what one loop explains)", "high", "life"),
    TableFigure("limb_ratio", "limb length p95 / median", "truth", "body", 0.05),
    TableFigure("limb_drift", "limb drift (last / first third)", "truth", "body", 0.05),
    TableFigure("off_canvas", "share of joints off the picture", "low", "body", 0.02),
    TableFigure("jitter", "jitter (acceleration / speed)", "truth", "flow"),
    TableFigure("seam_ratio", "largest step at a seam / p95", "low", "flow", 0.4, good=1.2),
    TableFigure("foot_slide", "foot slide (heights / s)", "low", "flow"),
    TableFigure("fid_kinetic", "kinetic FID to held-out motion", "low", "kind", 1.0, 2),
    TableFigure("diversity", "diversity", "truth", "kind", 0.5, 2),
)
SET_FIGURES = ("fid_kinetic", "diversity")


def row(dance: Dance, system: str, song: str, style: str | None, conventions: Sequence[str] = ()) -> Row:
    """One dance's figures, with system, song and style."""
    measured = metrics.evaluate(dance, tuple(conventions))
    return {"system": system, "song": song, "seed": dance.seed, "style": style, **measured}


def set_figures(features: np.ndarray, truth: np.ndarray, real: np.ndarray, size: int) -> dict[str, float]:
    """Figures of a set of windows against `truth`, cut to `size` windows and scaled by all `real` motion.

    NaN where there are fewer than four.
    """
    if min(len(features), len(truth), size) < 4:
        return {"fid_kinetic": float("nan"), "diversity": float("nan")}
    return {
        "fid_kinetic": kinetics.fid(features, truth, scale=real, size=size),
        "diversity": kinetics.diversity(features, real),
    }


def tempo_over_songs(rows: Rows) -> dict[str, float]:
    """`tempo.tempo_following` over one system's rows; empty with fewer than three."""
    if len(rows) < 3:
        return {}
    song, dance = (values(frame(rows), k).fillna(0).to_numpy() for k in ("song_bpm", "dance_bpm"))
    return tempo.tempo_following(song, dance)


def frame(rows: Rows) -> pd.DataFrame:
    """Rows as a table, one line per dance; missing figures are NaN."""
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    return table.replace([np.inf, -np.inf], np.nan)


def values(rows: pd.DataFrame, name: str) -> pd.Series:
    """One figure of all rows, as numbers; empty if no row has it."""
    if name not in rows:
        return pd.Series(dtype=float)
    return pd.to_numeric(rows[name], errors="coerce")


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float
    count: int


def estimate(rows: Rows, name: str) -> Estimate:
    """Mean over dances, with the wider of two t intervals: over seeds' means and over songs' means."""
    table = frame(rows)
    known = values(table, name)
    found = []
    for unit in ("seed", "song"):
        if known.empty:
            break
        means = known.groupby(table[unit], sort=False).mean().dropna().to_numpy()
        if len(means):
            found.append(Estimate(float(np.mean(means)), *interval(means), len(means)))
    if not found:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    return max(found, key=lambda e: float(np.nan_to_num(e.high - e.low)))


def compare(a: Rows, b: Rows, names: Sequence[str] | None = None) -> list[dict]:
    """Which figures differ between two runs by more than the noise.

    Dances are paired by song and seed if both runs have them, else by song; the interval is Student's over
    songs of the mean difference b - a.

    Returns
    -------
    list of dict
        ``figure``, ``a``, ``b``, ``difference``, ``low``, ``high``, ``beyond_noise``, ``verdict`` ("b
        better", "a better", "different", "no difference shown").
    """
    out = []
    for figure in FIGURES:
        if figure.name in SET_FIGURES or (names and figure.name not in names):
            continue
        one, other = (_by_dance(rows, figure.name) for rows in (a, b))
        means = [side.groupby("song").mean() for side in (one, other)]
        differences = (other - one).groupby("song").mean().fillna(means[1] - means[0]).dropna()
        if differences.empty:
            continue
        low, high = interval(differences.to_numpy())
        beyond = bool(len(differences) > 1 and (low > 0 or high < 0))
        verdict = "no difference shown"
        if beyond:
            verdict = "different"
            if figure.better in ("high", "low"):
                verdict = "b better" if (differences.mean() > 0) == (figure.better == "high") else "a better"
        both = [side[side.index.get_level_values("song").isin(differences.index)] for side in (one, other)]
        out.append(
            {
                "figure": figure.name, "a": float(both[0].mean()), "b": float(both[1].mean()),
                "difference": float(differences.mean()), "low": low, "high": high, "beyond_noise": beyond,
                "verdict": verdict,
            }
        )  # fmt: skip
    if not out:
        raise TemposeError("compare_nothing", "The two runs have no song in common.")
    return out


def _by_dance(rows: Rows, name: str) -> pd.Series:
    """A figure by song and seed, as far as known."""
    table = frame(rows)
    known = values(table, name)
    if known.empty:
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=["song", "seed"]))
    seeds = pd.to_numeric(table["seed"], errors="coerce").fillna(0).astype(int)
    known.index = pd.MultiIndex.from_arrays([table["song"].astype(str), seeds], names=["song", "seed"])
    known = known.dropna()
    return known[~known.index.duplicated(keep="last")]


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval by Student's t: with few songs a bootstrap would be overconfident."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half

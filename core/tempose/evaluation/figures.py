"""From dances to a table: which figures, which way is better, their noise, what differs beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tempose import metrics
from tempose.metrics import kinetics, tempo
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError

Row = dict[str, float | str | None]


@dataclass(frozen=True)
class Figure:
    """One line of the table, and how it counts (see `evaluation.score`).

    Parameters
    ----------
    name, label : str
    better : str
        ``"high"``, ``"low"``, ``"truth"`` (where most real clips lie) or ``"lively"`` (from there up to the
        liveliest real clips).
    aspect : str
        The question it helps to answer (`ASPECTS`); empty: shown, not counted.
    least : float
        Smallest unit in which its distance from real motion is counted: about what an eye can see.
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
    Figure("beat_lock", "beat lock (BAS over chance)", "high", "music"),
    Figure("mm_align_excess", "MM-Align over chance", "high", "music"),
    Figure("bas", "BAS", "high"),
    Figure("bas_chance", "BAS on shifted beats", "truth"),
    Figure("beat_power", "power at the beat", "high", "music"),
    Figure("beat_coverage", "beat coverage", "truth"),
    Figure("tempo_clean", "tempo ½, 1 or 2 × the song's", "high", "music", 0.2),
    Figure("joint_speed", "joint speed (heights / s)", "lively", "life"),
    Figure("freezing", "share of time frozen", "low", "life"),
    Figure("variety", "variety (1 less what one loop explains)", "high", "life"),
    Figure("limb_ratio", "limb length p95 / median", "truth", "body", 0.05),
    Figure("limb_drift", "limb drift (last / first third)", "truth", "body", 0.05),
    Figure("off_canvas", "share of joints off the picture", "low", "body", 0.02),
    Figure("jitter", "jitter (acceleration / speed)", "truth", "flow"),
    Figure("seam_ratio", "largest step at a seam / p95", "low", "flow", 0.4, good=1.2),
    Figure("foot_slide", "foot slide (heights / s)", "low", "flow"),
    Figure("fid_kinetic", "kinetic FID to held-out motion", "low", "kind", 1.0, 2),
    Figure("diversity", "diversity", "truth", "kind", 0.5, 2),
)
SET_FIGURES = ("fid_kinetic", "diversity")


def row(dance: Dance, system: str, song: str, style: str | None, conventions: Sequence[str] = ()) -> Row:
    """One dance's figures with what they were measured on."""
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


def tempo_over_songs(rows: Sequence[Row]) -> dict[str, float]:
    """`tempo.tempo_following` over one system's rows; empty with fewer than three."""
    if len(rows) < 3:
        return {}
    song, dance = (np.asarray([float(r[k] or 0) for r in rows]) for k in ("song_bpm", "dance_bpm"))
    return tempo.tempo_following(song, dance)


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float
    count: int


def estimate(rows: Sequence[Row], name: str) -> Estimate:
    """Mean over dances, with the wider of two t intervals: over the seeds' means and the songs'."""
    found = []
    for unit in ("seed", "song"):
        groups: dict[object, list[float]] = {}
        for r in rows:
            value = r.get(name)
            if isinstance(value, (int, float)) and np.isfinite(value):
                groups.setdefault(r[unit], []).append(float(value))
        means = np.asarray([np.mean(g) for g in groups.values()])
        if len(means):
            found.append(Estimate(float(means.mean()), *_interval(means), len(means)))
    if not found:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    return max(found, key=lambda e: float(np.nan_to_num(e.high - e.low)))


def compare(a: Sequence[Row], b: Sequence[Row], names: Sequence[str] | None = None) -> list[dict]:
    """Which figures differ between two runs by more than the noise.

    Dances are paired by song and seed where both runs have them, else by song; the interval is a bootstrap
    over songs of the mean difference b - a.

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
        sides = [_by_song(rows, figure.name) for rows in (a, b)]
        songs = sorted(set(sides[0]) & set(sides[1]))
        if not songs:
            continue
        differences = np.asarray([_paired(sides[0][s], sides[1][s]) for s in songs])
        low, high = _interval(differences)
        beyond = bool(len(songs) > 1 and (low > 0 or high < 0))
        verdict = "no difference shown"
        if beyond:
            verdict = "different"
            if figure.better in ("high", "low"):
                verdict = "b better" if (differences.mean() > 0) == (figure.better == "high") else "a better"
        means = [float(np.mean([v for s in songs for v in side[s].values()])) for side in sides]
        out.append(
            {
                "figure": figure.name, "a": means[0], "b": means[1], "difference": float(differences.mean()),
                "low": low, "high": high, "beyond_noise": beyond, "verdict": verdict,
            }
        )  # fmt: skip
    if not out:
        raise TemposeError("compare_nothing", "The two runs have no song in common.")
    return out


def _by_song(rows: Sequence[Row], name: str) -> dict[str, dict[int, float]]:
    out: dict[str, dict[int, float]] = {}
    for r in rows:
        value = r.get(name)
        if isinstance(value, (int, float)) and np.isfinite(value):
            out.setdefault(str(r["song"]), {})[int(r["seed"] or 0)] = float(value)
    return out


def _paired(a: dict[int, float], b: dict[int, float]) -> float:
    seeds = set(a) & set(b)
    if seeds:
        return float(np.mean([b[s] - a[s] for s in seeds]))
    return float(np.mean(list(b.values())) - np.mean(list(a.values())))


def _interval(values: np.ndarray) -> tuple[float, float]:
    """95 % by Student's t: with few songs a bootstrap would be too sure of itself."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half

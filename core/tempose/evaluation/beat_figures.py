"""Figures of beat grids: against the true grid, against the sound alone, and over many grids.

Figures are mir_eval's (Raffel et al. 2014, after Davies, Degara and Plumbley 2009), without the first five seconds,
as in its protocol: F-measure (within 70 ms), and continuity: the longest correct stretch (C) or all correct
stretches (T) at the correct metrical level (CML) or also at double, half and off-beat (AML).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from tempose.music.compiled import compile_once
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid

FIGURES = ("f", "cmlc", "cmlt", "amlc", "amlt", "downbeat_f")
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
HOP = 512
TRIMMED, SHORT = 5.0, 12.0  # seconds left out at the beginning, except in shorter songs
Row = dict[str, Any]  # of a song under one tracker


def scores(true: BeatGrid, found: BeatGrid) -> dict[str, float]:
    """`FIGURES` of a detected grid by mir_eval's protocol; 0 if either has no beats."""
    try:
        from mir_eval import beat
    except ModuleNotFoundError:
        raise TemposeError(
            "extra_missing", "Measuring beats needs mir_eval: pip install 'tempose[evaluate]'."
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mir_eval warns of empty lists, which are an answer here
        short = len(true.beats) > 0 and true.beats[-1] < SHORT
        begin = 0.0 if short else TRIMMED
        known, heard = (beat.trim_beats(g.beats, begin) for g in (true, found))
        bars, heard_bars = (beat.trim_beats(g.downbeats, begin) for g in (true, found))
        continuity = beat.continuity(known, heard) if len(known) > 1 and len(heard) > 1 else (0.0,) * 4
        values = (beat.f_measure(known, heard), *continuity, beat.f_measure(bars, heard_bars))
    return {name: float(v) for name, v in zip(FIGURES, values, strict=True)}


def contrast(samples: np.ndarray, grid: BeatGrid, shifts: int = 24) -> float:
    """Onset strength at the beats relative to the same beats shifted by parts of a beat: 1 is chance."""
    compile_once()
    import librosa

    if len(grid.beats) < 4:
        return 0.0
    onset = librosa.onset.onset_strength(y=np.asarray(samples), sr=SAMPLE_RATE, hop_length=HOP)
    times = np.arange(len(onset)) * HOP / SAMPLE_RATE
    intervals = np.append(np.diff(grid.beats), np.diff(grid.beats)[-1])

    def level(part: float) -> float:
        at = grid.beats + part * intervals
        return float(np.max([np.interp(at + d, times, onset) for d in (-0.023, 0, 0.023)], axis=0).mean())

    return level(0.0) / max(float(np.mean([level(k / shifts) for k in range(shifts)])), 1e-9)


def pulse(samples: np.ndarray, grid: BeatGrid) -> float:
    """Power of the onset strength at 1 and 2 cycles per beat, relative to neighbouring frequencies: 1 is chance.
    It shows whether the tempo is one of the music's and, unlike `contrast`, gives no credit for beats merely put on
    onsets.
    """
    compile_once()
    import librosa

    if len(grid.beats) < 8:
        return 0.0
    onset = librosa.onset.onset_strength(y=np.asarray(samples), sr=SAMPLE_RATE, hop_length=HOP)
    times = np.arange(len(onset)) * HOP / SAMPLE_RATE
    inside = (times >= grid.beats[0]) & (times <= grid.beats[-1])
    curve, at = onset[inside] - onset[inside].mean(), grid.beat_position(times[inside])

    def power(cycles: float) -> float:
        return float(np.abs(np.mean(curve * np.exp(-2j * np.pi * cycles * at))) ** 2)

    beside = [power(c * off) for c in (1, 2) for off in (0.71, 0.79, 0.84, 0.89, 1.12, 1.17, 1.22, 1.29)]
    return sum(power(c) for c in (1, 2)) / max(2 * float(np.mean(beside)), 1e-12)


def plausibility(samples: np.ndarray, grid: BeatGrid) -> dict[str, float]:
    """What can be said about a grid without knowing the truth.

    Returns
    -------
    dict
        ``bpm``; ``spread`` (half the range of the middle 80 % of the intervals over their median: rubato or
        mistakes); ``steps`` (share of intervals that differ from the one before by more than 20 %);
        ``contrast``; ``pulse``; ``confidence``.
    """
    intervals = np.diff(grid.beats)
    if len(intervals) < 4:
        none = dict.fromkeys(("spread", "steps", "contrast", "pulse"), 0.0)
        return {"bpm": grid.bpm, **none, "confidence": grid.confidence}
    low, middle, high = np.percentile(intervals, (10, 50, 90))
    steps = np.abs(np.diff(np.log(intervals))) > np.log(1.2)
    return {
        "bpm": grid.bpm,
        "spread": float((high - low) / 2 / middle),
        "steps": float(steps.mean()),
        "contrast": contrast(samples, grid),
        "pulse": pulse(samples, grid),
        "confidence": grid.confidence,
    }


def calibration(confidence: np.ndarray, f: np.ndarray, bins: Sequence[float] = BINS) -> dict[str, Any]:
    """Is the confidence the probability that a grid is right (F-measure above 0.8)?

    Returns
    -------
    dict
        ``bins`` (low, high, count, mean confidence, mean F, share with F above 0.8), ``error`` (mean absolute
        difference of a bin's mean confidence and its share, weighted by count), ``auc`` (chance that a well
        tracked song (F above 0.8) has more confidence than a badly tracked one; NaN where there are not
        both).
    """
    confidence, f = np.asarray(confidence, float), np.asarray(f, float)
    index = np.clip(np.searchsorted(bins, confidence, side="right") - 1, 0, len(bins) - 2)
    table = []
    for i in range(len(bins) - 1):
        own = index == i
        if own.any():
            table.append({
                "low": bins[i], "high": bins[i + 1], "count": int(own.sum()),
                "confidence": float(confidence[own].mean()), "f": float(f[own].mean()),
                "good": float((f[own] > 0.8).mean()),
            })  # fmt: skip
    error = sum(b["count"] * abs(b["confidence"] - b["good"]) for b in table) / max(len(f), 1)
    good, bad = confidence[f > 0.8], confidence[f <= 0.8]
    pairs = np.sign(good[:, None] - bad[None])
    auc = float((pairs.mean() + 1) / 2) if pairs.size else float("nan")
    return {"bins": table, "error": float(error), "auc": auc}


def table(rows: Sequence[Row], key: str = "kind") -> dict[str, dict[str, dict[str, float]]]:
    """Group → tracker → mean of each figure, median confidence and number of songs; "all" are songs with a beat."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    groups: list[Any] = [*dict.fromkeys(r[key] for r in rows), "all"]
    for group in groups:
        here = [r for r in rows if (r["bpm"] > 0 if group == "all" else r[key] == group)]
        for tracker in dict.fromkeys(r["tracker"] for r in here):
            own = [r for r in here if r["tracker"] == tracker]
            line = {name: float(np.mean([r[name] for r in own])) for name in FIGURES}
            line["confidence"] = float(np.median([r["confidence"] for r in own]))
            line["songs"] = len(own)
            out.setdefault(str(group), {})[tracker] = line
    return out

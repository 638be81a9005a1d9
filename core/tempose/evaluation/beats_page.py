"""The self-contained page of `tempose evaluate-beats`: tables and plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Plot

from tempose.evaluation import pages
from tempose.evaluation.tables import PageSection, number, numbers

SHOWN = {
    "count": ("songs", 0), "f": ("F", 2), "cmlc": ("CMLc", 2), "cmlt": ("CMLt", 2),
    "amlc": ("AMLc", 2), "amlt": ("AMLt", 2), "downbeat_f": ("downbeat F", 2), "confidence": ("confidence", 2),
}  # fmt: skip
CALIBRATION = {
    "songs": ("songs", 0), "confidence": ("mean confidence", 2), "f": ("mean F", 2), "good": ("F above 0.8", 2),
}  # fmt: skip
RECORDINGS = ("bpm", "spread", "steps", "contrast", "pulse", "confidence", "agreement_f", "agreement_amlt")
COLOURS = {"tempose": "#2f7fc1", "librosa": "#d08a3c"}


def write_page(path: Path, results: dict[str, Any]) -> None:
    """Write the page of `evaluate_beats`' results."""
    pages.write(path, "beats.html.j2", title="The beat grid, measured", sections=_sections(results))


def _sections(results: dict[str, Any]) -> list[PageSection]:
    found, recordings = results["calibration"], results["recordings"]
    known = [
        (f"{group}, {tracker}", {**line, "count": str(line["songs"])})
        for group, trackers in results["table"].items()
        for tracker, line in trackers.items()
    ]
    bins = [(f"{b['low']:g}–{b['high']:g}", {**b, "songs": str(b["count"])}) for b in found["bins"]]
    parts = [
        PageSection(
            "Songs with known beats",
            "Figures of mir_eval, first five seconds left out: F-measure (70 ms), continuity at the correct level "
            "(CML) or also at half, double and off-beat (AML), longest stretch (c) or all (t).",
            numbers(known, SHOWN), _by_tempo(results["by_tempo"]), "F-measure by tempo",
        ),
        PageSection(
            "Is the confidence true?",
            "The confidence is meant to be the probability that a grid is right: F above 0.8. Mean difference "
            f"between the two {found['error']:.2f}; a well tracked song (F above 0.8) has more confidence than a "
            f"badly tracked one with probability {number(found['auc'], 2)}.",
            numbers(bins, CALIBRATION), _reliability(results), "Confidence and F-measure",
        ),
    ]  # fmt: skip
    if recordings:
        lines = [(f"{r['song']}, {r['tracker']}", r) for r in recordings]
        columns = {name: (name, 2) for name in RECORDINGS}
        parts.append(PageSection("Recordings", "Their beats are not known.", numbers(lines, columns)))
    return parts


def _by_tempo(table: dict[str, Any]) -> Plot:
    plot = Plot(figsize=(8, 3.2), dpi=100)
    axes = plot.add_subplot()
    tempi = [t for t in table if t != "all"]
    for tracker, colour in COLOURS.items():
        for name, style in (("f", "-"), ("amlt", ":")):
            values = [table[t][tracker][name] for t in tempi]
            label = f"{tracker}, {'F' if name == 'f' else 'AMLt'}"
            axes.plot([float(t) for t in tempi], values, style, color=colour, marker="o", ms=3, label=label)
    axes.set_xlabel("beats per minute, steady songs with drums")
    axes.set_ylim(0, 1.03)
    axes.legend(fontsize=8, loc="lower right")
    return plot


def _reliability(results: dict[str, Any]) -> Plot:
    plot = Plot(figsize=(5, 4.6), dpi=100)
    axes = plot.add_subplot()
    own = [r for r in results["rows"] if r["tracker"] == "tempose"]
    axes.plot([0, 1], [0, 1], color="#999", linewidth=1, label="as it should be")
    jitter = np.random.default_rng(0).normal(0, 0.006, (2, len(own)))
    x = np.asarray([r["confidence"] for r in own]) + jitter[0]
    y = np.asarray([r["f"] for r in own]) + jitter[1]
    axes.plot(x, y, "o", color=COLOURS["tempose"], alpha=0.35, markersize=4, label="a song")
    bins = results["calibration"]["bins"]
    centre, share = [b["confidence"] for b in bins], [b["good"] for b in bins]
    axes.plot(centre, share, "s-", color="#222", markersize=5, label="share with F above 0.8")
    axes.set_xlabel("confidence")
    axes.set_ylabel("F-measure")
    axes.legend(fontsize=8, loc="lower right")
    return plot

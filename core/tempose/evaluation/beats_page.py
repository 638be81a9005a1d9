"""The page of `tempose evaluate-beats`: tables and plots, nothing from elsewhere."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Plot

from tempose.evaluation.page_parts import STYLE, image, line, number, saved

SHOWN = (
    ("f", "F"), ("cmlc", "CMLc"), ("cmlt", "CMLt"), ("amlc", "AMLc"), ("amlt", "AMLt"),
    ("downbeat_f", "downbeat F"), ("confidence", "confidence"),
)  # fmt: skip
COLOURS = {"tempose": "#2f7fc1", "librosa": "#d08a3c"}


def write_page(path: Path, results: dict[str, Any]) -> None:
    """Write the page of `evaluate_beats`' results."""
    found = results["calibration"]
    parts = [
        "<p>Figures of mir_eval, first five seconds left out: F-measure (70 ms), continuity at the correct "
        "level (CML) or also at half, double and off-beat (AML), longest stretch (c) or all (t).</p>",
        _table(results["table"], "songs with known beats"),
        image(_by_tempo(results["by_tempo"]), "F-measure by tempo"),
        "<h2>Is the confidence true?</h2>",
        "<p>The confidence is meant to be the probability that a grid is right: F above 0.8. Mean difference "
        f"between the two {found['error']:.2f}; a well tracked song (F "
        f"above 0.8) has more confidence than a badly tracked one with probability "
        f"{number(found['auc'], 2)}.</p>",
        _calibration_table(found),
        image(_reliability(results), "Confidence and F-measure"),
        _recordings(results["recordings"]),
    ]
    page = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Beat grid</title>"
        f"<style>{STYLE}</style></head><body><h1>The beat grid, measured</h1>{''.join(parts)}</body></html>"
    )
    path.write_text(page, encoding="utf-8")


def _table(table: dict[str, Any], title: str) -> str:
    lines = [line(title, ["tracker", "songs", *(label for _, label in SHOWN)], "th")]
    for group, trackers in table.items():
        for tracker, found in trackers.items():
            cells = [number(found[name], 2) for name, _ in SHOWN]
            lines.append(line(group, [tracker, str(found["songs"]), *cells]))
    return f"<div class='wide'><table>{''.join(lines)}</table></div>"


def _calibration_table(found: dict[str, Any]) -> str:
    lines = [line("confidence", ["songs", "mean confidence", "mean F", "F above 0.8"], "th")]
    for b in found["bins"]:
        cells = [str(b["count"]), *(number(b[k], 2) for k in ("confidence", "f", "good"))]
        lines.append(line(f"{b['low']:g}–{b['high']:g}", cells))
    return f"<table>{''.join(lines)}</table>"


def _recordings(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    names = ("bpm", "spread", "steps", "contrast", "pulse", "confidence", "agreement_f", "agreement_amlt")
    lines = [line("recording", ["tracker", *names], "th")]
    for r in rows:
        lines.append(line(r["song"], [html.escape(r["tracker"]), *(number(r[n], 2) for n in names)]))
    return f"<h2>Recordings (beats not known)</h2><div class='wide'><table>{''.join(lines)}</table></div>"


def _by_tempo(table: dict[str, Any]) -> bytes:
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
    return saved(plot)


def _reliability(results: dict[str, Any]) -> bytes:
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
    return saved(plot)

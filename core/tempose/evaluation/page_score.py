"""The sum of the table, and what each system pays for."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Plot

from tempose.evaluation.figures import ASPECTS, FIGURES
from tempose.evaluation.page_parts import image, line, number, saved, table

COLOURS = ("#2f7fc1", "#d08a3c", "#5d9e63", "#a85d9b", "#8a8f98")
NOTE = """The sum: how far from real dance, 0 to 15, less is better. For each figure, the distance of the
system's mean from the range of real clips, in units of how much real clips differ, at most 3; averaged within
each of five questions, and these added up. Keeping the beat better than dancers do costs nothing until no
dancer does; nor is less sliding than real dancers' a merit. It orders systems on the same songs and means
nothing by itself. 95 % intervals over songs."""


def score_section(score: dict[str, Any], verdicts: dict[str, str], first: str) -> str:
    """The sum with its parts; empty where there is no real motion to measure against."""
    systems = score.get("systems")
    if not systems:
        return ""
    order = sorted(systems, key=lambda s: systems[s]["sum"])
    head = line("", ["sum", "95 %", *(f"{a}<br><span class='noise'>{q}</span>" for a, q in ASPECTS.items()),
                     f"{html.escape(first)} is" if verdicts else ""], "th")  # fmt: skip
    lines = []
    for name in order:
        s = systems[name]
        span = f"<span class='noise'>{number(s['low'], 1)} … {number(s['high'], 1)}</span>"
        cells = [_shaded(s["aspects"].get(a)) for a in ASPECTS]
        title = f"<tr><td>{html.escape(name)}</td><td class='best'>{s['sum']:.2f}</td><td>{span}</td>"
        lines.append(f"{title}{''.join(cells)}<td>{verdicts.get(name, '')}</td></tr>")
    return (
        f"<h2>The sum</h2><p>{NOTE}</p>{table(head, lines)}"
        f"{image(_bars(systems, order), 'The sum by question')}"
        f"<h3>What each figure costs</h3>{_costs(score, order)}"
    )


def _shaded(cost: float | None) -> str:
    if cost is None:
        return "<td>–</td>"
    shade = " class='much'" if cost >= 1 else " class='some'" if cost >= 0.25 else ""
    return f"<td{shade}>{cost:.2f}</td>"


def _costs(score: dict[str, Any], order: list[str]) -> str:
    head = line("", ["question", "real clips", "unit", *(html.escape(s) for s in order)], "th")
    lines = []
    for figure in FIGURES:
        span = score["ranges"].get(figure.name)
        if span is None or not figure.aspect:
            continue
        low = span["low"] if span["low"] is not None and np.isfinite(span["low"]) else None
        text = f"{number(low, 2)} … {span['high']:.2f}" if low is not None else f"to {span['high']:.2f}"
        cells = "".join(_shaded(score["systems"][s]["figures"].get(figure.name)) for s in order)
        lines.append(
            f"<tr><td>{html.escape(figure.label)}</td><td>{figure.aspect}</td><td>{text}</td>"
            f"<td>{span['unit']:.2f}</td>{cells}</tr>"
        )
    return table(head, lines)


def _bars(systems: dict[str, Any], order: list[str]) -> bytes:
    plot = Plot(figsize=(9, 0.42 * len(order) + 1.3), dpi=100)
    axes = plot.add_subplot()
    y, left = np.arange(len(order))[::-1], np.zeros(len(order))
    for aspect, colour in zip(ASPECTS, COLOURS, strict=True):
        width = np.asarray([systems[s]["aspects"].get(aspect, 0.0) for s in order])
        axes.barh(y, width, left=left, color=colour, height=0.62, label=aspect)
        left = left + width
    for at, name in zip(y, order, strict=True):
        low, high = systems[name]["low"], systems[name]["high"]
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [at, at], color="#222", linewidth=1.5)
    axes.set_yticks(y, order)
    axes.set_xlabel("distance from real dance, black line: 95 %")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, fontsize=8, frameon=False)
    return saved(plot)

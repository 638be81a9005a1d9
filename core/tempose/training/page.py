"""`OUT/page.html`: the curves of log.csv and the last drawn dance, in one file for any browser."""

from __future__ import annotations

import base64
import csv
import html
import math
from pathlib import Path

WIDTH, HEIGHT = 560, 240
COLOURS = ("#7fb8e6", "#e6b87f")
REFRESH = 30  # seconds


def read_log(path: Path) -> dict[str, list[float]]:
    """Columns of a training log; values that are not numbers become NaN."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def number(text: str | None) -> float:
        try:
            return float(text or "nan")
        except ValueError:
            return math.nan

    return {key: [number(row.get(key)) for row in rows] for key in (rows[0] if rows else {}) if key}


def chart(title: str, steps: list[float], curves: dict[str, list[float]]) -> str:
    """An inline SVG: curves over steps on a logarithmic scale."""
    values = [v for c in curves.values() for v in c if v > 0 and math.isfinite(v)]
    if len(steps) < 2 or not values:
        return ""
    low, high = math.log10(min(values)), math.log10(max(values))
    pad = max((high - low) * 0.05, 0.01)
    low, high = low - pad, high + pad

    def x(step: float) -> float:
        return 54 + (WIDTH - 64) * (step - steps[0]) / max(steps[-1] - steps[0], 1)

    def y(value: float) -> float:
        return 24 + (HEIGHT - 48) * (high - math.log10(value)) / (high - low)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"><text x="54" y="14">{html.escape(title)}</text>'
    ]
    for share in (0, 0.5, 1):
        value = 10 ** (low + share * (high - low))
        parts.append(
            f'<line x1="54" x2="{WIDTH - 10}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            f'<text x="4" y="{y(value) + 4:.1f}">{value:.3g}</text>'
        )
    for step in (steps[0], steps[-1]):
        parts.append(f'<text x="{min(x(step), WIDTH - 50):.1f}" y="{HEIGHT - 6}">{step:.0f}</text>')
    for i, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[i % len(COLOURS)]
        points = " ".join(
            f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, curve, strict=True) if v > 0 and math.isfinite(v)
        )
        parts.append(f'<polyline points="{points}" stroke="{colour}"/>')
        parts.append(
            f'<text x="{200 + 160 * i}" y="14" fill="{colour}">{html.escape(name)} {curve[-1]:.4g}</text>'
        )
    return "".join(parts) + "</svg>"


def write_page(out: Path) -> Path:
    """Write `out/page.html` from `out/log.csv` and `out/sample.png`, whole or not at all."""
    log = read_log(out / "log.csv")
    steps = log.get("step", [])
    charts = [
        chart(key, steps, {"training": log[key], "held out": log[f"held_out_{key}"]})
        for key in log
        if f"held_out_{key}" in log
    ]
    sample = out / "sample.png"
    picture = ""
    if sample.is_file():
        data = base64.b64encode(sample.read_bytes()).decode()
        picture = f'<h2>A held-out moment, danced</h2><img src="data:image/png;base64,{data}">'
    last = f"step {steps[-1]:.0f}" if steps else "no figures yet"
    page = (
        f"<!doctype html><meta charset=utf-8><meta http-equiv=refresh content={REFRESH}>"
        f"<title>{html.escape(out.name)}: {last}</title><style>body{{background:#141414;color:#ddd;"
        "font:14px system-ui,sans-serif;margin:2rem}svg{margin:.5rem;background:#1c1c1c;fill:#ddd;font-size:12px}"
        "line{stroke:#333}polyline{fill:none;stroke-width:1.5}img{max-width:100%}</style>"
        f"<h1>{html.escape(out.name)}, {last}</h1>{''.join(charts)}{picture}"
    )
    part = out / "page.html.part"
    part.write_text(page, encoding="utf-8")
    part.replace(out / "page.html")
    return out / "page.html"

"""One self-contained HTML page: table, plots, contact sheets, sample videos, nothing from elsewhere."""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Plot

from tempose.evaluation.figures import FIGURES, Row, estimate
from tempose.evaluation.page_parts import STYLE, image, line, number, png, saved
from tempose.evaluation.page_score import score_section
from tempose.evaluation.page_suites import suite_sections
from tempose.render.contact_sheet import contact_sheet
from tempose.render.video import render_dance
from tempose_pose.dance import Dance

BANDS = ((0, 90), (90, 105), (105, 120), (120, 400))
NOTE = """Beat scores are shown with their chance level: the same motion against shifted beats. What each
figure can and cannot tell stands in docs/metrics.md. ± is half the 95 % interval, the wider of the one over
seeds and the one over songs; differences smaller than that are noise. Figures marked “near truth” are best
where real motion lies; of those marked “lower”, less than real motion has is no merit, and of those marked
“higher”, more than any real clip has is none either."""


def write_page(
    path: Path, results: dict[str, Any], samples: Sequence[tuple[str, Dance, Path | None]], videos: int = 0
) -> None:
    """Write the page; samples are (title, dance, song file), the first `videos` of them with a video."""
    parts = [
        f"<p>{html.escape(_facts(results))}</p><p>{NOTE}</p>",
        "<h2>Systems</h2>",
        _table(results["table"]),
        f"<p>FID between two halves of real motion ({results['floor']['floor_windows']} windows each): "
        f"{number(results['floor']['fid_kinetic'], 2)}; systems are compared on "
        f"{results['floor']['windows']} windows.</p>",
        score_section(results["score"], results["verdicts"], next(iter(results["systems"]), "")),
        image(_beat_plot(results["table"]), "Beat alignment and its chance level"),
        _grouped(results["rows"], "style", "By style"),
        _grouped(results["rows"], "genre", "By genre of the music"),
        _grouped([{**r, "band": _band(r)} for r in results["rows"]], "band", "By tempo of the music"),
        _against(results.get("against")),
        _listening(results["listening"]),
        suite_sections(results["suites"]),
        "<h2>Samples</h2>",
    ]
    for i, (title, dance, song) in enumerate(samples):
        parts.append(f"<h3>{html.escape(title)}</h3>")
        if i < videos:
            parts.append(_video(dance, song))
        parts.append(image(png(contact_sheet(dance, title=title, count=16)), title))
    if parts and not samples:
        parts.pop()
    page = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Tempose evaluation</title>"
        f"<style>{STYLE}</style></head><body><h1>Tempose evaluation</h1>{''.join(parts)}</body></html>"
    )
    part = path.with_name(path.name + ".part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)


def _facts(results: dict[str, Any]) -> str:
    systems = ", ".join(f"{n} ({r})" for n, r in results["systems"].items()) or "finished dances"
    still = results["floor"].get("still", 0)
    left = f" {still} real clips were left out: they stand still most of the time." if still else ""
    return f"{systems}; {len(results['songs'])} songs; seeds {', '.join(map(str, results['seeds']))}.{left}"


def _cell(entry: dict[str, Any] | None, digits: int) -> str:
    if entry is None:
        return "–"
    text = number(entry["mean"], digits)
    half = (entry["high"] - entry["low"]) / 2
    return text + (f" <span class='noise'>± {half:.{digits}f}</span>" if np.isfinite(half) else "")


def _table(table: dict[str, Any]) -> str:
    systems = list(table)
    head = "".join(f"<th>{html.escape(s)}</th>" for s in systems)
    lines = []
    better = {"high": "higher", "low": "lower", "truth": "near truth", "lively": "near truth or more"}
    for figure in FIGURES:
        cells = "".join(f"<td>{_cell(table[s].get(figure.name), figure.digits)}</td>" for s in systems)
        name = f"{html.escape(figure.label)} <span class='noise'>{better[figure.better]}</span>"
        lines.append(f"<tr><td>{name}</td>{cells}</tr>")
    return f"<div class='wide'><table><tr><th></th>{head}</tr>{''.join(lines)}</table></div>"


def _band(row: Row) -> str:
    bpm = float(row.get("song_bpm") or 0)
    low, high = next((b for b in BANDS if b[0] <= bpm < b[1]), BANDS[-1])
    return f"{low}–{high} BPM" if high < 400 else f"from {low} BPM"


def _grouped(rows: Sequence[Row], key: str, title: str) -> str:
    """Beat lock, speed and jitter of each system by style or tempo."""
    groups = sorted({str(r[key]) for r in rows if r.get(key)})
    systems = list(dict.fromkeys(str(r["system"]) for r in rows if r.get(key)))
    if len(groups) < 2:
        return ""
    head = "".join(f"<th>{html.escape(s)}</th>" for s in systems)
    lines = []
    for group in groups:
        cells = []
        for system in systems:
            own = [r for r in rows if r["system"] == system and str(r[key]) == group]
            texts = [number(estimate(own, n).mean, d) for n, d in (("beat_lock", 2), ("joint_speed", 2))]
            cells.append(f"<td>{' / '.join(texts) if own else '–'}</td>")
        lines.append(f"<tr><td>{html.escape(group)}</td>{''.join(cells)}</tr>")
    return (
        f"<h3>{title}: beat lock / joint speed</h3>"
        f"<div class='wide'><table><tr><th></th>{head}</tr>{''.join(lines)}</table></div>"
    )


def _against(found: dict[str, Any] | None) -> str:
    """This run beside an earlier one."""
    if not found:
        return ""
    lines = [line("", ["earlier", "this run", "difference", "95 %", ""], "th")]
    for c in found["figures"]:
        said = c["verdict"].replace("a better", "earlier run better").replace("b better", "this run better")
        cells = [f"{c['a']:.3f}", f"{c['b']:.3f}", f"{c['difference']:+.3f}"]
        span = f"{number(c['low'], 3)} … {number(c['high'], 3)}"
        lines.append(line(c["figure"], [*cells, span, f"<b>{said}</b>" if c["beyond_noise"] else said]))
    if None not in found["sums"]:
        lines.append(line("the sum", [f"{found['sums'][0]:.2f}", f"{found['sums'][1]:.2f}", *[""] * 3]))
    return f"<h2>Against {html.escape(found['name'])}</h2><table>{''.join(lines)}</table>"


def _listening(found: dict[str, Any]) -> str:
    """Each system to its own music and to another song's beats."""
    lines = []
    for system, comparison in found.items():
        for c in comparison:
            said = {"b better": "listens", "a better": "worse to its own"}.get(c["verdict"], "not shown")
            if c["figure"] == "beat_power" and c["beyond_noise"]:
                said = "listens" if c["difference"] > 0 else "worse to its own"
            span = f"{c['low']:+.3f} … {c['high']:+.3f}"
            lines.append(line(f"{system}: {c['figure']}", [f"{c['b']:.3f}", f"{c['a']:.3f}", span, said]))
    if not lines:
        return ""
    head = line("", ["its own music", "other music", "difference, 95 %", ""], "th")
    title = "<h3>Does it listen? The same dances against another song's beats</h3>"
    return f"{title}<table>{head}{''.join(lines)}</table>"


def _beat_plot(table: dict[str, Any]) -> bytes:
    systems = list(table)
    plot = Plot(figsize=(9, 0.5 * len(systems) + 1.2), dpi=100)
    axes = plot.add_subplot()
    y = np.arange(len(systems))[::-1]

    def values(name: str, key: str = "mean") -> np.ndarray:
        return np.asarray(
            [np.nan if table[s][name][key] is None else table[s][name][key] for s in systems], float
        )

    axes.barh(y, values("bas"), color="#6aa5d8", height=0.6, label="BAS")
    axes.plot(
        values("bas_chance"), y, "|", color="#222", markersize=18, markeredgewidth=2, label="shifted beats"
    )
    half = np.nan_to_num((values("beat_lock", "high") - values("beat_lock", "low")) / 2)
    axes.errorbar(values("bas"), y, xerr=half, fmt="none", ecolor="#555", capsize=3)
    axes.set_yticks(y, systems)
    axes.set_xlabel("only what lies right of the black mark is keeping the beat")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    return saved(plot)


def _video(dance: Dance, song: Path | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.mp4"
        render_dance(dance, path, song, size=(360, 360), beat_flash=True)
        data = base64.b64encode(path.read_bytes()).decode()
    return f"<video controls preload='metadata' src='data:video/mp4;base64,{data}'></video>"

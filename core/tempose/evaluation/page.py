"""One self-contained HTML page: table, plots, contact sheets, sample videos, nothing from elsewhere."""

from __future__ import annotations

import base64
import html
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot
from PIL import Image

from tempose.dance import Dance
from tempose.evaluation.figures import FIGURES, Row, estimate
from tempose.render.contact_sheet import contact_sheet
from tempose.render.video import render_dance

BANDS = ((0, 90), (90, 105), (105, 120), (120, 400))
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .6rem;border-bottom:1px solid
#ddd;text-align:right}td:first-child,th:first-child{text-align:left}
.best{font-weight:700}.noise{color:#777;font-size:.85em}img,video{max-width:100%}h2{margin-top:2.5rem}
.wide{overflow-x:auto}
"""
NOTE = """Beat scores are shown with their chance level: the same motion against shifted beats. What each
figure can and cannot tell stands in docs/metrics.md. ± is half the 95 % interval, the wider of the one over
seeds and the one over songs; differences smaller than that are noise. Figures marked “near truth” are best
where real motion lies; of those marked “lower”, less than real motion has is no merit."""


def write_page(
    path: Path, results: dict[str, Any], samples: Sequence[tuple[str, Dance, Path | None]], videos: int = 0
) -> None:
    """Write the page; samples are (title, dance, song file), the first `videos` of them with a video."""
    parts = [
        f"<p>{html.escape(_facts(results))}</p><p>{NOTE}</p>",
        "<h2>Systems</h2>",
        _table(results["table"]),
        f"<p>FID between two halves of real motion ({results['floor']['floor_windows']} windows each): "
        f"{_number(results['floor']['fid_kinetic'], 2)}; systems are compared on "
        f"{results['floor']['windows']} windows.</p>",
        _ranking(results["ranking"]),
        _image(_beat_plot(results["table"]), "Beat alignment and its chance level"),
        _grouped(results["rows"], "style", "By style"),
        _grouped([{**r, "band": _band(r)} for r in results["rows"]], "band", "By tempo of the music"),
        _listening(results["listening"]),
        _tempo(results["tempo"]),
        "<h2>Samples</h2>",
    ]
    for i, (title, dance, song) in enumerate(samples):
        parts.append(f"<h3>{html.escape(title)}</h3>")
        if i < videos:
            parts.append(_video(dance, song))
        parts.append(_image(_png(contact_sheet(dance, title=title, count=16)), title))
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
    return f"{systems}; {len(results['songs'])} songs; seeds {', '.join(map(str, results['seeds']))}."


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def _cell(entry: dict[str, Any] | None, digits: int) -> str:
    if entry is None:
        return "–"
    text = _number(entry["mean"], digits)
    half = (entry["high"] - entry["low"]) / 2
    return text + (f" <span class='noise'>± {half:.{digits}f}</span>" if np.isfinite(half) else "")


def _table(table: dict[str, Any]) -> str:
    systems = list(table)
    head = "".join(f"<th>{html.escape(s)}</th>" for s in systems)
    lines = []
    better = {"high": "higher is better", "low": "lower is better", "truth": "near truth"}
    for figure in FIGURES:
        cells = "".join(f"<td>{_cell(table[s].get(figure.name), figure.digits)}</td>" for s in systems)
        name = f"{html.escape(figure.label)} <span class='noise'>{better[figure.better]}</span>"
        lines.append(f"<tr><td>{name}</td>{cells}</tr>")
    return f"<div class='wide'><table><tr><th></th>{head}</tr>{''.join(lines)}</table></div>"


def _ranking(ranking: dict[str, float]) -> str:
    if not ranking:
        return ""
    order = sorted(ranking.items(), key=lambda kv: kv[1])
    lines = "".join(f"<tr><td>{html.escape(n)}</td><td>{r:.2f}</td></tr>" for n, r in order)
    return f"<h3>Mean rank over the table (1 is best)</h3><table>{lines}</table>"


def _band(row: Row) -> str:
    bpm = float(row.get("song_bpm") or 0)
    low, high = next((b for b in BANDS if b[0] <= bpm < b[1]), BANDS[-1])
    return f"{low}–{high} BPM" if high < 400 else f"from {low} BPM"


def _grouped(rows: Sequence[Row], key: str, title: str) -> str:
    """Beat lock, speed and jitter of each system by style or tempo."""
    groups = sorted({str(r[key]) for r in rows if r.get(key)})
    systems = list(dict.fromkeys(str(r["system"]) for r in rows))
    if len(groups) < 2:
        return ""
    head = "".join(f"<th>{html.escape(s)}</th>" for s in systems)
    lines = []
    for group in groups:
        cells = []
        for system in systems:
            own = [r for r in rows if r["system"] == system and str(r[key]) == group]
            texts = [_number(estimate(own, n).mean, d) for n, d in (("beat_lock", 2), ("joint_speed", 2))]
            cells.append(f"<td>{' / '.join(texts) if own else '–'}</td>")
        lines.append(f"<tr><td>{html.escape(group)}</td>{''.join(cells)}</tr>")
    return (
        f"<h3>{title}: beat lock / joint speed</h3>"
        f"<div class='wide'><table><tr><th></th>{head}</tr>{''.join(lines)}</table></div>"
    )


def _listening(found: dict[str, Any]) -> str:
    """Each system to its own music and to another song's beats."""
    lines = []
    for system, comparison in found.items():
        for c in comparison:
            said = {"b better": "listens", "a better": "worse to its own"}.get(c["verdict"], "not shown")
            if c["figure"] == "beat_power" and c["beyond_noise"]:
                said = "listens" if c["difference"] > 0 else "worse to its own"
            span = f"{c['low']:+.3f} … {c['high']:+.3f}"
            lines.append(_line(f"{system}: {c['figure']}", [f"{c['b']:.3f}", f"{c['a']:.3f}", span, said]))
    if not lines:
        return ""
    head = _line("", ["its own music", "other music", "difference, 95 %", ""], "th")
    title = "<h3>Does it listen? The same dances against another song's beats</h3>"
    return f"{title}<table>{head}{''.join(lines)}</table>"


def _line(title: str, cells: Sequence[str], cell: str = "td") -> str:
    return f"<tr><{cell}>{html.escape(title)}</{cell}>{''.join(f'<{cell}>{c}</{cell}>' for c in cells)}</tr>"


def _tempo(following: dict[str, Any]) -> str:
    series, splices = [], []
    for system, found in following.items():
        for song, s in found["series"].items():
            cells = [
                f"{s['slope']:.2f}",
                f"{s['slope_spectral']:.2f}",
                f"{s['factor']:g}",
                f"{s['hits']:.2f}",
                f"{s['hits_chance']:.2f}",
            ]
            cells += [f"{s['beat_power']:.2f}", f"{s['beat_power_chance']:.2f}"]
            series.append(_line(f"{system}: {song}", cells))
        for song, s in found["splice"].items():
            cells = [f"{s[k]:.2f}" for k in ("song_ratio", "dance_ratio", "speed_ratio")]
            splices.append(_line(f"{system}: {song}", [*cells, _number(s["delay_beats"], 1)]))
    if not series and not splices:
        return ""
    first = _line(
        "same song, other tempi",
        ["slope", "by spectrum", "octave", "clean", "by chance", "power at the beat", "beside it"],
        "th",
    )
    second = _line("slow to fast", ["song ratio", "dance ratio", "speed ratio", "delay (beats)"], "th")
    return (
        f"<h2>Tempo</h2><table>{first}{''.join(series)}</table>"
        f"{_image(_tempo_plot(following), 'Dance tempo against song tempo')}"
        f"<table>{second}{''.join(splices)}</table>"
    )


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
    axes.legend(loc="lower right", fontsize=8)
    return _saved(plot)


def _tempo_plot(following: dict[str, Any]) -> bytes:
    plot = Plot(figsize=(6, 4), dpi=100)
    axes = plot.add_subplot()
    x = np.asarray([60, 180])
    for factor, label in ((0.5, "half"), (1, "equal"), (2, "double")):
        axes.plot(x, factor * x, color="#bbb", linewidth=1)
        axes.annotate(label, (180, min(factor * 180, 225)), fontsize=7, color="#888")
    for system, found in following.items():
        pairs = [(s["song_bpm"], s["dance_bpm"]) for s in found["series"].values()]
        if pairs:
            song, dance = (np.concatenate(v) for v in zip(*pairs, strict=True))
            axes.plot(song, dance, "o", markersize=4, label=system)
    axes.set_xlim(60, 190)
    axes.set_ylim(30, 230)
    axes.set_xlabel("song, beats per minute")
    axes.set_ylabel("dance")
    axes.legend(fontsize=8)
    return _saved(plot)


def _saved(plot: Plot) -> bytes:
    plot.tight_layout()
    buffer = io.BytesIO()
    FigureCanvasAgg(plot).print_png(buffer)
    return buffer.getvalue()


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _image(png: bytes, title: str) -> str:
    data = base64.b64encode(png).decode()
    return f"<img alt='{html.escape(title, quote=True)}' src='data:image/png;base64,{data}'>"


def _video(dance: Dance, song: Path | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.mp4"
        render_dance(dance, path, song, size=(360, 360), beat_flash=True)
        data = base64.b64encode(path.read_bytes()).decode()
    return f"<video controls preload='metadata' src='data:video/mp4;base64,{data}'></video>"

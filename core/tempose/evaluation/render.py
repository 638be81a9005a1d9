"""The fourth stage: one self-contained HTML page with tables, plots, contact sheets, sample videos."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Plot

from tempose.evaluation import pages
from tempose.evaluation.figures import ASPECTS, FIGURES, estimate, frame, values
from tempose.evaluation.generate import Sample
from tempose.evaluation.suites import sections
from tempose.evaluation.tables import PageSection, number, numbers
from tempose.render.contact_sheet import contact_sheet
from tempose.render.video import render_dance

BANDS = ((0, 90), (90, 105), (105, 120), (120, 400))
BETTER = {"high": "higher", "low": "lower", "truth": "near truth", "lively": "near truth or more"}
COLOURS = ("#2f7fc1", "#d08a3c", "#5d9e63", "#a85d9b", "#8a8f98")


def write_page(path: Path, results: dict[str, Any], samples: Sequence[Sample], videos: int = 0) -> None:
    """Write the page of `summarise`'s results, with a video for the first `videos` samples."""
    score = results["score"] if results["score"].get("systems") else {}
    ranking = sorted(score["systems"], key=lambda s: score["systems"][s]["sum"]) if score else []
    pages.write(
        path,
        "evaluation.html.j2",
        title="Tempose evaluation",
        facts=_facts(results),
        table=results["table"],
        floor=results["floor"],
        figures=FIGURES,
        better=BETTER,
        aspects=ASPECTS,
        score=score,
        ranking=ranking,
        verdicts=results["verdicts"],
        first=next(iter(results["systems"]), ""),
        sums_plot=_sums_plot(score["systems"], ranking) if score else None,
        beat_plot=_beat_plot(results["table"]),
        grouped=list(_grouped(frame(results["rows"]))),
        sections=[*_against(results.get("against")), *_listening(results["listening"]),
                  *sections(results["suites"])],
        samples=[_sample(s, i < videos) for i, s in enumerate(samples)],
    )  # fmt: skip


def _facts(results: dict[str, Any]) -> str:
    systems = ", ".join(f"{n} ({r})" for n, r in results["systems"].items()) or "finished dances"
    still = results["floor"].get("still", 0)
    left = f" {still} real clips were left out: they stand still most of the time." if still else ""
    return f"{systems}; {len(results['songs'])} songs; seeds {', '.join(map(str, results['seeds']))}.{left}"


def _sample(sample: Sample, video: bool) -> dict[str, str]:
    title = f"{sample.system}: {sample.song}"
    sheet = pages.picture(contact_sheet(sample.dance, title=title, count=16))
    return {"title": title, "sheet": sheet, "video": _video(sample) if video else ""}


def _video(sample: Sample) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.mp4"
        render_dance(sample.dance, path, sample.path, size=(360, 360), beat_flash=True)
        return base64.b64encode(path.read_bytes()).decode()


def _grouped(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Beat lock and speed of each system by style, genre and tempo, if there are several."""
    if rows.empty:
        return
    bpm = values(rows, "song_bpm").reindex(rows.index).fillna(0)
    bands = [f"{low}–{high} BPM" if high < 400 else f"from {low} BPM" for low, high in BANDS]
    edges = [low for low, _ in BANDS] + [BANDS[-1][1]]
    by = {
        "By style": rows["style"],
        "By genre of the music": rows["genre"],
        "By tempo of the music": pd.cut(bpm, edges, right=False, labels=bands).astype(object),
    }
    for title, key in by.items():
        own = rows[key.notna()]
        if key.nunique() > 1:
            both = own.groupby([key[key.notna()], "system"], sort=False)
            texts = {
                name: " / ".join(number(estimate(part, f).mean, 2) for f in ("beat_lock", "joint_speed"))
                for name, part in both
            }
            table = pd.Series(texts).unstack().fillna("–").sort_index()
            yield title, table[list(own["system"].unique())]


def _against(found: dict[str, Any] | None) -> Iterator[PageSection]:
    """This run compared with an earlier one."""
    if not found:
        return
    columns = {
        "a": ("earlier", 3), "b": ("this run", 3), "change": ("difference", 3), "span": ("95 %", 0),
        "said": ("", 0),
    }  # fmt: skip
    lines: list[tuple[str, dict[str, Any]]] = []
    for c in found["figures"]:
        said = c["verdict"].replace("a better", "earlier run better").replace("b better", "this run better")
        texts = {"change": f"{c['difference']:+.3f}", "span": _span(c), "said": said}
        lines.append((c["figure"], c | texts))
    if None not in found["sums"]:
        lines.append(("the sum", {k: f"{v:.2f}" for k, v in zip("ab", found["sums"], strict=True)}))
    yield PageSection(f"Against {found['name']}", "", numbers(lines, columns))


def _listening(found: dict[str, Any]) -> Iterator[PageSection]:
    """Each system to its own music and to another song's beats."""
    lines = []
    for system, comparison in found.items():
        for c in comparison:
            said = {"b better": "listens", "a better": "worse to its own"}.get(c["verdict"], "not shown")
            if c["figure"] == "beat_power" and c["beyond_noise"]:
                said = "listens" if c["difference"] > 0 else "worse to its own"
            lines.append((f"{system}: {c['figure']}", c | {"span": _span(c), "said": said}))
    if lines:
        columns = {
            "b": ("its own music", 3), "a": ("other music", 3), "span": ("difference, 95 %", 0), "said": ("", 0),
        }  # fmt: skip
        yield PageSection(
            "Does it listen?", "The same dances against another song's beats.", numbers(lines, columns)
        )


def _span(c: dict[str, Any]) -> str:
    return " … ".join(
        "–" if c[k] is None or not np.isfinite(c[k]) else f"{c[k]:+.3f}" for k in ("low", "high")
    )


def _beat_plot(table: dict[str, Any]) -> Plot:
    systems = list(table)
    plot = Plot(figsize=(9, 0.5 * len(systems) + 1.2), dpi=100)
    axes = plot.add_subplot()
    y = np.arange(len(systems))[::-1]
    known = pd.DataFrame(
        {s: {n: table[s][n] for n in ("bas", "bas_chance", "beat_lock")} for s in systems}
    ).T.map(lambda found: found["mean"] if found["mean"] is not None else np.nan)
    half = [np.nan_to_num(((f := table[s]["beat_lock"])["high"] - f["low"]) / 2) for s in systems]
    axes.barh(y, known["bas"], color="#6aa5d8", height=0.6, label="BAS")
    axes.plot(
        known["bas_chance"], y, "|", color="#222", markersize=18, markeredgewidth=2, label="shifted beats"
    )
    axes.errorbar(known["bas"], y, xerr=half, fmt="none", ecolor="#555", capsize=3)
    axes.set_yticks(y, systems)
    axes.set_xlabel("only what lies right of the black mark is keeping the beat")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    return plot


def _sums_plot(systems: dict[str, Any], ranking: list[str]) -> Plot:
    plot = Plot(figsize=(9, 0.42 * len(ranking) + 1.3), dpi=100)
    axes = plot.add_subplot()
    y, left = np.arange(len(ranking))[::-1], np.zeros(len(ranking))
    for aspect, colour in zip(ASPECTS, COLOURS, strict=True):
        width = np.asarray([systems[s]["aspects"].get(aspect, 0.0) for s in ranking])
        axes.barh(y, width, left=left, color=colour, height=0.62, label=aspect)
        left = left + width
    for at, name in zip(y, ranking, strict=True):
        low, high = systems[name]["low"], systems[name]["high"]
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [at, at], color="#222", linewidth=1.5)
    axes.set_yticks(y, ranking)
    axes.set_xlabel("distance from real dance, black line: 95 %")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, fontsize=8, frameon=False)
    return plot

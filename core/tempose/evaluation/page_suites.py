"""The trials' part of the page: stretched songs, splices, odd references, three minutes."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Plot

from tempose.evaluation.page_parts import image, line, number, saved, table


def suite_sections(suites: dict[str, dict[str, Any]]) -> str:
    """A section for each suite that was run: suite → system → what `evaluation.suites` returns."""
    sections = {"stretch": _stretch, "splice": _splice, "poses": _poses, "long": _long, "styles": _styles,
                "matched": _matched}  # fmt: skip
    return "".join(sections[name](found) for name, found in suites.items() if name in sections)


def _stretch(found: dict[str, Any]) -> str:
    columns = (
        "slope", "slope_folded", "slope_folded_chance", "slope_spectral", "factor", "hits", "hits_chance",
        "beat_lock", "beat_power",
    )  # fmt: skip
    head = line(
        "the same song at other tempi",
        ["slope", "octaves folded", "by chance", "by spectrum", "octave", "clean", "by chance", "beat lock",
         "beat power"],
        "th",
    )  # fmt: skip
    lines = []
    for system, suite in found.items():
        for song, s in suite["songs"].items():
            lines.append(line(f"{system}: {song}", [number(s[c], 2) for c in columns]))
        if m := suite["summary"]:
            known = [number(m.get(c), 2) for c in columns]
            known[1] = f"<b>{known[1]}</b>"
            lines.append(line(f"{system}, median ({m['within']:.0%} of songs within 1 ± 0.1)", known))
            pooled = ["", number(m["slope_all"], 2), number(m["slope_all_chance"], 2)]
            lines.append(line(f"{system}, all songs together", [*pooled, *[""] * 6]))
    if not lines:
        return _nothing("Tempo following", "No song has one steady tempo to be stretched from.")
    return (
        "<h2>Tempo following</h2><p>Goal: 1 ± 0.1, a clean half or double of the song's tempo counting as the "
        f"song's.</p>{table(head, lines)}{image(_tempo_plot(found), 'Dance tempo against song tempo')}"
    )


def _splice(found: dict[str, Any]) -> str:
    columns = (
        ("song_ratio", 2),
        ("dance_ratio", 2),
        ("speed_ratio", 2),
        ("amplitude_ratio", 2),
        ("delay_beats", 1),
    )
    head = line("", ["song ratio", "dance ratio", "speed ratio", "amplitude ratio", "delay (beats)"], "th")
    lines = []
    for system, suite in found.items():
        for song, s in suite["songs"].items():
            lines.append(line(f"{system}: {song}", [number(s[c], d) for c, d in columns]))
        if m := suite["summary"]:
            title = f"{system}, median ({m['within']:.0%} within two beats, {m['never']:.0%} never)"
            lines.append(line(title, [number(m[c], d) for c, d in columns]))
    if not lines:
        return _nothing("Slow to fast", "No song is long enough to be spliced.")
    return (
        "<h2>Slow to fast</h2><p>The song at 0.8, then at once at 1.2 times its tempo. Goal: the dance's tempo "
        f"changes within two beats.</p>{table(head, lines)}{image(_change_plot(found), 'Beats at the change')}"
    )


def _poses(found: dict[str, Any]) -> str:
    columns = (
        ("joint_speed", 2), ("freezing", 2), ("size", 2), ("legs", 2), ("away", 2), ("off_canvas", 3),
        ("limb_ratio", 2),
    )  # fmt: skip
    head = line(
        "reference",
        [
            "joint speed",
            "frozen",
            "size kept",
            "legs to trunk kept",
            "away",
            "off the picture",
            "limbs",
            "faults",
        ],
        "th",
    )
    lines = []
    for system, suite in found.items():
        for name, r in suite["references"].items():
            faults = html.escape(", ".join(r["faults"])) or "none"
            lines.append(line(f"{system}: {name}", [*(number(r[c], d) for c, d in columns), faults]))
        good = suite["summary"]["good"]
        lines.append(line(f"{system}: {good:.0%} of references without fault", [""] * 8))
    return (
        "<h2>Odd references</h2><p>Start poses, sizes and places that are not the usual. Kept: the dance's over the "
        "reference's; away: how far the hips' usual place is from the reference's, body heights.</p>"
        f"{table(head, lines)}"
    )


def _long(found: dict[str, Any]) -> str:
    columns = ("beat_lock", "joint_speed", "jitter", "limb_ratio", "freezing", "height")
    head = line(
        "", ["beat lock", "joint speed", "jitter", "limbs p95 / median", "frozen", "height kept"], "th"
    )
    lines = []
    for system, suite in found.items():
        for number_of, m in enumerate(suite["minutes"], 1):
            lines.append(line(f"{system}: minute {number_of}", [number(m[c], 2) for c in columns]))
        s = suite["summary"]
        lines.append(
            line(
                f"{system}: {s['song']}, {s['seams']:.0f} seams, worst step {number(s['seam_ratio'], 2)}",
                [f"limb drift {number(s['limb_drift'], 3)}", *[""] * 5],
            )
        )
    return f"<h2>Three minutes</h2><p>The last minute should equal the first.</p>{table(head, lines)}"


def _styles(found: dict[str, Any]) -> str:
    columns = ("beat_lock", "joint_speed", "real_speed", "jitter", "freezing", "rank")
    head = line(
        "the same songs in",
        ["beat lock", "joint speed", "of real clips", "jitter", "frozen", "own style's rank"],
        "th",
    )
    lines = []
    for system, suite in found.items():
        for name, s in suite["styles"].items():
            lines.append(line(f"{system}: {name}", [number(s[c], 0 if c == "rank" else 2) for c in columns]))
        m = suite["summary"]
        title = f"{system}, mean rank (by chance {number(m['chance'], 1)})"
        lines.append(line(title, [*[""] * 5, number(m["rank"], 1)]))
    return (
        "<h2>Styles</h2><p>Rank: how near the dances lie, in kinetic features, to real clips of the style asked for, "
        f"among all styles; 1 is nearest.</p>{table(head, lines)}"
    )


def _matched(found: dict[str, Any]) -> str:
    names = ("joint_speed", "jitter", "limb_ratio", "foot_slide", "freezing")
    titles = ("joint speed", "jitter", "limbs", "foot slide", "frozen")
    head = line("", [t for name in titles for t in (name, "real")], "th")
    lines = []
    for system, suite in found.items():
        if not (m := suite["summary"]):
            continue
        cells = [number(m[key], 2) for n in names for key in (n, f"real_{n}")]
        lines.append(line(f"{system}, {len(suite['clips'])} clips", cells))
        told = f"kinetic FID {number(m['fid'], 1)}; training clips {number(m['fid_train'], 1)}; "
        lines.append(line(f"{system}: {told}floor {number(m['fid_floor'], 1)}", [""] * 10))
    if not lines:
        return _nothing("As the held-out clips", "There are no held-out clips to be like.")
    return (
        "<h2>As the held-out clips</h2><p>A dance beside each held-out clip: of its style, length, tempo and energy. "
        f"What is left of the distance is a difference in kind.</p>{table(head, lines)}"
    )


def _nothing(title: str, why: str) -> str:
    return f"<h2>{title}</h2><p>{why}</p>"


def _tempo_plot(found: dict[str, Any]) -> bytes:
    plot = Plot(figsize=(6, 4), dpi=100)
    axes = plot.add_subplot()
    x = np.asarray([60, 180])
    for factor, label in ((0.5, "half"), (1, "equal"), (2, "double")):
        axes.plot(x, factor * x, color="#bbb", linewidth=1)
        axes.annotate(label, (180, min(factor * 180, 225)), fontsize=7, color="#888")
    for system, suite in found.items():
        pairs = [(s["song_bpm"], s["dance_bpm"]) for s in suite["songs"].values()]
        if pairs:
            song, dance = (np.concatenate(v) for v in zip(*pairs, strict=True))
            axes.plot(song, dance, "o", markersize=4, alpha=0.6, label=system)
    axes.set_xlim(60, 190)
    axes.set_ylim(30, 230)
    axes.set_xlabel("song, beats per minute")
    axes.set_ylabel("dance")
    axes.legend(fontsize=8)
    return saved(plot)


def _change_plot(found: dict[str, Any]) -> bytes:
    plot = Plot(figsize=(7, 3), dpi=100)
    axes = plot.add_subplot()
    for system, suite in found.items():
        if curve := suite.get("curve"):
            (drawn,) = axes.plot(curve["beats"], curve["aligned"], "o-", markersize=4, label=system)
            axes.axhline(curve["chance"], color=drawn.get_color(), linestyle=":", linewidth=1)
    axes.axvline(0, color="#999", linewidth=1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("beats since the change (dotted: by chance)")
    axes.set_ylabel("danced on the beat")
    axes.legend(fontsize=8)
    return saved(plot)

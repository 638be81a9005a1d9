"""Does the dance follow the song's tempo: stretched, and suddenly changed?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Plot

from tempose.evaluation.cases import TEMPI, splice_case, tempo_cases
from tempose.evaluation.tables import PageSection, numbers, of_systems
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import beats as beat_metrics
from tempose.metrics import tempo

CLEAN_SLOPE = 0.1
WITHIN_BEATS = 2.0


def stretch(trial: Trial, tempi: Sequence[float] = TEMPI) -> dict[str, Any]:
    """Does the dance's tempo follow the song's, for the same song from 70 to 170 beats per minute?

    Returns
    -------
    dict
        ``songs`` (name → `tempo.tempo_following`, ``slope_spectral``, ``song_bpm``, ``dance_bpm``, beat
        power); ``summary``: medians over songs, ``slope_all`` (folded, over all songs together),
        ``within`` (share of songs whose folded slope is 1 ± 0.1). Songs without one steady tempo, and those
        that cannot be stretched to three of the tempi, are left out.
    """
    songs: dict[str, Any] = {}
    for case in trial.cases:
        series = tempo_cases(case, tempi)
        if len(series) < 3:
            continue
        dances = trial.dance([c for c, _ in series])
        made = [(target, dances[c.name, s]) for c, target in series for s in trial.seeds]
        song = np.asarray([target for target, _ in made])
        dance = np.asarray([tempo.dance_tempo(d.poses)[0] for _, d in made])
        power = [tempo.beat_power(d.poses, d.beat_times) for _, d in made]
        lock = [beat_metrics.beat_scores(d.poses, d.beat_times)["beat_lock"] for _, d in made]
        songs[case.name] = {
            **tempo.tempo_following(song, dance),
            "slope_spectral": tempo.spectral_following(song, [d.poses for _, d in made]),
            "song_bpm": song.tolist(), "dance_bpm": dance.tolist(), "beat_lock": float(np.mean(lock)),
            **{k: float(np.mean([p[k] for p in power])) for k in power[0]},
        }  # fmt: skip
    if not songs:
        return {"songs": {}, "summary": {}}
    pooled = tempo.tempo_following(
        np.concatenate([s["song_bpm"] for s in songs.values()]),
        np.concatenate([s["dance_bpm"] for s in songs.values()]),
    )
    names = ("slope", "slope_folded", "slope_folded_chance", "slope_spectral", "hits", "hits_chance")
    summary = {n: float(np.median([s[n] for s in songs.values()])) for n in names}
    near = [abs(s["slope_folded"] - 1) <= CLEAN_SLOPE for s in songs.values()]
    summary |= {"slope_all": pooled["slope_folded"], "slope_all_chance": pooled["slope_folded_chance"]}
    return {"songs": songs, "summary": {**summary, "within": float(np.mean(near))}}


def splice(trial: Trial) -> dict[str, Any]:
    """Does the dance respond to a sudden change of tempo, from slow to half as fast again, and how soon?

    Returns
    -------
    dict
        ``songs`` (name → `tempo.tempo_change`, mean over seeds); ``curve``: how well each beat around the
        change is danced (mean over all dances) beside the same on shifted beats; ``summary``: medians, and
        ``within`` (share of the dances whose delay could be measured that changed within two beats),
        ``never`` (share that never did).
    """
    songs: dict[str, Any] = {}
    kernels, chances, delays = [], [], []
    offsets = np.zeros(0, int)
    for case in trial.cases:
        spliced = splice_case(case)
        if spliced is None:
            continue
        cut, change = spliced
        dances = trial.dance([cut])
        answers = [tempo.tempo_change(d.poses, d.beat_times, change) for d in dances.values()]
        songs[case.name] = {k: mean([a[k] for a in answers]) for k in answers[0]}
        songs[case.name]["delays"] = [a["delay_beats"] for a in answers]
        delays += songs[case.name]["delays"]
        for d in dances.values():
            offsets, kernel = tempo.alignment_around(d.poses, d.beat_times, change)
            kernels.append(kernel)
            chances.append(beat_metrics.beat_scores(d.poses, d.beat_times)["bas_chance"])
    if not songs:
        return {"songs": {}, "summary": {}}
    stacked, known = np.asarray(kernels), np.isfinite(delays)
    there = np.isfinite(stacked).any(0)
    curve = {
        "beats": offsets[there].tolist(),
        "aligned": np.nanmean(stacked[:, there], 0).tolist(),
        "chance": float(np.mean(chances)),
    }
    names = ("song_ratio", "dance_ratio", "speed_ratio", "amplitude_ratio")
    summary = {n: float(np.median([s[n] for s in songs.values()])) for n in names}
    summary |= {
        "delay_beats": float(np.median(np.asarray(delays)[known])) if known.any() else float("nan"),
        "within": float(np.mean([d <= WITHIN_BEATS for d in delays])),
        "never": float(1 - known.mean()),
    }
    return {"songs": songs, "curve": curve, "summary": summary}


def show_stretch(found: dict[str, Any]) -> PageSection:
    """The section of `stretch`: system → what it returned."""
    columns = {
        "slope": ("slope", 2), "slope_folded": ("octaves folded", 2), "slope_folded_chance": ("by chance", 2),
        "slope_spectral": ("by spectrum", 2), "factor": ("octave", 2), "hits": ("clean", 2),
        "hits_chance": ("clean by chance", 2), "beat_lock": ("beat lock", 2), "beat_power": ("beat power", 2),
    }  # fmt: skip
    lines: list[tuple[str, dict[str, Any]]] = []
    for system, suite in found.items():
        lines += [(f"{system}: {song}", line) for song, line in suite["songs"].items()]
        if m := suite["summary"]:
            lines.append((f"{system}, median ({m['within']:.0%} of songs within 1 ± 0.1)", m))
            pooled = {"slope_folded": m["slope_all"], "slope_folded_chance": m["slope_all_chance"]}
            lines.append((f"{system}, all songs together", pooled))
    if not lines:
        return PageSection("Tempo following", "No song has one steady tempo to be stretched from.")
    return PageSection(
        "Tempo following",
        "The same song at other tempi. Goal: 1 ± 0.1, a clean half or double of the song's tempo counting as the "
        "song's.",
        numbers(lines, columns), _tempo_plot(found), "Dance tempo against song tempo",
    )  # fmt: skip


def show_splice(found: dict[str, Any]) -> PageSection:
    """The section of `splice`: system → what it returned."""
    columns = {
        "song_ratio": ("song ratio", 2), "dance_ratio": ("dance ratio", 2), "speed_ratio": ("speed ratio", 2),
        "amplitude_ratio": ("amplitude ratio", 2), "delay_beats": ("delay (beats)", 1),
    }  # fmt: skip
    lines = [(f"{system}: {song}", line) for system, song, line in of_systems(found, "songs")]
    if not lines:
        return PageSection("Slow to fast", "No song is long enough to be spliced.")
    for system, suite in found.items():
        if m := suite["summary"]:
            title = f"{system}, median ({m['within']:.0%} within two beats, {m['never']:.0%} never)"
            lines.append((title, m))
    return PageSection(
        "Slow to fast",
        "The song at 0.8, then at once at 1.2 times its tempo. Goal: the dance's tempo changes within two beats.",
        numbers(lines, columns), _change_plot(found), "Beats at the change",
    )  # fmt: skip


def _tempo_plot(found: dict[str, Any]) -> Plot:
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
    axes.set(xlim=(60, 190), ylim=(30, 230), xlabel="song, beats per minute", ylabel="dance")
    axes.legend(fontsize=8)
    return plot


def _change_plot(found: dict[str, Any]) -> Plot:
    plot = Plot(figsize=(7, 3), dpi=100)
    axes = plot.add_subplot()
    for system, suite in found.items():
        if curve := suite.get("curve"):
            (drawn,) = axes.plot(curve["beats"], curve["aligned"], "o-", markersize=4, label=system)
            axes.axhline(curve["chance"], color=drawn.get_color(), linestyle=":", linewidth=1)
    axes.axvline(0, color="#999", linewidth=1)
    axes.set(ylim=(0, 1), xlabel="beats since the change (dotted: by chance)", ylabel="danced on the beat")
    axes.legend(fontsize=8)
    return plot

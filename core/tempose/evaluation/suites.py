"""Trials beside the table: the same song stretched, spliced, odd references, three minutes, every style.

Each runs one generator over a few songs, keeps its dances (a stopped run goes on), and returns plain numbers
with a ``summary`` that stands beside the goal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tempose.evaluation.cases import TEMPI, long_case, splice_case, tempo_cases
from tempose.evaluation.matched import matched
from tempose.evaluation.references import FORESHORTENED, references, stature
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import beats as beat_metrics
from tempose.metrics import kinetics, motion, tempo
from tempose.request import STYLES
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence

CLEAN_SLOPE = 0.1
WITHIN_BEATS = 2.0
MINUTE = 60.0
SLOWEST_DANCE = 0.1  # body heights per second: below that nobody dances
SAME_SIZE = 0.1  # a figure may come out this much taller or smaller than its reference


def stretch(trial: Trial, tempi: Sequence[float] = TEMPI) -> dict[str, Any]:
    """Does the dance's tempo go with the song's, the same song from 70 to 170 beats per minute?

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
    """Is a sudden change from slow to half as fast again answered, and how soon?

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


def poses(trial: Trial, seconds: float = 10.0, songs: int = 2) -> dict[str, Any]:
    """Odd start poses and figures of other sizes and places: does it dance, keep its size, stay, never freeze?

    Returns
    -------
    dict
        ``references`` (name → means over songs and seeds: ``joint_speed``, ``freezing``, ``size`` and
        ``legs`` (the dance's over the reference's; legs is NaN where the reference is foreshortened),
        ``away`` (hips' median distance from the reference's place, body heights), ``off_canvas``,
        ``limb_ratio``, ``faults`` (list of words)); ``summary``: ``good`` (share of references without
        fault), ``freezing`` (the worst).
    """
    from dataclasses import replace

    cases = [replace(c, seconds=min(c.seconds, seconds)) for c in trial.cases[:songs]]
    found: dict[str, Any] = {}
    for name, reference in references().items():
        dances = trial.dance(cases, reference, trial.seeds[:1])
        rows = [_against_reference(d, reference, name) for d in dances.values()]
        line: dict[str, Any] = {k: mean([r[k] for r in rows]) for k in rows[0]}
        line["faults"] = _faults(line, float(max(r["freezing"] for r in rows)))
        found[name] = line
    good = [not line["faults"] for line in found.values()]
    worst = max(line["freezing"] for line in found.values())
    return {"references": found, "summary": {"good": float(np.mean(good)), "freezing": worst}}


def _against_reference(dance: Dance, reference: PoseSequence, name: str) -> dict[str, float]:
    from tempose_pose.completing import complete
    from tempose_pose.skeletons import OPENPOSE_18

    whole, _ = complete(reference)
    (height, legs), (tall, longer) = stature(dance.poses), stature(whole)
    hips = [OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")]
    there = np.median(dance.poses.pixels[:, hips].mean(1), axis=0)
    moved = there - whole.pixels[0, hips].mean(0)
    figures = motion.evaluate(dance)
    return {
        "joint_speed": figures["joint_speed"],
        "freezing": figures["freezing"],
        "size": height / tall,
        "legs": float("nan") if name in FORESHORTENED else legs / longer,
        "away": float(np.linalg.norm(moved)) / tall,
        "off_canvas": figures["off_canvas"],
        "limb_ratio": figures["limb_ratio"],
    }


def _faults(line: dict[str, float], freezing: float) -> list[str]:
    tests = {
        "freezes": freezing > 0.05,
        "hardly moves": line["joint_speed"] < SLOWEST_DANCE,
        "changes size": abs(np.log(line["size"])) > np.log(1 + SAME_SIZE),
        "changes proportions": abs(line["legs"] - 1) > 0.15,  # NaN compares false
        "wanders off": line["away"] > 0.5,
        "leaves the picture": line["off_canvas"] > 0.02,
    }
    return [name for name, failed in tests.items() if failed]


def long(trial: Trial, seconds: float = 180.0) -> dict[str, Any]:
    """Three minutes of one song: is the last minute as good as the first?

    Returns
    -------
    dict
        ``minutes``: a line for each minute, means over seeds (``beat_lock``, ``joint_speed``,
        ``limb_ratio``, ``freezing``, ``jitter``, ``height`` over the reference's); ``summary``:
        ``limb_drift``, ``seam_ratio`` (the worst), ``seams``, and ``NAME_change`` (last minute over first)
        of speed, limbs and height.
    """
    case = long_case(max(trial.cases, key=lambda c: c.song.seconds), seconds)
    dances = list(trial.dance([case]).values())
    tall = stature(trial.reference)[0]
    minutes = []
    for first in np.arange(0, seconds - MINUTE / 2, min(MINUTE, seconds)):
        lines = [_minute(d, float(first), tall) for d in dances]
        minutes.append({k: mean([m[k] for m in lines]) for k in lines[0]})
    whole = [motion.evaluate(d) for d in dances]
    summary = {
        "song": case.name,
        "limb_drift": mean([w["limb_drift"] for w in whole]),
        "seam_ratio": max(w["seam_ratio"] for w in whole),
        "seams": float(np.mean([len(d.seams) for d in dances])),
        "freezing": max(w["freezing"] for w in whole),
    }
    for name in ("joint_speed", "limb_ratio", "height"):
        summary[f"{name}_change"] = minutes[-1][name] / max(minutes[0][name], 1e-9)
    return {"minutes": minutes, "summary": summary}


def _minute(dance: Dance, first: float, tall: float) -> dict[str, float]:
    fps = dance.poses.fps
    part = dance.poses[round(first * fps) : round((first + MINUTE) * fps)]
    beats = dance.beat_times[(dance.beat_times >= first) & (dance.beat_times < first + MINUTE)] - first
    return {
        "from": first,
        "beat_lock": beat_metrics.beat_scores(part, beats)["beat_lock"],
        "joint_speed": motion.joint_speed(part),
        "jitter": motion.jitter(part),
        "limb_ratio": motion.limb_ratio(motion.limb_lengths(part)),
        "freezing": motion.freezing(part),
        "height": stature(part)[0] / tall,
    }


def styles(trial: Trial, songs: int = 2, seconds: float = 16.0) -> dict[str, Any]:
    """The same songs in every style: does the style show, and does every one of them dance?

    Returns
    -------
    dict
        ``styles`` (name → means over songs: ``beat_lock``, ``joint_speed``, ``jitter``, ``freezing``,
        ``real_speed`` (of real clips of the style, NaN without), ``rank``: how many styles' real clips lie
        nearer in kinetic features than its own, plus 1; NaN with fewer than two styles); ``summary``:
        ``rank`` (mean; half of the number of styles by chance), ``chance``, ``worst_lock``.
    """
    from dataclasses import replace

    real: dict[str, list[PoseSequence]] = {}
    for t in trial.truths:
        real.setdefault(t.style or "", []).append(t.poses)
    rows = {s: kinetics.feature_set(real[s], "rms") for s in STYLES if s in real}
    rows = {s: f for s, f in rows.items() if len(f) >= 3}
    everything = np.concatenate(list(rows.values())) if rows else np.zeros((0, 0))
    places = {s: kinetics.scaled(f, everything).mean(0) for s, f in rows.items()}
    found: dict[str, Any] = {}
    for style in STYLES:
        cases = [
            replace(c, name=f"{c.name} {style}", style=style, seconds=min(c.seconds, seconds))
            for c in trial.cases[:songs]
        ]
        dances = list(trial.dance(cases, seeds=trial.seeds[:1]).values())
        rank = float("nan")
        if style in places and len(places) > 1:
            own = kinetics.scaled(kinetics.feature_set([d.poses for d in dances], "rms"), everything).mean(0)
            away = {s: float(np.linalg.norm(own - p)) for s, p in places.items()}
            rank = 1.0 + sum(d < away[style] for d in away.values())
        found[style] = {
            "beat_lock": mean([beat_metrics.beat_scores(d.poses, d.beat_times)["beat_lock"] for d in dances]),
            "joint_speed": mean([motion.joint_speed(d.poses) for d in dances]),
            "jitter": mean([motion.jitter(d.poses) for d in dances]),
            "freezing": mean([motion.freezing(d.poses) for d in dances]),
            "real_speed": mean([motion.joint_speed(p) for p in real.get(style, [])]),
            "rank": rank,
        }
    summary = {
        "rank": mean([line["rank"] for line in found.values()]),
        "chance": (len(places) + 1) / 2,
        "worst_lock": min(line["beat_lock"] for line in found.values()),
    }
    return {"styles": found, "summary": summary}


SUITES: dict[str, Callable[[Trial], dict[str, Any]]] = {
    "stretch": stretch,
    "splice": splice,
    "poses": poses,
    "long": long,
    "styles": styles,
    "matched": matched,
}

"""The same songs in every style: does the style show, and does every one of them dance?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tempose.evaluation.tables import PageSection, number, numbers, of_systems
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import beats as beat_metrics
from tempose.metrics import kinetics, motion
from tempose_pose.request import STYLES
from tempose_pose.sequence import PoseSequence


def styles(trial: Trial, songs: int = 2, seconds: float = 16.0) -> dict[str, Any]:
    """The same songs in every style: does the style show, and does every one of them dance?

    Returns
    -------
    dict
        ``styles`` (name → means over songs: ``beat_lock``, ``joint_speed``, ``jitter``, ``freezing``,
        ``real_speed`` (of real clips of the style, NaN without), ``rank``: how many styles' real clips are nearer
        in kinetic features than its own, plus 1; NaN with fewer than two styles); ``summary``: ``rank`` (mean; half
        of the number of styles by chance), ``chance``, ``worst_lock``.
    """
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


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `styles` returned."""
    columns = {
        "beat_lock": ("beat lock", 2), "joint_speed": ("joint speed", 2), "real_speed": ("of real clips", 2),
        "jitter": ("jitter", 2), "freezing": ("frozen", 2), "rank": ("own style's rank", 0),
    }  # fmt: skip
    lines = [(f"{system}: {style}", line) for system, style, line in of_systems(found, "styles")]
    for system, suite in found.items():
        m = suite["summary"]
        rank = {"rank": number(m["rank"], 1)}
        lines.append((f"{system}, mean rank (by chance {number(m['chance'], 1)})", rank))
    return PageSection(
        "Styles",
        "The same songs in every style. Rank: how near the dances lie, in kinetic features, to real clips of the "
        "style asked for, among all styles; 1 is nearest.",
        numbers(lines, columns),
    )

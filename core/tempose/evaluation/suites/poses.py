"""Odd start poses and figures: does it dance, keep its size, stay, never freeze?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tempose.evaluation.references import FORESHORTENED, references, stature
from tempose.evaluation.tables import PageSection, numbers, of_systems
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import motion
from tempose_pose.completion import complete
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence

SLOWEST_DANCE = 0.1  # body heights per second: slower is not dancing
SAME_SIZE = 0.1  # how much taller or smaller than its reference a figure may be


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

    whole, _ = complete(reference)
    (height, legs), (tall, longer) = stature(dance.poses), stature(whole)
    there, was = (
        p.pixels[:, p.skeleton.indices("left_hip", "right_hip")].mean(1) for p in (dance.poses, whole)
    )
    moved = np.median(there, axis=0) - was[0]
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


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `poses` returned."""
    columns = {
        "joint_speed": ("joint speed", 2), "freezing": ("frozen", 2), "size": ("size kept", 2),
        "legs": ("legs to trunk kept", 2), "away": ("away", 2), "off_canvas": ("off the picture", 3),
        "limb_ratio": ("limbs", 2), "words": ("faults", 0),
    }  # fmt: skip
    lines = [
        (f"{system}: {name}", {**line, "words": ", ".join(line["faults"]) or "none"})
        for system, name, line in of_systems(found, "references")
    ]
    for system, suite in found.items():
        lines.append((f"{system}: {suite['summary']['good']:.0%} of references without fault", {}))
    return PageSection(
        "Odd references",
        "Unusual start poses, sizes and places. Kept: the dance's over the reference's; away: how "
        "far the hips' usual place is from the reference's, body heights.",
        numbers(lines, columns),
    )

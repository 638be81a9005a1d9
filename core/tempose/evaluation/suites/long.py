"""Three minutes of one song: is the last minute as good as the first?"""

from __future__ import annotations

from typing import Any

import numpy as np

from tempose.evaluation.cases import long_case
from tempose.evaluation.references import stature
from tempose.evaluation.tables import PageSection, number, numbers
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import beats as beat_metrics
from tempose.metrics import motion
from tempose_pose.dance import Dance

MINUTE = 60.0


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


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `long` returned."""
    columns = {
        "beat_lock": ("beat lock", 2), "joint_speed": ("joint speed", 2), "jitter": ("jitter", 2),
        "limb_ratio": ("limbs p95 / median", 2), "freezing": ("frozen", 2), "height": ("height kept", 2),
    }  # fmt: skip
    lines = []
    for system, suite in found.items():
        s = suite["summary"]
        lines += [(f"{system}: minute {i}", minute) for i, minute in enumerate(suite["minutes"], 1)]
        lines.append((
            f"{system}: {s['song']}, {s['seams']:.0f} seams, worst step {number(s['seam_ratio'], 2)}, "
            f"limb drift {number(s['limb_drift'], 3)}", {},
        ))  # fmt: skip
    return PageSection("Three minutes", "The last minute should be like the first.", numbers(lines, columns))

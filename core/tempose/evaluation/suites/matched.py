"""A trial with the settings of real dancers: their style, tempo and energy.

The table's dances are made at energy 1, as animators make them; most real clips are calmer, so the distance between
the two sets is mainly one of energy. Here each held-out clip gets a dance of its own, with its style, length, tempo
and speed. The remaining distance is a difference in kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tempose.evaluation.cases import Case, tempo_cases
from tempose.evaluation.real_motion import Truth
from tempose.evaluation.tables import PageSection, number, numbers
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import kinetics, motion
from tempose_pose.request import STYLES, normal_speed

FEATURES = "rms"
FIGURES = ("joint_speed", "jitter", "limb_ratio", "foot_slide", "freezing")


def matched(trial: Trial) -> dict[str, Any]:
    """A dance to compare with each held-out clip.

    Returns
    -------
    dict
        ``clips`` (name → ``style``, the requested ``energy`` and, for each figure, the dance's value and, as
        ``real_NAME``, the clip's); ``summary``: means of these, and ``fid`` (dances to held-out clips, kinetic
        features of windows of five seconds), ``fid_train`` (training clips to held-out ones), ``fid_floor``
        (between halves of all real motion), all at ``windows`` windows. Empty without held-out clips that dance
        a known style or without songs.
    """
    chosen = [t for t in trial.truths if t.held_out and t.style in STYLES]
    clips: dict[str, Any] = {}
    dances = []
    for i, truth in enumerate(chosen):
        case = _at_tempo_of(truth, trial.cases, i)
        if case is None:
            continue
        real = motion.evaluate(truth.dance())
        energy = float(np.clip(real["joint_speed"] / normal_speed(truth.grid.bpm), 0.1, 4.0))
        dance = next(iter(trial.dance([case], seeds=trial.seeds[:1], energy=energy).values()))
        dances.append(dance.poses)
        made = motion.evaluate(dance)
        clips[truth.name] = {"style": truth.style, "energy": energy} | {
            key: value for f in FIGURES for key, value in ((f, made[f]), (f"real_{f}", real[f]))
        }
    if not clips:
        return {"clips": {}, "summary": {}}
    summary = {key: mean([line[key] for line in clips.values()]) for f in FIGURES for key in (f, f"real_{f}")}
    held = kinetics.feature_set([t.poses for t in chosen if t.name in clips], FEATURES)
    train = kinetics.feature_set([t.poses for t in trial.truths if not t.held_out], FEATURES)
    every, groups = kinetics.grouped_features([t.poses for t in trial.truths], FEATURES)
    own = kinetics.feature_set(dances, FEATURES)
    size = min(len(held), len(own))

    def to_held(features: np.ndarray) -> float:
        few = min(len(features), size) < 2
        return float("nan") if few else kinetics.fid(features, held, scale=every, size=size)

    floor = kinetics.fid_floor(every, groups, size=min(size, len(every) // 3)) if size >= 2 else float("nan")
    summary |= {"fid": to_held(own), "fid_train": to_held(train), "fid_floor": floor, "windows": size}
    return {"clips": clips, "summary": summary}


def _at_tempo_of(truth: Truth, cases: Sequence[Case], number: int) -> Case | None:
    """A song stretched to the clip's tempo, a different one for each clip if there are several."""
    for turn in range(len(cases)):
        case = cases[(number + turn) % len(cases)]
        made = tempo_cases(case, (truth.grid.bpm,), truth.poses.seconds)
        if made:
            found = made[0][0]
            return replace(found, name=f"{case.name} as {truth.name}", style=truth.style)
    return None


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `matched` returned."""
    titles = ("joint speed", "jitter", "limbs", "foot slide", "frozen")
    columns = {
        key: (heading, 2)
        for name, title in zip(FIGURES, titles, strict=True)
        for key, heading in ((name, title), (f"real_{name}", f"{title}, real"))
    }
    lines = []
    for system, suite in found.items():
        if m := suite["summary"]:
            lines.append((f"{system}, {len(suite['clips'])} clips", m))
            told = f"kinetic FID {number(m['fid'], 1)}; training clips {number(m['fid_train'], 1)}"
            lines.append((f"{system}: {told}; floor {number(m['fid_floor'], 1)}", {}))
    if not lines:
        return PageSection("As the held-out clips", "There are no held-out clips to be like.")
    return PageSection(
        "As the held-out clips",
        "A dance beside each held-out clip: of its style, length, tempo and energy. What is left of the distance is "
        "a difference in kind.",
        numbers(lines, columns),
    )

"""Figures with parts that are never seen: are these parts, and no others, hidden in their dances?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tempose.evaluation.references import references
from tempose.evaluation.tables import PageSection, numbers, of_systems
from tempose.evaluation.trial import Trial
from tempose.metrics.response import HIDDEN, hidden_joints

PARTS = {
    "without legs": ("knee", "ankle"),
    "without feet": ("ankle",),
    "without forearms": ("elbow", "wrist"),
    "whole": (),
}


def hidden(trial: Trial, seconds: float = 10.0, songs: int = 2) -> dict[str, Any]:
    """Figures with parts that are never seen: are these parts, and no others, hidden in their dances?



    Returns
    -------
    dict
        ``references`` (name → `hidden_joints` over the frames of all songs, and ``wrongly``: the share of seen
        joints marked as hidden); ``summary``: ``f1`` over all of them, ``wrongly`` of the whole figure.
    """
    cases = [replace(c, seconds=min(c.seconds, seconds)) for c in trial.cases[:songs]]
    found: dict[str, Any] = {}
    confidences, truths = [], []
    for name, parts in PARTS.items():
        reference = references()["standing"]
        unseen = np.asarray([joint.split("_")[-1] in parts for joint in reference.skeleton.joints])
        reference = replace(reference, scores=np.where(unseen, 0, reference.scores).astype(np.float32))
        dances = trial.dance(cases, reference, trial.seeds[:1])
        confidence = np.concatenate([dance.poses.scores for dance in dances.values()])
        truth = np.broadcast_to(unseen, confidence.shape)
        confidences.append(confidence)
        truths.append(truth)
        found[name] = _measured(confidence, truth)
    total = _measured(np.concatenate(confidences), np.concatenate(truths))
    return {"references": found, "summary": {"f1": total["f1"], "wrongly": found["whole"]["wrongly"]}}


def _measured(confidence: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return {**hidden_joints(confidence, truth), "wrongly": float((confidence[~truth] < HIDDEN).mean())}


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `hidden` returned."""
    columns = {
        "f1": ("F1", 3), "precision": ("precision", 3), "recall": ("recall", 3), "chance": ("F1 by chance", 3),
        "wrongly": ("seen joints hidden", 3),
    }  # fmt: skip
    lines = [(f"{system}: {name}", line) for system, name, line in of_systems(found, "references")]
    return PageSection(
        "Hidden joints",
        "References of which parts are never seen: a figure without legs stays without legs. By chance: F1 of one "
        "who calls every joint hidden.",
        numbers(lines, columns),
    )

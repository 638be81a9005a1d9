"""What does the representation lose? Poses compared with their encoded and decoded versions.

Convention
----------
Errors in *bins*: the picture's side divided by the number of bins (512 by default), so 1 bin is 2 pixels on a
1000-pixel canvas. Values are counted per axis, for joints present in both. Hidden joints (score 0) are scored as a
detection: precision, recall and F1 of "missing".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence

BINS = 512


def validate(original: PoseSequence, decoded: PoseSequence) -> None:
    """Both must have the same frames and joints."""
    if original.keypoints.shape != decoded.keypoints.shape or original.skeleton is not decoded.skeleton:
        raise TemposeError("metrics_pair", "Original and decoded poses must have the same frames and joints.")


def round_trip(original: PoseSequence, decoded: PoseSequence, bins: int = BINS) -> dict[str, float]:
    """Errors of `decoded` against `original`.

    Returns
    -------
    dict
        ``mean_bins``, ``p95_bins``, ``max_bins``, ``beyond_2_bins`` (share of values), ``hidden_precision``,
        ``hidden_recall``, ``hidden_f1`` (1 when nothing is hidden in either).
    """
    validate(original, decoded)
    there, back = original.scores > 0, decoded.scores > 0
    both = there & back
    error = np.abs(original.keypoints.astype(float) - decoded.keypoints)[both].ravel() * bins
    hidden, found = int((~there).sum()), int((~back).sum())
    hit = int((~there & ~back).sum())
    precision = hit / found if found else float(hidden == 0)
    recall = hit / hidden if hidden else float(found == 0)
    total = precision + recall
    return {
        "mean_bins": float(error.mean()) if error.size else 0.0,
        "p95_bins": float(np.percentile(error, 95)) if error.size else 0.0,
        "max_bins": float(error.max()) if error.size else 0.0,
        "beyond_2_bins": float((error > 2).mean()) if error.size else 0.0,
        "hidden_precision": precision,
        "hidden_recall": recall,
        "hidden_f1": 2 * precision * recall / total if total else 0.0,
    }


def evaluate(
    sequences: list[PoseSequence], codec: Callable[[PoseSequence], PoseSequence], bins: int = BINS
) -> dict[str, float]:
    """`round_trip` of each sequence through `codec`, averaged by frames."""
    if not sequences:
        raise TemposeError("metrics_set", "There is no motion to encode.")
    rows = [round_trip(s, codec(s), bins) for s in sequences]
    weights = np.asarray([len(s) for s in sequences], float)
    out = {k: float(np.average([r[k] for r in rows], weights=weights)) for k in rows[0]}
    out["max_bins"] = max(r["max_bins"] for r in rows)
    return out

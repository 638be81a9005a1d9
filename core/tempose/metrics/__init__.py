"""Metrics in mir_eval's manner: each module states its convention, has `validate()` and `evaluate()`.

``docs/metrics.md`` says what each figure can and cannot tell.
"""

from __future__ import annotations

from tempose.metrics import beats, kinetics, motion, tempo, variety
from tempose_pose.dance import Dance


def evaluate(dance: Dance, conventions: tuple[str, ...] = ()) -> dict[str, float]:
    """Every figure that can be measured on one dance, by name.

    Parameters
    ----------
    dance : Dance
    conventions : tuple of str
        Peers' beat scores to add (`beats.CONVENTIONS`).

    Raises
    ------
    TemposeError
        The dance is too short (four frames) or shows nobody, or its beats or seams are invalid.
    """
    return {
        **beats.evaluate(dance, conventions),
        **motion.evaluate(dance),
        **tempo.evaluate(dance),
        **kinetics.evaluate(dance),
        **variety.evaluate(dance),
    }


__all__ = ["beats", "evaluate", "kinetics", "motion", "tempo", "variety"]

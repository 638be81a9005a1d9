"""The style that suits a song, by its sound: a linear classifier on how its features are spread.

It was trained on rendered songs whose genre is known (`scripts/train_suiting.py`); which styles suit a genre stands
in `tempose.datasets.genres`. Styles that the dancer does not dance on the beat are never chosen, only asked for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from tempose.music.features import describe_song
from tempose.weights_check import check_file

WEIGHTS = Path(__file__).with_name("suiting.safetensors")


def style_chances(listened: np.ndarray, styles: tuple[str, ...]) -> np.ndarray:
    """(S,) how well each of the model's styles suits a song, adding up to 1.

    Parameters
    ----------
    listened : (F, 35)
        See `tempose.music.features.song_features`.
    styles : tuple of str
    """
    weights = _load()
    logits = weights["weight"] @ describe_song(listened) + weights["bias"]  # (S,)
    logits = np.where(weights["offered"] > 0, logits, -np.inf)
    if len(logits) != len(styles):
        raise ValueError("The classifier was trained for other styles.")
    chances = np.exp(logits - logits.max())
    return chances / chances.sum()


@cache
def _load() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    check_file(WEIGHTS)
    return load_file(WEIGHTS)

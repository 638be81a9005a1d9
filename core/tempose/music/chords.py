"""Where the harmony changes: bars rather begin there."""

from __future__ import annotations

import numpy as np

from tempose.music.spectra import BEAT_RATE

LOWEST, OCTAVES, PER_OCTAVE = 28, 3, 24  # of the bands of `beat_crnn.log_spectra`: from about 485 Hz on
AROUND = 2.0  # beats before and behind, whose notes are compared
FEW = 1e-3


def pitch_classes(spectra: np.ndarray) -> np.ndarray:
    """(F, 136) `beat_crnn.log_spectra` → (F, 12) float32: how much of each pitch class sounds."""
    bands = spectra[:, LOWEST : LOWEST + OCTAVES * PER_OCTAVE].reshape(
        len(spectra), OCTAVES, 12, PER_OCTAVE // 12
    )
    return bands.sum((1, 3)).astype(np.float32)


def changes(beats: np.ndarray, pitches: np.ndarray) -> np.ndarray:
    """(B,) how much more than at other beats the notes behind each beat are others than those before it.

    Parameters
    ----------
    beats : (B,) float
        Seconds, two or more.
    pitches : (F, 12) float
        `pitch_classes` at `BEAT_RATE`.

    Returns
    -------
    (B,) float
        One minus the cosine of what sounds in the two beats before and behind, less its mean, over its deviation.
    """
    step = np.diff(beats, append=2 * beats[-1] - beats[-2])
    sums = np.concatenate([np.zeros((1, 12)), np.cumsum(pitches, axis=0, dtype=float)])  # (F + 1, 12)

    def sounding(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        first, last = (np.clip((t * BEAT_RATE).astype(int), 0, len(pitches)) for t in (begin, end))
        heard = sums[np.maximum(first, last)] - sums[first]
        return heard / np.maximum(np.linalg.norm(heard, axis=1, keepdims=True), FEW)

    before, behind = sounding(beats - AROUND * step, beats), sounding(beats, beats + AROUND * step)
    change = 1 - (before * behind).sum(1)
    return (change - change.mean()) / (change.std() + FEW)
